/**
 * The program's log: JSON lines by pino, written in batches.
 *
 * @module
 */
import { type DestinationStream, type Logger, pino } from 'pino'
import { Fault } from '../errors.ts'
import { type LineOutput, lineOutput, standardOutput } from './line-output.ts'

export type { Logger } from 'pino'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

export interface LogOutput {
  readonly logger: Logger
  /** What the logger writes to, for lines of others; undefined when the caller brought the destination. */
  readonly lines: LineOutput | undefined
  /** Writes what is still in memory; call it last. */
  flush(): Promise<void>
}

/**
 * @param destination replaces standard output; lines are then handed over at once.
 */
export function createLogger(options: { level: LogLevel; destination?: DestinationStream }): LogOutput {
  const lines = options.destination
    ? undefined
    : lineOutput({
        sink: standardOutput(),
        onLost: (count) => logger.error({ lost: count }, 'log lines were lost: nobody read them in time'),
        onGone: sayThatNobodyReads,
      })
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${isoTime()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: shownError },
    },
    options.destination ?? lines ?? process.stdout,
  )
  return { logger, lines, flush: async () => await lines?.flush() }
}

/** The last place where it can be said, besides `/readyz` and the metrics. */
function sayThatNobodyReads(): void {
  const { stderr } = process
  // It may lead to the same closed end.
  stderr.on('error', () => {})
  const msg = 'standard output is closed: log lines, decisions among them, are lost from now on'
  stderr.write(`${JSON.stringify({ level: 'error', time: isoTime(), msg })}\n`)
}

/** A fault is expected: its code and its sentence say all; where in our code it was noticed is noise. */
function shownError(error: unknown): unknown {
  if (!(error instanceof Fault)) return error instanceof Error ? pino.stdSerializers.err(error) : error
  const { code, message, cause } = error
  return { code, message, ...(cause instanceof Error && { cause: cause.message }) }
}

let latest = 0
let latestText = ''

/** Many lines fall into one millisecond, and writing a date takes longer than looking at the clock. */
function isoTime(): string {
  const now = Date.now()
  if (now !== latest) {
    latest = now
    latestText = new Date(now).toISOString()
  }
  return latestText
}

/**
 * Writes lines of one level and message without pino, whose general way costs several times the line itself.
 *
 * The result of `write` is what the logger itself would have written, under its level and to its destination;
 * bindings of a child logger are not in it.
 */
export interface ReadyLines {
  isEnabled(): boolean
  /** @param fields members of a JSON object, each with a comma before it: `,"a":1,"b":"c"` */
  write(fields: string): void
}

export function readyLines(logger: Logger, level: LogLevel, message: string): ReadyLines {
  const destination = destinationOf(logger)
  const head = `{"level":${JSON.stringify(level)},"time":"`
  const tail = `,"msg":${JSON.stringify(message)}}\n`
  return {
    isEnabled: () => logger.isLevelEnabled(level),
    write: (fields) => void destination.write(`${head}${isoTime()}"${fields}${tail}`),
  }
}

function destinationOf(logger: Logger): { write(line: string): unknown } {
  const stream: unknown = Reflect.get(logger, pino.symbols.streamSym)
  if (isWritable(stream)) return stream
  throw new Error('a logger without a destination')
}

function isWritable(value: unknown): value is { write(line: string): unknown } {
  return typeof value === 'object' && value !== null && 'write' in value && typeof value.write === 'function'
}

/** Nothing in it needs an escape: printable ASCII without quote and backslash. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

/** A JSON string; most are short and plain, and for those this is quicker than `JSON.stringify`. */
export function jsonString(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}
