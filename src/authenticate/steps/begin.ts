/**
 * On an app's host: the beginning of a sign-in that a script or a page of ours has given its user as a link.
 */
import { FLOW_SECONDS, flowHash } from '../../edge/flow.ts'
import { continueSignIn } from '../../edge/sign-in-url.ts'
import { flowCookie } from '../flow-cookie.ts'
import { type Answer, redirect, type Visit } from '../visit.ts'

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
