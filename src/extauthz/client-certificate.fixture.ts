/**
 * For tests: client certificates as Envoy forwards them, and the settings that ask for them.
 *
 * @module
 */
import { createHash, X509Certificate } from 'node:crypto'
import { ALWAYS, type CertificateOptions, createClientAuthority } from '../config/client-authority.fixture.ts'

const authority = await createClientAuthority('Client CA', ALWAYS)
const another = await createClientAuthority('Client CA', ALWAYS)

/** The value of Envoy's header for a certificate of this PEM. */
const forwarded = (pem: string): string => `Hash=${fingerprintOf(pem)};Chain="${encodeURIComponent(pem)}"`

function fingerprintOf(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex')
}

const certificate = async (options: CertificateOptions = {}): Promise<string> =>
  (await authority.issue({ ...ALWAYS, ...options })).cert

const good = await certificate({
  subject: 'CN=ci',
  names: [
    { type: 'dns', value: 'ci.example.com' },
    { type: 'dns', value: 'a,b.example.com' },
    { type: 'dns', value: 'ci2.example.com' },
    { type: 'email', value: 'ci@example.com' },
  ],
})
const other = await certificate()

export const CLIENTS = {
  authority,
  settings: { insecure_server: false, downstream_mtls: { ca: authority.cert } },
  good: forwarded(good),
  goodFingerprint: fingerprintOf(good),
  other: forwarded(other),
  otherFingerprint: fingerprintOf(other),
  foreign: forwarded(
    (await another.issue({ ...ALWAYS, names: [{ type: 'dns', value: 'ci.example.com' }] })).cert,
  ),
} as const
