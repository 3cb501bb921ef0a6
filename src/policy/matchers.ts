/**
 * The conditions that a criterion puts on a text (`email`, `http_path` …) or on a list of texts (`groups`,
 * `claim/…`). Compiled once; every comparison is case-sensitive, and there are no patterns.
 *
 * @module
 */
import { isMember } from './membership.ts'
import { isMapping, type Path, type Report } from './problem.ts'
import { choiceOf, suggestion } from './suggestion.ts'

export type TextMatcher = (text: string) => boolean

type List = readonly string[]
export type ListMatcher = (list: List) => boolean

/** Below this many values looking through an array is quicker than hashing. */
const FEW = 8

const TEXT_MATCHERS = {
  is: ofOne((wanted) => (text) => text === wanted),
  not: ofOne((wanted) => (text) => text !== wanted),
  contains: ofOne((part) => (text) => text.includes(part)),
  starts_with: ofOne((part) => (text) => text.startsWith(part)),
  ends_with: ofOne((part) => (text) => text.endsWith(part)),
  in: ofMany((has) => has),
  not_in: ofMany((has) => (text) => !has(text)),
} satisfies Record<string, Maker<string>>

const LIST_MATCHERS = {
  has: ofOne((wanted) => (list: List) => isMember(list, wanted)),
  is: ofOne((wanted) => (list: List) => list.length === 1 && list[0] === wanted),
  exclude: ofOne((wanted) => (list: List) => !isMember(list, wanted)),
} satisfies Record<string, Maker<List>>

/** A scalar is short for `is`. Several keys in one mapping must all hold. */
export function textMatcher(data: unknown, at: Path, report: Report): TextMatcher | undefined {
  if (typeof data === 'boolean') {
    report(at, 'must be a text to compare with, or a mapping such as {ends_with: …}')
    return undefined
  }
  return matcher<string>(TEXT_MATCHERS, 'is', data, at, report)
}

/** A scalar is short for `has`. Several keys in one mapping must all hold. */
export function listMatcher(data: unknown, at: Path, report: Report): ListMatcher | undefined {
  return matcher<List>(LIST_MATCHERS, 'has', data, at, report)
}

/** Reads the data of one matcher key; `undefined` when a problem was reported. */
type Maker<T> = (data: unknown, at: Path, report: Report) => ((value: T) => boolean) | undefined

function matcher<T>(
  makers: Readonly<Record<string, Maker<T>>>,
  short: string,
  data: unknown,
  at: Path,
  report: Report,
): ((value: T) => boolean) | undefined {
  const shortMaker = makers[short]
  if (!isMapping(data)) return shortMaker?.(data, at, report)
  const keys = Object.keys(data)
  if (keys.length === 0) {
    report(at, `says nothing; write ${choiceOf(Object.keys(makers))}`)
    return undefined
  }
  const parts = keys.map((key) => {
    const maker = Object.hasOwn(makers, key) ? makers[key] : undefined
    if (maker !== undefined) return maker(data[key], [...at, key], report)
    report([...at, key], `unknown matcher "${key}"${suggestion(key, Object.keys(makers))}`)
    return undefined
  })
  const [first, ...others] = parts.filter((part) => part !== undefined)
  if (first === undefined || others.length + 1 < parts.length) return undefined
  return others.length === 0 ? first : (value) => first(value) && others.every((part) => part(value))
}

/** The texts of a condition, whatever it does with them. */
export function comparedTexts(data: unknown): readonly string[] {
  const values = isMapping(data) ? Object.values(data) : [data]
  return values.flat().flatMap((value) => {
    const text = textOf(value, [], () => {})
    return text === undefined ? [] : [text]
  })
}

function ofOne<T>(make: (wanted: string) => (value: T) => boolean): Maker<T> {
  return (data, at, report) => {
    const wanted = textOf(data, at, report)
    return wanted === undefined ? undefined : make(wanted)
  }
}

function ofMany(make: (has: TextMatcher) => TextMatcher): Maker<string> {
  return (data, at, report) => {
    if (!Array.isArray(data)) {
      report(at, 'must be a list of texts')
      return undefined
    }
    const wanted = data.map((value: unknown, index) => textOf(value, [...at, index], report))
    const texts = wanted.filter((value) => value !== undefined)
    if (texts.length < wanted.length) return undefined
    if (texts.length <= FEW) return make((text) => texts.includes(text))
    const set = new Set(texts)
    return make((text) => set.has(text))
  }
}

/**
 * A text to compare with. Ids are often numbers in YAML, so whole numbers are taken as written; those that
 * YAML has already rounded are not, nor is an empty text, which would match everything or nobody.
 */
function textOf(data: unknown, at: Path, report: Report): string | undefined {
  if (typeof data === 'string' && data !== '') return data
  if (typeof data === 'boolean' || Number.isSafeInteger(data)) return String(data)
  report(at, textProblem(data))
  return undefined
}

function textProblem(data: unknown): string {
  if (data === '') return 'is an empty text, which would match everything or nobody'
  if (typeof data === 'number') return 'is a number that may not be what was written; put it in quotes'
  if (Array.isArray(data)) return 'takes one value, not a list; write one criterion for each value'
  if (data === null || data === undefined) return 'has no value'
  return 'must be a text'
}
