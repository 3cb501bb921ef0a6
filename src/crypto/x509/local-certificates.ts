/**
 * The two certificates that a local CA needs: its own, and those of servers. ECDSA P-256.
 *
 * @module
 */
// oxlint-disable-next-line import/no-unassigned-import -- a polyfill that the X.509 library wants before it loads
import 'reflect-metadata'
import { Buffer } from 'node:buffer'
import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
/** Somebody's clock is behind ours. */
const BACKDATED_MS = DAY_MS / 24
/** User agents refuse server certificates that live longer. @see CA/Browser Forum BR 6.3.2 */
const SERVER_LIFETIME_MS = 397 * DAY_MS
const CA_LIFETIME_MS = 3652 * DAY_MS

interface KeyedPem {
  readonly cert: string
  readonly key: string
}

/** @param constrainedTo the domains it may speak for; empty means all */
export async function makeCaCertificate({
  constrainedTo,
  now,
}: {
  readonly constrainedTo: readonly string[]
  readonly now: number
}): Promise<KeyedPem> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // A name of its own keeps two local CAs apart in a trust store.
    name: `CN=Sallyport local CA ${randomBytes(4).toString('hex')}`,
    serialNumber: serialNumber(),
    notBefore: wholeSecond(now - BACKDATED_MS),
    notAfter: wholeSecond(now + CA_LIFETIME_MS),
    keys,
    signingAlgorithm: ECDSA,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(constrainedTo.length > 0 ? [nameConstraints(constrainedTo)] : []),
    ],
  })
  return { cert: pemOf(certificate), key: await exportKey(keys.privateKey) }
}

export async function makeServerCertificate({
  ca,
  names,
  now,
}: {
  readonly ca: KeyedPem
  readonly names: readonly string[]
  readonly now: number
}): Promise<KeyedPem> {
  const issuer = new x509.X509Certificate(ca.cert)
  const keys = await generateKeys()
  const notBefore = now - BACKDATED_MS
  const notAfter = Math.min(notBefore + SERVER_LIFETIME_MS - 1000, issuer.notAfter.getTime())
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=Sallyport',
    issuer: issuer.subject,
    serialNumber: serialNumber(),
    notBefore: wholeSecond(notBefore),
    notAfter: wholeSecond(notAfter),
    publicKey: keys.publicKey,
    signingKey: await importKey(ca.key),
    signingAlgorithm: ECDSA,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      subjectAlternativeNames(names),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  return { cert: pemOf(certificate), key: await exportKey(keys.privateKey) }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [pkcs8] = x509.PemConverter.decode(pem)
  return webcrypto.subtle.importKey('pkcs8', pkcs8 ?? new ArrayBuffer(0), ECDSA, false, ['sign'])
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key)
  return `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}

/** 127 random bits: positive, and never with a leading zero byte. */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

function wholeSecond(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000)
}

/** As DER: the library's own way takes a millisecond for each name. @see RFC 5280 section 4.2.1.6 */
function subjectAlternativeNames(names: readonly string[]): x509.Extension {
  const content = Buffer.concat(
    names.map((name) => (isIP(name) === 0 ? der(0x82, Buffer.from(name, 'ascii')) : ipAddressName(name))),
  )
  return new x509.Extension('2.5.29.17', false, new Uint8Array(der(0x30, content)).buffer)
}

/** A sequence of one address; its header is two bytes long. */
const ipAddressName = (value: string): Buffer =>
  Buffer.from(new x509.GeneralNames([{ type: 'ip', value }]).rawData).subarray(2)

/**
 * `permittedSubtrees` of DNS names, as DER: the library has no type for it. @see RFC 5280 section 4.2.1.10
 */
function nameConstraints(domains: readonly string[]): x509.Extension {
  const subtrees = domains.map((domain) => der(0x30, der(0x82, Buffer.from(domain, 'ascii'))))
  const constraints = der(0x30, der(0xa0, Buffer.concat(subtrees)))
  return new x509.Extension('2.5.29.30', true, new Uint8Array(constraints).buffer)
}

/** @see X.690 section 8.1.3: a length over 127 is preceded by the number of its bytes */
function der(tag: number, content: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  const significant = length.subarray(length.findIndex((byte) => byte !== 0))
  return content.length < 128
    ? Buffer.concat([Buffer.from([tag, content.length]), content])
    : Buffer.concat([Buffer.from([tag, 0x80 | significant.length]), significant, content])
}
