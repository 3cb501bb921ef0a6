/**
 * One shared secret, and the independent keys made of it: a key that leaks or is misused tells nothing of its
 * siblings.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { hkdfSync } from 'node:crypto'
import { Fault } from '../errors.ts'

/** 32 bytes each. */
export interface Keyring {
  /** MAC of session cookies. */
  readonly cookie: Buffer
  /** MAC of signed URLs. */
  readonly url: Buffer
  /** Seals what travels with the browser during sign-in: OAuth state, PKCE verifier. */
  readonly state: Buffer
  /** Seals tokens in the session store. */
  readonly atRest: Buffer
  /** Seed of the assertion signing key, when the operator gives none. */
  readonly signing: Buffer
  /** MAC of service account tokens. */
  readonly serviceAccount: Buffer
  /** MAC of the tokens of programs whose users sign in by a browser. */
  readonly program: Buffer
}

const SECRET_BYTES = 32

/**
 * @param cookieSecret `cookie_secret`, if the operator set one: the sign-in state then hangs on it alone
 * @see RFC 5869
 */
export function deriveKeyring(sharedSecret: Uint8Array, cookieSecret: Uint8Array = sharedSecret): Keyring {
  return {
    cookie: deriveKey(sharedSecret, 'cookie'),
    url: deriveKey(sharedSecret, 'url'),
    state: deriveKey(cookieSecret, 'state'),
    atRest: deriveKey(sharedSecret, 'at-rest'),
    signing: deriveKey(sharedSecret, 'signing'),
    serviceAccount: deriveKey(sharedSecret, 'service-account'),
    program: deriveKey(sharedSecret, 'program'),
  }
}

/** HKDF-SHA256 with a label of its own per purpose. */
export function deriveKey(secret: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `sallyport/v1/${purpose}`, 32))
}

/**
 * `shared_secret` and `cookie_secret` as they are written: base64 or base64url of 32 bytes.
 *
 * @throws {Fault} CONFIG_INVALID
 */
export function decodeSecret(text: string, name = 'shared_secret'): Buffer {
  const trimmed = text.trim()
  const bytes = Buffer.from(trimmed, 'base64')
  // Buffer skips what is not base64, so a mistyped secret must be caught by writing it out again.
  const same =
    bytes.toString('base64url') === trimmed.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')
  if (!same || bytes.length !== SECRET_BYTES)
    throw new Fault(
      'CONFIG_INVALID',
      `${name} must be base64 of 32 bytes: make one with "openssl rand -base64 32"`,
    )
  return bytes
}
