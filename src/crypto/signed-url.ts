/**
 * URLs that only Sallyport can have made, good for a few minutes: the hops of the sign-in chain.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Fault } from '../errors.ts'

const ISSUED_PARAMETER = 'pomerium_issued'
const EXPIRY_PARAMETER = 'pomerium_expiry'
export const SIGNATURE_PARAMETER = 'pomerium_signature'

const LEEWAY_SECONDS = 60
const SIGNING_PARAMETERS = [ISSUED_PARAMETER, EXPIRY_PARAMETER, SIGNATURE_PARAMETER]

/**
 * Adds issue time, expiry and MAC, replacing older ones; the query comes out sorted, and a fragment is
 * dropped.
 */
export function signUrl(url: string | URL, key: Uint8Array, nowMs: number, lifetimeMs = 300_000): string {
  const signed = new URL(url)
  signed.hash = ''
  for (const name of SIGNING_PARAMETERS) signed.searchParams.delete(name)
  signed.searchParams.set(ISSUED_PARAMETER, String(Math.floor(nowMs / 1000)))
  signed.searchParams.set(EXPIRY_PARAMETER, String(Math.ceil((nowMs + lifetimeMs) / 1000)))
  signed.searchParams.sort()
  signed.searchParams.set(SIGNATURE_PARAMETER, macOf(signed.href, key))
  return signed.href
}

/**
 * @param url absolute, as the user agent asked for it: the host takes part in the MAC
 * @throws {Fault} SIGNED_URL_INVALID, SIGNED_URL_EXPIRED (with a leeway of one minute)
 */
export function verifySignedUrl(url: string | URL, key: Uint8Array, nowMs: number): void {
  const given = parse(url)
  // A parameter that occurs twice could be judged by one value and used by the other.
  if (SIGNING_PARAMETERS.some((name) => given.searchParams.getAll(name).length !== 1))
    throw new Fault('SIGNED_URL_INVALID', 'the URL carries no signature, or several')
  const signature = given.searchParams.get(SIGNATURE_PARAMETER) ?? ''
  given.searchParams.delete(SIGNATURE_PARAMETER)
  given.searchParams.sort()
  given.hash = ''
  const expected = Buffer.from(macOf(given.href, key))
  const presented = Buffer.from(signature)
  if (presented.length !== expected.length || !timingSafeEqual(presented, expected))
    throw new Fault('SIGNED_URL_INVALID', `the signature of ${given.origin}${given.pathname} does not match`)
  const nowSeconds = nowMs / 1000
  if (secondsOf(given, ISSUED_PARAMETER) > nowSeconds + LEEWAY_SECONDS)
    throw new Fault('SIGNED_URL_INVALID', 'the URL was signed in the future: the clocks of two hosts differ')
  if (secondsOf(given, EXPIRY_PARAMETER) < nowSeconds - LEEWAY_SECONDS)
    throw new Fault('SIGNED_URL_EXPIRED', 'the signed URL is past its expiry')
}

/**
 * When a URL whose signature has been verified was signed: epoch milliseconds.
 *
 * @throws {Fault} SIGNED_URL_INVALID
 */
export function signedAt(url: string | URL): number {
  return secondsOf(parse(url), ISSUED_PARAMETER) * 1000
}

function parse(url: string | URL): URL {
  try {
    return new URL(url)
  } catch {
    throw new Fault('SIGNED_URL_INVALID', 'not an absolute URL')
  }
}

function secondsOf(url: URL, name: string): number {
  const text = url.searchParams.get(name) ?? ''
  if (!/^\d{1,12}$/.test(text)) throw new Fault('SIGNED_URL_INVALID', `${name} is not a number of seconds`)
  return Number(text)
}

function macOf(href: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(href).digest('base64url')
}
