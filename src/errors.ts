/**
 * Every expected failure, in one table: what HTTP and gRPC status it becomes and who can mend it.
 *
 * A refusal is not a failure: it is a `Decision` (policy/decision.ts) and is returned.
 * Anything thrown that is not a `Fault` is a bug: logged with its stack, answered 500, never shown.
 *
 * @module
 */

export type MendedBy = 'operator' | 'user' | 'client' | 'identity provider' | 'upstream' | 'envoy'

interface FaultRow {
  /** HTTP status that a user agent gets. */
  readonly status: number
  /** gRPC status code (google.rpc.Code) that a gRPC peer gets. */
  readonly grpc: number
  readonly mendedBy: MendedBy
}

const FAULTS = {
  // configuration and start-up
  CONFIG_INVALID: { status: 500, grpc: 9, mendedBy: 'operator' },
  CONFIG_UNREADABLE: { status: 500, grpc: 9, mendedBy: 'operator' },
  CERTIFICATE_UNREADABLE: { status: 500, grpc: 9, mendedBy: 'operator' },
  PORT_IN_USE: { status: 500, grpc: 9, mendedBy: 'operator' },
  PORT_FORBIDDEN: { status: 500, grpc: 9, mendedBy: 'operator' },
  STATE_UNUSABLE: { status: 500, grpc: 9, mendedBy: 'operator' },
  USAGE: { status: 500, grpc: 3, mendedBy: 'operator' },
  // Envoy
  ENVOY_NOT_FOUND: { status: 500, grpc: 9, mendedBy: 'operator' },
  ENVOY_DOWNLOAD_FAILED: { status: 500, grpc: 9, mendedBy: 'operator' },
  ENVOY_CHECKSUM_MISMATCH: { status: 500, grpc: 9, mendedBy: 'operator' },
  ENVOY_EXITED: { status: 503, grpc: 14, mendedBy: 'envoy' },
  XDS_NACK: { status: 500, grpc: 9, mendedBy: 'operator' },
  // checks
  CHECK_MALFORMED: { status: 503, grpc: 3, mendedBy: 'envoy' },
  ROUTE_UNKNOWN: { status: 404, grpc: 5, mendedBy: 'envoy' },
  STORE_UNAVAILABLE: { status: 503, grpc: 14, mendedBy: 'operator' },
  SERVERLESS_TOKEN_UNAVAILABLE: { status: 502, grpc: 14, mendedBy: 'operator' },
  // sign-in
  IDP_UNREACHABLE: { status: 503, grpc: 14, mendedBy: 'identity provider' },
  IDP_REFUSED: { status: 401, grpc: 16, mendedBy: 'identity provider' },
  IDP_ERROR: { status: 400, grpc: 13, mendedBy: 'identity provider' },
  IDP_ANSWER_INVALID: { status: 502, grpc: 13, mendedBy: 'identity provider' },
  IDP_ISSUER_DIFFERS: { status: 500, grpc: 9, mendedBy: 'operator' },
  IDP_NOT_CONFIGURED: { status: 500, grpc: 9, mendedBy: 'operator' },
  OAUTH_STATE_INVALID: { status: 400, grpc: 3, mendedBy: 'user' },
  OAUTH_STATE_EXPIRED: { status: 400, grpc: 3, mendedBy: 'user' },
  OAUTH_STATE_FOREIGN: { status: 400, grpc: 3, mendedBy: 'user' },
  STEP_UP_FAILED: { status: 403, grpc: 7, mendedBy: 'identity provider' },
  CLOCK_SKEW: { status: 502, grpc: 13, mendedBy: 'operator' },
  COOKIES_REQUIRED: { status: 400, grpc: 3, mendedBy: 'user' },
  SIGNED_URL_INVALID: { status: 400, grpc: 3, mendedBy: 'user' },
  SIGNED_URL_EXPIRED: { status: 400, grpc: 3, mendedBy: 'user' },
  REDIRECT_NOT_OURS: { status: 400, grpc: 3, mendedBy: 'client' },
  REQUEST_INVALID: { status: 400, grpc: 3, mendedBy: 'client' },
  NOT_FOUND: { status: 404, grpc: 5, mendedBy: 'client' },
  METHOD_NOT_ALLOWED: { status: 405, grpc: 12, mendedBy: 'client' },
  SESSION_GONE: { status: 401, grpc: 16, mendedBy: 'user' },
  ACCOUNT_SWITCHED_OFF: { status: 403, grpc: 7, mendedBy: 'user' },
  NOT_SIGNED_IN: { status: 401, grpc: 16, mendedBy: 'user' },
  // commands for users
  SERVER_UNREACHABLE: { status: 503, grpc: 14, mendedBy: 'user' },
  SERVER_UNTRUSTED: { status: 502, grpc: 9, mendedBy: 'user' },
  SERVER_ANSWER_INVALID: { status: 502, grpc: 13, mendedBy: 'operator' },
  LOGIN_FAILED: { status: 401, grpc: 16, mendedBy: 'user' },
  CREDENTIALS_UNUSABLE: { status: 500, grpc: 9, mendedBy: 'user' },
} as const satisfies Record<string, FaultRow>

export type FaultCode = keyof typeof FAULTS

export const FAULT_CODES: readonly FaultCode[] = Object.keys(FAULTS).filter(isFaultCode)

function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(FAULTS, text)
}

/** An expected failure. Anything else that is thrown is a bug, and is logged with its stack. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  /** What anybody may read of it, beside the words of its code. */
  readonly publicDetail: string | undefined

  /** @param message for the log and the operator; never put a token or a cookie in it. */
  constructor(code: FaultCode, message: string, options?: ErrorOptions & { readonly publicDetail?: string }) {
    super(message, options)
    this.code = code
    this.publicDetail = options?.publicDetail
  }

  get status(): number {
    return FAULTS[this.code].status
  }

  get grpcStatus(): number {
    return FAULTS[this.code].grpc
  }

  get mendedBy(): MendedBy {
    return FAULTS[this.code].mendedBy
  }
}

/** The `code` of a system error (`ENOENT`, `EADDRINUSE` …), if it is one. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** What went wrong in a few words, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
