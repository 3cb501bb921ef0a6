/**
 * The flow cookie of an app's host: it ties what comes back from elsewhere to the browser that went there.
 *
 * @module
 */
import { FLOW_COOKIE, isFlowCookieValue, newFlowCookieValue } from '../edge/flow.ts'
import { hostCookie, hostOnlyCookie } from './cookies.ts'
import type { Visit } from './visit.ts'

export function presentFlowCookie({ request }: Visit): string | undefined {
  return hostCookie(request.headers.cookie, FLOW_COOKIE)
}

/** The browser's own if it has one, so that tabs don't take it from one another; else a new one. */
export function flowCookie(visit: Visit, maxAgeSeconds: number): string {
  const present = presentFlowCookie(visit)
  if (isFlowCookieValue(present)) return present
  const made = newFlowCookieValue()
  visit.cookies.push(hostOnlyCookie(FLOW_COOKIE, made, maxAgeSeconds))
  return made
}

/** It has served: tabs that still wait with it go on with the session. */
export function forgetFlowCookie(visit: Visit): void {
  visit.cookies.push(hostOnlyCookie(FLOW_COOKIE, '', 0))
}
