/**
 * The signature of ID tokens, by the provider's JWKS.
 *
 * openid-client checks the claims; it leaves the signature out for tokens that come straight from the
 * provider. We check it all the same: a TLS-inspecting proxy must not be able to sign people in.
 *
 * @module
 */
import { compactVerify, type JWTVerifyGetKey } from 'jose'
import { type HttpClient, HttpFailure } from '../../outbound/http-client.ts'
import { createKeySet } from './key-set.ts'

/** Only asymmetric ones: our client secret, or a public key taken for a secret, signs nothing. */
export const ID_TOKEN_ALGORITHMS =
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')

export function openJwks(jwksUri: URL, http: HttpClient): JWTVerifyGetKey {
  return createKeySet({ load: () => fetchKeySet(jwksUri, http) })
}

/**
 * @throws {HttpFailure} for whatever holds no keys: that is the provider's fault, and no token is bad for it
 */
async function fetchKeySet({ href }: URL, http: HttpClient): Promise<unknown> {
  const headers = { accept: 'application/json, application/jwk-set+json' }
  const answer = await http.fetch(href, { headers })
  if (answer.status !== 200) throw new HttpFailure(`its keys, GET ${href}: it answered ${answer.status}`)
  try {
    return await answer.json()
  } catch (cause) {
    throw new HttpFailure(`its keys, GET ${href}: it answered no JSON`, { cause })
  }
}

/**
 * Keys that a token brings along or points to (`jwk`, `jku`, `x5u`) are not looked at. @throws jose's errors
 */
export async function verifyIdTokenSignature(idToken: string, jwks: JWTVerifyGetKey): Promise<void> {
  await compactVerify(idToken, jwks, { algorithms: ID_TOKEN_ALGORITHMS })
}
