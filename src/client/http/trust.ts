/**
 * Whose certificates are trusted, and the certificate that this computer shows.
 *
 * The roots are those of the system, as for other programs on it: Node's own would not have a company's.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import { Fault, reasonOf } from '../../errors.ts'

export interface TrustOptions {
  /** Any certificate is taken. */
  readonly isUnverified?: boolean | undefined
  /** A file of PEM certificates that are trusted beside the system's. */
  readonly caFile?: string | undefined
  /** The same, as base64 of PEM. */
  readonly caBase64?: string | undefined
  /** Files of PEM. */
  readonly certificateFile?: string | undefined
  readonly keyFile?: string | undefined
}

export interface Trust {
  readonly isUnverified: boolean
  /** For the server. */
  readonly context: tls.SecureContext
  /** For a proxy, and for looking at a certificate: without the certificate of this computer. */
  readonly anonymous: tls.SecureContext
}

type Environment = Readonly<Record<string, string | undefined>>

/** Where systems keep their roots, each as one file. */
const SYSTEM_ROOTS = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/** @throws {Fault} CERTIFICATE_UNREADABLE, USAGE */
export function readTrust(options: TrustOptions, env: Environment): Trust {
  const { isUnverified = false, caFile, caBase64, certificateFile, keyFile } = options
  if ((certificateFile === undefined) !== (keyFile === undefined))
    throw new Fault('USAGE', '--client-cert and --client-key belong together')
  const ca = [...systemRoots(env)]
  if (caFile !== undefined) ca.push(certificates(read('--alternate-ca-path', caFile), '--alternate-ca-path'))
  if (caBase64 !== undefined)
    ca.push(certificates(Buffer.from(caBase64, 'base64').toString('latin1'), '--ca-cert'))
  const anonymous = tls.createSecureContext({ ca })
  if (certificateFile === undefined || keyFile === undefined)
    return { isUnverified, context: anonymous, anonymous }
  const cert = read('--client-cert', certificateFile)
  const key = read('--client-key', keyFile)
  try {
    return { isUnverified, context: tls.createSecureContext({ ca, cert, key }), anonymous }
  } catch (error) {
    const files = `--client-cert ${certificateFile} and --client-key ${keyFile}`
    throw new Fault('CERTIFICATE_UNREADABLE', `${files} can not be used: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

function systemRoots(env: Environment): readonly string[] {
  const named = env['SSL_CERT_FILE']
  const more = env['NODE_EXTRA_CA_CERTS']
  return [
    ...(named === undefined || named === '' ? rootsOfSystem() : [read('SSL_CERT_FILE', named)]),
    ...(more === undefined || more === '' ? [] : [read('NODE_EXTRA_CA_CERTS', more)]),
  ]
}

function rootsOfSystem(): readonly string[] {
  for (const path of SYSTEM_ROOTS) {
    try {
      return [certificates(readFileSync(path, 'latin1'), path)]
    } catch {
      // The next one may be there.
    }
  }
  // Of macOS and Windows, where this Node can ask for them.
  return typeof tls.getCACertificates === 'function'
    ? [...tls.rootCertificates, ...tls.getCACertificates('system')]
    : tls.rootCertificates
}

function read(option: string, path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    throw new Fault('CERTIFICATE_UNREADABLE', `${option} ${path} can not be read: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

/** OpenSSL passes over what is no certificate: then nobody would be trusted, without a word of why. */
function certificates(pem: string, option: string): string {
  try {
    // Reads the first of them.
    void new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE-----')))
    return pem
  } catch (error) {
    const form = option === '--ca-cert' ? 'base64 of a PEM certificate' : 'a file with PEM certificates'
    throw new Fault('CERTIFICATE_UNREADABLE', `${option} takes ${form}: ${reasonOf(error)}`, { cause: error })
  }
}
