/**
 * A certificate authority of the tests' own: independent of the product's, so that one can't hide the other's
 * mistakes.
 *
 * @module
 */
// oxlint-disable-next-line import/no-unassigned-import -- a polyfill that the X.509 library wants before it loads
import 'reflect-metadata'
import { createHash, webcrypto, X509Certificate } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

x509.cryptoProvider.set(webcrypto)

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000

export interface KeyPair {
  /** PEM. */
  readonly cert: string
  /** PEM, PKCS #8. */
  readonly key: string
}

export interface TestCa {
  readonly cert: string
  issue(options: {
    readonly names: readonly string[]
    readonly client?: boolean
    readonly notAfter?: Date
    readonly serial?: string
  }): Promise<KeyPair>
}

const pem = (label: string, der: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .replace(/(.{64})/g, '$1\n')
    .trimEnd()}\n-----END ${label}-----\n`

const exportKey = async (key: CryptoKey): Promise<string> =>
  pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', key))

const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name)

let serials = Date.now()
const nextSerial = (): string => (serials += 1).toString(16).padStart(16, '0')

export async function createTestCa(name = 'Sallyport test CA'): Promise<TestCa> {
  const keys = await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerial(),
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 30 * DAY_MS),
    keys,
    signingAlgorithm: ECDSA,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return {
    cert: root.toString('pem'),
    async issue({ names, client = false, notAfter, serial }) {
      const leaf = await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serial ?? nextSerial(),
        subject: `CN=${names[0] ?? 'leaf'}`,
        issuer: root.subject,
        notBefore: new Date(Date.now() - DAY_MS),
        notAfter: notAfter ?? new Date(Date.now() + 7 * DAY_MS),
        publicKey: leaf.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ECDSA,
        extensions: [
          new x509.BasicConstraintsExtension(false),
          new x509.ExtendedKeyUsageExtension([
            client ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth,
          ]),
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isAddress(value) ? 'ip' : 'dns', value })),
          ),
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ],
      })
      return { cert: certificate.toString('pem'), key: await exportKey(leaf.privateKey) }
    },
  }
}

/** Writes `<name>.pem` and `<name>-key.pem` and answers their paths. */
export async function writeKeyPair(
  folder: string,
  name: string,
  pair: KeyPair,
): Promise<{ readonly certFile: string; readonly keyFile: string }> {
  await mkdir(folder, { recursive: true })
  const certFile = join(folder, `${name}.pem`)
  const keyFile = join(folder, `${name}-key.pem`)
  await writeFile(certFile, pair.cert)
  await writeFile(keyFile, pair.key, { mode: 0o600 })
  return { certFile, keyFile }
}

/** What Chromium's `--ignore-certificate-errors-spki-list` wants: base64 of the SHA-256 of the public key. */
export function spkiHash(certPem: string): string {
  const spki = new X509Certificate(certPem).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('base64')
}
