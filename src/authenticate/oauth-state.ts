/**
 * The `oauthState`: everything that a sign-in must remember, sealed and carried by the user agent itself.
 *
 * Nothing is stored. The `code_verifier` and the ID token's nonce come out of the server's key, the browser's
 * login cookie and the state's own id, so neither another browser nor a thief of the state can finish the
 * sign-in.
 *
 * @module
 */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Sealer } from '../crypto/seal.ts'
import { FLOW_SECONDS } from '../edge/flow.ts'
import type { SignInSecrets } from '../identity/provider.ts'

const OauthState = z.strictObject({
  /** Where the user agent goes in the end; checked again when the state comes back. */
  target: z.string(),
  idpId: z.string(),
  additionalHosts: z.array(z.string()).readonly(),
  /** Hash of the flow cookie on the target's host. */
  flow: z.string().optional(),
  /** What the route asks of the sign-in. */
  demand: z
    .strictObject({ maxAge: z.number().optional(), acrValues: z.array(z.string()).readonly() })
    .default({ acrValues: [] }),
  /** The provider was told to let nobody in by an older sign-in. */
  isForced: z.boolean().default(false),
  /** The provider was told to let somebody else sign in. */
  isSwitch: z.boolean().default(false),
  /** Id of the session that was there, and not good enough. */
  renews: z.string().optional(),
  /** It takes the place of one that was too old: the next is not made by itself. */
  isRenewal: z.boolean().default(false),
  issuedAt: z.number(),
  jti: z.string(),
  /** Hash of the login cookie. */
  browser: z.string(),
})
export type OauthState = z.output<typeof OauthState>

/**
 * From the redirect to the identity provider until its answer: as long as the app's host knows the browser.
 */
export const STATE_LIFETIME_MS = FLOW_SECONDS * 1000
/** A little longer than the state lives, by the clock of another replica too. */
export const STATE_CLAIM_MS = STATE_LIFETIME_MS + 120_000

const PLACE = 'oauth-state'

export function sealState(state: OauthState, sealer: Sealer): string {
  return sealer.seal(JSON.stringify(state), PLACE)
}

/** `undefined` when it was not sealed here, or by a version that wrote it otherwise. */
export function openState(sealed: string, sealer: Sealer): OauthState | undefined {
  const plain = sealer.open(sealed, PLACE)
  return plain === undefined ? undefined : OauthState.safeParse(JSON.parse(plain)).data
}

/** Base64url of SHA-256: what is carried in place of a cookie's value. */
export function fingerprint(cookie: string): string {
  return createHash('sha256').update(cookie).digest('base64url')
}

/** 128 random bits, in the alphabet of cookies and references. */
export function randomId(): string {
  return randomBytes(16).toString('base64url')
}

/** The secrets of one sign-in; the same for the same browser and state. */
export function signInSecrets(
  oauthState: string,
  { jti }: Pick<OauthState, 'jti'>,
  loginCookie: string,
  key: Uint8Array,
): SignInSecrets {
  const derive = (purpose: string) =>
    createHmac('sha256', key).update(`${purpose}\0${loginCookie}\0${jti}`).digest('base64url')
  return { oauthState, codeVerifier: derive('code-verifier'), idTokenNonce: derive('id-token-nonce') }
}
