/**
 * Keys about several identity providers: the map of them, and what a route says of them.
 *
 * @module
 */

import { z } from 'zod'
import { shownText } from '../../../shown-url.ts'
import type { Resolver } from '../../resolver.ts'
import { secretKey } from '../../values/reference.ts'
import { PROVIDER_KINDS, WITHOUT_OPENID } from './provider-kinds.ts'

/** A URL of a server that is spoken to, or a sentence about what is wrong with it. */
export const HttpUrl = z.string().superRefine((text, context) => {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    context.addIssue({ code: 'custom', message: `"${shownText(text)}" is not an https URL` })
  }
})

export const Scopes = z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'is not a scope')).min(1)
export const RequestParams = z.record(z.string().min(1), z.string())
/** The kind of a provider. */
export const Kind = z.enum(PROVIDER_KINDS)

const PROVIDER_NAME = /^[a-z][a-z0-9_-]{0,39}$/
const NAME_WORDS = 'letters in lower case, digits, - and _, a letter first, at most 40 characters'

/** Keys that only one kind knows. */
const OF_ONE_KIND = [
  ['graph_url', 'azure'],
  ['graph_groups', 'azure'],
  ['team_id', 'apple'],
  ['key_id', 'apple'],
  ['private_key', 'apple'],
  ['private_key_file', 'apple'],
] as const

const Entry = z
  .strictObject({
    provider: Kind.meta({ description: 'Kind of identity provider, as `idp_provider`.' }),
    provider_url: HttpUrl.optional().meta({ description: 'As `idp_provider_url`.' }),
    allow_insecure_http: z.boolean().optional().meta({ description: 'As `idp_allow_insecure_http`.' }),
    client_id: z.string().min(1).meta({ description: 'As `idp_client_id`.' }),
    ...secretKey('client_secret', { description: 'As `idp_client_secret`.' }),
    scopes: Scopes.optional().meta({ description: 'As `idp_scopes`.' }),
    request_params: RequestParams.optional().meta({ description: 'As `idp_request_params`.' }),
    label: z
      .string()
      .min(1)
      .max(60)
      .optional()
      .meta({ description: 'What its button says on the page where people choose. Unset: by its kind.' }),
    groups_claim: z.string().min(1).optional().meta({
      description:
        'Claim that holds the groups, or a path into one such as `realm_access/roles`; of a map of roles, as Zitadel sends it, its keys. Unset: by the kind, `groups` for most.',
    }),
    email_claim: z
      .string()
      .min(1)
      .optional()
      .meta({
        description:
          'Claim that holds the e-mail address, or a path into one; a list with one entry will do. Unset: `email`. Of another claim `email_verified` says nothing, so name one that people can not change themselves.',
        examples: ['upn'],
      }),
    graph_url: HttpUrl.optional().meta({
      description:
        'For azure: the Microsoft Graph that is asked for groups which are too many for a token. Unset: `https://graph.microsoft.com`.',
    }),
    graph_groups: z.enum(['all', 'security']).optional().meta({
      description:
        'For azure: whether Graph is asked for all groups or for security groups only. Unset: all.',
    }),
    team_id: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'For apple: the team id, to make client secrets with `private_key`.' }),
    key_id: z.string().min(1).optional().meta({ description: 'For apple: the id of `private_key`.' }),
    ...secretKey('private_key', {
      description: 'For apple: the private key (PEM) that makes client secrets, in place of `client_secret`.',
    }),
  })
  .superRefine((entry, context) => {
    const fail = (key: keyof typeof entry, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message })
    for (const [key, kind] of OF_ONE_KIND)
      if (entry[key] !== undefined && entry.provider !== kind) fail(key, `is for \`provider: ${kind}\` only`)
    if (entry.email_claim !== undefined && entry.provider === 'github')
      fail('email_claim', 'is not for `provider: github`, whose API says which address is verified')
    if (entry.scopes !== undefined && !WITHOUT_OPENID.has(entry.provider) && !entry.scopes.includes('openid'))
      fail('scopes', 'must hold "openid"')
  })

export type ProviderEntry = z.output<typeof Entry>

export const signInProviders = {
  sign_in_providers: z
    .record(z.string(), Entry)
    .superRefine((entries, context) => {
      for (const name of Object.keys(entries)) {
        const wrong = !PROVIDER_NAME.test(name)
          ? `is no name: use ${NAME_WORDS}`
          : name === 'service-account'
            ? 'is the name that service accounts go by; choose another'
            : undefined
        if (wrong !== undefined) context.addIssue({ code: 'custom', path: [name], message: wrong })
      }
    })
    .optional()
    .meta({
      description:
        'Further identity providers, or several instead of the `idp_…` keys (which make the one that is named `default`): name → provider. Where people may use several, a page asks which. All have one redirect URI, `/oauth2/callback`.',
      examples: [
        {
          partners: {
            provider: 'oidc',
            provider_url: 'https://login.partner.example',
            client_id: 'sallyport',
            client_secret: 'env:PARTNERS_SECRET',
            label: 'Partner account',
          },
        },
      ],
    }),
}

export const routeProviders = {
  sign_in_providers: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .meta({
      description:
        'Names of the identity providers whose sessions count here: keys of the global map, or `default` for the one of the `idp_…` keys. Unset: all.',
      examples: [['default', 'partners']],
    }),
  idp_client_id: z.string().min(1).optional().meta({
    description:
      'Another OAuth client of the same identity provider, for this route: only sessions that were begun through it count here. Of several providers, name the one in `sign_in_providers`.',
  }),
  ...secretKey('idp_client_secret', { description: 'The secret of that client.' }),
}

export function readRouteClient(keys: z.output<z.ZodObject<typeof routeProviders>>, resolver: Resolver) {
  return {
    /** Of the route's own OAuth client. */
    idp_client_secret: resolver.secret(keys, 'idp_client_secret'),
  }
}
