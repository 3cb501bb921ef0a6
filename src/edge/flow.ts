/**
 * Ties a sign-in to the browser that began it: a cookie on the application's host, and its hash in the chain
 * of URLs.
 *
 * Without it an attacker could let a victim's browser finish the attacker's sign-in (login CSRF).
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** `__Host-`: no other host of the domain can set it. */
export const FLOW_COOKIE = '__Host-sallyport_flow'

/** How long a sign-in may take: it may wait for a second factor and a lunch. */
export const FLOW_SECONDS = 3600

export function newFlowCookieValue(): string {
  return randomBytes(16).toString('base64url')
}

/** Whether a request's cookie is one of ours and may be used again for a further sign-in. */
export function isFlowCookieValue(value: string | undefined): value is string {
  return value !== undefined && /^[A-Za-z0-9_-]{22}$/.test(value)
}

/** What travels in `pomerium_flow`: it tells nothing of the cookie. */
export function flowHash(cookieValue: string): string {
  return createHash('sha256').update(cookieValue).digest('base64url')
}

/** Whether this browser began the sign-in that the hash travelled with. */
export function flowMatches(cookieValue: string | undefined, hash: string): boolean {
  if (!isFlowCookieValue(cookieValue)) return false
  const expected = Buffer.from(flowHash(cookieValue))
  const presented = Buffer.from(hash)
  return presented.length === expected.length && timingSafeEqual(presented, expected)
}
