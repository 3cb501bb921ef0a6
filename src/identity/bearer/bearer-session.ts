/**
 * What a verified token makes of its bearer, in the form of a session: it is never stored, and has nothing to refresh.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Identity } from '../provider.ts'
import type { WorkloadToken } from './machine-tokens.ts'

/** Times are epoch milliseconds. */
export interface BearerSession extends Identity {
  readonly kind: 'user' | 'workload'
  /** The same for the same token, so that log lines of one job can be told to belong together. */
  readonly id: string
  readonly idpId: string
  readonly issuedAt: number
  readonly expiresAt: number
  readonly version: number
}

const NO_TOKENS = {
  accessToken: undefined,
  accessTokenExpiresAt: undefined,
  refreshToken: undefined,
  idToken: undefined,
  idTokenExpiresAt: undefined,
} as const

/**
 * A workload is named by its issuer's entry and its subject. What the token calls e-mail address or groups are claims
 * like others: they must not open what is meant for the people of that address or group.
 */
export function workloadSession(
  { issuerName, subject, claims, expiresAt }: WorkloadToken,
  tokenHash: string,
  { now, lifetimeMs }: { readonly now: number; readonly lifetimeMs: number },
): BearerSession {
  return {
    kind: 'workload',
    id: stableId(issuerName, tokenHash),
    idpId: '',
    userId: `${issuerName}/${subject}`,
    email: undefined,
    name: undefined,
    claims,
    groups: [],
    issuedAt: now,
    expiresAt: Math.min(expiresAt, now + lifetimeMs),
    tokens: NO_TOKENS,
    version: 1,
  }
}

export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** 128 bits of who verified it and of the token's hash: nobody gets from it to the token, or to another's id. */
function stableId(verifier: string, tokenHash: string): string {
  return createHash('sha256').update(`${verifier}\0${tokenHash}`).digest('base64url').slice(0, 22)
}
