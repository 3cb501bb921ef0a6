/**
 * The program's log: JSON lines by pino, written in batches so that a decision costs no system call.
 *
 * @module
 */
import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** How long a line may wait in memory before it is written. */
const FLUSH_INTERVAL_MS = 100
const BATCH_BYTES = 4096

export interface LogOutput {
  readonly logger: Logger
  /** Writes what is still in memory; call it last. */
  flush(): void
}

/**
 * @param destination replaces standard output; lines are then handed over at once.
 */
export function createLogger(options: { level: LogLevel; destination?: DestinationStream }): LogOutput {
  const batched = options.destination
    ? undefined
    : pino.destination({
        dest: 1,
        sync: false,
        minLength: BATCH_BYTES,
        periodicFlush: FLUSH_INTERVAL_MS,
      })
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? batched ?? process.stdout,
  )
  return { logger, flush: () => batched?.flushSync() }
}
