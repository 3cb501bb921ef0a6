/**
 * What a program shows in the place of a session cookie: it was given to it when its user signed in by a
 * browser.
 *
 * A JWT, since clients read from it when to sign in anew; nobody but us can verify it. It names a session of
 * the store and ends with that. Under a key of its own, so that no cookie passes for one and no token for a
 * cookie, and for the hosts of one cookie only.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'

export interface ProgramTokenContent {
  readonly sessionId: string
  /** The host, or the cookie domain, as in the session's cookie there. */
  readonly audience: string
  /** Origin of the sign-in pages. */
  readonly issuer: string
  /** Epoch milliseconds. */
  readonly issuedAt: number
  readonly expiresAt: number
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Always the very same, so that nothing in it can be chosen (RFC 8725 section 3.1). */
const HEADER = encode({ alg: 'HS256', typ: 'JWT' })
const TOKEN = /^([A-Za-z0-9_-]{1,200})\.([A-Za-z0-9_-]{1,2000})\.([A-Za-z0-9_-]{43})$/

/** @see RFC 7519 section 4.1 */
export function makeProgramToken(content: ProgramTokenContent, key: Uint8Array): string {
  const claims = {
    iss: content.issuer,
    aud: content.audience.toLowerCase(),
    sid: content.sessionId,
    iat: Math.floor(content.issuedAt / 1000),
    exp: Math.floor(content.expiresAt / 1000),
  }
  const signed = `${HEADER}.${encode(claims)}`
  return `${signed}.${macOf(signed, key)}`
}

/** The session id, or `undefined` when the token is not ours, was altered, or is for another audience. */
export function openProgramToken(text: string, audience: string, key: Uint8Array): string | undefined {
  const [, header, payload, mac] = TOKEN.exec(text) ?? []
  if (header !== HEADER || payload === undefined || mac === undefined) return undefined
  // Comparing the text, not decoded bytes, also refuses a second spelling of the same MAC.
  if (!timingSafeEqual(Buffer.from(macOf(`${header}.${payload}`, key)), Buffer.from(mac))) return undefined
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return isForAudience(claims, audience.toLowerCase()) ? claims.sid : undefined
}

function isForAudience(claims: unknown, audience: string): claims is { readonly sid: string } {
  return (
    typeof claims === 'object' &&
    claims !== null &&
    'aud' in claims &&
    claims.aud === audience &&
    'sid' in claims &&
    typeof claims.sid === 'string'
  )
}

function macOf(signed: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(signed).digest('base64url')
}
