/**
 * The name in the configuration of the provider that a session is of.
 *
 * @module
 */
import type { Config } from '../config/config.ts'
import { clientsOf } from '../config/keys/sign-in/resolve-providers.ts'
import { identityProviderId } from './provider-address.ts'

const names = new WeakMap<Config, ReadonlyMap<string, string>>()

/** The clients of single routes are of the provider at which they are registered. */
export function providerNameIn(config: Config, idpId: string): string | undefined {
  let known = names.get(config)
  if (known === undefined) {
    const { routes, settings } = config
    const providers = settings.sign_in_providers
    const ofRoutes = routes.flatMap((route) =>
      route.idp_client_id === undefined ? [] : clientsOf(route, providers),
    )
    known = new Map(
      [...ofRoutes, ...providers].map((each) => [
        identityProviderId(each.provider_url, each.client_id),
        each.name,
      ]),
    )
    names.set(config, known)
  }
  return known.get(idpId)
}
