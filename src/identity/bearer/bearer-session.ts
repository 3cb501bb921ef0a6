/**
 * What a verified token makes of its bearer, in the form of a session: it is never stored, and has nothing to refresh.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { type Identity, NO_TOKENS, type Presented } from '../provider.ts'
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

/** A person, in whose name a program acts with a token of the identity provider: the same as if they had signed in. */
export function personSession(
  { identity, expiresAt = Number.POSITIVE_INFINITY }: Presented,
  tokenHash: string,
  options: {
    readonly idpId: string
    readonly lifetimeMs: number
    /** When the same token was seen first. */
    readonly begunAt: number
    /** Higher than the last time: what is known of the person may have changed. */
    readonly version: number
  },
): BearerSession {
  const { idpId, lifetimeMs, begunAt, version } = options
  return {
    ...identity,
    kind: 'user',
    id: stableId(idpId, tokenHash),
    idpId,
    issuedAt: begunAt,
    expiresAt: Math.min(expiresAt, begunAt + lifetimeMs),
    version,
  }
}

export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** 128 bits of who verified it and of the token's hash: nobody gets from it to the token, or to another's id. */
function stableId(verifier: string, tokenHash: string): string {
  return createHash('sha256').update(`${verifier}\0${tokenHash}`).digest('base64url').slice(0, 22)
}
