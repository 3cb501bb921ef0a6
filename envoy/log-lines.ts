/**
 * What Envoy says on its two outputs, as lines.
 *
 * @module
 */

import { Buffer } from 'node:buffer'
import { z } from 'zod'
import type { Logger } from '../src/telemetry/log.ts'

const LONGEST_LINE = 1024 * 1024
const NEWLINE = 0x0a

type PinoLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

const PINO_LEVEL: Readonly<Record<string, PinoLevel>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  error: 'error',
  critical: 'fatal',
}

/** Envoy's word for one of our levels (`--log-level`). */
export const ENVOY_LEVEL = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warning',
  error: 'error',
} as const

export interface EnvoyLine {
  readonly level: PinoLevel
  /** Envoy's name for the part that speaks; undefined for what doesn't come through its logger. */
  readonly part: string | undefined
  readonly message: string
}

/** `[time][thread][level][part] [source] message`: how Envoy logs until it has read its bootstrap. */
const PLAIN = /^\[[^\]]+\]\[\d+\]\[(\w+)\]\[([\w-]+)\] (?:\[[^\]]+\] +)?(.*)$/

const JsonLine = z.object({ level: z.string(), logger: z.string(), msg: z.string() })

/** Reads a line of either form; anything else (a crash, a libc message) is an error. */
export function readEnvoyLine(line: string): EnvoyLine {
  const json = line.startsWith('{') ? JsonLine.safeParse(parsed(line)).data : undefined
  if (json !== undefined) return lineOf(json.level, json.logger, json.msg)
  const [, level = '', part, message] = PLAIN.exec(line) ?? []
  return message === undefined
    ? { level: 'error', part: undefined, message: line }
    : lineOf(level, part, message)
}

/**
 * What Envoy calls `info` are the steps of its start and each update: our own log has told of what they stem
 * from.
 */
function lineOf(level: string, part: string | undefined, message: string): EnvoyLine {
  return { level: level === 'info' ? 'debug' : (PINO_LEVEL[level] ?? 'info'), part, message }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Turns chunks into whole lines, given on in bunches: a line is never torn, however chunks fall.
 *
 * The bytes are not looked at but for the last line break: access log lines are many, and pass through as
 * they are.
 */
export function inLines(take: (lines: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer | undefined
  return (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    const end = chunk.lastIndexOf(NEWLINE)
    if (end === -1) {
      rest = bytes.length > LONGEST_LINE ? undefined : bytes
      if (rest === undefined) take(Buffer.concat([bytes, Buffer.of(NEWLINE)]))
      return
    }
    const tail = chunk.length - end - 1
    rest = tail === 0 ? undefined : chunk.subarray(end + 1)
    take(tail === 0 ? bytes : bytes.subarray(0, bytes.length - tail))
  }
}

/** Keeps what Envoy said last, for the message about its end. */
export class LastWords {
  readonly #keep: number
  #lines: EnvoyLine[] = []

  constructor(keep = 12) {
    this.#keep = keep
  }

  add(line: EnvoyLine): void {
    this.#lines.push(line)
    if (this.#lines.length > this.#keep) this.#lines.shift()
  }

  /** The errors among the last lines, or the last line if there are none. */
  toString(): string {
    const errors = this.#lines.filter(({ level }) => level === 'error' || level === 'fatal')
    const telling = errors.length > 0 ? errors : this.#lines.slice(-1)
    return telling.map(({ message }) => message).join('\n') || 'it said nothing'
  }
}

/** Envoy's lines into our log. */
export function logEnvoyLine(logger: Logger, line: EnvoyLine): void {
  if (line.part === undefined) logger[line.level](line.message)
  else logger[line.level]({ part: line.part }, line.message)
}
