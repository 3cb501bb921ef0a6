/**
 * Whether a filter finds a resource, or one value of an attribute. Pure.
 *
 * @module
 */
import type { Comparison, Filter, Scalar } from './filter.ts'
import { isObject, type Resource } from './read-resource.ts'
import { ScimRefusal } from './refusal.ts'
import type { Attribute } from './schema.ts'

/** Comparisons that one request may cost. */
export class Budget {
  #left: number

  constructor(comparisons: number) {
    this.#left = comparisons
  }

  /** @throws {ScimRefusal} tooMany */
  spend(): void {
    this.#left -= 1
    if (this.#left < 0)
      throw new ScimRefusal(400, 'the filters take too many comparisons: ask in smaller parts', 'tooMany')
  }
}

export interface MatchOptions {
  readonly budget?: Budget | undefined
  /** What can be told of a part of the filter without looking at the resource. */
  readonly known?: ((filter: Filter) => boolean | undefined) | undefined
}

/** Whether a resource, or one value of an attribute, is one of those that are looked for. */
export function matches(filter: Filter, of: Resource, { budget, known }: MatchOptions = {}): boolean {
  const found = known?.(filter)
  if (found !== undefined) return found
  const isMatch = (inner: Filter, value: Resource = of) => matches(inner, value, { budget, known })
  budget?.spend()
  switch (filter.is) {
    case 'and':
      return isMatch(filter.left) && isMatch(filter.right)
    case 'or':
      return isMatch(filter.left) || isMatch(filter.right)
    case 'not':
      return !isMatch(filter.inner)
    case 'some':
      return valuesAt(of, filter.path.steps).some(
        (value) => isObject(value) && matches(filter.inner, value, { budget }),
      )
    case 'present':
      return valuesAt(of, filter.path.steps).length > 0
    case 'compare':
      return compares(filter, valuesAt(of, filter.path.steps).map(scalarOf))
  }
}

function valuesAt(of: Resource, steps: readonly string[]): readonly unknown[] {
  let values: readonly unknown[] = [of]
  for (const step of steps)
    values = values.flatMap((value) => {
      const next = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
      return next === undefined || next === null ? [] : next
    })
  return values
}

/** A value of several parts is compared by its `value` (RFC 7644 section 3.4.2.2). */
const scalarOf = (value: unknown): unknown => (isObject(value) ? value['value'] : value)

function compares(
  { comparison, value, path }: Extract<Filter, { is: 'compare' }>,
  found: readonly unknown[],
): boolean {
  if (value === null)
    return comparison === 'ne' ? found.length > 0 : comparison === 'eq' && found.length === 0
  if (comparison === 'ne') return !found.some((one) => compare('eq', one, value, path.attribute))
  return found.some((one) => compare(comparison, one, value, path.attribute))
}

function compare(comparison: Comparison, one: unknown, other: Scalar, { caseExact }: Attribute): boolean {
  if (typeof one !== 'string' || typeof other !== 'string') return comparison === 'eq' && one === other
  const [left, right] = caseExact ? [one, other] : [one.toLowerCase(), other.toLowerCase()]
  switch (comparison) {
    case 'eq':
      return left === right
    case 'ne':
      return left !== right
    case 'co':
      return left.includes(right)
    case 'sw':
      return left.startsWith(right)
    case 'ew':
      return left.endsWith(right)
    case 'gt':
      return left > right
    case 'ge':
      return left >= right
    case 'lt':
      return left < right
    case 'le':
      return left <= right
  }
}

/** The text that an attribute must equal by the whole filter, if it says no more than that. */
export function soleEquality(filter: Filter, name: string): string | undefined {
  if (filter.is !== 'compare' || filter.comparison !== 'eq' || typeof filter.value !== 'string')
    return undefined
  return filter.path.steps.join('.') === name ? filter.value : undefined
}

/**
 * Values of an attribute `value` one of which whatever matches must have; `undefined` where the filter does
 * not say.
 */
export function candidates(filter: Filter): readonly string[] | undefined {
  if (filter.is === 'or') {
    const [left, right] = [candidates(filter.left), candidates(filter.right)]
    return left && right && [...left, ...right]
  }
  if (filter.is === 'and') return candidates(filter.left) ?? candidates(filter.right)
  const value = soleEquality(filter, 'value')
  return value === undefined ? undefined : [value]
}
