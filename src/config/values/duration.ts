/**
 * Durations as operators write them (`1m30s`, Go's style) and as the program holds them (milliseconds).
 *
 * @module
 */

import { z } from 'zod'

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy

/** A century: far beyond any sensible timeout, and safely inside what Envoy can count in nanoseconds. */
const LONGEST_MS = 100 * 365 * 24 * UNIT_MS['h']!

/** Milliseconds, or a sentence that says what is wrong with the text. */
export function parseDuration(text: string): number | { readonly wrong: string } {
  if (text.startsWith('-')) return { wrong: 'must not be negative' }
  if (text === '0') return 0
  let total = 0
  let end = 0
  PART.lastIndex = 0
  for (let part = PART.exec(text); part !== null; part = PART.exec(text)) {
    total += Number(part[1]) * (UNIT_MS[part[2] ?? ''] ?? 0)
    end = PART.lastIndex
  }
  if (text === '' || end !== text.length) {
    return { wrong: `"${text}" is not a duration; write it as "30s", "1m30s", "500ms" or "0s"` }
  }
  if (total > LONGEST_MS) return { wrong: `"${text}" is longer than a hundred years` }
  if (total > 0 && total < 1) return { wrong: `"${text}" is shorter than a millisecond` }
  return Math.round(total)
}

/** A duration key: text in the file, milliseconds in the program. */
export const Duration = z
  .string({
    error: (issue) =>
      typeof issue.input === 'number'
        ? issue.input === 0
          ? 'needs a unit: write "0s"'
          : `needs a unit: write "${issue.input}s" for seconds or "${issue.input}ms" for milliseconds`
        : undefined,
  })
  // For editors only: the transform below says what is wrong in better words.
  .meta({ pattern: String.raw`^(0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$` })
  .transform((text, context) => {
    const parsed = parseDuration(text)
    if (typeof parsed === 'number') return parsed
    context.addIssue({ code: 'custom', message: parsed.wrong })
    return z.NEVER
  })

/** A duration that Envoy refuses at zero, such as the interval of a health check. */
export const PositiveDuration = Duration.refine((ms) => ms > 0, 'must be longer than zero')
