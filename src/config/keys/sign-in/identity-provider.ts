/**
 * Global keys of the sign-in: where its pages are, and the identity provider.
 *
 * @module
 */

import { z } from 'zod'
import { shownText } from '../../../shown-url.ts'
import { isHostName } from '../../values/host-name.ts'
import { secretKey } from '../../values/reference.ts'
import { HttpUrl, Kind, RequestParams, Scopes, signInProviders } from './sign-in-providers.ts'

const HttpsOrigin = z.string().superRefine((text, context) => {
  const url = URL.parse(text)
  const wrong =
    url === null
      ? `"${shownText(text)}" is not a URL; write "https://authenticate.example.com"`
      : url.protocol !== 'https:'
        ? 'must be an https URL: its cookies are sent over TLS only; write the URL that browsers see if a proxy before ends TLS'
        : url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== ''
          ? 'must be an origin only, without a path, query or user name'
          : undefined
  if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
})

const ProgramDomain = z
  .string()
  .transform((text) => text.toLowerCase())
  .refine((text) => isHostName(text), 'must be a host name, such as "localhost" or "tools.example.com"')

/** `localhost` stands for this computer, by whatever name or address. */
export const programs = {
  programmatic_redirect_domain_whitelist: z
    .array(ProgramDomain)
    .default(['localhost'])
    .meta({
      description:
        'Hosts to which a program may have its user sent with a token, after signing in by `/.pomerium/api/v1/login`. `localhost` is every address of the computer that the browser runs on; others are reached by https only. An empty list turns such sign-ins off.',
      examples: [['localhost', 'tools.example.com']],
    }),
}

export const signOut = {
  signout_redirect_url: HttpUrl.optional().meta({
    description: 'Where users land after signing out. Unset: a page of ours.',
  }),
}

export const identity = {
  authenticate_service_url: HttpsOrigin.optional().meta({
    description:
      'Public origin of the sign-in pages; its callback is `/oauth2/callback` (RFC 6749 section 3.1.2). A route may have its host: it gets what is not theirs.',
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
  idp_allow_insecure_http: z.boolean().optional().meta({
    description:
      'Whether `idp_provider_url` may be an `http://` URL of another machine, such as a Keycloak on the same private network. Secrets and tokens then cross that network unencrypted, and who can change them there can sign in as anybody. Unset: no.',
  }),
  idp_client_id: z
    .string()
    .min(1)
    .optional()
    .meta({ description: '`client_id` (RFC 6749 section 2.2) registered there.' }),
  ...secretKey('idp_client_secret', {
    description: 'Its client secret (RFC 6749 section 2.3.1).',
    examples: ['env:IDP_CLIENT_SECRET'],
  }),
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
