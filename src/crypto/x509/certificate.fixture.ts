/**
 * For tests: key pairs with self-signed certificates, made once for each run.
 *
 * @module
 */

// oxlint-disable-next-line import/no-unassigned-import -- what @peculiar/x509 asks for
import 'reflect-metadata'
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { X509CertificateGenerator } from '@peculiar/x509'

export interface Pair {
  readonly cert: string
  readonly key: string
}

/** A P-256 pair; the dates do not matter to the tests that use it. */
export async function makePair(name = 'app.example.com'): Promise<Pair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({ name: `CN=${name}`, keys }, webcrypto)
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  }
}

const PKCS8 = { type: 'pkcs8', format: 'pem' } as const

/** Private keys that are readable, but not fit for one use or another. */
export const ODD_KEYS = {
  ed25519: generateKeyPairSync('ed25519').privateKey.export(PKCS8),
  rsa1024: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(PKCS8),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export(PKCS8),
  encrypted: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    ...PKCS8,
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  }),
} as const satisfies Readonly<Record<string, string>>
