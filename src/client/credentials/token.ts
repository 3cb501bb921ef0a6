/**
 * The token of a server, as far as its bearer may read it: nobody but the server can verify it.
 *
 * @module
 */
import { Buffer } from 'node:buffer'

const TOKEN = /^[\w-]{1,4096}\.[\w-]{1,8192}\.[\w-]{1,4096}$/
/** Of a token that does not say until when it may be used. */
const LIFETIME_MS = 3_600_000
/** A later end is none that a date can tell. */
const LONGEST_MS = 100 * 365 * 24 * 3_600_000

/** A JWT, by its form (RFC 7519 section 3). */
export const isToken = (text: string): boolean => TOKEN.test(text)

/** Epoch milliseconds. */
export function expiryOf(token: string, now: number): number {
  const [, payload = ''] = token.split('.')
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    const exp: unknown =
      typeof claims === 'object' && claims !== null ? Reflect.get(claims, 'exp') : undefined
    if (typeof exp === 'number' && exp > 0) return Math.min(exp * 1000, now + LONGEST_MS)
  } catch {
    // A token of another form than ours: the server says when it has ended.
  }
  return now + LIFETIME_MS
}
