/**
 * What a route asks of a sign-in, as it travels in the signed address of the sign-in page.
 *
 * @module
 */

export interface AuthenticationRequirement {
  /** Milliseconds since the person last showed the identity provider who they are; `undefined`: any. */
  readonly maxAge?: number | undefined
  /** Ways of doing so (`acr`), of which it must be one; empty: any. */
  readonly acrValues: readonly string[]
}

export const NO_DEMAND: AuthenticationRequirement = { maxAge: undefined, acrValues: [] }

/** Whole seconds. */
const MAX_AGE_PARAMETER = 'pomerium_max_age'
/** Separated by blanks, as in `acr_values` of OpenID Connect. */
const ACR_VALUES_PARAMETER = 'pomerium_acr_values'

export function writeDemand({ maxAge, acrValues }: AuthenticationRequirement, query: URLSearchParams): void {
  if (maxAge !== undefined) query.set(MAX_AGE_PARAMETER, String(Math.floor(maxAge / 1000)))
  if (acrValues.length > 0) query.set(ACR_VALUES_PARAMETER, acrValues.join(' '))
}

/** Of an address whose signature was verified. */
export function readDemand(query: URLSearchParams): AuthenticationRequirement {
  const seconds = query.get(MAX_AGE_PARAMETER)
  return {
    // What is no number can only be a mistake of ours; nothing is recent enough then.
    maxAge: seconds === null ? undefined : /^\d{1,12}$/.test(seconds) ? Number(seconds) * 1000 : 0,
    acrValues: query.get(ACR_VALUES_PARAMETER)?.split(' ').filter(Boolean) ?? [],
  }
}
