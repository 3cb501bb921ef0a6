/**
 * Whether the sign-in behind a session is recent and strong enough. Pure.
 *
 * @module
 */
import type { SignInDemand } from '../edge/sign-in-demand.ts'
import type { Session } from '../session/session.ts'

type SignedIn = Pick<Session, 'authenticatedAt' | 'issuedAt' | 'acr'>

/** When the person showed who they are; where the provider does not say, when they came back from it. */
export function authenticatedAtOf({ authenticatedAt, issuedAt }: SignedIn): number {
  return Math.min(authenticatedAt ?? issuedAt, issuedAt)
}

/** The same judgement wherever it is asked for: two that differ would send people round and round. */
export function meetsDemand(session: SignedIn, { maxAge, acrValues }: SignInDemand, now: number): boolean {
  return isRecent(session, maxAge, now) && hasAcr(session, acrValues)
}

function isRecent(session: SignedIn, maxAge: number | undefined, now: number): boolean {
  return maxAge === undefined || now - authenticatedAtOf(session) < maxAge
}

function hasAcr({ acr }: SignedIn, acrValues: readonly string[]): boolean {
  return acrValues.length === 0 || (acr !== undefined && acrValues.includes(acr))
}
