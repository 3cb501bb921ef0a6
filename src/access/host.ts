/**
 * Host names as requests write them, in the one form that they are compared in.
 *
 * @module
 */
import type { Settings } from '../config/config.ts'
import { authenticateHost } from '../config/routing/route-match.ts'
import { placeOf, withoutFinalDot } from '../config/values/host-name.ts'

/**
 * Lower case, no port, IPv6 without brackets; empty for what Envoy should have refused, and no step lets
 * pass.
 */
export const hostOf = (authority: string): string => placeOf(withoutFinalDot(authority))?.host ?? ''

const authenticateHosts = new WeakMap<Settings, string | undefined>()

/** Whose session cookie counts on a host: that of the sign-in pages has its own, also for an app there. */
export function siteKindOf(host: string, settings: Settings): 'app' | 'authenticate' {
  if (!authenticateHosts.has(settings)) authenticateHosts.set(settings, authenticateHost(settings))
  return authenticateHosts.get(settings) === host ? 'authenticate' : 'app'
}
