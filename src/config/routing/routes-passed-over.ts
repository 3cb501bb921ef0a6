/**
 * Why each of the other routes was not chosen for a request: the answer to "which rule matched, and why not
 * mine?"
 *
 * @module
 */

import type { Config, Route } from '../config.ts'
import { placeOf, withoutFinalDot } from '../values/host-name.ts'
import {
  authenticateHost,
  type Choice,
  isOwnPath,
  isUnderWildcard,
  type RoutedRequest,
  takesPath,
} from './route-match.ts'

export interface PassedOver {
  readonly route: Route
  /** Whether it is for the host of the request at all; the others are of less interest. */
  readonly isForHost: boolean
  readonly why: string
}

/** In the order of the file. */
export function routesPassedOver(
  config: Config,
  request: RoutedRequest,
  choice: Choice,
): readonly PassedOver[] {
  const place = placeOf(withoutFinalDot(request.authority))
  const exact = config.routes.filter(({ origin }) => !origin.wildcard && origin.host === place?.host)
  const chosen = choice.kind === 'route' ? choice.route : undefined
  const isChosenExact = chosen === undefined ? exact.length > 0 : !chosen.origin.wildcard
  return config.routes.flatMap((route) => {
    if (route === chosen) return []
    const isForHost = route.origin.wildcard
      ? place !== undefined && isUnderWildcard(route, place, config.settings)
      : exact.includes(route)
    return [{ route, isForHost, why: whyNot(route, isForHost) }]
  })

  function whyNot(route: Route, isForHost: boolean): string {
    const { origin } = route
    if (!isForHost) return `answers for ${origin.host}`
    if (origin.wildcard && place?.host === authenticateHost(config.settings))
      return 'the host of the sign-in pages takes no wildcard'
    if (!origin.wildcard && origin.port !== undefined && !isPort(origin.port)) {
      return `answers on port ${origin.port} only`
    }
    if (origin.wildcard && isChosenExact && exact.length > 0)
      return 'a route with this very host wins over a wildcard'
    if (choice.kind === 'refused') return 'no route takes this path'
    if (choice.kind === 'redirect') return 'the path is asked for in another form first'
    if (choice.kind === 'own' || isOwnPath(choice.path)) return 'Sallyport answers this path itself'
    if (!takesPath(route, choice.path)) return `${matchOf(route)} does not match`
    if (chosen === undefined) return 'does not answer on this port'
    return `the route of line ${chosen.position.line} comes first`
  }

  function isPort(port: number): boolean {
    return place?.port === undefined ? port === 443 || port === 80 : place.port === port
  }
}

/** What a route wants of the path, as the file says it. */
export function matchOf({ regex, path, prefix }: Route): string {
  if (regex !== undefined) return `regex ${regex}`
  if (path !== undefined) return `path ${path}`
  return `prefix ${prefix ?? '/'}`
}
