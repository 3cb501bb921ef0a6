/**
 * Which of the sessions that a browser names are still somebody's.
 *
 * @module
 */
import type { Config } from '../config/config.ts'
import type { Session } from '../session/session.ts'
import type { SessionStore } from '../session/store.ts'

/**
 * Neither expired nor idle for too long; the next request at an app ends the latter, until then it is
 * nobody's here either.
 */
export async function liveSessions(
  { sessions }: { readonly sessions: Pick<SessionStore, 'idleTimeOf'> },
  { settings }: Config,
  found: readonly (Session | undefined)[],
  now: number,
): Promise<readonly Session[]> {
  const live = found.filter((session) => session !== undefined).filter(({ expiresAt }) => now < expiresAt)
  const idle = settings.session_idle_timeout
  if (idle === undefined) return live
  const idleTimes = await Promise.all(live.map(async (session) => sessions.idleTimeOf(session, now, idle)))
  return live.filter((_, index) => (idleTimes[index] ?? Infinity) < idle)
}
