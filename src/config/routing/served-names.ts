/**
 * The host names that clients are shown a certificate for.
 *
 * @module
 */
import type { Config, Route } from '../config.ts'

/** Each once: the sign-in pages first, then routes in the order of the file. */
export function servedNames({ settings, routes }: Pick<Config, 'settings' | 'routes'>): readonly string[] {
  const { authenticate_service_url: url } = settings
  const authenticateHost = url === undefined ? [] : [new URL(url).hostname]
  return [...new Set([...authenticateHost, ...routes.flatMap(certificateName)])]
}

/** A wildcard in the middle of a name is for Envoy's matching; no certificate can have it. */
function certificateName({ origin }: Route): readonly string[] {
  if (!origin.wildcard) return [origin.host]
  return /^\*\.[^*]+$/.test(origin.host) ? [origin.host] : []
}
