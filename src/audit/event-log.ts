/**
 * Events that are rare enough to be written by the program's own logger: sessions and configurations.
 *
 * Decisions have a log of their own (`decision-log.ts`).
 *
 * @module
 */
import type { Logger } from '../telemetry/log.ts'
import type { AuditSink, ConfigEvent, SessionEvent } from './event.ts'

export function eventLog(logger: Pick<Logger, 'info'>): AuditSink<SessionEvent | ConfigEvent> {
  return (event) => {
    if (event.kind === 'config') {
      const { generation, checksum } = event
      logger.info({ generation, checksum }, 'a new configuration is in force')
      return
    }
    const { change, decisionId, session } = event
    const { userId: user, email, id } = session
    logger.info({ user, email, 'session-id': id, 'request-id': decisionId }, change)
  }
}
