/**
 * The OpenID provider of the configuration in force.
 *
 * @module
 */
import type { Config } from '../config/config.ts'
import type { ConfigSource } from '../config/watch.ts'
import { openIdentityProvider, type ProviderLogger } from './openid-provider.ts'
import type { IdentityProvider } from './provider.ts'

type OpenProvider = IdentityProvider & AsyncDisposable

export interface CurrentProvider extends AsyncDisposable {
  /** `undefined` while nobody can sign in: the configuration names no provider. */
  readonly current: OpenProvider | undefined
}

export interface FollowOptions {
  readonly config: ConfigSource
  /** PEM of roots that are trusted beside the system's and the configuration's. */
  readonly trustedCa: readonly string[]
  readonly logger: ProviderLogger
}

/** The same object while its settings stay, so that its keys stay cached. */
export function followProvider({ config, trustedCa, logger }: FollowOptions): CurrentProvider {
  const open = ({ settings }: Config): OpenProvider | undefined => {
    const { authenticate_service_url, idp_provider, certificate_authority } = settings
    if (authenticate_service_url === undefined || idp_provider === undefined) return undefined
    const redirectUri = new URL('/oauth2/callback', authenticate_service_url).href
    const roots = certificate_authority === undefined ? trustedCa : [...trustedCa, certificate_authority]
    return openIdentityProvider({ settings, redirectUri, trustedCa: roots, logger })
  }
  let current = open(config.current)
  let key = providerKey(config.current)
  const following = config.onGeneration((next) => {
    if (providerKey(next) === key) return
    const replaced = current
    current = open(next)
    key = providerKey(next)
    void replaced?.[Symbol.asyncDispose]()
  })
  return {
    get current() {
      return current
    },
    async [Symbol.asyncDispose]() {
      following[Symbol.dispose]()
      await current?.[Symbol.asyncDispose]()
    },
  }
}

function providerKey({ settings }: Config): string {
  return JSON.stringify([
    settings.authenticate_service_url,
    settings.certificate_authority,
    settings.idp_provider,
    settings.idp_provider_url,
    settings.idp_client_id,
    settings.idp_client_secret?.reveal(),
    settings.idp_scopes,
    settings.idp_request_params,
  ])
}
