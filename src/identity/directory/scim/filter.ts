/**
 * SCIM filters: text → a tree over known attributes → yes or no for a resource. Pure.
 *
 * Bounded in length, depth and number of terms, and without regular expressions over what clients send.
 *
 * @module
 * @see RFC 7644 section 3.4.2.2
 */
import { isObject, type Resource } from './read-resource.ts'
import { invalidFilter } from './refusal.ts'
import { type Attribute, attributeOf, ownAttributes, type ResourceType } from './schema.ts'

const COMPARISONS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const
type Comparison = (typeof COMPARISONS)[number]
type Scalar = string | number | boolean | null

export type Filter =
  | { readonly is: 'and' | 'or'; readonly left: Filter; readonly right: Filter }
  | { readonly is: 'not'; readonly inner: Filter }
  | { readonly is: 'present'; readonly path: AttributePath }
  /** `emails[type eq "work"]`: one and the same value must match. */
  | { readonly is: 'some'; readonly path: AttributePath; readonly inner: Filter }
  | {
      readonly is: 'compare'
      readonly path: AttributePath
      readonly comparison: Comparison
      readonly value: Scalar
    }

/** Names on the way to a value, the last of which is `attribute`. */
interface AttributePath {
  readonly steps: readonly string[]
  readonly attribute: Attribute
}

const LONGEST = 4096
const MOST_TERMS = 100
const DEEPEST = 16

/** Where the names of a filter are looked up: in a resource, or in one value of an attribute. */
export interface Scope {
  find(name: string): AttributePath | undefined
}

export function resourceScope(type: ResourceType): Scope {
  return {
    find(name) {
      const { schema, rest } = withoutUrn(type, name)
      if (schema === undefined) return pathIn(ownAttributes(type), rest)
      const found = pathIn(schema.attributes, rest)
      return found && { ...found, steps: [schema.id, ...found.steps] }
    },
  }
}

export const valueScope = ({ subAttributes = [] }: Attribute): Scope => ({
  find: (name) => pathIn(subAttributes, name),
})

/** Takes the URN off a name: that of the core schema means nothing, that of an extension where to look. */
export function withoutUrn(type: ResourceType, name: string) {
  const lower = name.toLowerCase()
  const schema = [type.schema, ...type.extensions].find(({ id }) => lower.startsWith(`${id.toLowerCase()}:`))
  if (schema === undefined) return { schema: undefined, rest: name }
  return { schema: schema === type.schema ? undefined : schema, rest: name.slice(schema.id.length + 1) }
}

function pathIn(attributes: readonly Attribute[], name: string): AttributePath | undefined {
  const [first = '', second, ...more] = name.split('.')
  const attribute = attributeOf(attributes, first)
  if (attribute === undefined || more.length > 0) return undefined
  if (second === undefined) return { steps: [attribute.name], attribute }
  const inner = attributeOf(attribute.subAttributes ?? [], second)
  return inner && { steps: [attribute.name, inner.name], attribute: inner }
}

/** @throws {ScimRefusal} invalidFilter */
export function parseFilter(text: string, scope: Scope): Filter {
  if (text.length > LONGEST) throw invalidFilter(`the filter is longer than ${LONGEST} characters`)
  return new Parser(tokensOf(text)).whole(scope)
}

interface Token {
  readonly kind: 'word' | 'string' | '(' | ')' | '[' | ']'
  readonly text: string
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  const pattern = /\s*(?:([()[\]])|("(?:[^"\\]|\\.)*")|([^\s()[\]"]+))/y
  const end = text.trimEnd().length
  while (pattern.lastIndex < end) {
    const [, mark, string, word] = pattern.exec(text) ?? []
    if (mark === '(' || mark === ')' || mark === '[' || mark === ']') tokens.push({ kind: mark, text: mark })
    else if (string !== undefined) tokens.push({ kind: 'string', text: string })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else throw invalidFilter('the filter has a quote that is not closed')
  }
  return tokens
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0
  #terms = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(scope: Scope): Filter {
    const filter = this.#either(scope, 0)
    if (this.#at < this.#tokens.length) throw invalidFilter('the filter does not end where it should')
    return filter
  }

  #either(scope: Scope, depth: number): Filter {
    if (depth > DEEPEST) throw invalidFilter('the filter is nested too deeply')
    let left = this.#both(scope, depth)
    while (this.#takeWord('or')) left = { is: 'or', left, right: this.#both(scope, depth) }
    return left
  }

  #both(scope: Scope, depth: number): Filter {
    let left = this.#term(scope, depth)
    while (this.#takeWord('and')) left = { is: 'and', left, right: this.#term(scope, depth) }
    return left
  }

  #term(scope: Scope, depth: number): Filter {
    this.#terms += 1
    if (this.#terms > MOST_TERMS) throw invalidFilter(`the filter has more than ${MOST_TERMS} terms`)
    if (this.#takeWord('not')) return { is: 'not', inner: this.#inParentheses(scope, depth) }
    if (this.#tokens[this.#at]?.kind === '(') return this.#inParentheses(scope, depth)
    const name = this.#take('word')
    const path = scope.find(name)
    if (path === undefined) throw invalidFilter('the filter names an attribute that is not known')
    if (this.#tokens[this.#at]?.kind === '[') {
      this.#take('[')
      const inner = this.#either(valueScope(path.attribute), depth + 1)
      this.#take(']')
      return { is: 'some', path, inner }
    }
    const operator = this.#take('word').toLowerCase()
    if (operator === 'pr') return { is: 'present', path }
    const comparison = COMPARISONS.find((known) => known === operator)
    if (comparison === undefined) throw invalidFilter('the filter has an operator that is not known')
    return { is: 'compare', path, comparison, value: this.#value() }
  }

  #inParentheses(scope: Scope, depth: number): Filter {
    this.#take('(')
    const filter = this.#either(scope, depth + 1)
    this.#take(')')
    return filter
  }

  #value(): Scalar {
    const token = this.#tokens[this.#at]
    this.#at += 1
    try {
      // `True` comes from Entra.
      const text = token?.kind === 'word' ? token.text.toLowerCase() : token?.text
      const value: unknown = JSON.parse(text ?? '')
      if (isScalar(value)) return value
    } catch {
      // told below
    }
    throw invalidFilter('the filter compares with something that is no JSON value')
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'word' || token.text.toLowerCase() !== word) return false
    this.#at += 1
    return true
  }

  #take(kind: Token['kind']): string {
    const token = this.#tokens[this.#at]
    if (token?.kind !== kind) throw invalidFilter('the filter is not complete')
    this.#at += 1
    return token.text
  }
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/** Whether a resource, or one value of an attribute, is one of those that are looked for. */
export function matches(filter: Filter, of: Resource): boolean {
  switch (filter.is) {
    case 'and':
      return matches(filter.left, of) && matches(filter.right, of)
    case 'or':
      return matches(filter.left, of) || matches(filter.right, of)
    case 'not':
      return !matches(filter.inner, of)
    case 'some':
      return valuesAt(of, filter.path.steps).some((value) => isObject(value) && matches(filter.inner, value))
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
  const { steps } = filter.path
  return steps.length === 1 && steps[0] === name ? filter.value : undefined
}
