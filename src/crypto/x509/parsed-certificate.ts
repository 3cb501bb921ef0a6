/**
 * A certificate, taken apart into what a verification looks at.
 *
 * @module
 */

import { hash, X509Certificate } from 'node:crypto'
import { certificateFields } from './certificate-fields.ts'
import { booleanOf, childrenOf, type Extension, oidOf, onlyElement, smallInteger, Tag } from './der.ts'
import { type NameConstraints, nameConstraints } from './name-constraints.ts'
import { type AlternativeNames, alternativeNames, NO_NAMES } from './names.ts'

/** `KeyUsage` bits, counted from the left. */
export const KeyUsage = { digitalSignature: 0, keyAgreement: 4, certificateSigning: 5 } as const

export const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2'
export const ANY_PURPOSE = '2.5.29.37.0'

export interface ParsedCertificate {
  readonly x509: X509Certificate
  /** Hex of SHA-256 over the whole certificate. */
  readonly fingerprint: string
  /** Base64 of SHA-256 over `SubjectPublicKeyInfo`. */
  readonly spkiHash: string
  readonly serial: string
  /** DER of the `Name`. */
  readonly issuer: Buffer
  readonly subject: Buffer
  readonly notBefore: number
  readonly notAfter: number
  readonly isAuthority: boolean
  /** Most authorities that may stand between this one and the certificate at the end. */
  readonly pathLength: number | undefined
  /** Undefined when the certificate says nothing of it, and so allows all. */
  readonly keyUsage: ReadonlySet<number> | undefined
  readonly purposes: ReadonlySet<string> | undefined
  readonly names: AlternativeNames
  readonly nameConstraints: NameConstraints | undefined
  /** With MD5 or SHA-1, or by an algorithm that is not known. */
  readonly isSignedWeakly: boolean
  /** Whether its own key is too short, or on a curve of the past. */
  readonly isKeyWeak: boolean
  /** Whether something must be obeyed that we don't know. */
  readonly hasUnknownDemands: boolean
}

/** Extensions that may be critical: these are obeyed, or say nothing that a verification needs. */
const Oid = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  distributionPoints: '2.5.29.31',
  policies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const
const KNOWN = new Set<string>(Object.values(Oid))

/** @throws {Error} when it can't be read */
export function parseCertificate(der: Buffer): ParsedCertificate {
  const x509 = new X509Certificate(der)
  const fields = certificateFields(x509)
  const find = (oid: string) => fields.extensions.find((extension) => extension.oid === oid)?.value
  const constraints = basicConstraints(find(Oid.basicConstraints))
  const names = find(Oid.alternativeNames)
  const permitted = find(Oid.nameConstraints)
  const usage = find(Oid.keyUsage)
  const purposes = find(Oid.extendedKeyUsage)
  return {
    x509,
    fingerprint: hash('sha256', x509.raw, 'hex'),
    spkiHash: hash('sha256', fields.publicKey, 'base64'),
    serial: fields.serial,
    issuer: fields.issuer,
    subject: fields.subject,
    notBefore: fields.notBefore,
    notAfter: fields.notAfter,
    ...constraints,
    keyUsage: usage && keyUsageBits(usage),
    purposes: purposes && new Set(childrenOf(onlyElement(purposes, Tag.sequence), Tag.sequence).map(oidOf)),
    names: names === undefined ? NO_NAMES : alternativeNames(names),
    nameConstraints: permitted && nameConstraints(permitted),
    isSignedWeakly: fields.isSignedWeakly,
    isKeyWeak: isKeyWeak(x509),
    hasUnknownDemands: fields.extensions.some(isUnknownDemand),
  }
}

const isUnknownDemand = ({ oid, isCritical }: Extension) => isCritical && !KNOWN.has(oid)

function basicConstraints(value: Buffer | undefined): Pick<ParsedCertificate, 'isAuthority' | 'pathLength'> {
  if (value === undefined) return { isAuthority: false, pathLength: undefined }
  const fields = childrenOf(onlyElement(value, Tag.sequence), Tag.sequence)
  const isAuthority = fields[0]?.tag === Tag.boolean && booleanOf(fields[0])
  const pathLength = fields.find(({ tag }) => tag === Tag.integer)
  return { isAuthority, pathLength: pathLength && smallInteger(pathLength) }
}

function keyUsageBits(value: Buffer): ReadonlySet<number> {
  const [unused = 0, ...octets] = onlyElement(value, Tag.bitString).content
  const bits = octets.flatMap((octet, at) =>
    Array.from({ length: 8 }, (_, bit) => bit)
      .filter((bit) => (octet & (0x80 >> bit)) !== 0)
      .map((bit) => at * 8 + bit),
  )
  return new Set(bits.filter((bit) => bit < octets.length * 8 - unused))
}

const SHORTEST_RSA = 2048
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

function isKeyWeak({ publicKey }: X509Certificate): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey
  if (type === 'rsa' || type === 'rsa-pss') return (details?.modulusLength ?? 0) < SHORTEST_RSA
  if (type === 'ec') return !CURVES.has(details?.namedCurve ?? '')
  return type !== 'ed25519' && type !== 'ed448'
}
