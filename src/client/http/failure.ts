/**
 * Why a server could not be asked, in words that say what to do.
 *
 * @module
 */
import { Fault, reasonOf, systemCodeOf } from '../../errors.ts'
import { plain } from '../../plain-text.ts'
import type { SeenCertificate } from './connection.ts'

/** OpenSSL's and Node's own codes for a certificate that is not taken. */
const UNTRUSTED =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|CRL_|ERROR_IN_CERT)/

export const isUntrusted = (error: unknown): boolean => UNTRUSTED.test(systemCodeOf(error) ?? '')

export function untrusted(server: URL, error: unknown, seen: SeenCertificate | undefined): Fault {
  const about = seen === undefined ? '' : ` ${described(seen)}`
  const why = plain(reasonOf(error)).slice(0, 300)
  return new Fault(
    'SERVER_UNTRUSTED',
    `the certificate of ${server.host} is not trusted: ${why}.${about} ${cureFor(error, seen)}`,
    { cause: error },
  )
}

/** A name of a certificate has its parts on lines of their own. */
const quoted = (name: string): string => JSON.stringify(plain(name.replaceAll('\n', ', ')).slice(0, 200))

function described({ subject, issuer, fingerprint }: SeenCertificate): string {
  return `It is for ${quoted(subject)}, issued by ${quoted(issuer)}, SHA-256 ${fingerprint}.`
}

function cureFor(error: unknown, seen: SeenCertificate | undefined): string {
  const code = systemCodeOf(error)
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `${seen === undefined ? '' : `It is valid until ${plain(seen.validTo)}. `}Check the clock of this computer; else who runs the server has to renew it.`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH')
    return 'Check the address; else who runs the server has to add the name.'
  return 'If you know its issuer, trust it with --alternate-ca-path FILE, a PEM file with the certificate of the issuer.'
}

export function unreachable(server: URL, error: unknown): Fault {
  if (error instanceof Fault) return error
  return new Fault('SERVER_UNREACHABLE', `${server.origin} can not be asked: ${wordsFor(server, error)}`, {
    cause: error,
  })
}

function wordsFor(server: URL, error: unknown): string {
  const code = systemCodeOf(error) ?? ''
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the name ${server.hostname} does not resolve`
  if (code === 'ECONNREFUSED') return `nothing listens at ${server.host}`
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|UNKNOWN_CA/.test(code))
    return `it does not take the certificate of this computer, or there is none: name one with --client-cert and --client-key (${code})`
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) return `it does not speak TLS as expected (${code})`
  return plain(reasonOf(error)).slice(0, 300)
}
