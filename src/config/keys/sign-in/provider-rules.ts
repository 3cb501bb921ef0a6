/**
 * What must hold between identity providers, and between them and the routes.
 *
 * @module
 */

import { isLoopback } from '../../../loopback.ts'
import type { ConfigPath, Mistake, Settings } from '../../config.ts'
import { nearest } from '../../values/nearest.ts'
import { given, mistake, type RawKeys } from '../rule.ts'
import type { PlacedRoute } from '../rules.ts'
import type { SettingsKeys } from '../settings-schema.ts'
import { KNOWN_ISSUERS, WITHOUT_OPENID } from './provider-kinds.ts'
import { clientsOf, DEFAULT_PROVIDER, providerOfClient, type SignInProvider } from './resolve-providers.ts'

const MAP = 'sign_in_providers'

/** Keys that may stand beside any provider. */
const ABOUT_TOKENS = ['idp_access_token_allowed_audiences']

export function identityProviderIsWhole(settings: SettingsKeys, raw: RawKeys): Mistake[] {
  const keys = Object.keys(raw).filter((key) => key.startsWith('idp_') && !ABOUT_TOKENS.includes(key))
  if (keys.length === 0) return []
  if (!Object.hasOwn(raw, 'idp_provider')) {
    return [mistake([keys[0] ?? ''], 'needs `idp_provider` beside it; use `oidc` for any OpenID provider')]
  }
  const missing: string[] = []
  if (!Object.hasOwn(raw, 'idp_client_id')) missing.push('idp_client_id')
  if (given(raw, ['idp_client_secret', 'idp_client_secret_file']).length === 0)
    missing.push('idp_client_secret')
  const provider = settings.idp_provider
  if (
    !Object.hasOwn(raw, 'idp_provider_url') &&
    provider !== undefined &&
    KNOWN_ISSUERS[provider] === undefined
  ) {
    missing.push('idp_provider_url')
  }
  if (!Object.hasOwn(raw, 'authenticate_service_url')) missing.push('authenticate_service_url')
  return missing.map((key) => mistake(['idp_provider'], `needs \`${key}\` beside it`))
}

/** Judged as it was written, so that a scope that is none does not hide it. */
export function scopesHoldOpenid({ idp_provider: provider }: SettingsKeys, raw: RawKeys): Mistake[] {
  const scopes = raw['idp_scopes']
  const isMissing =
    Array.isArray(scopes) &&
    scopes.length > 0 &&
    !scopes.includes('openid') &&
    (provider === undefined || !WITHOUT_OPENID.has(provider))
  return isMissing ? [{ path: ['idp_scopes'], message: 'must hold "openid"' }] : []
}

export function listedProvidersAreWhole(settings: SettingsKeys, raw: RawKeys): Mistake[] {
  const entries = Object.entries(settings.sign_in_providers ?? {})
  const wrong = entries.flatMap(([name, entry]) => {
    const path = [MAP, name]
    const needs = (key: string, why = '') => mistake(path, `needs \`${key}\`${why}`)
    const key = entry.private_key ?? entry.private_key_file
    return [
      ...(entry.provider_url === undefined && KNOWN_ISSUERS[entry.provider] === undefined
        ? [needs('provider_url')]
        : []),
      ...((entry.client_secret ?? entry.client_secret_file ?? key) === undefined
        ? [needs('client_secret', ' or `client_secret_file`')]
        : []),
      ...(key === undefined
        ? []
        : (['team_id', 'key_id'] as const)
            .filter((part) => entry[part] === undefined)
            .map((part) => needs(part, ' beside `private_key`'))),
      ...(key !== undefined && (entry.client_secret ?? entry.client_secret_file) !== undefined
        ? [mistake(path, 'has both `client_secret` and `private_key`; give one of them')]
        : []),
      ...(name === DEFAULT_PROVIDER && Object.hasOwn(raw, 'idp_provider')
        ? [
            mistake(
              path,
              'is the name of the provider of the `idp_…` keys; give it another, or drop those keys',
            ),
          ]
        : []),
    ]
  })
  if (entries.length > 0 && !Object.hasOwn(raw, 'authenticate_service_url'))
    wrong.push(mistake([MAP], 'needs `authenticate_service_url` beside it'))
  return wrong
}

interface ProviderUrl {
  readonly path: ConfigPath
  readonly text: string | undefined
  readonly mayBePlain?: boolean | undefined
  /** The key that lets it be plain, where there is one. */
  readonly permit?: string
}

/** Tokens and secrets go over them. */
export function providersAreReachedOverTls(settings: SettingsKeys): Mistake[] {
  const urls: readonly ProviderUrl[] = [
    {
      path: ['idp_provider_url'],
      text: settings.idp_provider_url,
      mayBePlain: settings.idp_allow_insecure_http,
      permit: 'idp_allow_insecure_http',
    },
    ...Object.entries(settings.sign_in_providers ?? {}).flatMap(([name, entry]) => [
      {
        path: [MAP, name, 'provider_url'],
        text: entry.provider_url,
        mayBePlain: entry.allow_insecure_http,
        permit: 'allow_insecure_http',
      },
      { path: [MAP, name, 'graph_url'], text: entry.graph_url },
    ]),
  ]
  return urls.flatMap(({ path, text, mayBePlain = false, permit }) => {
    const url = text === undefined ? null : URL.parse(text)
    if (url !== null && url.username + url.password + url.search + url.hash !== '')
      return [mistake(path, 'may not hold a user name, password, query or fragment')]
    if (url === null || url.protocol === 'https:' || mayBePlain || isLoopback(url.hostname)) return []
    const otherwise =
      permit === undefined
        ? ''
        : `, unless \`${permit}: true\` stands beside it, for a provider on a private network that you trust`
    return [
      mistake(path, `must be an https URL; plain http is for a provider on this machine only${otherwise}`),
    ]
  })
}

/** What `sallyport init` leaves for the operator to fill in. */
const PLACEHOLDER = 'FILL-IN'

/** Judged when references are resolved: the placeholder may stand in a file. */
export function clientIsFilledIn(
  settings: Pick<Settings, 'idp_client_id' | 'idp_client_secret'>,
  raw: RawKeys,
): Mistake[] {
  const message = `is still the placeholder "${PLACEHOLDER}": put what the identity provider gave you`
  const secret = given(raw, ['idp_client_secret', 'idp_client_secret_file'])[0] ?? 'idp_client_secret'
  return [
    ...(settings.idp_client_id === PLACEHOLDER ? [mistake(['idp_client_id'], message)] : []),
    ...(settings.idp_client_secret?.reveal() === PLACEHOLDER ? [mistake([secret], message)] : []),
  ]
}

/** Routes name providers that there are, and clients of their own whose provider is clear. */
export function routesNameProviders(
  routes: readonly PlacedRoute[],
  settings: Settings,
  told: ReadonlySet<string>,
): Mistake[] {
  const { sign_in_providers: providers } = settings
  const names = providers.map(({ name }) => name)
  return routes.flatMap(({ route, path }) => {
    const unknown = (route.sign_in_providers ?? []).flatMap((name, index) =>
      names.includes(name) ? [] : [{ path: [...path, MAP, index], message: unknownProvider(name, names) }],
    )
    if (route.idp_client_id === undefined || unknown.length > 0) return unknown
    const at = [...path, 'idp_client_id']
    const base = providerOfClient(route, providers)
    // The default provider is not whole, which is told at its keys.
    if (base === undefined && names.length === 0 && told.has('idp_provider')) return []
    if (base === undefined)
      return [
        mistake(
          at,
          names.length === 0
            ? 'is a client of no provider: `idp_provider` is not set'
            : `could be of several providers: name the one in \`${MAP}\` of this route`,
        ),
      ]
    return route.idp_client_secret === undefined && base.private_key === undefined
      ? [
          mistake(
            at,
            'needs `idp_client_secret` or `idp_client_secret_file` beside it: the global one is another client’s',
          ),
        ]
      : []
  })
}

function unknownProvider(name: string, names: readonly string[]): string {
  const close = nearest(name, names)
  const hint =
    close === undefined
      ? names.length === 0
        ? 'there is none'
        : `there are ${names.join(', ')}`
      : `did you mean "${close}"?`
  return `"${name}" is no identity provider of this file; ${hint}`
}

export function directoriesNameProviders({ directory, sign_in_providers: providers }: Settings): Mistake[] {
  const names = providers.map(({ name }) => name)
  return directory.flatMap(({ provider }, index) =>
    provider === undefined || names.includes(provider)
      ? []
      : [{ path: ['directory', index, 'provider'], message: unknownProvider(provider, names) }],
  )
}

/**
 * One client has one secret, and one name in the map: sessions are told apart by provider and client alone.
 */
export function clientsAreTold(routes: readonly PlacedRoute[], settings: Settings): Mistake[] {
  const { sign_in_providers: providers } = settings
  const known = new Map<string, SignInProvider>()
  const mistakes: Mistake[] = []
  for (const provider of providers) {
    const twin = known.get(clientKey(provider))
    if (twin !== undefined)
      mistakes.push(
        mistake([MAP, provider.name], `is the same client at the same provider as \`${twin.name}\``),
      )
    known.set(clientKey(provider), twin ?? provider)
  }
  for (const { route, path } of routes) {
    if (route.idp_client_id === undefined) continue
    for (const client of clientsOf(route, providers)) {
      const twin = known.get(clientKey(client))
      known.set(clientKey(client), twin ?? client)
      if (twin === undefined || isSameSecret(client, twin)) continue
      mistakes.push(mistake([...path, 'idp_client_id'], 'has another secret in another place of this file'))
    }
  }
  return mistakes
}

function clientKey({ provider_url: url, client_id: client }: SignInProvider): string {
  return `${url.replace(/\/$/, '')}\n${client}`
}

function isSameSecret(one: SignInProvider, other: SignInProvider): boolean {
  return one.client_secret?.reveal() === other.client_secret?.reveal()
}
