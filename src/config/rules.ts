/**
 * What must hold across routes, and between routes and settings.
 *
 * @module
 */

import type { ConfigPath, Mistake } from './config.ts'
import { parseAuthority } from './host-name.ts'
import type { Origin } from './origin.ts'
import { mistake } from './rule.ts'

/** What the rules across routes need to know of one. */
export interface PlacedRoute {
  readonly id: string
  readonly origin: Origin
  readonly depends_on?: readonly string[] | undefined
  readonly path: ConfigPath
}

/** Two routes with one identity: the second would never be used, and Envoy's clusters would clash. */
export function routesHaveOneIdentityEach(
  routes: readonly PlacedRoute[],
  lineOf: (path: ConfigPath) => number,
): Mistake[] {
  const first = new Map<string, ConfigPath>()
  return routes.flatMap(({ id, path }) => {
    const twin = first.get(id)
    if (twin !== undefined)
      return [
        mistake(
          path,
          `line ${lineOf(path)} repeats the route of line ${lineOf(twin)}: from, prefix, path, regex and target are equal`,
        ),
      ]
    first.set(id, path)
    return []
  })
}

/** The sign-in pages have their host for themselves, or a route would shadow them. */
export function authenticateHostIsFree(url: string | undefined, routes: readonly PlacedRoute[]): Mistake[] {
  const own = url === undefined ? null : URL.parse(url)
  if (own === null) return []
  return routes
    .filter(
      ({ origin }) =>
        origin.host === own.hostname && (origin.port ?? Number(own.port || 443)) === Number(own.port || 443),
    )
    .map(({ path }) =>
      mistake(
        [...path, 'from'],
        `has the host of \`authenticate_service_url\`, ${own.hostname}, which serves the sign-in pages`,
      ),
    )
}

/** A route need not sign its users in to itself. */
export function additionalHostsAreOthers(routes: readonly PlacedRoute[]): Mistake[] {
  return routes.flatMap(({ origin, depends_on: hosts, path }) =>
    (hosts ?? []).flatMap((host, index) => {
      const authority = parseAuthority(host)
      const isOwn = authority?.host === origin.host && (authority.port ?? 443) === (origin.port ?? 443)
      return isOwn ? [mistake([...path, 'depends_on', index], 'is the host of this very route')] : []
    }),
  )
}
