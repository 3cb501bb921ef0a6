/**
 * When and how somebody has shown the provider who they are, as its tokens tell. Pure.
 *
 * The one place that says what a time in a token is worth. A time that is no number, lies in the future or is
 * not there is unknown, and what is of unknown age is too old wherever an age is asked for. It never begins
 * when this process first saw the token: that would be another time after each restart.
 *
 * @module
 */
import type { RawClaims } from '../../flat-claims.ts'

export interface SignInFacts {
  /** Epoch milliseconds by our clock; absent when the provider does not say (`auth_time`). */
  readonly authenticatedAt?: number
  /** `acr`, in the provider's words. */
  readonly acr?: string
}

/** Times of a token that a client has brought. Epoch milliseconds. */
export interface TokenTimes {
  readonly issuedAt: number
  /** When the person showed who they are. */
  readonly authenticatedAt: number
}

/** A time that nobody tells, or not believably: longer ago than any limit. */
export const LONG_AGO = 0

/** How far the clock of an issuer may be ahead of ours. */
const SKEW_MS = 60_000

/**
 * Read at sign-in only. A refreshed ID token repeats what the first one said (OpenID Connect Core section
 * 12.2); where it says something newer, that is nothing that we have asked for.
 *
 * @param claims of an ID token that was issued just now
 */
export function signInFactsOf({ iat, auth_time: authTime, acr }: RawClaims, now: number): SignInFacts {
  return {
    ...(isGiven(authTime) && { authenticatedAt: justAuthenticatedAt(iat, authTime, now) }),
    ...acrOf(acr),
  }
}

/** The age by the provider's own clock: ours may differ by a minute, and a route may ask for less. */
function justAuthenticatedAt(iat: unknown, authTime: unknown, now: number): number {
  if (!isSeconds(iat) || !isSeconds(authTime)) return LONG_AGO
  const age = Math.round((iat - authTime) * 1000)
  return age < -SKEW_MS ? LONG_AGO : Math.max(LONG_AGO, now - Math.max(0, age))
}

/**
 * @param claims of an ID token that was issued at any time: its sign-in is as old as the token, unless it
 * says more
 */
export function idTokenFacts(claims: RawClaims, now: number): SignInFacts & TokenTimes {
  const issuedAt = timeOf(claims['iat'], now)
  const authTime = claims['auth_time']
  const authenticatedAt = isGiven(authTime) ? timeOf(authTime, now) : issuedAt
  return { issuedAt, authenticatedAt: Math.min(issuedAt, authenticatedAt), ...acrOf(claims['acr']) }
}

/**
 * An access token may be issued long after a sign-in, or without one.
 *
 * @param claims that its signature vouches for; none of a token that is opaque
 * @see RFC 9068 section 2.2.1
 */
export function accessTokenFacts(claims: RawClaims, now: number): SignInFacts & TokenTimes {
  const issuedAt = timeOf(claims['iat'], now)
  const authenticatedAt = Math.min(issuedAt, timeOf(claims['auth_time'], now))
  return { issuedAt, authenticatedAt, ...acrOf(claims['acr']) }
}

/** @param seconds of a claim, whatever it holds */
export function timeOf(seconds: unknown, now: number): number {
  if (!isSeconds(seconds)) return LONG_AGO
  const time = Math.floor(seconds * 1000)
  // A time in milliseconds is one in the far future.
  return time > now + SKEW_MS ? LONG_AGO : Math.max(LONG_AGO, Math.min(time, now))
}

function acrOf(acr: unknown): { readonly acr?: string } {
  return typeof acr === 'string' && acr !== '' ? { acr } : {}
}

const isGiven = (claim: unknown) => claim !== undefined && claim !== null

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
