/**
 * What must hold between the keys about bearer tokens.
 *
 * @module
 */

import { isLoopback } from '../../../loopback.ts'
import type { ConfigPath, Mistake, Route, Settings } from '../../config.ts'
import { given, mistake, type RawKeys } from '../rule.ts'
import type { PlacedRoute } from '../rules.ts'
import type { SettingsKeys } from '../settings-schema.ts'
import { clientsOf, type SignInProvider } from '../sign-in/resolve-providers.ts'
import { IN_CLUSTER, type MachineIssuer, machineIssuerOf } from './machine-issuers.ts'
import { looseTrust, pinProblem } from './public-issuers.ts'

type Entries = NonNullable<SettingsKeys['identity_providers']>

/** Of the global map. */
export function identityProviderMistakes(keys: SettingsKeys): Mistake[] {
  const { identity_providers: entries, sign_in_providers: people = {} } = keys
  if (entries === undefined) return []
  const seen = new Map<string, string>()
  return Object.entries(entries).flatMap(([name, entry]) => {
    const issuer = machineIssuerOf(name, entry)
    const at = (key: keyof Entries[string], message: string) =>
      mistake(['identity_providers', name, key], message)
    const own = issuer.issuer ?? `spiffe://${issuer.trustDomain}`
    const twin = seen.get(own)
    seen.set(own, twin ?? name)
    return [
      ...(Object.hasOwn(people, name)
        ? [
            mistake(
              ['identity_providers', name],
              'is the name of a sign-in provider too: ids of people would read as those of workloads',
            ),
          ]
        : []),
      ...addressMistakes(issuer, at),
      ...spiffeMistakes(name, entry),
      ...(twin === undefined
        ? []
        : [
            at(
              entry.issuer === undefined ? 'preset' : 'issuer',
              `is the issuer of "${twin}" too: whose token it is could not be told`,
            ),
          ]),
      ...Object.entries(issuer.claims).flatMap(([claim, pin]) => {
        const wrong = pinProblem(pin)
        return wrong === undefined
          ? []
          : [{ path: ['identity_providers', name, 'claims', claim], message: wrong }]
      }),
      ...trustMistakes(name, issuer, entry),
    ]
  })
}

function addressMistakes(
  { issuer, jwksUrl, trustDomain }: MachineIssuer,
  at: (key: 'issuer' | 'jwks_url' | 'preset', message: string) => Mistake,
): Mistake[] {
  const mistakes: Mistake[] = []
  if (issuer === undefined && trustDomain === undefined)
    mistakes.push(at('preset', 'needs `issuer` or a `preset` that knows it'))
  if (issuer === IN_CLUSTER && jwksUrl !== undefined)
    mistakes.push(
      at('jwks_url', `cannot stand beside the issuer ${IN_CLUSTER}, whose keys the API server has`),
    )
  if (issuer !== undefined && issuer !== IN_CLUSTER) {
    const wrong = urlProblem(issuer, jwksUrl !== undefined)
    if (wrong !== undefined) mistakes.push(at('issuer', wrong))
  }
  const wrong = jwksUrl === undefined ? undefined : urlProblem(jwksUrl, false)
  if (wrong !== undefined) mistakes.push(at('jwks_url', wrong))
  return mistakes
}

/** @param isNameOnly whether nobody is asked at this address */
function urlProblem(text: string, isNameOnly: boolean): string | undefined {
  const url = URL.parse(text)
  if (url === null) return isNameOnly ? undefined : 'is not a URL'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  if (url.protocol === 'https:' || (isNameOnly && url.protocol !== 'http:')) return undefined
  if (url.protocol === 'http:' && isLoopback(url.hostname)) return undefined
  return 'must be an https URL; plain http is for an issuer on this machine only'
}

function spiffeMistakes(
  name: string,
  { preset, trust_domain, jwks_url, issuer }: Entries[string],
): Mistake[] {
  const at = (key: string, message: string) => mistake(['identity_providers', name, key], message)
  if (preset !== 'spiffe')
    return trust_domain === undefined ? [] : [at('trust_domain', 'is for `preset: spiffe` only')]
  return [
    ...(trust_domain === undefined ? [at('preset', 'needs `trust_domain` beside it')] : []),
    ...(jwks_url === undefined && issuer === undefined
      ? [at('preset', 'needs `jwks_url` beside it: where the bundle of the trust domain is served')]
      : []),
  ]
}

function trustMistakes(name: string, { issuer, claims }: MachineIssuer, entry: Entries[string]): Mistake[] {
  const loose = issuer === undefined ? undefined : looseTrust(issuer, claims)
  if (loose === undefined) return []
  const key = entry.claims !== undefined ? 'claims' : entry.issuer === undefined ? 'preset' : 'issuer'
  return [mistake(['identity_providers', name, key], loose)]
}

/** What the file gives of what tokens are judged by, right or wrong in itself. */
interface Given {
  readonly issuers: readonly string[]
  readonly hasProvider: boolean
}

function givenForBearer(raw: RawKeys): Given {
  const issuers = raw['identity_providers']
  return {
    issuers: typeof issuers === 'object' && issuers !== null ? Object.keys(issuers) : [],
    hasProvider: given(raw, ['idp_provider', 'sign_in_providers']).length > 0,
  }
}

/** Of routes, and of the global format. */
export function bearerMistakes(
  routes: readonly PlacedRoute[],
  settings: Settings,
  raw: RawKeys,
): readonly Mistake[] {
  const found = givenForBearer(raw)
  const global = settings.bearer_token_format
  return [
    ...sourceMistakes(['bearer_token_format'], global, found),
    ...routes.flatMap(({ route, path }) => {
      const own = route.bearer_token_format
      const format = own ?? global
      // Told once for all routes that take the global format.
      const at = own === undefined ? ['bearer_token_format'] : [...path, 'bearer_token_format']
      return [
        ...(own === undefined ? [] : sourceMistakes(at, own, found)),
        ...providerMistakes(at, format, clientsOf(route, settings.sign_in_providers), route.from),
        ...issuerMistakes(route, path, format, found.issuers),
        ...audienceMistakes(route, path, format),
      ]
    }),
  ]
}

function sourceMistakes(path: ConfigPath, format: Format, { issuers, hasProvider }: Given): Mistake[] {
  if (format === 'jwt' && issuers.length === 0)
    return [mistake(path, '`jwt` needs issuers in the global `identity_providers`')]
  if ((format === 'idp_access_token' || format === 'idp_identity_token') && !hasProvider)
    return [
      mistake(path, `\`${format}\` needs an identity provider: \`idp_provider\` or \`sign_in_providers\``),
    ]
  return []
}

/**
 * A token that is shown to the wrong provider is given away, and what it is worth depends on the provider's
 * kind.
 */
function providerMistakes(
  path: ConfigPath,
  format: Format,
  clients: readonly SignInProvider[],
  from: string,
): Mistake[] {
  if (format !== 'idp_access_token' && format !== 'idp_identity_token') return []
  if (clients.length > 1)
    return [
      mistake(
        path,
        `people may use several identity providers at ${from}: name the one whose tokens count in its \`sign_in_providers\``,
      ),
    ]
  const kind = clients[0]?.provider
  if (format === 'idp_identity_token' && kind === 'github')
    return [mistake(path, 'GitHub gives no ID tokens; use `idp_access_token`')]
  if (format === 'idp_access_token' && kind === 'apple')
    return [mistake(path, 'Apple’s access tokens say nothing; use `idp_identity_token`')]
  return []
}

function issuerMistakes(
  { identity_providers: listed }: Route,
  path: ConfigPath,
  format: Format,
  names: readonly string[],
): Mistake[] {
  const at = [...path, 'identity_providers']
  if (listed !== undefined && format !== 'jwt') return [mistake(at, 'is for `bearer_token_format: jwt` only')]
  return (listed ?? []).flatMap((name, index) => {
    if (names.includes(name)) return []
    const known = names.length === 0 ? '' : ` (${names.join(', ')})`
    return [
      { path: [...at, index], message: `"${name}" is not in the global \`identity_providers\`${known}` },
    ]
  })
}

function audienceMistakes(
  { idp_access_token_allowed_audiences: audiences }: Route,
  path: ConfigPath,
  format: Format,
): Mistake[] {
  if (audiences === undefined || format === 'idp_access_token') return []
  return [
    mistake(
      [...path, 'idp_access_token_allowed_audiences'],
      'is for `bearer_token_format: idp_access_token` only',
    ),
  ]
}

type Format = Settings['bearer_token_format']
