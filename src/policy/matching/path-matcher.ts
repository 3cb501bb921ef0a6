/**
 * The conditions of `http_path`, judged on every reading of a path.
 *
 * They are those of other texts, but come to three values: many servers answer `/admin/` and `/admin` alike,
 * so what fits but for a slash at its end is unknown.
 *
 * @module
 */
import type { Truth } from '../decision.ts'
import { isMapping } from '../problem.ts'
import { comparedTexts } from './matchers.ts'
import { type PathReadings, readingsOf, unescapePath } from './path-readings.ts'

/** @param isAsWritten whether the path has one reading on this route (`paths_as_written`) */
export type PathMatcher = (path: string, isAsWritten: boolean) => Truth

type Compare = (path: string) => boolean

interface Comparison {
  readonly fits: Compare
  /** But for a slash at the end of the path. */
  readonly nearlyFits: Compare
}

const CONDITIONS: Readonly<Record<string, (texts: readonly string[]) => Comparison>> = {
  is: ofWhole,
  in: ofWhole,
  not: ofWhole,
  not_in: ofWhole,
  starts_with: ([text = '']) => ({
    fits: (path) => path.startsWith(text),
    nearlyFits: (path) => path.length + 1 === text.length && `${path}/` === text,
  }),
  ends_with: ([text = '']) => ({
    fits: (path) => path.endsWith(text),
    nearlyFits: (path) => path.endsWith('/') && path.slice(0, -1).endsWith(text),
  }),
  contains: ([text = '']) => ({
    fits: (path) => path.includes(text),
    nearlyFits: (path) => text.endsWith('/') && path.endsWith(text.slice(0, -1)),
  }),
}

const NEGATED: ReadonlySet<string> = new Set(['not', 'not_in'])

function ofWhole(texts: readonly string[]): Comparison {
  const [only] = texts
  if (texts.length === 1 && only !== undefined) return ofOne(only)
  const whole = new Set(texts)
  const bare = new Set(texts.map(withoutSlash))
  return { fits: (path) => whole.has(path), nearlyFits: (path) => bare.has(withoutSlash(path)) }
}

/**
 * Most conditions have one text, and there may be half a million of them: sets would take most of the memory.
 */
function ofOne(text: string): Comparison {
  const bare = withoutSlash(text)
  return { fits: (path) => path === text, nearlyFits: (path) => withoutSlash(path) === bare }
}

/** No regular expression: one would try each slash of a long row anew. */
function withoutSlash(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}

interface Test {
  readonly isNegated: boolean
  readonly written: Comparison
  /** The same with the escapes undone, for readings that undo them. */
  readonly unescaped: Comparison
  /** Whether that makes a difference. */
  readonly isEscaped: boolean
}

/** @param data that `textMatcher` has found no fault with */
export function pathMatcher(data: unknown): PathMatcher {
  const written = isMapping(data) ? data : { is: data }
  const found = Object.entries(written).flatMap(([key, value]) =>
    testOf(key, comparedTexts({ [key]: value })),
  )
  // Of its exact size: what `flatMap` makes has room for more, and there is one for each condition.
  const tests = found.slice()
  return (path, isAsWritten) => {
    const readings = isAsWritten ? undefined : readingsOf(path)
    if (readings === undefined && !isAsWritten) return 'unknown'
    let truth: Truth | undefined
    for (const test of tests) {
      const each = readings === undefined ? exactly(test, path) : onAll(test, readings)
      if (each === 'miss') return 'miss'
      truth = truth === undefined || each === 'unknown' ? each : truth
    }
    return truth ?? 'unknown'
  }
}

function testOf(key: string, texts: readonly string[]): readonly Test[] {
  const compare = CONDITIONS[key]
  if (compare === undefined) return []
  const isEscaped = texts.some((text) => text.includes('%'))
  const written = compare(texts)
  const unescaped = isEscaped ? compare(texts.map((text) => unescapePath(text) ?? text)) : written
  return [{ isNegated: NEGATED.has(key), written, unescaped, isEscaped }]
}

const exactly = ({ written, isNegated }: Test, path: string): Truth =>
  written.fits(path) === isNegated ? 'miss' : 'hit'

/** Unknown as soon as two readings disagree. */
function onAll(test: Test, { asWritten, unescaped }: PathReadings): Truth {
  const truth = truthOf(test, test.written, asWritten[0] ?? '')
  if (asWritten.some((path) => truthOf(test, test.written, path) !== truth)) return 'unknown'
  if (unescaped === asWritten && !test.isEscaped) return truth
  return unescaped.every((path) => truthOf(test, test.unescaped, path) === truth) ? truth : 'unknown'
}

function truthOf({ isNegated }: Test, { fits, nearlyFits }: Comparison, path: string): Truth {
  if (fits(path)) return isNegated ? 'miss' : 'hit'
  if (nearlyFits(path)) return 'unknown'
  return isNegated ? 'hit' : 'miss'
}
