/**
 * Authenticated encryption of small texts: AES-256-GCM, with the place a text belongs to as associated data.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'

export interface Sealer {
  /** @param aad names the place the text belongs to, so that it can't be moved to another */
  seal(plain: string, aad: string): string
  /**
   * The same, but shorter, for what travels in a URL. Its length tells of its content: nothing in it may be
   * of others' choosing.
   */
  sealPacked(plain: string, aad: string): string
  /** `undefined` when it was altered, sealed for another place, or sealed with a key we don't have. */
  open(sealed: string, aad: string): string | undefined
}

const VERSION = 's1.'
const PACKED = 's2.'
/** Far more than a URL holds. */
const LONGEST_PACKED = 256 * 1024
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * @param keys 32 bytes each; the first seals, the others only open what was sealed before a rotation.
 *   Random 96-bit nonces: rotate a key before some four thousand million seals (NIST SP 800-38D 8.3).
 */
export function createSealer(keys: Uint8Array | readonly [Uint8Array, ...Uint8Array[]]): Sealer {
  const [current, ...older] = keys instanceof Uint8Array ? [keys] : keys
  function sealBytes(plain: Uint8Array, aad: string): string {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', current, iv).setAAD(Buffer.from(aad))
    return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString(
      'base64url',
    )
  }
  return {
    seal: (plain, aad) => VERSION + sealBytes(Buffer.from(plain), aad),
    sealPacked: (plain, aad) => PACKED + sealBytes(deflateRawSync(plain), PACKED + aad),
    open(sealed, aad) {
      const isPacked = sealed.startsWith(PACKED)
      if (!isPacked && !sealed.startsWith(VERSION)) return undefined
      const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64url')
      if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
      for (const key of [current, ...older]) {
        const plain = openWith(key, bytes, isPacked ? PACKED + aad : aad)
        if (plain === undefined) continue
        return (isPacked ? inflateRawSync(plain, { maxOutputLength: LONGEST_PACKED }) : plain).toString(
          'utf8',
        )
      }
      return undefined
    },
  }
}

function openWith(key: Uint8Array, bytes: Buffer, aad: string): Buffer | undefined {
  const tagAt = bytes.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(Buffer.from(aad)).setAuthTag(bytes.subarray(tagAt))
  const plain = decipher.update(bytes.subarray(IV_BYTES, tagAt))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch {
    return undefined
  }
}
