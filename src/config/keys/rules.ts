/**
 * What must hold across routes, and between routes and settings.
 *
 * @module
 */

import type { ConfigPath, Mistake, Route, Settings } from '../config.ts'
import { mistake } from './rule.ts'
import { upgradesOf } from './upgrades.ts'

/** A route, and where the file gives it. */
export interface PlacedRoute {
  readonly route: Route
  readonly path: ConfigPath
}

/** Two routes with one identity: the second would never be used, and Envoy's clusters would clash. */
export function routesHaveOneIdentityEach(routes: readonly PlacedRoute[]): Mistake[] {
  const first = new Map<string, Route>()
  return routes.flatMap(({ route, path }) => {
    const twin = first.get(route.id)
    first.set(route.id, twin ?? route)
    if (twin === undefined) return []
    const lines = `line ${route.position.line} repeats the route of line ${twin.position.line}`
    return [mistake(path, `${lines}: from, prefix, path, regex and target are equal`)]
  })
}

/** Envoy refuses a cluster with such a probe that cannot speak HTTP/2, as one with upgrades cannot. */
export function grpcHealthChecksSpeakHttp2(routes: readonly PlacedRoute[], settings: Settings): Mistake[] {
  return routes.flatMap(({ route, path }) => {
    const index = route.health_checks?.findIndex((check) => check.grpc_health_check !== undefined) ?? -1
    if (index < 0 || route.to === undefined) return []
    const at = [...path, 'health_checks', index, 'grpc_health_check']
    if (route.to.some(({ scheme }) => scheme === 'http' || scheme === 'unix')) {
      return [mistake(at, 'needs an upstream that speaks HTTP/2: use h2c:// or https:// in `to`')]
    }
    return upgradesOf(route, settings).length > 0
      ? [mistake(at, 'needs HTTP/2, but where upgrades are allowed the upstream is spoken to in HTTP/1.1')]
      : []
  })
}
