/**
 * Sessions that nobody has used for long: which of them still count on a route, and what counts as use.
 *
 * A request that passed counts, whoever or whatever has sent it: a page that polls keeps its session awake.
 * Our own pages don't, nor do requests that were refused.
 *
 * @module
 */

import type { Config } from '../config/config.ts'
import type { Session } from '../session/session.ts'
import type { MaybePromise } from '../session/store.ts'
import { type Access, isSignedIn } from './access.ts'
import type { AccessDependencies } from './ports.ts'

/** Uses are noted to this part of the shortest timeout. */
const PRECISION_SHARE = 10
/** Where no timeout is set: should one be set later, who is at work must not seem to have been away. */
const USUAL_PRECISION_MS = 300_000

export function precisionFor({ settings, routes }: Pick<Config, 'settings' | 'routes'>): number {
  const shortest = routes.reduce(
    (least, route) => Math.min(least, route.session_idle_timeout ?? Infinity),
    settings.session_idle_timeout ?? Infinity,
  )
  return Math.min(USUAL_PRECISION_MS, shortest / PRECISION_SHARE)
}

type Dependencies = Pick<AccessDependencies, 'sessions' | 'logger'>

export function dropIdleSessions(access: Access, dependencies: Dependencies): MaybePromise<undefined> {
  const limit = access.route?.idleTimeout
  if (limit === undefined || access.sessions.length === 0) return undefined
  const idleTimes = access.sessions.map((session) =>
    isSignedIn(access, session) ? dependencies.sessions.idleTimeOf(session, access.now, limit) : 0,
  )
  if (idleTimes.every((idleTime) => typeof idleTime === 'number'))
    return dropIdle(access, dependencies, limit, idleTimes)
  return Promise.all(idleTimes.map(async (idleTime) => idleTime)).then((late) =>
    dropIdle(access, dependencies, limit, late),
  )
}

function dropIdle(
  access: Access,
  dependencies: Dependencies,
  limit: number,
  idleTimes: readonly number[],
): undefined {
  const awake: Session[] = []
  const forAll = access.route?.settings.session_idle_timeout ?? Infinity
  for (const [index, session] of access.sessions.entries()) {
    const idleTime = idleTimes[index] ?? Infinity
    if (idleTime < limit) awake.push(session)
    else if (idleTime >= forAll) end(session, dependencies)
  }
  if (awake.length === access.sessions.length) return
  access.sessions = awake
  access.passedLimit = Math.min(access.passedLimit ?? limit, limit)
}

/**
 * It does not count in any case; that it can't be deleted now is told, and tried again by the next request.
 */
function end(session: Session, { sessions, logger }: Dependencies): void {
  // By a clock that may be wrong nothing is ended for good.
  if (sessions.isClockInDoubt) return
  Promise.try(() => sessions.delete(session.id)).then(
    () =>
      logger.info({ 'session-id': session.id, user: session.userId }, 'session ended: nobody has used it'),
    (error: unknown) => logger.warn({ err: error }, 'a session that nobody uses could not be ended'),
  )
}
