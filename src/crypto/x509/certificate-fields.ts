/**
 * The fields of an X.509 certificate, as its bytes say them.
 *
 * `node:crypto` verifies signatures and knows keys; it does not show extensions, nor names but as text, in
 * which a separator may have come from a name.
 *
 * @see RFC 5280 section 4.1
 * @module
 */

import type { X509Certificate } from 'node:crypto'
import {
  childrenOf,
  context,
  type DerElement,
  type Extension,
  elementsOf,
  extensionsOf,
  oidOf,
  onlyElement,
  Tag,
  timeOf,
} from './der.ts'

export interface CertificateFields {
  /** Hex of the serial number as it is encoded. */
  readonly serial: string
  /** DER of the `Name`. */
  readonly issuer: Buffer
  readonly subject: Buffer
  /** Epoch milliseconds; the last one is still inside. */
  readonly notBefore: number
  readonly notAfter: number
  /** DER of `SubjectPublicKeyInfo`. */
  readonly publicKey: Buffer
  readonly isSignedWeakly: boolean
  readonly extensions: readonly Extension[]
}

/** @throws {RangeError} when it is no certificate of version 1 to 3 */
export function certificateFields({ raw }: Pick<X509Certificate, 'raw'>): CertificateFields {
  const [body, algorithm] = childrenOf(onlyElement(raw, Tag.sequence), Tag.sequence)
  const fields = childrenOf(body, Tag.sequence)
  const [serial, inner, issuer, validity, subject, publicKey, ...optional] =
    fields[0]?.tag === context(0) ? fields.slice(1) : fields
  if (serial?.tag !== Tag.integer || issuer === undefined || subject === undefined || publicKey === undefined)
    throw new RangeError('is not a certificate')
  if (algorithm === undefined || inner?.raw.equals(algorithm.raw) !== true)
    throw new RangeError('names two signature algorithms')
  const [notBefore, notAfter] = childrenOf(validity, Tag.sequence)
  const extensions = optional.find(({ tag }) => tag === context(3))
  return {
    serial: serial.content.toString('hex'),
    issuer: issuer.raw,
    subject: subject.raw,
    notBefore: timeOf(notBefore),
    notAfter: timeOf(notAfter),
    publicKey: publicKey.raw,
    isSignedWeakly: signatureDigest(algorithm) === undefined,
    extensions: extensions === undefined ? [] : extensionsOf(elementsOf(extensions.content)[0]),
  }
}

const DIGESTS: Readonly<Record<string, string>> = {
  // sha256WithRSAEncryption and its two siblings
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  // ecdsa-with-SHA256 and its two siblings
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  // Ed25519 and Ed448 bring their own
  '1.3.101.112': 'none',
  '1.3.101.113': 'none',
}
const RSA_PSS = '1.2.840.113549.1.1.10'
const PSS_DIGESTS: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

/**
 * The digest under a signature, if it is one that still counts: not MD5, not SHA-1. `none` where the
 * algorithm has none to choose.
 *
 * @param algorithm an `AlgorithmIdentifier`
 * @throws {RangeError}
 */
export function signatureDigest(algorithm: DerElement | undefined): string | undefined {
  const [oid, parameters] = childrenOf(algorithm, Tag.sequence)
  const name = oidOf(oid)
  if (name !== RSA_PSS) return DIGESTS[name]
  // RFC 4055 section 3.1: left out, it is SHA-1
  const digest = childrenOf(parameters, Tag.sequence).find(({ tag }) => tag === context(0))
  if (digest === undefined) return undefined
  const [digestOid] = childrenOf(elementsOf(digest.content)[0], Tag.sequence)
  return PSS_DIGESTS[oidOf(digestOid)]
}

export const isRsaPss = (algorithm: DerElement | undefined): boolean =>
  oidOf(childrenOf(algorithm, Tag.sequence)[0]) === RSA_PSS
