/**
 * The additional hosts of a sign-in: `depends_on` of a route, carried from hop to hop.
 *
 * @module
 */
import type { Visit } from './visit.ts'

const MAX_ADDITIONAL_HOSTS = 5

/**
 * Hosts that are ours by the configuration now in force, without repeats and without the target's own.
 *
 * A host that is left out would end the sign-in as a dead link; it is reported in the log instead.
 */
export function additionalHosts(
  { sites, services, request }: Visit,
  listed: string | null,
  target: URL,
): readonly string[] {
  if (listed === null || listed === '') return []
  const hosts = new Set<string>()
  for (const name of listed.split(',').slice(0, MAX_ADDITIONAL_HOSTS)) {
    const host = sites.loginHostOf(name.trim())
    if (host === undefined && sites.siteOf(name.trim())?.kind === 'authenticate') continue
    if (host === undefined) {
      services.logger.warn(
        { host: name.slice(0, 255), 'request-id': request.decisionId },
        'additional login host left out: no route serves it',
      )
    } else if (host !== target.host) hosts.add(host)
  }
  return [...hosts]
}
