/**
 * Keys by which an upstream gets a token for its own audience: exchanged for one of the user's, or got by a
 * client for itself.
 *
 * @module
 */

import { z } from 'zod'
import { isLoopback } from '../../../loopback.ts'
import type { Mistake } from '../../mistake.ts'
import type { Resolver } from '../../resolver.ts'
import { TokenHeader } from '../../values/header.ts'
import { secretKey, withoutReferences } from '../../values/reference.ts'
import { given, mistake, type RawKeys } from '../rule.ts'
import { WITHOUT_OPENID } from '../sign-in/provider-kinds.ts'
import { clientsOf, type SignInProvider } from '../sign-in/resolve-providers.ts'
import { HttpUrl, RequestParams, Scopes } from '../sign-in/sign-in-providers.ts'

const KEY = 'upstream_token'

/** RFC 8707 section 2: an absolute URI without a fragment. */
const Resource = z
  .string()
  .refine((text) => URL.canParse(text) && !text.includes('#'), 'is not an absolute URI without a fragment')

const listOf = <Item extends z.ZodType<string, string>>(item: Item) =>
  z.union([item, z.array(item).min(1)]).transform((value) => [value].flat())

const UpstreamToken = z.strictObject({
  grant: z.enum(['token_exchange', 'on_behalf_of', 'client_credentials']).meta({
    description:
      'How it is got. `token_exchange`: for a token of the user’s (RFC 8693). `on_behalf_of`: the same as Entra ID wants it (RFC 7523 with `requested_token_use`). `client_credentials`: by the client alone, the same for all users (RFC 6749 section 4.4).',
  }),
  audience: listOf(z.string().min(1))
    .optional()
    .meta({
      description:
        'For whom it is to be, as the authorization server calls the upstream: one or several (RFC 8693 section 2.1). A JWT that comes back for others only is not passed on.',
      examples: ['reports'],
    }),
  resource: listOf(Resource)
    .optional()
    .meta({
      description: 'The same as a URI, one or several (RFC 8707).',
      examples: ['https://reports.internal.example.com'],
    }),
  scopes: Scopes.optional().meta({
    description: 'Scopes asked for (RFC 6749 section 3.3).',
    examples: [['api://reports/.default']],
  }),
  subject_token: z.enum(['access_token', 'id_token']).default('access_token').meta({
    description: 'Which of the user’s tokens is exchanged.',
  }),
  requested_token_type: z.enum(['access_token', 'id_token', 'jwt']).default('access_token').meta({
    description: 'Kind of token asked for, with `token_exchange` (RFC 8693 section 3).',
  }),
  header: TokenHeader,
  token_url: HttpUrl.optional().meta({
    description:
      'Token endpoint (RFC 6749 section 3.2). Unset: the one of the user’s identity provider; with `client_credentials`, of the one provider of the route.',
    examples: ['https://idp.example.com/realms/main/protocol/openid-connect/token'],
  }),
  client_id: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Client that asks there. Unset: the one by which people sign in.' }),
  ...secretKey('client_secret', { description: 'Its secret (RFC 6749 section 2.3.1).' }),
  client_authentication: z
    .enum(['client_secret_basic', 'client_secret_post'])
    .default('client_secret_basic')
    .meta({ description: 'How that client shows its secret (RFC 7591 section 2).' }),
  request_params: RequestParams.optional().meta({
    description: 'Further parameters of the token request.',
    examples: [{ connector_id: 'main' }],
  }),
  optional: z.boolean().default(false).meta({
    description:
      'Whether requests pass without the header when there is nothing to exchange, as of visitors who have not signed in. Whoever has a token that can’t be exchanged is refused all the same.',
  }),
})

export const upstreamToken = {
  [KEY]: UpstreamToken.optional().meta({
    description:
      'Gives the upstream a token for its own audience, kept until shortly before it ends. Unset: none.',
    examples: [{ grant: 'token_exchange', audience: 'reports' }],
  }),
}

type Keys = z.output<z.ZodObject<typeof upstreamToken>>

export function readUpstreamToken({ [KEY]: keys }: Keys, resolver: Resolver) {
  return {
    [KEY]: keys && {
      ...withoutReferences(keys),
      client_secret: resolver.secret(keys, 'client_secret', [KEY]),
    },
  }
}

/** As the rest of the program sees it. */
export type UpstreamTokenTerms = NonNullable<ReturnType<typeof readUpstreamToken>['upstream_token']>

/** Whether it is got for somebody, by a token of theirs. */
export const isForUser = ({ grant }: Pick<UpstreamTokenTerms, 'grant'>): boolean =>
  grant !== 'client_credentials'

/** What else of a route these keys go together with. */
interface TokenRoute extends Keys {
  readonly allow_public_unauthenticated_access?: boolean | undefined
}

const at = (key: string, message: string): Mistake => mistake([KEY, key], message)

const SECRET_KEYS = ['client_secret', 'client_secret_file']

/** What each grant has no use for. */
const WITHOUT_EFFECT = {
  token_exchange: [],
  on_behalf_of: ['audience', 'resource', 'requested_token_type'],
  client_credentials: ['subject_token', 'requested_token_type', 'optional'],
} as const

/** What is sent in any case, and by other keys. */
const OWN_PARAMETERS: ReadonlySet<string> = new Set([
  'grant_type',
  'audience',
  'resource',
  'scope',
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'assertion',
  'requested_token_use',
  'client_id',
  'client_secret',
])

export function upstreamTokenMistakes({ [KEY]: keys, ...route }: TokenRoute, raw: RawKeys): Mistake[] {
  if (keys === undefined) return []
  const { grant } = keys
  const written = withinKey(raw)
  const found: Mistake[] = given(written, WITHOUT_EFFECT[grant]).map((key) =>
    at(
      key,
      `has no effect with \`grant: ${grant}\`${grant === 'on_behalf_of' ? ': name the upstream in `scopes`' : ''}`,
    ),
  )
  if (given(raw, ['to']).length === 0) found.push(mistake([KEY], 'needs the app under `to`'))
  if (grant === 'on_behalf_of' && keys.scopes === undefined)
    found.push(mistake([KEY], 'needs `scopes`, such as `api://<id of the upstream>/.default`'))
  if (grant === 'on_behalf_of' && keys.subject_token === 'id_token')
    found.push(at('subject_token', 'must be access_token: that is what `on_behalf_of` takes'))
  if (grant === 'token_exchange' && given(written, ['audience', 'resource', 'scopes']).length === 0)
    found.push(
      mistake([KEY], 'needs `audience`, or `resource` or `scopes` where the upstream is named by these'),
    )
  if (isForUser(keys) && !keys.optional && route.allow_public_unauthenticated_access === true)
    found.push(
      mistake(
        [KEY],
        'needs somebody who is signed in, and this route is open to everybody: add `optional: true`, or use `grant: client_credentials`',
      ),
    )
  for (const name of Object.keys(keys.request_params ?? {}))
    if (OWN_PARAMETERS.has(name))
      found.push(mistake([KEY, 'request_params', name], 'is set by the other keys'))
  return [...found, ...clientMistakes(written, keys)]
}

function clientMistakes(
  written: RawKeys,
  { token_url: text }: Pick<UpstreamTokenTerms, 'token_url'>,
): Mistake[] {
  const [secret] = given(written, SECRET_KEYS)
  const [client] = given(written, ['client_id'])
  const found: Mistake[] = []
  if (client === undefined && secret !== undefined) found.push(at(secret, 'needs `client_id` beside it'))
  if (client !== undefined && secret === undefined)
    found.push(at(client, 'needs `client_secret` or `client_secret_file` beside it'))
  if (client === undefined && Object.hasOwn(written, 'client_authentication'))
    found.push(at('client_authentication', 'needs `client_id` beside it'))
  const url = text === undefined ? null : URL.parse(text)
  if (url === null) return found
  if (client === undefined)
    found.push(at('token_url', 'needs `client_id` beside it: the secret of the sign-in goes nowhere else'))
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    found.push(at('token_url', 'must be an https URL; plain http is for a server on this machine only'))
  if (url.username + url.password + url.hash !== '')
    found.push(at('token_url', 'may not hold a user name, password or fragment'))
  return found
}

/** The keys below, as they were written. */
function withinKey(raw: RawKeys): RawKeys {
  const value = raw[KEY]
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** A route as it is served. */
type ServedRoute = Parameters<typeof clientsOf>[0] & {
  readonly [KEY]: UpstreamTokenTerms | undefined
}

/** Without `token_url` an identity provider is asked: one that there is, and that knows such grants. */
export function upstreamTokenBeside(
  route: ServedRoute,
  { sign_in_providers: providers }: { readonly sign_in_providers: readonly SignInProvider[] | undefined },
): Mistake[] {
  const terms = route[KEY]
  if (terms === undefined || terms.token_url !== undefined || providers === undefined) return []
  const clients = clientsOf(route, providers)
  const unable = clients.find(({ provider }) => WITHOUT_OPENID.has(provider))
  if (clients.length === 0)
    return [mistake([KEY], 'needs `token_url`: there is no identity provider that could be asked')]
  if (unable !== undefined)
    return [mistake([KEY], `needs \`token_url\`: ${unable.provider} knows no such grant`)]
  const isOfOne = terms.client_id !== undefined || !isForUser(terms)
  return isOfOne && clients.length > 1
    ? [
        mistake(
          [KEY],
          'could ask several identity providers: name one in `sign_in_providers` of this route, or give `token_url`',
        ),
      ]
    : []
}
