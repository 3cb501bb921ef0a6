/**
 * What a client sends, brought into the form that is kept: known attributes only, in their own spelling and
 * type. Pure.
 *
 * Strict about what decides who may come in. All else is left out where it can't be read: nobody's account
 * may stay active because of a telephone number.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { each, type Work } from '../../turns.ts'
import { invalidValue, ScimRefusal } from './refusal.ts'
import {
  type Attribute,
  attributeOf,
  extensionOf,
  extensionWith,
  isCoreSchema,
  ownAttributes,
  type ResourceType,
} from './schema.ts'

/** Attributes by their names; those of an extension under its URN. */
export type Resource = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const LONGEST_TEXT = 4096
/** A group of everybody in a large company; other attributes have a handful of values. */
const MOST_MEMBERS = 100_000
const MOST_VALUES = 200

/** @throws {ScimRefusal} */
export function* readResource(type: ResourceType, body: unknown): Work<Resource> {
  if (!isObject(body)) throw new ScimRefusal(400, 'the body must be a JSON object', 'invalidSyntax')
  const resource: Record<string, unknown> = {}
  yield* readInto(resource, type, body)
  return whole(type, resource)
}

/** Attributes of the core schema may stand below its URN, those of an extension beside it. */
function* readInto(resource: Record<string, unknown>, type: ResourceType, body: Resource): Work<void> {
  for (const [name, value] of Object.entries(body)) {
    yield
    const extension = extensionOf(type, name) ?? extensionOfBare(type, name)
    if (isCoreSchema(type, name) && isObject(value)) yield* readInto(resource, type, value)
    else if (extension === undefined)
      Object.assign(resource, yield* readAttributes(ownAttributes(type), { [name]: value }))
    else {
      const raw = extension.id.toLowerCase() === name.toLowerCase() ? value : { [name]: value }
      const held = resource[extension.id]
      const read = isObject(raw) ? yield* readAttributes(extension.attributes, raw) : {}
      if (Object.keys(read).length > 0)
        resource[extension.id] = { ...(isObject(held) ? held : undefined), ...read }
    }
  }
}

function extensionOfBare(type: ResourceType, name: string) {
  return attributeOf(ownAttributes(type), name) === undefined ? extensionWith(type, name) : undefined
}

/**
 * What is to be kept, without what is no value. @throws {ScimRefusal} where something that must be there is
 * not
 */
export function whole(type: ResourceType, resource: Resource): Resource {
  const kept: Record<string, unknown> = { ...resource }
  for (const attribute of ownAttributes(type)) {
    const { name, required } = attribute
    const value = kept[name]
    if (required && (typeof value !== 'string' || value.trim() === ''))
      throw invalidValue(`${name} is missing`)
    // Members are read with their ids, or not at all.
    if (!Array.isArray(value) || name === 'members') continue
    const values = value.filter((one: unknown) => isValue(attribute, one))
    if (values.length > 0) kept[name] = values
    else delete kept[name]
  }
  return kept
}

/** Of an address whose `value` was taken away there is nothing left, though its type was not named. */
function isValue({ subAttributes = [] }: Attribute, one: unknown): boolean {
  const hasValue = subAttributes.some(({ name }) => name === 'value')
  return !hasValue || (isObject(one) && typeof one['value'] === 'string' && one['value'] !== '')
}

/**
 * Whoever may not come in stays out until a client says otherwise: not by leaving it out, by `null` or by
 * removal.
 */
export function keepingOut(before: Resource, after: Resource): Resource {
  return before['active'] === false && after['active'] === undefined ? { ...after, active: false } : after
}

function* readAttributes(
  attributes: readonly Attribute[],
  raw: Readonly<Record<string, unknown>>,
): Work<Record<string, unknown>> {
  const read: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(raw)) {
    const attribute = attributeOf(attributes, name)
    if (attribute === undefined || attribute.mutability === 'readOnly') continue
    try {
      const one = yield* readValue(attribute, value)
      if (one !== undefined) read[attribute.name] = one
    } catch (error) {
      if (attribute.decides === true || !(error instanceof ScimRefusal)) throw error
    }
  }
  return read
}

/**
 * `undefined` for what RFC 7643 section 2.5 calls unassigned: null and the empty list. @throws {ScimRefusal}
 */
export function* readValue(attribute: Attribute, value: unknown): Work<unknown> {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return undefined
  if (!attribute.multiValued) return yield* readOne(attribute, value)
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const isMembers = attribute.name === 'members'
  const most = isMembers ? MOST_MEMBERS : MOST_VALUES
  if (list.length > most) throw invalidValue(`${attribute.name} has more than ${most} values`)
  const items: unknown[] = []
  for (const [index, raw] of list.entries()) {
    const one = yield* readOne(attribute, raw)
    if (isMembers ? isValue(attribute, one) : one !== undefined) items.push(one)
    if (index % 100 === 99) yield
  }
  return items.length === 0 ? undefined : withOnePrimary(attribute, items)
}

function* readOne(attribute: Attribute, given: unknown): Work<unknown> {
  const { name, type, subAttributes = [] } = attribute
  const value = unwrapped(attribute, given)
  if (value === null || value === undefined) return undefined
  switch (type) {
    case 'boolean':
      return readBoolean(name, value)
    case 'complex': {
      // Some clients send the bare value of a member or a manager, or an empty one for none.
      const isBare = typeof value === 'string' || typeof value === 'number'
      const raw = value === '' ? {} : isBare ? { value } : value
      if (!isObject(raw)) throw invalidValue(`${name} must be an object`)
      const read = yield* readAttributes(subAttributes, raw)
      return Object.keys(read).length === 0 ? undefined : read
    }
    case 'string':
    case 'reference':
    case 'dateTime':
      return readText(name, value)
  }
}

/**
 * Older Entra connectors put a single value into a list of one object, others into an object under its own
 * name.
 */
function unwrapped({ name, type }: Attribute, value: unknown): unknown {
  const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value
  if (type === 'complex' || !isObject(only)) return only
  if (only['value'] !== undefined) return only['value']
  const own = Object.entries(only).find(([key]) => key.toLowerCase() === name.toLowerCase())
  return own === undefined ? only : own[1]
}

/** A whole number is as good as its digits: some clients send those of employees, or ids, without quotes. */
function readText(name: string, value: unknown): string {
  const text = Number.isSafeInteger(value) ? String(value) : value
  if (typeof text !== 'string') throw invalidValue(`${name} must be a text`)
  if (text.length > LONGEST_TEXT) throw invalidValue(`${name} is longer than ${LONGEST_TEXT} characters`)
  return text
}

/** Entra writes booleans as text, with a capital letter; others as 0 and 1. */
function readBoolean(name: string, value: unknown): boolean {
  const text = String(value).trim().toLowerCase()
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw invalidValue(`${name} must be true or false`)
}

const isPrimary = (item: unknown) => isObject(item) && item['primary'] === true

/**
 * Of several that are called primary it is the last: the one that was set most recently (RFC 7643 section
 * 2.4).
 */
export function withOnePrimary(
  { subAttributes = [] }: Attribute,
  items: readonly unknown[],
): readonly unknown[] {
  if (!subAttributes.some(({ name }) => name === 'primary')) return items
  const last = items.findLastIndex(isPrimary)
  return items.map((item, index) =>
    index !== last && isPrimary(item) && isObject(item) ? { ...item, primary: false } : item,
  )
}

/** Members are compared one by one, since there may be many. */
export function* isSameResource(one: Resource, other: Resource): Work<boolean> {
  const { members: [...members] = [], ...rest } = one as Resource & { members?: unknown[] }
  const { members: [...others] = [], ...otherRest } = other as Resource & { members?: unknown[] }
  if (members.length !== others.length || !isDeepStrictEqual(rest, otherRest)) return false
  let isEqual = true
  yield* each(members.entries(), ([index, member]) => {
    isEqual &&= isDeepStrictEqual(member, others[index])
  })
  return isEqual
}
