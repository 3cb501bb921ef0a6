/**
 * The keys that sign assertions for upstreams, and the JWKS by which anybody verifies them.
 *
 * Signs with node:crypto, whose synchronous ECDSA costs a quarter of WebCrypto's.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { createECDH, createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { Fault } from '../errors.ts'
import { deriveKey } from './keyring.ts'

type SigningAlgorithm = 'ES256' | 'RS256'

/** The required members of a public key, in the lexical order that its thumbprint is made of. */
type KeyParameters =
  | { readonly crv: string; readonly kty: 'EC'; readonly x: string; readonly y: string }
  | { readonly e: string; readonly kty: 'RSA'; readonly n: string }

type PublicJwk = KeyParameters & {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly use: 'sig'
}

export interface SigningKeys {
  readonly alg: SigningAlgorithm
  readonly kid: string
  readonly jwks: { readonly keys: readonly PublicJwk[] }
  /** A compact JWS over the claims, with the first key. @see RFC 7515 section 7.1 */
  sign(claims: object): string
}

export interface SigningKeyOptions {
  /** `signing_key`: one PEM key or several, as they are or in base64. The first signs, all are published. */
  readonly pem?: string | undefined
  /** Seed of the key that is used when there is no `pem`. */
  readonly derivedFrom: Uint8Array
}

/** @throws {Fault} CONFIG_INVALID for a key that can't be read or is of another kind than EC P-256 or RSA */
export function openSigningKeys({ pem, derivedFrom }: SigningKeyOptions): SigningKeys {
  const keys = pem === undefined ? [deriveEs256Key(derivedFrom)] : readPem(pem)
  const [first] = keys
  if (first?.type !== 'private') throw invalid('its first key must be a private key')
  const published = new Map(keys.map((key) => toPublicJwk(key)).map((jwk) => [jwk.kid, jwk]))
  const { alg, kid } = toPublicJwk(first)
  const header = Buffer.from(JSON.stringify({ alg, kid, typ: 'JWT' })).toString('base64url')
  const signer = alg === 'ES256' ? { key: first, dsaEncoding: 'ieee-p1363' as const } : { key: first }
  return {
    alg,
    kid,
    jwks: { keys: [...published.values()] },
    sign(claims) {
      const content = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
      return `${content}.${sign('sha256', Buffer.from(content), signer).toString('base64url')}`
    },
  }
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g

function readPem(text: string): readonly KeyObject[] {
  const pem = text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('latin1')
  const blocks = [...pem.matchAll(PEM_BLOCK)].filter(([, label = '']) => label.endsWith('KEY'))
  if (blocks.length === 0) throw invalid('it holds no key in PEM form, nor base64 of one')
  return blocks.map(([block, label = '']) => {
    if (label.startsWith('ENCRYPTED') || block.includes('ENCRYPTED'))
      throw invalid('encrypted keys are not supported')
    try {
      return label.includes('PUBLIC') ? createPublicKey(block) : createPrivateKey(block)
    } catch (cause) {
      throw invalid('one of its keys is damaged', { cause })
    }
  })
}

const MIN_RSA_BITS = 2048

function algorithmOf(key: KeyObject): SigningAlgorithm {
  const details = key.asymmetricKeyDetails
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256'
  if (key.asymmetricKeyType === 'rsa') {
    if ((details?.modulusLength ?? 0) >= MIN_RSA_BITS) return 'RS256'
    throw invalid(`RSA keys must have at least ${MIN_RSA_BITS} bits`)
  }
  const kind = [key.asymmetricKeyType, details?.namedCurve].filter(Boolean).join(' ')
  throw invalid(`use an EC P-256 (ES256) or RSA (RS256) key, not ${kind}`)
}

function toPublicJwk(key: KeyObject): PublicJwk {
  const alg = algorithmOf(key)
  const parameters = parametersOf(key, alg)
  // RFC 7638: hash of the required members alone, in lexical order, without spaces.
  const kid = createHash('sha256').update(JSON.stringify(parameters)).digest('base64url')
  return { ...parameters, kid, alg, use: 'sig' }
}

function parametersOf(key: KeyObject, alg: SigningAlgorithm): KeyParameters {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const { crv = '', x = '', y = '', e = '', n = '' } = publicKey.export({ format: 'jwk' })
  return alg === 'ES256' ? { crv, kty: 'EC', x, y } : { e, kty: 'RSA', n }
}

/** Order of the group of P-256. @see FIPS 186-4 D.1.2.3 */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The same key for the same seed for ever: upstreams that pinned the JWKS survive a restart. */
function deriveEs256Key(seed: Uint8Array): KeyObject {
  // Rejection sampling: a scalar reduced modulo the order would not be uniform. A second turn is a 2^-32
  // event.
  for (let attempt = 0; ; attempt += 1) {
    const scalar = deriveKey(seed, `es256/${attempt}`)
    const value = BigInt(`0x${scalar.toString('hex')}`)
    if (value > 0n && value < P256_ORDER) return es256KeyOf(scalar)
  }
}

function es256KeyOf(scalar: Buffer): KeyObject {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(scalar)
  const point = ecdh.getPublicKey()
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    d: scalar.toString('base64url'),
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  }
  return createPrivateKey({ key: jwk, format: 'jwk' })
}

function invalid(why: string, options?: ErrorOptions): Fault {
  return new Fault('CONFIG_INVALID', `signing_key can't be used: ${why}`, options)
}
