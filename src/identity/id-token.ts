/**
 * The signature of ID tokens, by the provider's JWKS.
 *
 * openid-client checks the claims; it leaves the signature out for tokens that come straight from the provider.
 * We check it all the same: a TLS-inspecting proxy must not be able to sign people in.
 *
 * @module
 */
import {
  compactVerify,
  createRemoteJWKSet,
  customFetch,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from 'jose'

/** Only asymmetric ones: our client secret, or a public key taken for a secret, signs nothing. */
const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')

/** A token may name a key that we have not seen; it must not make us fetch more often than this. */
const REFETCH_INTERVAL_MS = 60_000
const KEEP_MS = 600_000

export function openJwks(jwksUri: URL, fetch: FetchImplementation): JWTVerifyGetKey {
  return createRemoteJWKSet(jwksUri, {
    [customFetch]: fetch,
    cooldownDuration: REFETCH_INTERVAL_MS,
    cacheMaxAge: KEEP_MS,
    timeoutDuration: 10_000,
  })
}

/** Keys that a token brings along or points to (`jwk`, `jku`, `x5u`) are not looked at. @throws jose's errors */
export async function verifyIdTokenSignature(idToken: string, jwks: JWTVerifyGetKey): Promise<void> {
  await compactVerify(idToken, jwks, { algorithms: ALGORITHMS })
}
