/** Whether the sign-in that the provider has let pass is recent and strong enough for the route. */

import { meetsDemand } from '../../access/sign-in-age.ts'
import { Fault } from '../../errors.ts'
import type { OauthState } from '../oauth-state.ts'
import { type Answer, required, type Visit } from '../visit.ts'
import { goToProvider } from './sign-in.ts'

/** OpenID Connect Core Error Code unmet_authentication_requirements 1.0. */
export const UNMET = 'unmet_authentication_requirements'

/**
 * A provider may pass over what it was asked for, and must not be taken at its word that it has not. It is
 * asked once more, in terms that leave no choice (`prompt=login`): some tell of a strong sign-in only when
 * somebody has just signed in. After that the matter ends with a page, lest people go round and round.
 */
export function checkDemand(visit: Visit): Answer | undefined | Promise<Answer> {
  const { issuedAt: _issuedAt, jti: _jti, browser: _browser, ...plan } = required(visit, 'state')
  const { maxAge, acrValues } = plan.demand
  const { acr } = required(visit, 'identity')
  const isStrong = meetsDemand({ acr, issuedAt: visit.now }, { acrValues }, visit.now)
  if (isStrong && isRecent(visit, plan)) return undefined
  if (!plan.isForced) return goToProvider(visit, { ...plan, isForced: true })
  if (isStrong) {
    visit.found.detail =
      'It let you in without asking who you are, and this app wants to know that it is still you. Sign out there first, then try again.'
    throw new Fault('STEP_UP_FAILED', `the sign-in is older than ${maxAge} ms, prompt=login or not`)
  }
  visit.found.detail = `This app asks for a stronger way of signing in than the one that was used${acr === undefined ? '' : ` (${acr.slice(0, 100)})`}.`
  throw new Fault(
    'STEP_UP_FAILED',
    `acr ${JSON.stringify(acr?.slice(0, 100))} is none of ${acrValues.join(' ')}`,
  )
}

/**
 * The way to the app takes a moment, and providers count in whole seconds: a sign-in that is about to be too
 * old would be so on arrival, and the provider would let it pass again and again for as long as its second
 * lasts.
 */
const ROOM_MS = 10_000
const ROOM_SHARE = 1 / 4

/**
 * A provider that does not say when it was is believed, if it was told to let nobody in without asking. A
 * first sign-in here is none of the browser's at the provider, where a session may be open for days.
 */
function isRecent(
  visit: Visit,
  { demand: { maxAge }, isForced }: Pick<OauthState, 'demand' | 'isForced'>,
): boolean {
  const { authenticatedAt } = required(visit, 'identity')
  if (maxAge === undefined) return true
  if (authenticatedAt === undefined) return isForced
  const room = isForced ? 0 : Math.min(ROOM_MS, maxAge * ROOM_SHARE)
  return visit.now - authenticatedAt < maxAge - room
}
