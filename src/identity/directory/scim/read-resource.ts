/**
 * What a client sends, brought into the form that is kept: known attributes only, in their own spelling and type. Pure.
 *
 * @module
 */
import { invalidValue, ScimRefusal } from './refusal.ts'
import { type Attribute, attributeOf, extensionOf, ownAttributes, type ResourceType } from './schema.ts'

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
export function readResource(type: ResourceType, body: unknown): Resource {
  if (!isObject(body)) throw new ScimRefusal(400, 'the body must be a JSON object', 'invalidSyntax')
  const resource = readAttributes(ownAttributes(type), body)
  for (const [name, value] of Object.entries(body)) {
    const extension = extensionOf(type, name)
    const read = extension && isObject(value) ? readAttributes(extension.attributes, value) : {}
    if (extension !== undefined && Object.keys(read).length > 0) resource[extension.id] = read
  }
  return whole(type, resource)
}

/** @throws {ScimRefusal} where something that must be there is not */
export function whole(type: ResourceType, resource: Resource): Resource {
  for (const { name, required } of type.schema.attributes) {
    const value = resource[name]
    if (required && (typeof value !== 'string' || value.trim() === ''))
      throw invalidValue(`${name} is missing`)
  }
  return resource
}

function readAttributes(
  attributes: readonly Attribute[],
  raw: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const read: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(raw)) {
    const attribute = attributeOf(attributes, name)
    if (attribute === undefined || attribute.mutability === 'readOnly') continue
    const one = readValue(attribute, value)
    if (one !== undefined) read[attribute.name] = one
  }
  return read
}

/** `undefined` for what RFC 7643 section 2.5 calls unassigned: null and the empty list. @throws {ScimRefusal} */
export function readValue(attribute: Attribute, value: unknown): unknown {
  if (value === null || value === undefined) return undefined
  if (!attribute.multiValued) return readOne(attribute, value)
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const most = attribute.name === 'members' ? MOST_MEMBERS : MOST_VALUES
  if (list.length > most) throw invalidValue(`${attribute.name} has more than ${most} values`)
  const items = list.map((one) => readOne(attribute, one)).filter((one) => one !== undefined)
  return items.length === 0 ? undefined : withOnePrimary(attribute, items)
}

function readOne(attribute: Attribute, value: unknown): unknown {
  const { name, type, subAttributes = [] } = attribute
  switch (type) {
    case 'boolean':
      return readBoolean(name, value)
    case 'complex': {
      // Some clients send the bare value of a member or a manager.
      const raw = typeof value === 'string' ? { value } : value
      if (!isObject(raw)) throw invalidValue(`${name} must be an object`)
      const read = readAttributes(subAttributes, raw)
      return Object.keys(read).length === 0 ? undefined : read
    }
    case 'string':
    case 'reference':
    case 'dateTime':
      if (typeof value !== 'string') throw invalidValue(`${name} must be a text`)
      if (value.length > LONGEST_TEXT) throw invalidValue(`${name} is longer than ${LONGEST_TEXT} characters`)
      return value
  }
}

/** Entra writes booleans as text, with a capital letter. */
function readBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  const text = typeof value === 'string' ? value.toLowerCase() : ''
  if (text === 'true') return true
  if (text === 'false') return false
  throw invalidValue(`${name} must be true or false`)
}

const isPrimary = (item: unknown) => isObject(item) && item['primary'] === true

/** Of several that are called primary it is the last: the one that was set most recently (RFC 7643 section 2.4). */
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
