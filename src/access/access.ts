/**
 * One use of a route while it is being judged, whatever protocol it came by: who comes, and what the rows
 * have found so far.
 *
 * @module
 */
import { clientAddress } from '../edge/client-address.ts'
import type { DataSources, Decision, RequestFacts, Subject } from '../policy/decision.ts'
import type { Session } from '../session/session.ts'
import type { ClientCertificate } from './credentials/client-certificate/verifier.ts'
import { NotedLookups } from './decision-inputs.ts'
import type { AccessRoute } from './route.ts'

/** What the rows come to. Only `allow` lets pass. */
export type Verdict<Reason extends string = AccessReason> =
  /** `step-up`: the policy allows, but the sign-in is too old or too weak for the route. */
  | { readonly outcome: 'allow' | 'sign-in' | 'step-up' | 'deny'; readonly decision: Decision }
  | Refused<Reason>

/** The request itself is not acceptable, or what it shows of its sender. */
export interface Refused<Reason extends string = AccessReason> {
  readonly outcome: 'refuse'
  readonly reason: Reason
  /** What exactly, in words for the log and for whoever sent it: never a part of a credential. */
  readonly detail?: string
}

/** Why nobody's policy need be asked, or why its answer is not enough. */
export type AccessReason =
  | 'conflicting-credentials'
  | 'account-deactivated'
  | 'no-person-signs-in'
  | CredentialProblem

/** What may be wrong with the credential of a machine, apart from the policy. */
export type CredentialProblem = 'invalid-token' | 'token-not-for-this-route' | 'too-many-invalid-tokens'

/** What criteria and rows read of a request. */
export interface AccessRequest {
  readonly method: string
  /** IP address of the connection's peer; empty when nobody knows. */
  readonly sourceAddress: string
  /** Address of the client, from who knows it otherwise than by headers; empty when that is nobody. */
  readonly clientAddress?: string | undefined
  /** By its lower-case name; repeated ones are joined as HTTP joins them. */
  header(name: string): string | undefined
  /** By lower-case name: for policies that read headers, not for the common path. */
  headers(): Readonly<Record<string, string>>
}

/** Whom the credentials of a request name; not yet looked up. */
export interface Named {
  readonly sessionIds: readonly string[]
  /** Service accounts whose tokens came in headers. */
  readonly serviceAccountIds: readonly string[]
  /** A token that looks like one of ours and is not. */
  readonly hasForgedToken: boolean
}

export interface Access {
  readonly request: AccessRequest
  /** Epoch milliseconds: one instant for the whole check; after a wait it is judged anew at another. */
  now: number
  /** Canonical: lower case, no port. */
  readonly host: string
  /** Without query. */
  readonly path: string
  readonly credentials: { readonly bearer?: string | undefined }
  route: AccessRoute | undefined
  visitor: Named | undefined
  /** What the client has shown in the TLS handshake; undefined where it was not asked. */
  certificate: ClientCertificate | undefined
  /** Whether `authorization` holds a token that is verified here: the upstream does not see it. */
  isBearerTaken: boolean
  /** Live sessions that the request's references name; the rows narrow them down. */
  sessions: readonly Session[]
  /** Whether a directory has deactivated whom the request came with. */
  isDeactivated: boolean
  /**
   * What the route allows of what a session has too much of, lifetime or idle time: such ones don't count.
   * Milliseconds.
   */
  passedLimit: number | undefined
  /** What the policy was asked with, once it was. */
  facts: AccessFacts | undefined
  /** What the policy said. */
  decision: Decision | undefined
}

/** Before the first row. */
export const NOTHING_FOUND = {
  certificate: undefined,
  isBearerTaken: false,
  sessions: [],
  isDeactivated: false,
  passedLimit: undefined,
  facts: undefined,
  decision: undefined,
} satisfies Partial<Access>

/** Of who is known to have one of these sessions, and shows nothing else. */
export function accessBy(
  begun: Pick<Access, 'request' | 'now' | 'host' | 'path' | 'route'> & {
    readonly sessionIds: readonly string[]
  },
): Access {
  const { sessionIds, ...rest } = begun
  const visitor = { sessionIds, serviceAccountIds: [], hasForgedToken: false }
  return { ...NOTHING_FOUND, ...rest, credentials: {}, visitor }
}

/**
 * Whether it is of somebody who has signed in; those that are made of a machine's credential end with that.
 */
export function isSignedIn({ visitor }: Pick<Access, 'visitor'>, { id }: Session): boolean {
  return visitor?.sessionIds.includes(id) === true
}

export const ANONYMOUS: Subject = { kind: 'anonymous' }

/** @param provider the name of the one that the session is of */
export function subjectOf(session: Session | undefined, provider?: string): Subject {
  if (session === undefined) return ANONYMOUS
  const { kind = 'user', id, userId, email, name, claims, groups, knownGroups } = session
  const subject = { kind, sessionId: id, userId, provider, email, name, claims, groups }
  return knownGroups === undefined ? subject : { ...subject, knownGroups }
}

/** Address of the client; empty where it can't be told. */
export function sourceIpOf({ request, route }: Pick<Access, 'request' | 'route'>): string {
  if (request.clientAddress !== undefined) return request.clientAddress
  if (route === undefined) return request.sourceAddress
  const { settings } = route
  // Looking for a header costs as much as all else here, and most have no proxy in front.
  const forwardedFor = settings.xff_num_trusted_hops === 0 ? undefined : request.header('x-forwarded-for')
  return clientAddress({ peer: request.sourceAddress, forwardedFor }, settings)
}

/** The facts that criteria read; headers are gathered only for a criterion that looks at them. */
export class AccessFacts implements RequestFacts {
  readonly method: string
  readonly path: string
  readonly isPathAsWritten: boolean
  readonly host: string
  readonly sourceIp: string
  readonly now: number
  /** Set where the policy may look something up. */
  readonly lookups: NotedLookups | undefined
  readonly clientCertificate: ClientCertificate | undefined
  readonly #request: AccessRequest
  #headers: Readonly<Record<string, string>> | undefined

  constructor(access: Access, data: DataSources | undefined) {
    this.#request = access.request
    this.method = access.request.method
    this.path = access.path
    this.isPathAsWritten = access.route?.route.paths_as_written === true
    this.host = access.host
    this.now = access.now
    const reads = access.route?.policy.reads
    const mayLookUp = reads !== undefined && (reads.has('record') || reads.has('geo'))
    this.lookups = mayLookUp && data !== undefined ? new NotedLookups(data) : undefined
    this.clientCertificate = access.certificate
    this.sourceIp = sourceIpOf(access)
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= this.#request.headers())
  }

  /** Undefined as long as no criterion has asked for them. */
  get headersRead(): Readonly<Record<string, string>> | undefined {
    return this.#headers
  }

  get data(): DataSources | undefined {
    return this.lookups
  }
}
