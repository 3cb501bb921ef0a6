/**
 * What a sign-in must bring, as parameters of the authorization request. Pure.
 *
 * @see OpenID Connect Core section 3.1.2.1
 * @module
 */
import type { RequestedAuthentication } from '../provider.ts'

/** @param usual what the provider is asked with each time; these come over it */
export function demandParameters(
  { maxAge, acrValues = [], isForced = false }: RequestedAuthentication,
  usual: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    ...(maxAge !== undefined && { max_age: String(Math.floor(maxAge / 1000)) }),
    ...(acrValues.length > 0 && { acr_values: acrValues.join(' ') }),
    ...(isForced && { prompt: withLogin(usual['prompt']) }),
  }
}

/**
 * Beside the usual ones: without `consent` some providers give no refresh token. `none` stands alone by its
 * nature.
 */
function withLogin(usual = ''): string {
  return [...new Set(['login', ...usual.split(' ').filter((prompt) => !/^(?:none)?$/.test(prompt))])].join(
    ' ',
  )
}
