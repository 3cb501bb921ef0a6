/**
 * SCIM filters: text → a tree over known attributes. Pure.
 *
 * Bounded in length, depth and number of terms, and without regular expressions over what clients send.
 *
 * @module
 * @see RFC 7644 section 3.4.2.2
 */
import { invalidFilter } from './refusal.ts'
import { type Attribute, attributeOf, extensionWith, ownAttributes, type ResourceType } from './schema.ts'

const COMPARISONS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const
export type Comparison = (typeof COMPARISONS)[number]
export type Scalar = string | number | boolean | null

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
      if (schema === undefined && rest.toLowerCase() === 'schemas') return SCHEMAS
      const own = schema === undefined ? pathIn(ownAttributes(type), rest) : undefined
      if (own !== undefined) return own
      const extension = schema ?? extensionWith(type, rest.split('.')[0] ?? '')
      const found = extension && pathIn(extension.attributes, rest)
      return found && { ...found, steps: [extension.id, ...found.steps] }
    },
  }
}

export const valueScope = ({ subAttributes = [] }: Attribute): Scope => ({
  find: (name) => pathIn(subAttributes, name),
})

/** For the path of a change: a part that is not kept is one that no value has. */
export const lenientValueScope = ({ subAttributes = [] }: Attribute): Scope => ({
  find: (name) => pathIn(subAttributes, name) ?? { steps: [`${name} is not kept`], attribute: PLAIN_TEXT },
})

const PLAIN_TEXT: Attribute = {
  name: '',
  type: 'string',
  multiValued: false,
  description: '',
  required: false,
  caseExact: true,
  mutability: 'readOnly',
  returned: 'default',
  uniqueness: 'none',
}

/** Every resource names its schemas, and a client may look for those that have an extension. */
const SCHEMAS: AttributePath = { steps: ['schemas'], attribute: { ...PLAIN_TEXT, caseExact: false } }

/**
 * Takes the URN off a name: that of the core schema means nothing, that of an extension where to look. Some
 * clients put a point behind it, not a colon.
 */
export function withoutUrn(type: ResourceType, name: string) {
  const lower = name.toLowerCase()
  const schema = [type.schema, ...type.extensions].find(
    ({ id }) => lower.startsWith(id.toLowerCase()) && /^[:.]/.test(lower.slice(id.length)),
  )
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
    const path = scope.find(this.#take('word'))
    if (path === undefined) throw invalidFilter('the filter names an attribute that is not known')
    if (this.#tokens[this.#at]?.kind === '[') {
      this.#take('[')
      const values = valueScope(path.attribute)
      const inner = this.#either(values, depth + 1)
      this.#take(']')
      // `emails[type eq "work"].value eq "a"`: one and the same value is of that type, and is "a".
      const part = this.#takePart()
      if (part === undefined) return { is: 'some', path, inner }
      return { is: 'some', path, inner: { is: 'and', left: inner, right: this.#comparison(values, part) } }
    }
    return this.#compare(path)
  }

  #comparison(scope: Scope, name: string): Filter {
    const path = scope.find(name)
    if (path === undefined) throw invalidFilter('the filter names an attribute that is not known')
    return this.#compare(path)
  }

  #compare(path: AttributePath): Filter {
    const operator = this.#take('word').toLowerCase()
    if (operator === 'pr') return { is: 'present', path }
    const comparison = COMPARISONS.find((known) => known === operator)
    if (comparison === undefined) throw invalidFilter('the filter has an operator that is not known')
    return { is: 'compare', path, comparison, value: asTyped(path.attribute, this.#value()) }
  }

  #takePart(): string | undefined {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'word' || !token.text.startsWith('.')) return undefined
    this.#at += 1
    return token.text.slice(1)
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

/** Entra asks for `primary eq "True"`. */
function asTyped({ type }: Attribute, value: Scalar): Scalar {
  if (type !== 'boolean' || typeof value !== 'string') return value
  const text = value.toLowerCase()
  return text === 'true' ? true : text === 'false' ? false : value
}
