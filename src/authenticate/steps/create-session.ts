/** From the provider's code to a session of ours. */

import { meetsDemand } from '../../access/sign-in-age.ts'
import { Fault } from '../../errors.ts'
import { isReservedId } from '../../identity/reserved-ids.ts'
import type { Session } from '../../session/session.ts'
import { additionalHosts } from '../chain.ts'
import { hostOnlyCookie, PROVIDER_COOKIE, sessionCookie } from '../cookies.ts'
import { randomId, signInSecrets } from '../oauth-state.ts'
import { hasSeveralProviders, recallCookie } from '../recall.ts'
import { type Answer, parameter, required, type Visit } from '../visit.ts'
import { UNMET } from './check-demand.ts'
import { goToTarget } from './go-to-target.ts'
import { beginAnew } from './oauth-callback.ts'

/** Half a year: a harmless habit, not a right. */
const PROVIDER_COOKIE_SECONDS = 15_552_000

/** RFC 6749 section 4.1.2.1: the provider, or the person there, said no. */
export function checkProviderError(visit: Visit): Answer | undefined | Promise<Answer> {
  const error = visit.request.query.get('error')
  if (error === null) return undefined
  const isNo = error === 'access_denied' || error === 'unauthorized_client'
  const description = visit.request.query.get('error_description') ?? ''
  // Keycloak's form was left open for longer than Keycloak waits: it asks for the sign-in to begin again.
  const again = description === 'authentication_expired' ? beginAnew(visit) : undefined
  if (again !== undefined) return again
  if (error === UNMET) {
    visit.found.detail = 'This app asks for a stronger way of signing in than your account has there.'
    throw new Fault('STEP_UP_FAILED', 'the provider says that the demand can not be met')
  }
  visit.found.detail = `It said: ${[error, description].filter(Boolean).join(', ').slice(0, 300)}`
  throw new Fault(
    isNo ? 'IDP_REFUSED' : 'IDP_ERROR',
    `the provider answered ${JSON.stringify(error.slice(0, 64))}`,
  )
}

export async function exchangeCode(visit: Visit): Promise<Answer | undefined> {
  const { services, config, sites, request } = visit
  parameter(visit, 'code')
  const state = required(visit, 'state')
  const provider = services.provider(state.idpId)
  if (provider === undefined) throw new Fault('IDP_NOT_CONFIGURED', 'the provider is no longer configured')
  const sealed = parameter(visit, 'state')
  visit.found.identity = await provider.exchange({
    ...signInSecrets(sealed, state, required(visit, 'loginCookie').value, services.keys.state),
    callbackUrl: new URL(request.path + request.search, sites.authenticateUrl),
  })
  if (isReservedId(visit.found.identity.userId, config.settings.identity_providers)) {
    visit.found.detail = 'The id that it has for you begins like that of a machine.'
    throw new Fault('IDP_ANSWER_INVALID', 'the id of the person begins like that of a machine')
  }
  return undefined
}

/**
 * A new id at each sign-in: what was in the cookie before never becomes valid.
 *
 * Except when another tab of this browser has signed the same person in since this sign-in began: then that
 * session is theirs as well, and signing out ends it for both. And except when this sign-in was to renew
 * their session: then it keeps its id, and with it what is open on other hosts
 * (docs/decisions/step-up-keeps-the-session.md).
 */
export async function createSession(visit: Visit): Promise<Answer> {
  const { services, request, now } = visit
  const state = required(visit, 'state')
  const other = theirSession(visit)
  const isOfAnotherTab =
    other !== undefined && other.issuedAt >= state.issuedAt && meetsDemand(other, state.demand, now)
  const session = isOfAnotherTab ? other : await signIn(visit, other)
  visit.cookies.push(sessionCookie(visit, session.id))
  forgetLoginCookie(visit)
  if (hasSeveralProviders(visit))
    visit.cookies.push(
      recallCookie(visit, session),
      hostOnlyCookie(PROVIDER_COOKIE, state.idpId, PROVIDER_COOKIE_SECONDS),
    )
  services.metrics.signIn(isOfAnotherTab ? 'joined' : 'success')
  services.tell({ kind: 'session', change: 'signed in', decisionId: request.decisionId, session })
  const hosts = additionalHosts(visit, state.additionalHosts.join(','), required(visit, 'target'))
  return goToTarget(visit, session, state.flow, hosts)
}

/** The session that the browser has already, if it is of the very person who has signed in now. */
function theirSession({ found: { session, state, identity } }: Visit): Session | undefined {
  return session?.idpId === state?.idpId && session?.userId === identity?.userId ? session : undefined
}

async function signIn(visit: Visit, other: Session | undefined): Promise<Session> {
  const { services, config, now, found } = visit
  const { idpId, renews, isForced } = required(visit, 'state')
  const identity = required(visit, 'identity')
  const session = {
    ...identity,
    // Told to let nobody in without asking, the provider is believed that it has just asked.
    authenticatedAt: identity.authenticatedAt ?? (isForced ? now : undefined),
    idpId,
    issuedAt: now,
    expiresAt: now + config.settings.cookie_expire,
  }
  if (other !== undefined && other.id === renews) {
    try {
      return await services.sessions.save({ ...session, id: other.id })
    } catch (error) {
      // Signed out meanwhile, in another tab.
      if (!(error instanceof Fault) || error.code !== 'SESSION_GONE') throw error
    }
  } else if (renews !== undefined && renews === found.session?.id) {
    // Somebody else sits there now: nothing of the other one stays open.
    await services.sessions.delete(renews)
  }
  return await services.sessions.save({ ...session, id: randomId() })
}

/**
 * It has served: tabs that still wait with it go on with the session. A Strict session cookie they would not
 * send.
 */
function forgetLoginCookie(visit: Visit): void {
  if (visit.config.settings.cookie_same_site === 'strict') return
  visit.cookies.push(hostOnlyCookie(required(visit, 'loginCookie').name, '', 0))
}
