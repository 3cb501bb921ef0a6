/**
 * When the certificates of a configuration end, and which hosts have none: what browsers and upstreams refuse
 * one day, although nobody has changed anything.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto'
import { parseCertificates } from '../crypto/x509/certificate.ts'
import { uncoveredNames } from '../crypto/x509/certificate-coverage.ts'
import type { Work } from '../turns.ts'
import type { Config } from './config.ts'
import { servedNames } from './routing/served-names.ts'

export interface DatedCertificate {
  /** The key that names it, with the route it stands at: `certificates[0]`. */
  readonly key: string
  /** Of the first certificate: the first name that it speaks for, or its subject. */
  readonly name: string
  /** Epoch milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
  /** Who does what when it is past its end: the end of a sentence. */
  readonly effect: string
}

/** How long before its end a certificate is warned of: most are renewed a month before. */
export const SOON_MS = 14 * 86_400_000

const SHOWN = 'browsers and programs refuse to connect'
const CLIENT = 'the upstream refuses to connect'
const UPSTREAM_CA = 'upstreams are not trusted any more'
const CLIENT_CA = 'its client certificates are not accepted any more'

type Listed = readonly [key: string, pem: string | undefined, effect: string, kind: 'chain' | 'bundle']

/** A text that several routes have counts once. */
export function* datedCertificates({ settings, routes }: Config): Work<readonly DatedCertificate[]> {
  const dated: DatedCertificate[] = []
  const seen = new Set<string>()
  for (const [key, pem, effect, kind] of listed()) {
    if (pem === undefined || seen.has(pem)) continue
    seen.add(pem)
    yield
    const parsed = parseCertificates(pem)
    if (!('value' in parsed)) continue
    const { chain } = parsed.value
    const starts = chain.map(({ validFrom }) => Date.parse(validFrom))
    const ends = chain.map(({ validTo }) => Date.parse(validTo))
    // Of a chain each must be good; of a bundle of authorities one may, and many carry old ones along.
    const [start, end] =
      kind === 'chain' ? [Math.max(...starts), Math.min(...ends)] : [Math.min(...starts), Math.max(...ends)]
    dated.push({ key, name: nameOf(chain[0]), notBefore: start, notAfter: end, effect })
  }
  return dated

  function* listed(): Generator<Listed> {
    for (const [index, { cert }] of settings.certificates.entries())
      yield [`certificates[${index}]`, cert, SHOWN, 'chain']
    yield ['certificate_authority', settings.certificate_authority, UPSTREAM_CA, 'bundle']
    yield ['downstream_mtls.ca', settings.downstream_mtls?.ca, CLIENT_CA, 'bundle']
    for (const route of routes) {
      const at = ` of ${route.from}`
      yield [`tls_client_cert${at}`, route.tls_client_cert, CLIENT, 'chain']
      yield [`tls_custom_ca${at}`, route.tls_custom_ca, UPSTREAM_CA, 'bundle']
      yield [`tls_downstream_client_ca${at}`, route.tls_downstream_client_ca, CLIENT_CA, 'bundle']
    }
  }
}

function nameOf(certificate: X509Certificate | undefined): string {
  const [, dns] = /(?:^|, )DNS:([^",]+)/.exec(certificate?.subjectAltName ?? '') ?? []
  return dns ?? certificate?.subject.replaceAll('\n', ', ') ?? ''
}

export type CertificateState = 'good' | 'ends soon' | 'expired' | 'not valid yet'

export function stateOf({ notBefore, notAfter }: DatedCertificate, now: number): CertificateState {
  if (notAfter <= now) return 'expired'
  if (notBefore > now) return 'not valid yet'
  return notAfter <= now + SOON_MS ? 'ends soon' : 'good'
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** A sentence for each certificate that is not good. */
export function dateWarning(certificate: DatedCertificate, now: number): string | undefined {
  const { key, name, notBefore, notAfter, effect } = certificate
  const which = `${key}: the certificate for ${name}`
  switch (stateOf(certificate, now)) {
    case 'good':
      return undefined
    case 'expired':
      return `${which} expired on ${dayOf(notAfter)}, so ${effect}: put a renewed one in its place`
    case 'not valid yet':
      return `${which} is valid from ${dayOf(notBefore)} only, so ${effect} until then: check the clock of this machine`
    case 'ends soon': {
      const days = Math.floor((notAfter - now) / 86_400_000)
      return `${which} expires in ${days} day${days === 1 ? '' : 's'}, on ${dayOf(notAfter)}; then ${effect}: renew it`
    }
  }
}

/** Hosts that are named in full; the rest are counted. */
const MOST_NAMED = 5

/** Without any certificate the local authority makes them; with plain HTTP somebody else shows one. */
export function uncoveredHosts({ settings, routes }: Config): readonly string[] {
  if (settings.certificates.length === 0 || settings.insecure_server) return []
  return uncoveredNames(
    servedNames({ settings, routes }),
    settings.certificates.map(({ cert }) => cert),
  )
}

export function coverWarning(hosts: readonly string[]): string | undefined {
  if (hosts.length === 0) return undefined
  const named = hosts.slice(0, MOST_NAMED).join(', ')
  const more = hosts.length > MOST_NAMED ? ` and ${hosts.length - MOST_NAMED} more` : ''
  return `certificates: none covers ${named}${more}; browsers are shown one of the local authority there, and warn of it. Add one whose subject alternative names cover the host`
}

export function* certificateWarnings(config: Config, now: number): Work<readonly string[]> {
  const dated = yield* datedCertificates(config)
  yield
  const all = [...dated.map((each) => dateWarning(each, now)), coverWarning(uncoveredHosts(config))]
  return all.filter((warning) => warning !== undefined)
}
