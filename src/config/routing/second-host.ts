/**
 * A route that is reachable under two host names is two routes, equal but for the host.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import type { Route } from '../config.ts'
import { freezeDeep } from '../values/freeze.ts'
import { firstOf, movedTo } from './moved-route.ts'

const secondHosts = new WeakMap<Route, Route>()

/** The same route, reachable as `tls_downstream_server_name` too. */
export function underSecondHost(route: Route): Route | undefined {
  const host = route.tls_downstream_server_name
  if (host === undefined || host === route.origin.host || route.origin.host === '') return undefined
  const known = secondHosts.get(firstOf(route))
  if (known !== undefined) return movedTo(known, route.position)
  const { scheme, port } = route.origin
  const second: Route = freezeDeep({
    ...route,
    id: createHash('sha256').update(`${route.id}\0${host}`).digest('hex').slice(0, 16),
    from: `${scheme}://${isIP(host) === 6 ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`,
    origin: { scheme, host, port, wildcard: false },
  })
  secondHosts.set(firstOf(route), second)
  return second
}
