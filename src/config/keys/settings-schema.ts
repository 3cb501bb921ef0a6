/**
 * The global keys, by topic. What a single key may hold is said here; what holds between keys is in
 * settings-rules.ts.
 *
 * @module
 */

import { z } from 'zod'
import { SecretText, secretKey } from '../values/reference.ts'
import { workloads } from './credentials/bearer-keys.ts'
import { clientCertificates } from './credentials/client-certificates.ts'
import { directory } from './directory/directory-schema.ts'
import { lookups } from './directory/lookup-settings.ts'
import { addresses, behaviour, dns } from './http-settings.ts'
import { AccessLogFields, AuthorizeLogFields } from './log-fields.ts'
import { namedPolicies } from './policy/policy-keys.ts'
import { globalTests } from './policy/policy-test-keys.ts'
import { keysOf } from './sections.ts'
import { identity, programs, signOut } from './sign-in/identity-provider.ts'
import { secrets } from './sign-in/secrets.ts'
import { sessionCookie } from './sign-in/session-cookie.ts'
import { sessionLife } from './sign-in/session-keys.ts'
import { assertions } from './upstream/assertions.ts'
import { googleServerless } from './upstream/google-serverless.ts'

const certificates = {
  certificates: z
    .array(
      z.strictObject({
        cert: SecretText.meta({
          description: 'Certificate chain: a path, `file:path`, `env:NAME` or the PEM text.',
          examples: ['/etc/sallyport/example.com.crt'],
        }),
        key: SecretText.meta({
          description: 'Its private key, in the same forms.',
          examples: ['/etc/sallyport/example.com.key'],
        }),
      }),
    )
    .optional()
    .meta({
      description:
        'Certificates served to clients, chosen by SNI. Envoy SDS `TlsCertificate`. None at all: a local certificate authority makes one.',
    }),
  ...secretKey('certificate', { description: 'One certificate chain: PEM, or PEM in base64.' }),
  ...secretKey('certificate_key', { description: 'Its private key: PEM, or PEM in base64.' }),
  ...secretKey('certificate_authority', {
    description:
      'Certificates (PEM, or PEM in base64) that are trusted for upstreams and the identity provider besides those of the system.',
  }),
}

const logs = {
  log_level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'Least severity that is logged. Takes effect at the next start.' }),
  access_log_fields: AccessLogFields.optional().meta({
    description:
      'Fields of the access log, one line per request; `headers.<Name>` for request headers. Unset: the default set.',
    examples: [['method', 'authority', 'path', 'response-code', 'headers.Accept']],
  }),
  authorize_log_fields: AuthorizeLogFields.optional().meta({
    description: 'Fields of the decision log, one line per decision. Unset: the default set.',
  }),
  decision_log_subjects: z.enum(['mentioned', 'all', 'none']).default('mentioned').meta({
    description:
      'Whether the decision log says who its sessions were, so that `explain` and `diff` can repeat decisions. It then has the e-mail address, groups, and the claims that policies mention (`mentioned`) or all claims (`all`). These are personal data; `none` leaves them out.',
  }),
}

/** The order of the reference page, and of what editors offer. */
export const SETTINGS_SECTIONS = [
  { title: 'Addresses', keys: addresses },
  { title: 'Certificates', keys: certificates },
  { title: 'Client certificates', keys: clientCertificates },
  { title: 'Identity provider', keys: identity },
  { title: 'Directory', keys: directory },
  { title: 'Machines', keys: workloads },
  { title: 'Secrets', keys: secrets },
  {
    title: 'Cookies, sessions and assertions',
    keys: { ...sessionCookie, ...assertions, ...signOut, ...sessionLife, ...programs },
  },
  { title: 'Google serverless apps', keys: googleServerless },
  { title: 'HTTP behaviour and timeouts', keys: behaviour },
  { title: 'DNS', keys: dns },
  { title: 'Lookups', keys: lookups },
  { title: 'Policies', keys: namedPolicies },
  { title: 'Policy tests', keys: globalTests },
  { title: 'Logs', keys: logs },
] as const

export const SettingsKeys = z.strictObject(keysOf(SETTINGS_SECTIONS))
export type SettingsKeys = z.output<typeof SettingsKeys>
