/**
 * OpenSSH user certificates: whether one lets somebody log in, now, under this name, from here.
 *
 * The server has seen that the client holds the certificate's key; all else is judged here.
 *
 * @see OpenSSH PROTOCOL.certkeys
 * @module
 */
import { verify } from 'node:crypto'
import { CURVES, type SshKey, WireReader } from '../../crypto/openssh/ssh-wire.ts'
import { addressOf, isInside, rangeOf } from '../matching/ip-ranges.ts'
import type { SshKeys } from './ssh-keys.ts'

const USER_CERTIFICATE = 1

/** How many fields of the key itself follow the nonce. */
const KEY_FIELDS: Readonly<Record<string, number>> = {
  'ssh-ed25519-cert-v01@openssh.com': 1,
  'ssh-rsa-cert-v01@openssh.com': 2,
  'ecdsa-sha2-nistp256-cert-v01@openssh.com': 2,
  'ecdsa-sha2-nistp384-cert-v01@openssh.com': 2,
  'ecdsa-sha2-nistp521-cert-v01@openssh.com': 2,
  'sk-ssh-ed25519-cert-v01@openssh.com': 2,
  'sk-ecdsa-sha2-nistp256-cert-v01@openssh.com': 3,
}

export interface SshCertificate {
  readonly type: number
  readonly principals: readonly string[]
  /** Seconds since the Unix epoch. */
  readonly validAfter: bigint
  readonly validBefore: bigint
  readonly criticalOptions: ReadonlyMap<string, Buffer>
  /** The authority's key in base64. */
  readonly authority: string
  readonly signed: Uint8Array
  readonly signature: Buffer
}

/** `undefined` for whatever is not a whole certificate, a plain key for instance. */
export function readSshCertificate(blob: Uint8Array): SshCertificate | undefined {
  try {
    const reader = new WireReader(blob)
    const keyType = reader.text()
    const fields = Object.hasOwn(KEY_FIELDS, keyType) ? KEY_FIELDS[keyType] : undefined
    if (fields === undefined) return undefined
    reader.bytes() // nonce
    for (let field = 0; field < fields; field++) reader.bytes()
    reader.uint64() // serial
    const type = reader.uint32()
    reader.bytes() // key id
    const principals = listOf(reader.bytes())
    const validAfter = reader.uint64()
    const validBefore = reader.uint64()
    const criticalOptions = optionsOf(reader.bytes())
    reader.bytes() // extensions: what they permit is the server's to grant
    reader.bytes() // reserved
    const authority = reader.bytes().toString('base64')
    const signed = blob.subarray(0, reader.position)
    const signature = reader.bytes()
    if (!reader.isAtEnd) return undefined
    return { type, principals, validAfter, validBefore, criticalOptions, authority, signed, signature }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function listOf(bytes: Buffer): readonly string[] {
  const reader = new WireReader(bytes)
  const list: string[] = []
  while (!reader.isAtEnd) list.push(reader.bytes().toString('utf8'))
  return list
}

function optionsOf(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const reader = new WireReader(bytes)
  const options = new Map<string, Buffer>()
  while (!reader.isAtEnd) {
    const name = reader.text()
    if (options.has(name)) throw new RangeError('an option stands twice')
    options.set(name, reader.bytes())
  }
  return options
}

/** @param now epoch milliseconds */
export function mayLogIn(
  certificate: SshCertificate,
  authorities: SshKeys,
  { username, sourceIp, now }: { readonly username: string; readonly sourceIp: string; readonly now: number },
): boolean {
  const { type, principals, validAfter, validBefore, criticalOptions } = certificate
  const authority = authorities.get(certificate.authority)
  const seconds = BigInt(Math.floor(now / 1000))
  return (
    authority !== undefined &&
    type === USER_CERTIFICATE &&
    seconds >= validAfter &&
    seconds < validBefore &&
    // without principals it would be good for every name, which sshd does not take from an authority either
    principals.includes(username) &&
    [...criticalOptions].every(([name, value]) => name === 'source-address' && isFrom(value, sourceIp)) &&
    isSignedBy(authority, certificate)
  )
}

/**
 * The option that can be judged here; a certificate with another, `force-command` too, is not taken. Of a
 * list that can't be read throughout nothing counts.
 */
function isFrom(value: Buffer, sourceIp: string): boolean {
  const address = addressOf(sourceIp)
  const ranges = addressList(value)?.split(',').map(rangeOf) ?? []
  if (address === undefined || ranges.includes(undefined)) return false
  return ranges.some((range) => range !== undefined && isInside(address, range))
}

function addressList(value: Buffer): string | undefined {
  try {
    const reader = new WireReader(value)
    const text = reader.text()
    return reader.isAtEnd ? text : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const RSA_HASHES: Readonly<Record<string, string>> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' }

/** Never with SHA-1, in which signatures can be forged. */
function isSignedBy({ type, verifier: key }: SshKey, { signed, signature }: SshCertificate): boolean {
  if (key === undefined) return false
  try {
    const reader = new WireReader(signature)
    const algorithm = reader.text()
    const value = reader.bytes()
    if (!reader.isAtEnd) return false
    if (type === 'ssh-rsa') {
      const hash = Object.hasOwn(RSA_HASHES, algorithm) ? RSA_HASHES[algorithm] : undefined
      return hash !== undefined && verify(hash, signed, key, value)
    }
    if (algorithm !== type) return false
    if (type === 'ssh-ed25519') return verify(null, signed, key, value)
    const curve = CURVES[type.slice('ecdsa-sha2-'.length)]
    if (curve === undefined) return false
    return verify(curve.hash, signed, { key, dsaEncoding: 'ieee-p1363' }, coordinatesOf(value, curve.size))
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** @throws {RangeError} for numbers that are too large for the curve */
function coordinatesOf(value: Buffer, size: number): Buffer {
  const reader = new WireReader(value)
  const both = Buffer.alloc(2 * size)
  const [r, s] = [reader.mpint(), reader.mpint()]
  if (r.length > size || s.length > size || !reader.isAtEnd)
    throw new RangeError('is no signature of this curve')
  r.copy(both, size - r.length)
  s.copy(both, 2 * size - s.length)
  return both
}
