/**
 * What must hold between the keys of sessions, on one route and over all.
 *
 * @module
 */

import type { Mistake, Settings } from '../../config.ts'
import type { RouteDraft } from '../route-schema.ts'
import { mistake } from '../rule.ts'
import type { PlacedRoute } from '../rules.ts'

/**
 * A route may shorten what is set for all; what it lengthens has no effect, or not the one that was meant.
 */
export function routesOnlyShortenSessions(routes: readonly PlacedRoute[], settings: Settings): Mistake[] {
  const { cookie_expire: lifetime, session_idle_timeout: idle } = settings
  return routes.flatMap(({ route, path }) => {
    const found: Mistake[] = []
    if (route.session_lifetime !== undefined && route.session_lifetime > lifetime)
      found.push(
        mistake(
          [...path, 'session_lifetime'],
          'is longer than `cookie_expire`, the life of every session (14h when unset): a route can only shorten it',
        ),
      )
    if (idle !== undefined && route.session_idle_timeout !== undefined && route.session_idle_timeout > idle)
      found.push(
        mistake(
          [...path, 'session_idle_timeout'],
          'is longer than the global `session_idle_timeout`: a route can only shorten it',
        ),
      )
    return found
  })
}

const OF_A_PERSON = ['max_age', 'acr_values', 'session_lifetime', 'session_idle_timeout'] as const

export function publicRouteAsksForNoSignIn(route: RouteDraft): Mistake[] {
  if (route.allow_public_unauthenticated_access !== true) return []
  return OF_A_PERSON.filter((key) => route[key] !== undefined).map((key) =>
    mistake(
      [key],
      'has no effect on a route with `allow_public_unauthenticated_access: true`; remove one of them',
    ),
  )
}
