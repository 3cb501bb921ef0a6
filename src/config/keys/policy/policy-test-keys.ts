/**
 * Keys of the tests that stand beside policies: who asks for what, and what must come of it.
 *
 * They describe expectations only: nothing that is served depends on them. Running them is the policy room's.
 *
 * @module
 */

import { z } from 'zod'
import { HEADER_NAME } from '../../values/header.ts'

const Groups = z.union([z.array(z.string().min(1)), z.literal('unknown')], {
  error: 'must be a list of groups, or "unknown"',
})

const subjectKeys = {
  email: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'E-mail address.', examples: ['alice@example.com'] }),
  user: z.string().min(1).optional().meta({
    description: 'User id, as policies see it. Unset: the e-mail address, else the name of the subject.',
  }),
  provider: z.string().min(1).optional().meta({
    description:
      'Name of the identity provider of a person. Unset: the one of the `idp_…` keys, or the only one.',
  }),
  name: z.string().min(1).optional().meta({ description: 'Full name.' }),
  kind: z
    .enum(['user', 'service-account', 'workload'])
    .optional()
    .meta({ description: 'A person or which kind of machine. Unset: user.' }),
  groups: Groups.optional().meta({
    description: 'Groups; `unknown` for somebody whose groups could not be looked up. Unset: none.',
    examples: [['staff']],
  }),
  claims: z
    .record(z.string().min(1), z.unknown())
    .optional()
    .meta({
      description:
        'Claims as the identity provider gives them. `email`, `name`, `sub` and `groups` follow from the keys beside.',
      examples: [{ department: 'engineering' }],
    }),
}

const Subject = z.strictObject(subjectKeys)

const Who = z.union([z.string().min(1), Subject], {
  error: 'must be a name under `test_subjects`, `anonymous`, or a map such as {email: alice@example.com}',
})

const WHO = {
  description: 'Who asks: a name under `test_subjects`, `anonymous`, or the keys of a subject.',
  examples: ['alice'],
}

const ClientCertificate = z.strictObject({
  presented: z.boolean().default(true).meta({ description: 'Whether one was shown. Unset: true.' }),
  validity: z
    .enum(['valid', 'invalid'])
    .default('valid')
    .meta({ description: 'Whether a trusted authority vouches for it. Unset: valid.' }),
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the certificate: 64 lower-case hex digits')
    .optional()
    .meta({ description: 'SHA-256 of the certificate.' }),
  spki_hash: z.string().min(1).optional().meta({ description: 'SHA-256 of its public key, in base64.' }),
  san_dns: z.array(z.string()).optional().meta({ description: 'DNS names in it.' }),
  san_email: z.array(z.string()).optional().meta({ description: 'E-mail addresses in it.' }),
  san_uri: z.array(z.string()).optional().meta({ description: 'URIs in it.' }),
})

const Place = z.strictObject({
  country: z
    .string()
    .optional()
    .meta({ description: 'ISO 3166-1, two letters.', examples: ['DE'] }),
  continent: z
    .string()
    .optional()
    .meta({ description: 'Two letters.', examples: ['EU'] }),
  subdivision: z
    .string()
    .optional()
    .meta({ description: 'ISO 3166-2 without the country.', examples: ['BY'] }),
  city: z
    .string()
    .optional()
    .meta({ description: 'In English.', examples: ['Munich'] }),
  asn: z.int().min(0).optional().meta({ description: 'Number of the autonomous system.' }),
})

const circumstances = {
  method: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Request method. Unset: GET.', examples: ['POST'] }),
  ip: z
    .union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' })
    .optional()
    .meta({ description: 'Address of the client. Unset: unknown.', examples: ['10.0.0.7'] }),
  headers: z
    .record(z.string().regex(HEADER_NAME, 'is not a header name'), z.string())
    .optional()
    .meta({ description: 'Request headers. Unset: none.' }),
  time: z.iso
    .datetime({ offset: true, error: 'must be a time with its zone, such as 2026-03-02T09:00:00+01:00' })
    .optional()
    .meta({
      description:
        'When, in ISO 8601 with a zone. Unset: unknown, so that a test gives the same on every day.',
      examples: ['2026-03-02T09:00:00+01:00'],
    }),
  authenticated_at: z.iso
    .datetime({ offset: true, error: 'must be a time with its zone, such as 2026-03-02T09:00:00+01:00' })
    .optional()
    .meta({
      description:
        'When the person last signed in, for routes with `max_age`. Unset, and without `acr`: what the route asks for besides its policy is left out.',
    }),
  acr: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'How they signed in, for routes with `acr_values`.', examples: ['phr'] }),
  client_certificate: ClientCertificate.optional().meta({
    description: 'Certificate that the client shows. Unset: none is asked for.',
  }),
  place: Place.optional().meta({ description: 'Where the address of the client, `ip`, is. Unset: unknown.' }),
  records: z
    .record(
      z.string().min(1),
      z.union([z.record(z.string(), z.unknown()), z.null()], { error: 'must be a map, or null for none' }),
    )
    .optional()
    .meta({
      description: 'Record type → the row that is found; `null`: there is none. Unset: unknown.',
      examples: [{ employees: { team: 'payments' } }],
    }),
}

const reason = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)], {
    error: 'must be a reason or a list of reasons',
  })
  .optional()
  .meta({
    description: 'Reasons that must be among those of the decision.',
    examples: ['groups-unauthorized', ['email-ok', 'groups-ok']],
  })

const name = z
  .string()
  .min(1)
  .optional()
  .meta({ description: 'What the test is about. Unset: who asks for what.' })

const OUTCOMES = ['allow', 'deny', 'sign-in', 'step-up'] as const

const RouteTest = z.strictObject({
  name,
  who: Who.meta(WHO),
  path: z
    .string()
    .startsWith('/', 'must start with "/"')
    .optional()
    .meta({ description: 'Path, as a client sends it. Unset: `path` or `prefix` of the route, else `/`.' }),
  ...circumstances,
  expect: z.enum(OUTCOMES).meta({ description: 'What the policy must say.' }),
  reason,
})
export type RouteTest = z.output<typeof RouteTest>

const GlobalTest = z.strictObject({
  name,
  who: Who.optional().meta({ ...WHO, description: `${WHO.description} Unset: anonymous.` }),
  url: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as https://app.example.com/path' })
    .optional()
    .meta({
      description: 'What is asked for; goes through the choice of the route.',
      examples: ['https://app.example.com/admin'],
    }),
  policy: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        'Name under `policies`: asks that policy alone instead of the one of the route. With `url`, for that address.',
      examples: ['staff-only'],
    }),
  ...circumstances,
  route: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'Route that must answer, by its `name` or `from`; `none` for no route.',
      examples: ['wiki'],
    }),
  expect: z
    .enum([...OUTCOMES, 'not-found', 'refused', 'own-page'])
    .optional()
    .meta({
      description:
        'What must come of it: an outcome of the policy, or one of three words. `not-found` is for no route, `refused` for a path that is not let in, `own-page` for one that Sallyport answers.',
    }),
  reason,
})
export type GlobalTest = z.output<typeof GlobalTest>

export const routeTests = {
  tests: z
    .array(RouteTest)
    .optional()
    .meta({
      description:
        'What this policy must decide. A configuration in which one fails is not taken, and the last good one stays.',
      examples: [[{ who: 'alice', path: '/', expect: 'allow' }]],
    }),
}

export const globalTests = {
  test_subjects: z
    .record(
      z
        .string()
        .regex(/^(?!anonymous$)[\w.@-]+$/, 'must be a name of letters, digits and ".@_-", not "anonymous"'),
      Subject,
    )
    .optional()
    .meta({
      description: 'People and machines that tests can name.',
      examples: [{ alice: { email: 'alice@example.com', groups: ['staff'] } }],
    }),
  tests: z
    .array(GlobalTest)
    .optional()
    .meta({
      description:
        'Tests by URL: which route answers, and what its policy decides; and tests of shared policies. A configuration in which one fails is not taken.',
      examples: [[{ url: 'https://app.example.com/', who: 'anonymous', expect: 'sign-in' }]],
    }),
}
