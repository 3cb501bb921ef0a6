/**
 * What a verified token makes of its bearer, in the form of a session: it is never stored, and has nothing to
 * refresh.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { LONG_AGO } from '../../../identity/openid/sign-in-facts.ts'
import { type Identity, NO_TOKENS, type Presented } from '../../../identity/provider.ts'
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
 * A workload is named by its issuer's entry and its subject. What the token calls e-mail address or groups
 * are claims like others: they must not open what is meant for the people of that address or group.
 */
export function workloadSession(
  { issuerName, subject, claims, issuedAt, expiresAt }: WorkloadToken,
  tokenHash: string,
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
    issuedAt,
    expiresAt,
    tokens: NO_TOKENS,
    version: 1,
  }
}

/**
 * A person, in whose name a program acts with a token of the identity provider: as if they had signed in when
 * it was issued. A token that does not say when is an old one; it ends when the provider has not confirmed it
 * for long.
 */
export function personSession(
  { identity, issuedAt, authenticatedAt, expiresAt = Number.POSITIVE_INFINITY }: Presented,
  tokenHash: string,
  options: {
    readonly idpId: string
    readonly lifetimeMs: number
    /** When the provider, or its signature, said that the token is good. */
    readonly confirmedAt: number
    /** Higher than the last time: what is known of the person may have changed. */
    readonly version: number
  },
): BearerSession {
  const { idpId, lifetimeMs, confirmedAt, version } = options
  return {
    ...identity,
    kind: 'user',
    id: stableId(idpId, tokenHash),
    idpId,
    issuedAt,
    authenticatedAt,
    expiresAt: Math.min(expiresAt, (issuedAt === LONG_AGO ? confirmedAt : issuedAt) + lifetimeMs),
    version,
  }
}

export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/**
 * 128 bits of who verified it and of the token's hash: nobody gets from it to the token, or to another's id.
 */
function stableId(verifier: string, tokenHash: string): string {
  return createHash('sha256').update(`${verifier}\0${tokenHash}`).digest('base64url').slice(0, 22)
}
