/** From the provider's code to a session of ours. */
import { makeHandle } from '../../crypto/session-handle.ts'
import { Fault } from '../../errors.ts'
import type { Session } from '../../session/session.ts'
import { additionalHosts } from '../chain.ts'
import { handleAudience, hostOnlyCookie, sessionCookie } from '../cookies.ts'
import { randomId, signInSecrets } from '../oauth-state.ts'
import { type Answer, parameter, required, type Visit } from '../visit.ts'
import { goToTarget } from './go-to-target.ts'

/** RFC 6749 section 4.1.2.1: the provider, or the person there, said no. */
export function checkProviderError(visit: Visit): Answer | undefined {
  const error = visit.request.query.get('error')
  if (error === null) return undefined
  const isNo = error === 'access_denied' || error === 'unauthorized_client'
  const description = visit.request.query.get('error_description') ?? ''
  visit.found.detail = `It said: ${[error, description].filter(Boolean).join(', ').slice(0, 300)}`
  throw new Fault(
    isNo ? 'IDP_REFUSED' : 'IDP_ERROR',
    `the provider answered ${JSON.stringify(error.slice(0, 64))}`,
  )
}

export async function exchangeCode(visit: Visit): Promise<Answer | undefined> {
  const { services, sites, request } = visit
  parameter(visit, 'code')
  const state = required(visit, 'state')
  const provider = services.provider(state.idpId)
  if (provider === undefined) throw new Fault('IDP_NOT_CONFIGURED', 'the provider is no longer configured')
  const sealed = parameter(visit, 'state')
  visit.found.identity = await provider.exchange({
    ...signInSecrets(sealed, state, required(visit, 'loginCookie').value, services.keys.state),
    callbackUrl: new URL(request.path + request.search, sites.authenticateUrl),
  })
  return undefined
}

/**
 * A new id at each sign-in: what was in the cookie before never becomes valid.
 *
 * Except when another tab of this browser has signed the same person in since this sign-in began: then that
 * session is theirs as well, and signing out ends it for both.
 */
export async function createSession(visit: Visit): Promise<Answer> {
  const { services, config, site, request, now, found } = visit
  const state = required(visit, 'state')
  const identity = required(visit, 'identity')
  const other = found.session
  const isOfAnotherTab =
    other !== undefined &&
    other.issuedAt >= state.issuedAt &&
    other.idpId === state.idpId &&
    other.userId === identity.userId
  const session: Session = isOfAnotherTab
    ? other
    : await services.sessions.save({
        ...identity,
        id: randomId(),
        idpId: state.idpId,
        issuedAt: now,
        expiresAt: now + config.settings.cookie_expire,
      })
  const handle = makeHandle(
    { sessionId: session.id, audience: handleAudience(site.host, config.settings) },
    services.keys.cookie,
  )
  visit.cookies.push(sessionCookie(handle, site.host, config.settings))
  forgetLoginCookie(visit)
  services.metrics.signIn(isOfAnotherTab ? 'joined' : 'success')
  services.logger.info(
    {
      user: session.userId,
      email: session.email,
      'session-id': session.id,
      'request-id': request.decisionId,
    },
    'signed in',
  )
  const hosts = additionalHosts(visit, state.additionalHosts.join(','), required(visit, 'target'))
  return goToTarget(visit, session, state.flow, hosts)
}

/** It has served: tabs that still wait with it go on with the session. A Strict session cookie they would not send. */
function forgetLoginCookie(visit: Visit): void {
  if (visit.config.settings.cookie_same_site === 'strict') return
  visit.cookies.push(hostOnlyCookie(required(visit, 'loginCookie').name, '', 0))
}
