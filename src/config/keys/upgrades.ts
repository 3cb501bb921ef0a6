/**
 * Which upgrades (RFC 9110 section 7.8) a route lets through.
 *
 * An upgrade exists in HTTP/1.1 only, so an upstream that is spoken to in cleartext HTTP/2 has none.
 *
 * @module
 */

import type { Route, Settings } from '../config.ts'

type UpgradeKeys = Pick<
  Route,
  'to' | 'allow_upgrades' | 'allow_websockets' | 'allow_spdy' | 'kubernetes_service_account_token'
>

const isHttp2Only = ({ to }: Pick<Route, 'to'>): boolean =>
  to?.some(({ scheme }) => scheme === 'h2c') === true

const tokenOf = (token: string): string => (token === 'spdy' ? 'spdy/3.1' : token)

/**
 * `allow_websockets` and `allow_spdy` add to the list of upgrades, and take away from it when they say
 * `false`.
 */
export function upgradesOf(
  route: UpgradeKeys,
  settings: Pick<Settings, 'allow_upgrades'>,
): readonly string[] {
  // What is allowed globally is meant for the routes that can have it.
  const shared = isHttp2Only(route) ? [] : (settings.allow_upgrades ?? [])
  const upgrades = new Set((route.allow_upgrades ?? shared).map(tokenOf))
  // `kubectl exec` and its like speak one or the other.
  const isNeeded = route.kubernetes_service_account_token === undefined ? undefined : true
  for (const [token, isAllowed] of [
    ['websocket', route.allow_websockets ?? isNeeded],
    ['spdy/3.1', route.allow_spdy ?? isNeeded],
  ] as const) {
    if (isAllowed === true) upgrades.add(token)
    else if (isAllowed === false) upgrades.delete(token)
  }
  return [...upgrades]
}
