/**
 * What the plain-HTTP listener answers: a redirect to https for the hosts of the configuration, 404 for
 * others.
 *
 * One resource; it changes only when a host comes or goes.
 *
 * @module
 */

import type { Config, Settings } from '../../../config/config.ts'
import { authenticateHost, bracketed } from '../../../config/routing/route-match.ts'
import { makeResource, type Resource, TYPE_URL } from '../../ads/resource.ts'
import type { Fields } from '../envoy-json.ts'
import { REDIRECT_CONFIGURATION } from '../names.ts'
import { authorityMatcher } from './virtual-hosts.ts'

/** The port that users write: that of the sign-in pages, since ours may be mapped to another. */
function publicPort(settings: Settings): number {
  const url = settings.authenticate_service_url
  if (url === undefined) return settings.address.port
  const { port } = new URL(url)
  return port === '' ? 443 : Number(port)
}

const redirectTo = (port: number, headers?: readonly Fields[]): Fields => ({
  match: { prefix: '/', ...(headers === undefined ? {} : { headers }) },
  redirect: {
    https_redirect: true,
    ...(port === 443 ? {} : { port_redirect: port }),
    response_code: 'MOVED_PERMANENTLY',
  },
})

export function redirectRoutes({ settings, routes }: Config): Resource {
  const usual = publicPort(settings)
  const authenticate = authenticateHost(settings)
  const portOf = new Map<string, number>(authenticate === undefined ? [] : [[authenticate, usual]])
  const wildcards = new Map<string, Fields>()
  for (const { origin } of routes) {
    const port = origin.port ?? usual
    if (!origin.wildcard) {
      if (!portOf.has(origin.host)) portOf.set(origin.host, port)
    } else if (!wildcards.has(origin.host)) {
      wildcards.set(
        origin.host,
        redirectTo(port, [authorityMatcher({ ...origin, port: undefined }, settings)]),
      )
    }
  }
  const hostsOf = Map.groupBy(portOf.keys(), (host) => portOf.get(host) ?? usual)
  return makeResource(TYPE_URL.routes, REDIRECT_CONFIGURATION, {
    name: REDIRECT_CONFIGURATION,
    virtual_hosts: [
      ...[...hostsOf].map(([port, hosts]) => ({
        name: `port-${port}`,
        domains: hosts.map(bracketed),
        routes: [redirectTo(port)],
      })),
      ...(wildcards.size === 0
        ? []
        : [{ name: 'wildcards', domains: ['*'], routes: [...wildcards.values()] }]),
    ],
  })
}
