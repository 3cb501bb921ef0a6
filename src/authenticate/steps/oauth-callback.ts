/**
 * The OpenID provider's answer: is it to a sign-in that this browser began here, just now, and not yet used?
 */

import { meetsDemand } from '../../access/sign-in-age.ts'
import { Fault } from '../../errors.ts'
import { additionalHosts } from '../chain.ts'
import { loginCookies } from '../cookies.ts'
import { fingerprint, openState, STATE_CLAIM_MS, STATE_LIFETIME_MS } from '../oauth-state.ts'
import { type Answer, redirect, required, type Step, type Visit } from '../visit.ts'
import { goToTarget } from './go-to-target.ts'
import { ourTarget } from './request/read-target.ts'
import { goToProvider } from './sign-in.ts'

const ANSWER_PARAMETERS = ['code', 'state', 'iss', 'session_state', 'error', 'error_description']
/** Apple's: the name, which it says beside the first answer only. */
const USER_PARAMETER = 'user'
const LONGEST_USER = 2000

/**
 * `response_mode=form_post` posts from the provider's page, and a Lax cookie isn't sent with that; so the
 * answer is asked for again by GET, on which the login cookie comes.
 *
 * @see OAuth 2.0 Form Post Response Mode
 */
export function turnPostIntoGet(visit: Visit): Answer | undefined {
  const { method, path, form } = visit.request
  if (method !== 'POST') return undefined
  const query = new URLSearchParams()
  for (const name of ANSWER_PARAMETERS) {
    const value = form?.get(name)
    if (typeof value === 'string') query.set(name, value)
  }
  const user = form?.get(USER_PARAMETER) ?? ''
  if (user !== '' && user.length <= LONGEST_USER) query.set(USER_PARAMETER, user)
  return redirect(visit, `${path}?${query.toString()}`)
}

/** @throws {Fault} OAUTH_STATE_INVALID for a state that was not sealed here */
export function readState(visit: Visit): Answer | undefined {
  const state = openState(visit.request.query.get('state') ?? '', visit.services.sealer)
  if (state === undefined) throw new Fault('OAUTH_STATE_INVALID', 'the state is missing, altered or not ours')
  visit.found.target = ourTarget(visit, state.target)
  visit.found.state = state
  return undefined
}

/**
 * Stops login CSRF and stolen answers: the secrets of the sign-in can't be derived in another browser either.
 */
export function checkStateBrowser(visit: Visit): Answer | undefined {
  const { browser } = required(visit, 'state')
  const present = loginCookies(visit.request.headers.cookie)
  const loginCookie = present.find(({ value }) => fingerprint(value) === browser)
  if (loginCookie === undefined) {
    throw new Fault(
      'OAUTH_STATE_FOREIGN',
      `none of the ${present.length} login cookies of this browser belongs to the state`,
    )
  }
  visit.found.loginCookie = loginCookie
  return undefined
}

export function checkStateAge(visit: Visit): Answer | undefined {
  const age = visit.now - required(visit, 'state').issuedAt
  if (age > STATE_LIFETIME_MS)
    throw new Fault('OAUTH_STATE_EXPIRED', `the state is ${Math.round(age / 1000)} s old`)
  return undefined
}

/**
 * A sign-in that took too long begins anew by itself: the person has done nothing wrong, and the provider
 * often still knows them. Once, or two clocks that disagree would send them round for ever.
 */
export function onceAnew(step: Step): Step {
  const guarded: Step = async (visit) => {
    try {
      return await step(visit)
    } catch (error) {
      const isOld = error instanceof Fault && error.code === 'OAUTH_STATE_EXPIRED'
      const again = isOld ? beginAnew(visit) : undefined
      if (again === undefined) throw error
      return again
    }
  }
  return Object.defineProperty(guarded, 'name', { value: step.name })
}

/** `undefined` for a sign-in that was begun anew already. */
export function beginAnew(visit: Visit): Promise<Answer> | undefined {
  const { issuedAt: _issuedAt, jti: _jti, browser: _browser, ...plan } = required(visit, 'state')
  return plan.isRenewal ? undefined : goToProvider(visit, { ...plan, isRenewal: true })
}

/** Last of the checks on the state, so that a refused answer doesn't use it up. */
export async function claimState(visit: Visit): Promise<Answer | undefined> {
  const { jti } = required(visit, 'state')
  const isFirst = await visit.services.sessions.claimOnce(`oauth-state:${jti}`, STATE_CLAIM_MS)
  if (!isFirst) throw new Fault('OAUTH_STATE_INVALID', 'the state has been used already')
  return undefined
}

/**
 * A dead state is no harm to somebody who is signed in here already: back button, many tabs.
 *
 * They go on as who they are; nothing of the answer is used but the target, which is ours.
 */
export function unlessSignedIn(step: Step): Step {
  const guarded: Step = async (visit) => {
    try {
      return await step(visit)
    } catch (error) {
      const { session, state } = visit.found
      const isDeadState = error instanceof Fault && error.code.startsWith('OAUTH_STATE_')
      if (!isDeadState || session === undefined || state === undefined || session.idpId !== state.idpId)
        throw error
      if (!meetsDemand(session, state.demand, visit.now)) throw error
      visit.services.metrics.signIn('joined')
      const hosts = additionalHosts(visit, state.additionalHosts.join(','), required(visit, 'target'))
      return goToTarget(visit, session, state.flow, hosts)
    }
  }
  return Object.defineProperty(guarded, 'name', { value: step.name })
}
