/**
 * How long a stream of a route may last, and how long it may be silent.
 *
 * A total (`RouteAction.timeout`) counts from the end of the request, and cuts downloads, events and gRPC
 * streams in the middle. So it is set only where the route says so; otherwise an upstream may be silent for
 * so long and no longer.
 *
 * @module
 */

import type { Route, Settings } from '../../../config/config.ts'
import { upgradesOf } from '../../../config/keys/upgrades.ts'
import { duration, type Fields } from '../envoy-json.ts'

/** The shorter of two limits, of which 0 is none. */
const shorter = (one: number, other: number): number =>
  one === 0 ? other : other === 0 ? one : Math.min(one, other)

/** Undefined leaves the limit of the listener, `timeout_idle`. */
function idleTimeoutOf(route: Route, settings: Settings): number | undefined {
  if (route.idle_timeout !== undefined) return route.idle_timeout
  // A long-lived stream may be silent.
  if (upgradesOf(route, settings).length > 0) return 0
  const { default_upstream_timeout: usual, timeout_idle: longest } = settings
  if (route.timeout === undefined) return usual === 0 ? undefined : shorter(usual, longest)
  // Who allows an answer ten minutes does not mean five.
  return route.timeout > longest && longest > 0 ? route.timeout : undefined
}

export function timeoutsOf(route: Route, settings: Settings): Fields {
  const idleTimeout = idleTimeoutOf(route, settings)
  return {
    timeout: duration(route.timeout ?? 0),
    ...(idleTimeout === undefined ? {} : { idle_timeout: duration(idleTimeout) }),
  }
}
