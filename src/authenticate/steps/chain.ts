/** From the target's host over the additional ones, and back to where the user agent wanted to go. */

import { signUrl } from '../../crypto/signed-url.ts'
import { flowHash } from '../../edge/flow.ts'
import { ADDITIONAL_HOSTS_PARAMETER, REDIRECT_URI_PARAMETER } from '../../edge/sign-in-url.ts'
import { additionalHosts } from '../chain.ts'
import { ENDPOINTS } from '../endpoints.ts'
import { flowCookie, forgetFlowCookie } from '../flow-cookie.ts'
import { handOffUrl } from '../hand-off.ts'
import { type Answer, pageThatGoesOn, redirect, required, type Visit } from '../visit.ts'

/** The browser is back in a moment. */
const FLOW_COOKIE_SECONDS = 300

/**
 * An additional host ties the browser to itself. Whoever is led here by somebody else's link gets nothing by
 * it.
 */
export function tieBrowser(visit: Visit): Answer {
  const target = required(visit, 'target')
  const { sessionId, host, flow, tied, jti } = required(visit, 'handOff')
  const hash = flowHash(flowCookie(visit, FLOW_COOKIE_SECONDS))
  const all = { sessionId, flow, jti, target, tied: [...tied, { host, flow: hash }] }
  const [next, ...untied] = untiedHosts(visit, target)
  return redirect(
    visit,
    next === undefined
      ? handOffUrl(visit, 'CHAIN', { ...all, host: target.host })
      : handOffUrl(visit, 'FLOW', { ...all, host: next, untied }),
  )
}

/** After this host has taken the session, or has seen that all of the chain belongs to one browser. */
export function nextHost(visit: Visit): Answer {
  const target = required(visit, 'target')
  const { sessionId, flow } = required(visit, 'handOff')
  // Where the session cookie did not come back, the additional hosts have had their turn already.
  const [next, ...untied] = (visit.found.round ?? 0) > 1 ? [] : untiedHosts(visit, target)
  if (next !== undefined)
    return redirect(visit, handOffUrl(visit, 'FLOW', { sessionId, flow, target, host: next, untied }))
  forgetFlowCookie(visit)
  return nextTiedHost(visit)
}

/** Past a host that does not take the session: each hand-off after it asks for a flow cookie of its own. */
export function nextTiedHost(visit: Visit): Answer {
  const target = required(visit, 'target')
  const { sessionId, tied } = required(visit, 'handOff')
  const [next, ...rest] = tied.filter(({ host }) => visit.sites.loginHostOf(host) !== undefined)
  if (next === undefined) return goOnToTarget(visit)
  return redirect(
    visit,
    handOffUrl(visit, 'HAND_OFF', { sessionId, ...next, additional: true, tied: rest, target }),
  )
}

/**
 * To the target, by a page of its own host where a redirect would not do.
 *
 * Strict cookies come only with what a page of the same site begins. And where a session cookie did not come
 * back, a page lets the browser count its redirects anew, so that it gets as far as our words about it.
 */
export function goOnToTarget(visit: Visit): Answer {
  const { config, site, services, found, now } = visit
  const target = required(visit, 'target')
  const isStrict = config.settings.cookie_same_site === 'strict'
  if (!isStrict && (found.round ?? 0) <= 1) return redirect(visit, target)
  if (target.origin === site.origin) return arrive(visit)
  const arrival = new URL(ENDPOINTS.ARRIVAL.paths[0], target)
  arrival.searchParams.set(REDIRECT_URI_PARAMETER, target.href)
  return redirect(visit, signUrl(arrival, services.keys.url, now))
}

/** Carries no session, so it asks for none: it is a link to the target, like any other. */
export function arrive(visit: Visit): Answer {
  return pageThatGoesOn(required(visit, 'target'), {
    title: 'Signing in',
    heading: 'Signing you in',
    body: 'One moment…',
  })
}

function untiedHosts(visit: Visit, target: URL): readonly string[] {
  return additionalHosts(visit, visit.request.query.get(ADDITIONAL_HOSTS_PARAMETER), target)
}
