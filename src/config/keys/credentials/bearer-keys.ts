/**
 * Keys of the bearer tokens that machines bring: how they are read, and which issuers vouch for workloads.
 *
 * @module
 */
import { z } from 'zod'

const BEARER_FORMATS = ['default', 'idp_access_token', 'idp_identity_token', 'jwt'] as const

export const WORKLOAD_PRESETS = ['github_actions', 'gitlab', 'kubernetes', 'spiffe'] as const

/** Asymmetric ones only: whoever may verify by a shared secret may also sign with it. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

const Algorithm = z
  .string()
  .superRefine((name, context) => {
    const wrong = /^HS\d+$/.test(name)
      ? `"${name}" signs with a shared secret, which whoever verifies could sign with too; use ${TOKEN_ALGORITHMS[0]} or ES256`
      : name.toLowerCase() === 'none'
        ? '"none" is no signature'
        : (TOKEN_ALGORITHMS as readonly string[]).includes(name)
          ? undefined
          : `must be one of ${TOKEN_ALGORITHMS.join(', ')}`
    if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
  })
  .meta({ description: 'A signature algorithm (RFC 7518 section 3.1, RFC 8037).' })

const Scalar = z.union([z.string().min(1), z.number(), z.boolean()], {
  error: 'must be a text that is not empty, a number, true or false',
})

const Pin = z.union(
  [
    Scalar,
    z.array(Scalar).min(1),
    z.strictObject({
      starts_with: z
        .string()
        .min(1)
        .meta({
          description: 'The value begins with this text.',
          examples: ['refs/tags/'],
        }),
    }),
  ],
  { error: 'must be a value, a list of values of which one is enough, or {starts_with: text}' },
)

type PinnedScalar = string | number | boolean
/** What a claim must say: a value, one of several, or how it begins. */
export type ClaimPin = PinnedScalar | readonly PinnedScalar[] | { readonly starts_with: string }

const IdentityProviderEntry = z.strictObject({
  preset: z.enum(WORKLOAD_PRESETS).optional().meta({
    description:
      'Fills in what is the same for everybody: `github_actions` and `gitlab` the issuer, `kubernetes` the cluster that Sallyport runs in, `spiffe` the form of JWT-SVIDs.',
  }),
  issuer: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        '`iss` of its tokens (RFC 7519 section 4.1.1), exactly as it stands in them. `kubernetes:///`: the cluster that Sallyport runs in. Needed unless the preset knows it.',
      examples: ['https://token.actions.githubusercontent.com'],
    }),
  jwks_url: z.string().min(1).optional().meta({
    description:
      'Where its keys are (RFC 7517). Unset: asked of the issuer (OpenID Connect Discovery section 4).',
  }),
  supported_algs: z.array(Algorithm).min(1).optional().meta({
    description: 'Signature algorithms that are accepted. Unset: RS256, ES256 and EdDSA.',
  }),
  audiences: z
    .array(z.string().min(1))
    .min(1)
    .meta({
      description:
        'Of these the token must name one in `aud` (RFC 7519 section 4.1.3). Choose a name that is used for Sallyport alone.',
      examples: [['https://app.example.com']],
    }),
  claims: z
    .record(z.string().min(1), Pin)
    .optional()
    .meta({
      description:
        'What the token must say besides: claim → value, list of values, or `{starts_with: text}`. All must hold; `a/b` is the claim `b` in `a`. An issuer that everybody can use must be tied to what is yours.',
      examples: [{ repository: 'acme/shop', ref: 'refs/heads/main' }],
    }),
  trust_domain: z
    .string()
    .regex(/^[a-z0-9._-]{1,255}$/, 'is a name such as "prod.example.com", without "spiffe://"')
    .optional()
    .meta({
      description: 'For `spiffe`: `sub` must be a SPIFFE ID of this trust domain (SPIFFE-ID section 2).',
      examples: ['prod.example.com'],
    }),
})
export type IdentityProviderEntry = z.output<typeof IdentityProviderEntry>

/** The keys, with what differs between the two places said by the caller. */
export function bearerKeys(place: 'route' | 'global') {
  const unset = place === 'route' ? 'Unset: the global value.' : 'Unset: `default`.'
  return {
    bearer_token_format: z
      .enum(BEARER_FORMATS)
      .optional()
      .meta({
        description: `What an \`Authorization: Bearer\` header is: \`default\` goes to the upstream as it is. \`idp_access_token\` and \`idp_identity_token\` are tokens of the identity provider, \`jwt\` is one of \`identity_providers\`. They are verified, and taken off. ${unset}`,
      }),
    idp_access_token_allowed_audiences: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({
        description: `With \`idp_access_token\`: audiences (\`aud\`) of which an access token must name one; only tokens that are signed JWTs pass then. Unset${
          place === 'route' ? ': the global value' : ''
        }: any token that the provider accepts${place === 'route' ? '' : ', with azure only those for our client id'}.`,
        examples: [['api://sallyport']],
      }),
  }
}

export const workloads = {
  ...bearerKeys('global'),
  identity_providers: z
    .record(z.string(), IdentityProviderEntry)
    .superRefine((entries, context) => {
      for (const name of Object.keys(entries)) {
        const wrong = !/^[a-z0-9][a-z0-9._-]{0,62}$/.test(name)
          ? 'is no name: use lower-case letters, digits, dots, hyphens and underscores'
          : name === 'service-account'
            ? 'is the name that service accounts go by; choose another'
            : undefined
        if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong, path: [name] })
      }
    })
    .optional()
    .meta({
      description:
        'Issuers that vouch for workloads, by a name that becomes part of their user ids (`<name>/<sub>`). Their tokens are accepted where `bearer_token_format` is `jwt`.',
      examples: [
        {
          github: {
            preset: 'github_actions',
            audiences: ['https://app.example.com'],
            claims: { repository: 'acme/shop' },
          },
        },
      ],
    }),
}

export const routeWorkloads = {
  ...bearerKeys('route'),
  identity_providers: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .meta({
      description:
        'Names of the issuers whose tokens are accepted here; only with `bearer_token_format: jwt`. Unset: all of the global map.',
      examples: [['github']],
    }),
}
