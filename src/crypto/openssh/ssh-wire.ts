/**
 * The binary form of SSH keys, signatures and certificates.
 *
 * @see RFC 4251 §5 for the types, RFC 4253 §6.6, RFC 5656 and RFC 8709 for the keys
 * @module
 */
import { createPublicKey, type KeyObject } from 'node:crypto'

/** Reads what stands there and nothing else. @throws {RangeError} past the end */
export class WireReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get position(): number {
    return this.#at
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  uint32(): number {
    return this.#take(4).readUInt32BE()
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE()
  }

  bytes(): Buffer {
    return this.#take(this.uint32())
  }

  text(): string {
    return this.bytes().toString('latin1')
  }

  /** A number as big-endian bytes without the sign. @throws {RangeError} for a negative one */
  mpint(): Buffer {
    const bytes = this.bytes()
    if ((bytes[0] ?? 0) >= 0x80) throw new RangeError('a negative number')
    let start = 0
    while (bytes[start] === 0) start++
    return bytes.subarray(start)
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new RangeError('ends too early')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}

/** Curves by their names in SSH: the one in JSON Web Keys, the size of a coordinate, the hash. */
export const CURVES: Readonly<
  Record<string, { readonly crv: string; readonly size: number; readonly hash: string }>
> = {
  nistp256: { crv: 'P-256', size: 32, hash: 'sha256' },
  nistp384: { crv: 'P-384', size: 48, hash: 'sha384' },
  nistp521: { crv: 'P-521', size: 66, hash: 'sha512' },
}

export interface SshKey {
  /** `ssh-ed25519` and the like. */
  readonly type: string
  /** `undefined` for one that can be compared but not verified with, as keys on a security token. */
  readonly verifier: KeyObject | undefined
}

/** Every type that `readSshKey` can read. */
export const SSH_KEY_TYPES: readonly string[] = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
]

/** @throws {Error} for bytes that are no such key */
export function readSshKey(blob: Uint8Array): SshKey {
  const reader = new WireReader(blob)
  const type = reader.text()
  const verifier = readVerifier(type, reader)
  if (!reader.isAtEnd) throw new RangeError('is longer than its key')
  return { type, verifier }
}

const base64url = (bytes: Buffer): string => bytes.toString('base64url')

function readVerifier(type: string, reader: WireReader): KeyObject | undefined {
  switch (type) {
    case 'ssh-ed25519':
      return keyFrom({ kty: 'OKP', crv: 'Ed25519', x: base64url(reader.bytes()) })
    case 'ssh-rsa': {
      const e = base64url(reader.mpint())
      return keyFrom({ kty: 'RSA', e, n: base64url(reader.mpint()) })
    }
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521': {
      const [x, y] = readPoint(type, reader)
      const curve = CURVES[type.slice('ecdsa-sha2-'.length)]
      return keyFrom({ kty: 'EC', crv: curve?.crv ?? '', x: base64url(x), y: base64url(y) })
    }
    case 'sk-ssh-ed25519@openssh.com':
      reader.bytes()
      reader.bytes()
      return undefined
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      readPoint('ecdsa-sha2-nistp256', reader)
      reader.bytes()
      return undefined
    default:
      throw new RangeError(`keys of type ${type} are not known`)
  }
}

function readPoint(type: string, reader: WireReader): readonly [x: Buffer, y: Buffer] {
  const name = reader.text()
  const point = reader.bytes()
  const size = (Object.hasOwn(CURVES, name) ? CURVES[name] : undefined)?.size ?? 0
  if (`ecdsa-sha2-${name}` !== type || point[0] !== 4 || point.length !== 1 + 2 * size)
    throw new RangeError('is not a point of its curve')
  return [point.subarray(1, 1 + size), point.subarray(1 + size)]
}

function keyFrom(key: Readonly<Record<string, string>>): KeyObject {
  return createPublicKey({ key, format: 'jwk' })
}
