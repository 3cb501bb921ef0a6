/**
 * The conditions that a criterion puts on a text (`email`, `http_path` …) or on a list of texts (`groups`,
 * `claim/…`). Compiled once; texts are compared as they stand where no form is given, and there are no
 * patterns.
 *
 * @module
 */
import type { Truth } from '../decision.ts'
import { type Lack, type Look, truthsOf } from '../missing-facts.ts'
import { isMapping, type Path, type Report } from '../problem.ts'
import { choiceOf, suggestion } from '../suggestion.ts'
import { isMember } from './membership.ts'

export type TextMatcher = (text: string) => boolean

type List = readonly string[]
/**
 * @param isWhole false for a list of which more may exist than is known
 * @returns `undefined` when what is not known would decide
 */
export type ListMatcher = (list: List, isWhole?: boolean) => boolean | undefined

/** What a condition comes to where there is nothing to compare with. */
export interface OfNothing {
  readonly of: Readonly<Record<Lack, Truth>>
}

/** How a text of the policy is written for comparing; the value must be brought into the same form. */
export type Form = (text: string) => string

/** Below this many values looking through an array is quicker than hashing. */
const FEW = 8

const TEXT_MATCHERS = {
  is: ofOne<TextMatcher>((wanted) => (text) => text === wanted),
  not: ofOne<TextMatcher>((wanted) => (text) => text !== wanted),
  contains: ofOne<TextMatcher>((part) => (text) => text.includes(part)),
  starts_with: ofOne<TextMatcher>((part) => (text) => text.startsWith(part)),
  ends_with: ofOne<TextMatcher>((part) => (text) => text.endsWith(part)),
  in: ofMany((has) => has),
  not_in: ofMany((has) => (text) => !has(text)),
} satisfies Record<string, Maker<TextMatcher>>

/**
 * What is on a list stays on it, whatever else is: a value that is there decides, one that is not may yet
 * come.
 */
const LIST_MATCHERS = {
  has: ofOne<ListMatcher>(
    (wanted) =>
      (list, isWhole = true) =>
        isMember(list, wanted) || undecided(isWhole, false),
  ),
  is: ofOne<ListMatcher>((wanted) => (list, isWhole = true) => {
    if (isWhole) return list.length === 1 && list[0] === wanted
    return list.some((value) => value !== wanted) ? false : undefined
  }),
  exclude: ofOne<ListMatcher>(
    (wanted) =>
      (list, isWhole = true) =>
        !isMember(list, wanted) && undecided(isWhole, true),
  ),
} satisfies Record<string, Maker<ListMatcher>>

function undecided(isWhole: boolean, ofWhole: boolean): boolean | undefined {
  return isWhole ? ofWhole : undefined
}

/** What each looks at, where that is not the text or list itself. */
const NEGATED_TEXT = new Set(['not', 'not_in'])
const NEGATED_LIST = new Set(['exclude'])

const textLook = (key: string): Look => (NEGATED_TEXT.has(key) ? 'negated text' : 'text')
const listLook = (key: string): Look => (NEGATED_LIST.has(key) ? 'negated list' : 'list')

/** A scalar is short for `is`. Several keys in one mapping must all hold. */
export function textMatcher(
  data: unknown,
  at: Path,
  report: Report,
  form: Form = asWritten,
): (TextMatcher & OfNothing) | undefined {
  if (typeof data === 'boolean') {
    report(at, 'must be a text to compare with, or a mapping such as {ends_with: …}')
    return undefined
  }
  return matcher<TextMatcher>(OF_TEXTS, data, at, report, form)
}

/** A scalar is short for `has`. Several keys in one mapping must all hold. */
export function listMatcher(
  data: unknown,
  at: Path,
  report: Report,
  form: Form = asWritten,
): (ListMatcher & OfNothing) | undefined {
  return matcher<ListMatcher>(OF_LISTS, data, at, report, form)
}

const asWritten: Form = (text) => text

/** Reads the data of one matcher key; `undefined` when a problem was reported. */
type Maker<Matcher> = (data: unknown, at: Path, report: Report, form: Form) => Matcher | undefined

const allTexts =
  (parts: readonly TextMatcher[]): TextMatcher =>
  (text) =>
    parts.every((part) => part(text))

const allLists =
  (parts: readonly ListMatcher[]): ListMatcher =>
  (list, isWhole) => {
    const answers = parts.map((part) => part(list, isWhole))
    if (answers.includes(false)) return false
    return answers.includes(undefined) ? undefined : true
  }

interface MatcherKind<Matcher> {
  readonly makers: Readonly<Record<string, Maker<Matcher>>>
  /** Of a scalar. */
  readonly short: string
  readonly look: (key: string) => Look
  readonly allOf: (parts: readonly Matcher[]) => Matcher
}

const OF_TEXTS: MatcherKind<TextMatcher> = {
  makers: TEXT_MATCHERS,
  short: 'is',
  look: textLook,
  allOf: allTexts,
}
const OF_LISTS: MatcherKind<ListMatcher> = {
  makers: LIST_MATCHERS,
  short: 'has',
  look: listLook,
  allOf: allLists,
}

function matcher<Matcher>(
  kind: MatcherKind<Matcher>,
  data: unknown,
  at: Path,
  report: Report,
  form: Form,
): (Matcher & OfNothing) | undefined {
  const holds = conditionOf(kind, data, at, report, form)
  const looks = (isMapping(data) ? Object.keys(data) : [kind.short]).map(kind.look)
  return holds && Object.assign(holds, { of: truthsOf(looks) })
}

function conditionOf<Matcher>(
  { makers, short, allOf }: MatcherKind<Matcher>,
  data: unknown,
  at: Path,
  report: Report,
  form: Form,
): Matcher | undefined {
  if (!isMapping(data)) return makers[short]?.(data, at, report, form)
  const keys = Object.keys(data)
  if (keys.length === 0) {
    report(at, `says nothing; write ${choiceOf(Object.keys(makers))}`)
    return undefined
  }
  const parts = keys.map((key) => {
    const maker = Object.hasOwn(makers, key) ? makers[key] : undefined
    if (maker !== undefined) return maker(data[key], [...at, key], report, form)
    report([...at, key], `unknown matcher "${key}"${suggestion(key, Object.keys(makers))}`)
    return undefined
  })
  const [first, ...others] = parts.filter((part) => part !== undefined)
  if (first === undefined || others.length + 1 < parts.length) return undefined
  return others.length === 0 ? first : allOf([first, ...others])
}

/** The texts of a condition, whatever it does with them. */
export function comparedTexts(data: unknown): readonly string[] {
  const values = isMapping(data) ? Object.values(data) : [data]
  return values.flat().flatMap((value) => {
    const text = textOf(value, [], () => {})
    return text === undefined ? [] : [text]
  })
}

function ofOne<Matcher>(make: (wanted: string) => Matcher): Maker<Matcher> {
  return (data, at, report, form) => {
    const wanted = textOf(data, at, report)
    return wanted === undefined ? undefined : make(form(wanted))
  }
}

function ofMany(make: (has: TextMatcher) => TextMatcher): Maker<TextMatcher> {
  return (data, at, report, form) => {
    if (!Array.isArray(data)) {
      report(at, 'must be a list of texts')
      return undefined
    }
    const wanted = data.map((value: unknown, index) => textOf(value, [...at, index], report))
    const texts = wanted.filter((value) => value !== undefined).map(form)
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
