/**
 * Ends sessions that nobody uses any more, and forgets those that have ended.
 *
 * A request would end them as well, but none may ever come.
 *
 * @module
 */
import type { Logger } from '../../telemetry/log.ts'
import type { SessionStore } from '../store.ts'

const IDLE_MARGIN = 1.2

export interface SweepOptions {
  readonly sessions: Pick<SessionStore, 'idleSince' | 'deleteAll' | 'sweep'>
  readonly now: () => number
  /** `session_idle_timeout` of the configuration in force. */
  readonly idleTimeout?: (() => number | undefined) | undefined
  readonly logger: Logger
}

export async function sweepSessions({ sessions, now, idleTimeout, logger }: SweepOptions): Promise<void> {
  const limit = idleTimeout?.()
  if (limit !== undefined) {
    // By what is on disk, which may be a little behind.
    let ended = 0
    for await (const unused of sessions.idleSince(now() - limit * IDLE_MARGIN))
      ended += await sessions.deleteAll(unused)
    if (ended > 0) logger.info({ sessions: ended }, 'sessions ended: nobody has used them')
  }
  await sessions.sweep()
}
