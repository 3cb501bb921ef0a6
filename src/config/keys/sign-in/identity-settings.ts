/**
 * Global keys of who signs in and what is known of them: provider, secrets, cookies, assertions.
 *
 * @module
 */

import { z } from 'zod'
import { shownText } from '../../../shown-url.ts'
import { PositiveDuration } from '../../values/duration.ts'
import { changeableHeaderProblem, HEADER_NAME } from '../../values/header.ts'
import { isHostName } from '../../values/host-name.ts'
import { FilePath, SecretText } from '../../values/reference.ts'
import { sharedKeys } from '../shared-keys.ts'
import { HttpUrl, Kind, RequestParams, Scopes, signInProviders } from './sign-in-providers.ts'

const HttpsOrigin = z.string().superRefine((text, context) => {
  const url = URL.parse(text)
  const wrong =
    url === null
      ? `"${shownText(text)}" is not a URL; write "https://authenticate.example.com"`
      : url.protocol !== 'https:'
        ? 'must be an https URL: its cookies are sent over TLS only'
        : url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== ''
          ? 'must be an origin only, without a path, query or user name'
          : undefined
  if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
})

const CookieName = z
  .string()
  .regex(HEADER_NAME, "must be a token: letters, digits and !#$%&'*+-.^_`|~ only")
  .max(64, 'may have at most 64 characters')
  .refine(
    (text) => !/^__(?:host|secure)-/i.test(text) || /^__(?:Host|Secure)-/.test(text),
    'begins with a prefix that browsers know in one case only: write "__Host-" or "__Secure-"',
  )
  .refine(
    (text) => !/^(?:__Host-)?sallyport_/i.test(text),
    'begins like the cookies that Sallyport sets on its own account; choose another name',
  )

const CookieDomain = z
  .string()
  .transform((text) => text.toLowerCase().replace(/^\./, ''))
  .refine(
    (text) => isHostName(text) && text.includes('.'),
    'must be a domain of at least two labels, such as "example.com"',
  )

const shared = sharedKeys('global')

export const secrets = {
  shared_secret: SecretText.optional().meta({
    description:
      '32 random bytes in base64, from which all keys are derived (RFC 5869). Changing it signs everyone out at the next start. Unset: made once and kept beside the config file.',
    examples: ['file:secrets/shared_secret', 'env:SHARED_SECRET'],
  }),
  shared_secret_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
  cookie_secret: SecretText.optional().meta({
    description:
      '32 random bytes in base64 that protect cookies of a sign-in in progress. Takes effect at the next start. Unset: derived from `shared_secret`.',
  }),
  cookie_secret_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
  signing_key: SecretText.optional().meta({
    description:
      'Private keys (PEM, or PEM in base64; EC P-256 or RSA) of the identity assertion (RFC 7515). The first signs, all are published. Takes effect at the next start. Unset: derived from `shared_secret`.',
  }),
  signing_key_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
}

export const sessions = {
  cookie_name: CookieName.default('_pomerium').meta({
    description:
      'Name of the session cookie (RFC 6265 section 4.1). Browsers see it with `__Host-` before it, unless `cookie_domain` is set. A new name signs everybody out.',
  }),
  cookie_domain: CookieDomain.optional().meta({
    description:
      'Domain attribute of the session cookie of apps; unset: each host has its own, which no other host can plant. Every host of the domain, whoever runs it, gets the cookie and can set it. The authenticate host keeps a cookie of its own.',
    examples: ['example.com'],
  }),
  cookie_http_only: z
    .boolean()
    .default(true)
    .meta({ description: 'HttpOnly attribute: scripts cannot read the cookie.' }),
  cookie_expire: PositiveDuration.prefault('14h').meta({
    description: 'Life of a session and of its cookie.',
  }),
  cookie_same_site: z.enum(['strict', 'lax', 'none']).default('lax').meta({
    description:
      'SameSite attribute of the session cookie. `none`: other sites may embed apps and call them with their visitors’ sessions.',
  }),
  jwt_claims_headers: z
    .union([z.array(z.string().min(1)), z.record(z.string(), z.string().min(1))], {
      error: 'must be a list of claims or a map of header → claim',
    })
    .transform((value) =>
      Array.isArray(value)
        ? Object.fromEntries(value.map((claim) => [`X-Pomerium-Claim-${claim}`, claim]))
        : value,
    )
    .superRefine((headers, context) => {
      const seen = new Set<string>()
      for (const name of Object.keys(headers)) {
        const wrong = HEADER_NAME.test(name)
          ? changeableHeaderProblem(name)
          : `"${name}" is not a header name; name it yourself in a map of header → claim`
        const again = seen.has(name.toLowerCase()) ? `the header "${name}" stands twice` : undefined
        if ((wrong ?? again) !== undefined)
          context.addIssue({ code: 'custom', message: wrong ?? again ?? '' })
        seen.add(name.toLowerCase())
      }
    })
    .prefault({})
    .meta({
      description:
        'Claims that the upstream gets as headers of their own: a list (`X-Pomerium-Claim-<claim>`), or a map of header → claim.',
      examples: [['email', 'groups'], { 'X-Email': 'email' }],
    }),
  jwt_issuer_format: shared.jwt_issuer_format,
  jwt_groups_filter: shared.jwt_groups_filter,
  pass_identity_headers: shared.pass_identity_headers,
  identity_headers_limit: shared.identity_headers_limit,
  signout_redirect_url: HttpUrl.optional().meta({
    description: 'Where users land after signing out. Unset: a page of ours.',
  }),
}

export const identity = {
  authenticate_service_url: HttpsOrigin.optional().meta({
    description:
      'Public origin of the sign-in pages; its callback is `/oauth2/callback` (RFC 6749 section 3.1.2).',
    examples: ['https://authenticate.example.com'],
  }),
  idp_provider: Kind.optional().meta({
    description: 'Kind of identity provider; `oidc` for any OpenID provider (Dex, Authentik, Zitadel …).',
  }),
  idp_provider_url: HttpUrl.optional().meta({
    description:
      'Issuer of the provider (OpenID Connect Discovery section 4). Unset: known for apple, github, gitlab and google only.',
    examples: ['https://idp.example.com/realms/main'],
  }),
  idp_client_id: z
    .string()
    .min(1)
    .optional()
    .meta({ description: '`client_id` (RFC 6749 section 2.2) registered there.' }),
  idp_client_secret: SecretText.optional().meta({
    description: 'Its client secret (RFC 6749 section 2.3.1).',
    examples: ['env:IDP_CLIENT_SECRET'],
  }),
  idp_client_secret_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
  idp_scopes: Scopes.optional().meta({
    description: 'Scopes asked for (RFC 6749 section 3.3). Unset: by the kind of provider.',
  }),
  idp_request_params: RequestParams.optional().meta({
    description:
      'Further parameters of the authorization request (RFC 6749 section 3.1). Unset: by the kind of provider.',
    examples: [{ prompt: 'select_account' }],
  }),
  ...signInProviders,
}
