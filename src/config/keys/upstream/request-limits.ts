/**
 * How many requests an app may have open, and how many of them one client.
 *
 * @module
 */
import type { Route, Settings } from '../../config.ts'
import { upgradesOf } from '../upgrades.ts'

const USUAL_LIMIT = 1024
/** A WebSocket holds its place for hours, so routes that allow upgrades have more of them. */
const LIMIT_WITH_UPGRADES = 10_000

/** A browser has some dozens at once, so a share is no smaller where the app has more than that. */
const USUAL_SMALLEST_SHARE = 32

/** What the route says of its limits, over what all routes have. */
export const thresholdsOf = (route: Route, settings: Settings) => ({
  ...settings.circuit_breaker_thresholds,
  ...route.circuit_breaker_thresholds,
})

/** Of each number that neither says. */
export const usualLimitOf = (route: Route, settings: Settings): number =>
  upgradesOf(route, settings).length > 0 ? LIMIT_WITH_UPGRADES : USUAL_LIMIT

/** Whether streams may last for ever: a request that waits for a connection would then wait as long. */
export const mayLastForEver = (route: Route, settings: Settings): boolean =>
  route.timeout === 0 || (route.timeout === undefined && upgradesOf(route, settings).length > 0)

/**
 * The most requests that the app may have open, whoever they are of. Where streams may last for ever a limit
 * of connections is one of requests.
 */
export function requestLimitOf(route: Route, settings: Settings): number {
  const { max_requests: most = usualLimitOf(route, settings), max_connections: connections } = thresholdsOf(
    route,
    settings,
  )
  return mayLastForEver(route, settings) ? Math.min(most, connections ?? most) : most
}

/** Each connection carries one request at a time, unless the upstream may be spoken to in HTTP/2. */
const isOnePerConnection = (route: Route, settings: Settings): boolean =>
  upgradesOf(route, settings).length > 0 || route.to?.every(({ scheme }) => scheme === 'http') === true

/**
 * The most requests that one client may have open at the route's app: a quarter, or 32 where that is less,
 * but never more than three quarters. Undefined where one client may take all.
 */
export function clientShareOf(route: Route, settings: Settings): number | undefined {
  if (route.to === undefined) return undefined
  const wanted = thresholdsOf(route, settings)
  const limit = Math.min(
    requestLimitOf(route, settings),
    isOnePerConnection(route, settings) ? (wanted.max_connections ?? Infinity) : Infinity,
  )
  const usual = Math.max(1, Math.ceil(limit / 4), Math.min(USUAL_SMALLEST_SHARE, Math.floor((limit * 3) / 4)))
  const share = wanted.max_requests_per_client ?? usual
  return share < limit ? share : undefined
}
