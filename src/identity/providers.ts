/**
 * The identity providers of the configuration in force.
 *
 * @module
 */

import type { Config, Route, SignInProvider } from '../config/config.ts'
import type { ConfigSource } from '../config/file/watch.ts'
import { clientsOf } from '../config/keys/sign-in/resolve-providers.ts'
import { openProvider } from './open-provider.ts'
import type { ProviderLogger } from './openid/asking.ts'
import type { OpenProvider } from './provider.ts'
import { identityProviderId } from './provider-address.ts'

export interface Providers extends AsyncDisposable {
  /**
   * Those of the configuration in its order; then the clients of single routes. Empty while nobody can sign
   * in.
   */
  readonly all: readonly OpenProvider[]
  /** By the id that sessions bear. */
  readonly find: (idpId: string) => OpenProvider | undefined
  /**
   * Ids of those whose sessions count on a route; without a route, of all but the clients of single routes.
   */
  readonly idsFor: (route?: Route) => readonly string[]
}

export interface FollowOptions {
  readonly config: ConfigSource
  /** PEM of roots that are trusted beside the system's and the configuration's. */
  readonly trustedCa: readonly string[]
  readonly logger: ProviderLogger
}

/** One client, opened. */
interface Held {
  readonly provider: OpenProvider
  /** All that it was made of: while this stays, so does the object, and its keys stay cached. */
  readonly key: string
}

/** What is made of one generation. */
interface Generation {
  readonly held: ReadonlyMap<string, Held>
  readonly named: readonly string[]
  readonly providers: readonly SignInProvider[]
  readonly byRoute: WeakMap<Route, readonly string[]>
}

export function followProviders({ config, trustedCa, logger }: FollowOptions): Providers {
  const copiedClaims = () => Object.values(config.current.settings.jwt_claims_headers)
  let current = generationOf(config.current, new Map())
  const following = config.onGeneration((next) => {
    const former = current.held
    current = generationOf(next, former)
    for (const [id, { provider }] of former)
      if (current.held.get(id)?.provider !== provider) void provider[Symbol.asyncDispose]()
  })

  function generationOf({ settings, routes }: Config, former: ReadonlyMap<string, Held>): Generation {
    const { authenticate_service_url: serviceUrl, certificate_authority: authority } = settings
    const held = new Map<string, Held>()
    const providers = serviceUrl === undefined ? [] : settings.sign_in_providers
    const hold = (client: SignInProvider) => {
      const id = idOf(client)
      if (held.has(id)) return
      const redirectUri = new URL('/oauth2/callback', serviceUrl).href
      const key = JSON.stringify([
        redirectUri,
        authority,
        client,
        client.client_secret?.reveal(),
        client.private_key?.reveal(),
      ])
      const kept = former.get(id)
      const roots = authority === undefined ? trustedCa : [...trustedCa, authority]
      held.set(
        id,
        kept?.key === key
          ? kept
          : { key, provider: openProvider({ client, redirectUri, trustedCa: roots, logger, copiedClaims }) },
      )
    }
    for (const client of providers) hold(client)
    for (const route of routes)
      if (route.idp_client_id !== undefined) for (const client of clientsOf(route, providers)) hold(client)
    return { held, providers, named: providers.map(idOf), byRoute: new WeakMap() }
  }

  return {
    get all() {
      return [...current.held.values()].map(({ provider }) => provider)
    },
    find: (idpId) => current.held.get(idpId)?.provider,
    idsFor(route) {
      if (route === undefined) return current.named
      const known = current.byRoute.get(route)
      if (known !== undefined) return known
      const ids = clientsOf(route, current.providers).map(idOf)
      current.byRoute.set(route, ids)
      return ids
    },
    async [Symbol.asyncDispose]() {
      following[Symbol.dispose]()
      await Promise.all([...current.held.values()].map(({ provider }) => provider[Symbol.asyncDispose]()))
    },
  }
}

function idOf({ provider_url: url, client_id: client }: SignInProvider): string {
  return identityProviderId(url, client)
}
