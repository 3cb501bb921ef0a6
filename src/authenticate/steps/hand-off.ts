/** The callback page on an app's host: takes a session over, once, for the browser that asked for it. */
import { flowMatches } from '../../edge/flow.ts'
import { SESSION_ENCRYPTED_PARAMETER } from '../../edge/sign-in-url.ts'
import { Fault } from '../../errors.ts'
import type { Session } from '../../session/session.ts'
import { hostCookie, hostOnlyCookie, ROUNDS_COOKIE, sessionCookie } from '../cookies.ts'
import { presentFlowCookie } from '../flow-cookie.ts'
import { HAND_OFF_CLAIM_MS, openHandOff } from '../hand-off.ts'
import { type Answer, parameter, redirect, required, type Visit } from '../visit.ts'
import { goOnToTarget, nextTiedHost } from './chain.ts'

/** Browsers give up after some twenty redirects; our page has to come before that. */
const MAX_RESTARTS = 2
const MAX_ROUNDS = 2
const ROUNDS_SECONDS = 30

export function readHandOff(visit: Visit): Answer | undefined {
  const handOff = openHandOff(
    parameter(visit, SESSION_ENCRYPTED_PARAMETER),
    visit.endpoint,
    visit.services.sealer,
  )
  if (handOff === undefined) throw new Fault('SIGNED_URL_INVALID', 'the hand-off was altered or is not ours')
  visit.found.handOff = handOff
  return undefined
}

/** Whoever reads the note on its way can't use it on another host. */
export function checkHandOffHost(visit: Visit): Answer | undefined {
  const { host } = required(visit, 'handOff')
  if (`${visit.sites.authenticateUrl.protocol}//${host}` !== visit.site.origin) {
    throw new Fault('SIGNED_URL_INVALID', `the hand-off is for ${host}`)
  }
  return undefined
}

export function checkHandOffAge(visit: Visit): Answer | undefined {
  return visit.now > required(visit, 'handOff').expiresAt
    ? restart(visit, 'the hand-off is too old')
    : undefined
}

/**
 * Stops login CSRF: a hand-off begun in an attacker's browser does not sign a victim's in. And theft: one
 * that was read on its way is nothing in another browser.
 */
export async function checkFlow(visit: Visit): Promise<Answer | undefined> {
  const { additional, flow, sessionId } = required(visit, 'handOff')
  const present = presentFlowCookie(visit)
  if (flow !== undefined && flowMatches(present, flow)) return undefined
  if (additional) {
    logNotTaken(visit, 'the chain was begun in another browser, or another tab is done with it')
    return nextTiedHost(visit)
  }
  if (visit.endpoint === 'HAND_OFF' && present === undefined && visit.found.session === undefined)
    await countRestart(visit, await visit.services.sessions.find(sessionId))
  return restart(visit, 'the sign-in was begun in another browser')
}

/** A browser that keeps no cookie at all would be sent around for ever. */
async function countRestart({ services, site }: Visit, session: Session | undefined): Promise<void> {
  const who = `${session?.idpId}:${session?.userId}`
  for (let count = 1; count <= MAX_RESTARTS; count += 1) {
    const isNew = await services.sessions.claimOnce(`restart:${site.host}:${who}:${count}`, HAND_OFF_CLAIM_MS)
    if (isNew) return
  }
  throw new Fault('COOKIES_REQUIRED', 'the browser keeps no flow cookie')
}

export async function claimHandOff(visit: Visit): Promise<Answer | undefined> {
  const { jti } = required(visit, 'handOff')
  const isFirst = await visit.services.sessions.claimOnce(`hand-off:${jti}`, HAND_OFF_CLAIM_MS)
  // The back button: whoever has a session here goes on with it, everybody else begins again.
  return isFirst ? undefined : restart(visit, 'the hand-off has been used already')
}

export async function takeSession(visit: Visit): Promise<Answer | undefined> {
  const { services, site, found } = visit
  const { sessionId, additional } = required(visit, 'handOff')
  const session = await services.sessions.find(sessionId)
  if (session === undefined) return restart(visit, 'the session is over meanwhile')
  if (additional && isSomebodyElse(found.session, session)) {
    // Nobody has asked to change who they are there, and that host's routes may want another provider's
    // session.
    services.logger.warn(
      { host: site.host, 'request-id': visit.request.decisionId },
      'additional login host keeps its session',
    )
    return undefined
  }
  if (!additional) checkRounds(visit)
  visit.cookies.push(sessionCookie(visit, sessionId))
  return undefined
}

function isSomebodyElse(present: Session | undefined, coming: Session): boolean {
  return present !== undefined && (present.userId !== coming.userId || present.idpId !== coming.idpId)
}

/**
 * A session cookie that never comes back, by a wrong `cookie_domain` for one, would be set again for ever.
 */
function checkRounds(visit: Visit): void {
  const [, before = '0'] =
    /^round-(\d)$/.exec(hostCookie(visit.request.headers.cookie, ROUNDS_COOKIE) ?? '') ?? []
  if (visit.found.session !== undefined) return
  const round = Number(before) + 1
  if (round > MAX_ROUNDS) {
    visit.cookies.push(hostOnlyCookie(ROUNDS_COOKIE, '', 0))
    throw new Fault('COOKIES_REQUIRED', 'the session cookie does not come back')
  }
  visit.found.round = round
  visit.cookies.push(hostOnlyCookie(ROUNDS_COOKIE, `round-${round}`, ROUNDS_SECONDS))
}

/** The target begins a sign-in anew if one is needed. */
function restart(visit: Visit, why: string): Answer {
  logNotTaken(visit, why)
  const isFirst = visit.endpoint === 'HAND_OFF' && !required(visit, 'handOff').additional
  // Further on in a chain the target's host has its session, and only has to be reached with the cookie.
  return isFirst ? redirect(visit, required(visit, 'target')) : goOnToTarget(visit)
}

function logNotTaken({ services, request, site }: Visit, why: string): void {
  services.logger.info(
    { reason: why, host: site.host, 'request-id': request.decisionId },
    'hand-off not taken',
  )
}
