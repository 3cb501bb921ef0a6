/**
 * Routes that stand elsewhere in the file than before, and are otherwise the same.
 *
 * One more line at the top moves all routes. What was made of them, such as their policies, stays as it is.
 *
 * @module
 */
import type { Route } from '../config.ts'

/** The same route at another place. */
export function movedTo(route: Route, position: Route['position']): Route {
  const { line, column } = route.position
  if (line === position.line && column === position.column) return route
  const moved = { ...route, position: Object.freeze(position) }
  // Not enumerable: it is no part of what the route says, and copies of the route are others.
  return Object.freeze(Object.defineProperty(moved, 'movedFrom', { value: firstOf(route) }))
}

/** One and the same object for a route wherever it has stood. */
export function firstOf(route: Route): Route {
  return route.movedFrom ?? route
}
