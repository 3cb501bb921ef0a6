/**
 * The signature of ID tokens, by the provider's JWKS.
 *
 * openid-client checks the claims; it leaves the signature out for tokens that come straight from the provider.
 * We check it all the same: a TLS-inspecting proxy must not be able to sign people in.
 *
 * @module
 */
import { compactVerify, errors, type FetchImplementation, type JWTVerifyGetKey } from 'jose'
import { createKeySet } from './key-set.ts'

/** Only asymmetric ones: our client secret, or a public key taken for a secret, signs nothing. */
export const ID_TOKEN_ALGORITHMS =
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')

export function openJwks(jwksUri: URL, fetch: FetchImplementation): JWTVerifyGetKey {
  return createKeySet({ load: () => fetchKeySet(jwksUri, fetch) })
}

/** @throws jose's errors for an answer that holds no keys */
async function fetchKeySet(jwksUri: URL, fetch: FetchImplementation) {
  const headers = new Headers({ accept: 'application/json, application/jwk-set+json' })
  const answer = await fetch(jwksUri.href, {
    headers,
    method: 'GET',
    redirect: 'manual',
    signal: AbortSignal.timeout(10_000),
  })
  if (answer.status !== 200) throw new errors.JOSEError(`its keys: it answered ${answer.status}`)
  try {
    return await answer.json()
  } catch (cause) {
    throw new errors.JOSEError('its keys are no JSON', { cause })
  }
}

/** Keys that a token brings along or points to (`jwk`, `jku`, `x5u`) are not looked at. @throws jose's errors */
export async function verifyIdTokenSignature(idToken: string, jwks: JWTVerifyGetKey): Promise<void> {
  await compactVerify(idToken, jwks, { algorithms: ID_TOKEN_ALGORITHMS })
}
