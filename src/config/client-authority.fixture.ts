/**
 * For tests: authorities of client certificates, and certificates of every kind that a client may show: right
 * ones, and those that a proxy must not take.
 *
 * @module
 */
// oxlint-disable-next-line import/no-unassigned-import -- a polyfill that the X.509 library wants before it loads
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Pair } from '../crypto/x509/certificate.fixture.ts'

x509.cryptoProvider.set(webcrypto)

const DAY_MS = 86_400_000
/** `extendedKeyUsage` of a server's certificate. */
export const SERVER_AUTHENTICATION = x509.ExtendedKeyUsage.serverAuth

/** Bits of the extension, from the left. */
const KEY_USAGE = { digitalSignature: 0, keyEncipherment: 2, keyCertSign: 5, cRLSign: 6 } as const

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256' } as const

/** For tests whose clock stands still at some other time. */
export const ALWAYS = { notBefore: new Date('2000-01-01'), notAfter: new Date('2049-01-01') } as const

export interface CertificateOptions {
  /** A distinguished name, `CN=…`. */
  readonly subject?: string
  readonly names?: readonly x509.JsonGeneralName[]
  /** DER of the extension of alternative names, for those that no library would write. */
  readonly rawNames?: Uint8Array
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** Extended key usage; empty for none. Default: client authentication. */
  readonly purposes?: readonly string[]
  readonly keyUsage?: readonly (keyof typeof KEY_USAGE)[]
  readonly serial?: string
  /** Of the signature. */
  readonly hash?: 'SHA-1' | 'SHA-256' | 'SHA-384'
  readonly keys?: webcrypto.CryptoKeyPair
  readonly extensions?: readonly x509.Extension[]
}

export interface AuthorityOptions extends CertificateOptions {
  /** Whether basicConstraints say that it is an authority. */
  readonly isAuthority?: boolean
  readonly pathLength?: number
  /** DER of the extension, which is critical. */
  readonly nameConstraints?: Uint8Array
}

/** A certificate with its key, and what it can sign. */
export interface Holder extends Pair {
  readonly certificate: x509.X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

export interface ClientAuthority extends Holder {
  issue(options?: CertificateOptions): Promise<Holder>
  /** An authority below this one. */
  authority(name: string, options?: AuthorityOptions): Promise<ClientAuthority>
  /** PEM of a list of these serial numbers. */
  revocationList(
    serials: readonly string[],
    options?: { readonly thisUpdate?: Date; readonly nextUpdate?: Date; readonly hash?: 'SHA-1' },
  ): Promise<string>
}

/** A certificate that nobody but itself vouches for, with which handshakes may be signed. */
export async function selfSigned(): Promise<Holder> {
  return await createClientAuthority('Self', {
    keyUsage: ['digitalSignature', 'keyCertSign'],
  })
}

export const newSerial = (): string => `4${randomBytes(8).toString('hex').slice(1)}`

export async function newKeys(
  algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams = ECDSA,
): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

export async function createClientAuthority(
  name = 'Client CA',
  options: AuthorityOptions = {},
): Promise<ClientAuthority> {
  return await authorityOf(name, undefined, options)
}

async function authorityOf(
  name: string,
  issuer: Holder | undefined,
  options: AuthorityOptions,
): Promise<ClientAuthority> {
  const { isAuthority = true, pathLength, nameConstraints } = options
  const holder = await certify(issuer, {
    subject: `CN=${name}`,
    purposes: [],
    keyUsage: ['keyCertSign', 'cRLSign'],
    notAfter: new Date(Date.now() + 30 * DAY_MS),
    ...options,
    extensions: [
      new x509.BasicConstraintsExtension(isAuthority, pathLength, true),
      ...(nameConstraints === undefined ? [] : [new x509.Extension('2.5.29.30', true, nameConstraints)]),
      ...(options.extensions ?? []),
    ],
  })
  return {
    ...holder,
    issue: async (leaf = {}) => await certify(holder, leaf),
    authority: async (below, belowOptions = {}) => await authorityOf(below, holder, belowOptions),
    async revocationList(serials, { thisUpdate, nextUpdate, hash = 'SHA-256' } = {}) {
      const list = await x509.X509CrlGenerator.create({
        issuer: holder.certificate.subject,
        thisUpdate: thisUpdate ?? new Date(Date.now() - DAY_MS),
        nextUpdate: nextUpdate ?? new Date(Date.now() + DAY_MS),
        signingAlgorithm: { ...ECDSA, hash },
        signingKey: holder.keys.privateKey,
        entries: serials.map((serialNumber) => ({
          serialNumber,
          revocationDate: new Date(),
          reason: x509.X509CrlReason.keyCompromise,
        })),
      })
      return pemOf('X509 CRL', list.rawData)
    },
  }
}

async function certify(issuer: Holder | undefined, options: CertificateOptions): Promise<Holder> {
  const { subject = 'CN=client', hash = 'SHA-256', purposes = [x509.ExtendedKeyUsage.clientAuth] } = options
  const keys = options.keys ?? (await newKeys())
  const signer = issuer?.keys ?? keys
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: options.serial ?? newSerial(),
    subject,
    issuer: issuer?.certificate.subject ?? subject,
    notBefore: options.notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: options.notAfter ?? new Date(Date.now() + 7 * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: { ...signer.privateKey.algorithm, hash } as webcrypto.EcdsaParams,
    extensions: [
      ...(options.names === undefined ? [] : [new x509.SubjectAlternativeNameExtension([...options.names])]),
      ...(options.rawNames === undefined ? [] : [new x509.Extension('2.5.29.17', false, options.rawNames)]),
      ...(purposes.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...purposes])]),
      ...(options.keyUsage === undefined ? [] : [keyUsageExtension(options.keyUsage)]),
      ...(options.extensions ?? [new x509.BasicConstraintsExtension(false)]),
    ],
  })
  return {
    certificate,
    keys,
    cert: `${certificate.toString('pem')}\n`,
    key: pemOf('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)),
  }
}

function keyUsageExtension(names: NonNullable<CertificateOptions['keyUsage']>): x509.Extension {
  const bits = names.reduce((all, name) => all | (0x80 >> KEY_USAGE[name]), 0)
  return new x509.Extension('2.5.29.15', true, der(0x03, Buffer.from([0, bits])))
}

const pemOf = (label: string, bytes: ArrayBuffer): string => {
  const lines = Buffer.from(bytes)
    .toString('base64')
    .replace(/(.{64})(?=.)/g, '$1\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}

/** DER of one element. */
export function der(tag: number, ...content: readonly (Uint8Array | string)[]): Buffer {
  const body = Buffer.concat(content.map((part) => Buffer.from(part)))
  const { length } = body
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
