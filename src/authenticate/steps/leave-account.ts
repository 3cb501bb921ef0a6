/**
 * Becoming somebody else in one step: where a provider would let the same person in again, they sign out
 * there on the way, and the sign-in goes on when they come back.
 */
import { verifySignedUrl } from '../../crypto/signed-url.ts'
import { readDemand } from '../../edge/authentication-requirement.ts'
import { buildBeginUrl, CHOOSE_PARAMETER, sessionMark } from '../../edge/sign-in-url.ts'
import { Fault } from '../../errors.ts'
import { clearedSessionCookie, cookieValues, hostOnlyCookie, RETURN_COOKIE } from '../cookies.ts'
import type { OauthState } from '../oauth-state.ts'
import { type Answer, redirect, required, type Visit } from '../visit.ts'
import { hostsOf } from './sign-in.ts'
import { endSession, endSessionUrlOf, orderOf, refusePrefetch } from './sign-out.ts'

/** People read what a provider asks them before it signs them out. */
const RETURN_SECONDS = 600
/** Browsers keep cookies of 4 KB. */
const LONGEST_RETURN = 3800
const PLACE = 'return'

/**
 * The address is signed for the session that they leave, so that nobody signs others out by a link of their
 * own.
 */
export async function leaveAccount(visit: Visit): Promise<Answer | undefined> {
  const { found, request } = visit
  const { session } = found
  const [provider] = required(visit, 'providers')
  if (session === undefined || provider?.id !== session.idpId) return undefined
  if (request.query.get(CHOOSE_PARAMETER) !== sessionMark(session.id)) return undefined
  if (await provider.letsChooseAccount()) return undefined
  const demand = readDemand(request.query)
  const back = returnCookie(visit, { idpId: provider.id, demand, additionalHosts: hostsOf(visit) })
  if (back === undefined) return undefined
  refusePrefetch(visit)
  const url = await endSessionUrlOf(visit, orderOf(session))
  if (url === undefined) return undefined
  await endSession(visit, session)
  visit.cookies.push(clearedSessionCookie(visit), back)
  return redirect(visit, url)
}

/** The sign-in goes on at the target's host, where the browser is tied to it again. */
export function returnCookie(
  visit: Visit,
  plan: Pick<OauthState, 'idpId' | 'demand' | 'additionalHosts'>,
): string | undefined {
  const { services, now } = visit
  const target = required(visit, 'target')
  const url = (redirectUri: string) =>
    services.sealer.seal(
      buildBeginUrl({
        appOrigin: target.origin,
        redirectUri,
        idpIds: [plan.idpId],
        additionalHosts: plan.additionalHosts,
        demand: plan.demand,
        key: services.keys.url,
        nowMs: now,
      }),
      PLACE,
    )
  const fitting = [target.href, target.origin].map(url).find(({ length }) => length <= LONGEST_RETURN)
  return fitting === undefined ? undefined : hostOnlyCookie(RETURN_COOKIE, fitting, RETURN_SECONDS)
}

/** They are back from the provider: the sign-in goes on. */
export function resumeSignIn(visit: Visit): Answer | undefined {
  const { services, request, found, now } = visit
  const [sealed, another] = cookieValues(request.headers.cookie, RETURN_COOKIE)
  if (sealed === undefined || another !== undefined) return undefined
  visit.cookies.push(hostOnlyCookie(RETURN_COOKIE, '', 0))
  const url = services.sealer.open(sealed, PLACE)
  if (url === undefined || found.session !== undefined) return undefined
  try {
    verifySignedUrl(url, services.keys.url, now)
  } catch (error) {
    // It took them too long: the page says that they are signed out.
    if (error instanceof Fault) return undefined
    throw error
  }
  return redirect(visit, url)
}
