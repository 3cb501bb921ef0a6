/**
 * The conditions that a `record` criterion puts on a field: those of texts and lists, and comparisons.
 *
 * A field may hold one value or a list of them. What one means that is not there stands in
 * `missing-facts.ts`.
 *
 * @module
 */
import type { Truth } from '../decision.ts'
import { listMatcher, textMatcher } from '../matching/matchers.ts'
import { MISSING_FACTS } from '../missing-facts.ts'
import type { Path, Report } from '../problem.ts'
import { suggestion } from '../suggestion.ts'

export type FieldCondition = (values: readonly string[] | undefined) => Truth

/**
 * Of one text or of a list alike. What is not there is as a text: a table does not say that it has no value.
 */
const OF_LISTS = ['is', 'has', 'exclude']
/** Of any value in a list. */
const OF_ANY = ['in', 'contains', 'starts_with', 'ends_with']
/** Of every value in a list. */
const OF_ALL = ['not', 'not_in']

type Order = (sign: number) => boolean

const COMPARISONS: Readonly<Record<string, Order>> = {
  '<': (sign) => sign < 0,
  '<=': (sign) => sign <= 0,
  '=': (sign) => sign === 0,
  '>': (sign) => sign > 0,
  '>=': (sign) => sign >= 0,
}

export const FIELD_CONDITIONS = [...OF_LISTS, ...OF_ANY, ...OF_ALL, 'exists', ...Object.keys(COMPARISONS)]

/** @param at of the criterion */
export function fieldCondition(
  name: string,
  data: unknown,
  at: Path,
  report: Report,
): FieldCondition | undefined {
  if (OF_LISTS.includes(name)) {
    const matches = listMatcher({ [name]: data }, at, report)
    const look = name === 'exclude' ? 'negated text' : 'text'
    return matches && present((values) => truthOf(matches(values) === true), MISSING_FACTS.none[look])
  }
  if (OF_ANY.includes(name) || OF_ALL.includes(name)) {
    const matches = textMatcher({ [name]: data }, at, report)
    const isOfAll = OF_ALL.includes(name)
    return (
      matches &&
      present((values) => truthOf(isOfAll ? values.every(matches) : values.some(matches)), matches.of.none)
    )
  }
  const where = [...at, name]
  if (name === 'exists') {
    if (typeof data === 'boolean') return (values) => truthOf((values !== undefined) === data)
    report(where, 'must be true or false')
    return undefined
  }
  const order = Object.hasOwn(COMPARISONS, name) ? COMPARISONS[name] : undefined
  if (order !== undefined) return comparison(order, data, where, report)
  report(where, `unknown condition "${name}"${suggestion(name, FIELD_CONDITIONS)}`)
  return undefined
}

function present(judge: (values: readonly string[]) => Truth, ofNone: Truth): FieldCondition {
  return (values) => (values === undefined || values.length === 0 ? ofNone : judge(values))
}

function truthOf(holds: boolean): Truth {
  return holds ? 'hit' : 'miss'
}

const NUMBER = /^[+-]?\d{1,15}(?:\.\d{1,15})?$/

/**
 * Numbers are compared as numbers, those in quotes and in CSV files too; other texts letter by letter, which
 * suits dates in ISO form. A field that can't be compared with what the policy says is unknown.
 */
function comparison(order: Order, data: unknown, at: Path, report: Report): FieldCondition | undefined {
  const isScalar = typeof data === 'boolean' || (typeof data === 'number' && Number.isFinite(data))
  const wanted = isScalar ? String(data) : data
  if (typeof wanted !== 'string' || wanted === '') {
    report(at, 'must be a number or a text to compare with')
    return undefined
  }
  const isNumber = NUMBER.test(wanted)
  if (typeof data === 'number' && !isNumber) {
    report(at, 'is a number that may not be what was written; put it in quotes')
    return undefined
  }
  const number = Number(wanted)
  return present((values) => {
    const [value = ''] = values
    if (values.length > 1 || NUMBER.test(value) !== isNumber) return 'unknown'
    if (isNumber) return truthOf(order(Number(value) - number))
    return truthOf(order(value === wanted ? 0 : value < wanted ? -1 : 1))
  }, MISSING_FACTS.none.order)
}
