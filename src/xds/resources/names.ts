/**
 * Names that stand in more than one resource, and in Envoy's statistics and logs.
 *
 * @module
 */

import { hash } from 'node:crypto'
import type { Route } from '../../config/config.ts'
import { firstOf } from '../../config/routing/moved-route.ts'
import type { Work } from '../../turns.ts'

/** Clusters of the bootstrap: Sallyport itself. */
export const AUTHZ_CLUSTER = 'sallyport-authz'
export const HTTP_CLUSTER = 'sallyport-http'
export const SUPERVISE_CLUSTER = 'sallyport-supervise'

/** The filter that holds on to requests which stay open. */
export const SUPERVISE_FILTER = 'sallyport.supervise'

export const MAIN_LISTENER = 'main'
export const REDIRECT_LISTENER = 'http-redirect'
export const ROUTE_CONFIGURATION = 'main'
export const REDIRECT_CONFIGURATION = 'http-redirect'

/** The secret with the roots that upstreams are verified by, unless a route brings its own. */
export const TRUST_SECRET = 'upstream-trust'

/** The secret with the authorities of client certificates. */
export const CLIENT_TRUST_SECRET = 'client-trust'

export const serverCertificateSecret = (index: number): string => `server-certificate-${index}`
export const clientCertificateSecret = (cluster: string): string => `client-certificate/${cluster}`

/**
 * The cluster of each route that has upstreams.
 *
 * Named after what the route matches, not after its target: a new `to` then updates the cluster in place, and
 * Envoy uses the old one until the new one is ready.
 */
export function* clusterNames(routes: readonly Route[]): Work<ReadonlyMap<Route, string>> {
  const names = new Map<Route, string>()
  const taken = new Set<string>()
  for (const route of routes) {
    if (route.to === undefined) continue
    const base = baseNameOf(firstOf(route))
    let name = base
    for (let twin = 2; taken.has(name); twin += 1) name = `${base}-${twin}`
    taken.add(name)
    names.set(route, name)
    yield
  }
  return names
}

const baseNames = new WeakMap<Route, string>()

function baseNameOf(route: Route): string {
  let name = baseNames.get(route)
  if (name === undefined) {
    const { origin, prefix, path, regex } = route
    const match = JSON.stringify([origin.host, origin.port, regex, path, prefix])
    name = `${origin.host}-${hash('sha256', match, 'hex').slice(0, 8)}`
    baseNames.set(route, name)
  }
  return name
}

/**
 * Metadata of clusters where only a name that does not resolve can leave the route without a server: nothing
 * else takes servers away.
 */
export const NAME_NAMESPACE = 'sallyport.name'
