/**
 * When and how somebody has shown the provider who they are, as its ID token tells. Pure.
 *
 * @module
 */
import type { RawClaims } from './claims.ts'

export interface SignInFacts {
  /** Epoch milliseconds by our clock; absent when the provider does not say (`auth_time`). */
  readonly authenticatedAt?: number
  /** `acr`, in the provider's words. */
  readonly acr?: string
}

/**
 * Read at sign-in only. A refreshed ID token repeats what the first one said (OpenID Connect Core section 12.2); where
 * it says something newer, that is nothing that we have asked for.
 *
 * @param claims of an ID token that was issued just now
 */
export function signInFactsOf({ iat, auth_time: authTime, acr }: RawClaims, now: number): SignInFacts {
  return {
    // The age by the provider's own clock: ours may differ by a minute, and a route may ask for less.
    ...(isSeconds(authTime) &&
      isSeconds(iat) && { authenticatedAt: now - Math.max(0, Math.round((iat - authTime) * 1000)) }),
    ...(typeof acr === 'string' && acr !== '' && { acr }),
  }
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
