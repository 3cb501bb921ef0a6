/**
 * Whether the sign-in behind a session is recent and strong enough. Pure.
 *
 * @module
 */
import type { AuthenticationRequirement } from '../edge/authentication-requirement.ts'
import type { Session } from '../session/session.ts'

type SignedIn = Pick<Session, 'authenticatedAt' | 'issuedAt' | 'acr'>

/** The same judgement wherever it is asked for: two that differ would send people round and round. */
export function meetsDemand(
  session: SignedIn,
  { maxAge, acrValues }: AuthenticationRequirement,
  now: number,
): boolean {
  return isRecent(session, maxAge, now) && hasAcr(session, acrValues)
}

/**
 * Nobody knows how old a sign-in is of which the provider did not say when it was: a session there may be
 * days old.
 */
function isRecent({ authenticatedAt, issuedAt }: SignedIn, maxAge: number | undefined, now: number): boolean {
  if (maxAge === undefined) return true
  return authenticatedAt !== undefined && now - Math.min(authenticatedAt, issuedAt) < maxAge
}

function hasAcr({ acr }: SignedIn, acrValues: readonly string[]): boolean {
  return acrValues.length === 0 || (acr !== undefined && acrValues.includes(acr))
}
