/**
 * On an app's host: the beginning of a sign-in that a script or a page of ours has given its user as a link.
 */
import { FLOW_SECONDS, flowHash } from '../../edge/flow.ts'
import { ADDITIONAL_HOSTS_PARAMETER, continueSignIn, FLOW_PARAMETER } from '../../edge/sign-in-url.ts'
import { flowCookie } from '../flow-cookie.ts'
import { type Answer, redirect, required, type Visit } from '../visit.ts'

/**
 * The browser is tied to the sign-in here, where nobody else reads the answer, and not where the link was
 * given.
 */
export function beginSignIn(visit: Visit): Answer {
  const { request, sites, services, now } = visit
  const flow = flowHash(flowCookie(visit, FLOW_SECONDS))
  const { authenticateUrl } = sites
  return redirect(
    visit,
    continueSignIn(request.query, { authenticateUrl, flow, key: services.keys.url, nowMs: now }),
  )
}

/**
 * On the authenticate host, for an app there: such a link is of the sign-in page itself. Only the additional
 * hosts ask for a flow; the app has its session by the cookie of this very host.
 */
export function tieForAdditionalHosts(visit: Visit): Answer | undefined {
  const { request, sites } = visit
  if (request.query.has(FLOW_PARAMETER) || !sites.hasSignIn(required(visit, 'target'))) return undefined
  return request.query.has(ADDITIONAL_HOSTS_PARAMETER) ? beginSignIn(visit) : undefined
}
