/**
 * Changes of a resource, one after the other: all of them, or none. Pure.
 *
 * Takes what Entra and Okta send beside what RFC 7644 says: operations with a capital letter, booleans as
 * text, paths as keys of a value without path, attributes that are read-only, not known or not there. What
 * decides who may come in is read strictly; of all else an operation that can't be followed is left out.
 *
 * @module
 * @see RFC 7644 section 3.5.2
 */

import type { Work } from '../../turns.ts'
import { Budget, matches } from './filter-match.ts'
import { MemberDraft } from './member-draft.ts'
import { impliedBy, parseTarget, type Target } from './patch-target.ts'
import { isObject, keepingOut, type Resource, readValue, whole, withOnePrimary } from './read-resource.ts'
import { invalidPath, invalidValue, ScimRefusal } from './refusal.ts'
import { type Attribute, isCoreSchema, type ResourceType } from './schema.ts'

type Operation = 'add' | 'replace' | 'remove'
type Attributes = Record<string, unknown>

interface Draft {
  readonly type: ResourceType
  readonly attributes: Attributes
  /** Read when they are changed. */
  members?: MemberDraft
  readonly budget: Budget
}

const MOST_OPERATIONS = 1000
/** Of one request: some tens of milliseconds, spread over many turns. */
const MOST_COMPARISONS = 1_000_000

/** The resource after all operations. @throws {ScimRefusal} */
export function* applyPatch(type: ResourceType, resource: Resource, body: unknown): Work<Resource> {
  const operations = isObject(body) ? memberOf(body, 'operations') : undefined
  if (!Array.isArray(operations) || operations.length === 0)
    throw new ScimRefusal(400, 'the body must hold a list `Operations`', 'invalidSyntax')
  if (operations.length > MOST_OPERATIONS)
    throw new ScimRefusal(400, `there are more than ${MOST_OPERATIONS} operations`, 'tooMany')
  const draft: Draft = { type, attributes: { ...resource }, budget: new Budget(MOST_COMPARISONS) }
  for (const operation of operations) {
    yield
    yield* applyOne(draft, operation)
  }
  if (draft.members !== undefined) assign(draft.attributes, 'members', yield* draft.members.list())
  return keepingOut(resource, whole(type, draft.attributes))
}

function memberOf(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.entries(object).find(([key]) => key.toLowerCase() === name)?.[1]
}

function* applyOne(draft: Draft, raw: unknown): Work<void> {
  if (!isObject(raw)) throw new ScimRefusal(400, 'an operation must be an object', 'invalidSyntax')
  const word = memberOf(raw, 'op')
  const operation = typeof word === 'string' ? word.trim().toLowerCase() : ''
  if (operation !== 'add' && operation !== 'replace' && operation !== 'remove')
    throw new ScimRefusal(400, '`op` must be add, replace or remove', 'invalidSyntax')
  const path = memberOf(raw, 'path')
  const value = memberOf(raw, 'value')
  const isWhole = path === undefined || path === null || path === ''
  if (!isWhole && typeof path !== 'string') throw invalidPath('`path` must be a text')
  const target = isWhole ? 'the resource' : parseTarget(draft.type, path)
  if (target === 'the resource') yield* applyAll(draft, operation, value)
  else if (target !== 'not kept') yield* change(draft, target, operation, value)
}

/** Without a path the value holds attributes, or paths. */
function* applyAll(draft: Draft, operation: Operation, value: unknown): Work<void> {
  if (operation === 'remove') throw new ScimRefusal(400, 'remove needs a `path`', 'noTarget')
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  for (const one of all) {
    if (!isObject(one)) throw invalidValue('an operation without `path` needs an object as its value')
    for (const [name, inner] of Object.entries(one)) {
      yield
      if (isCoreSchema(draft.type, name) && isObject(inner)) yield* applyAll(draft, operation, inner)
      // A key that begins with no name is none of an attribute.
      else if (/^\s*[\w$-]/.test(name)) {
        const target = parseTarget(draft.type, name)
        if (typeof target === 'object') yield* change(draft, target, operation, inner)
      }
    }
  }
}

/** What can't be followed and decides nothing is left out. */
function* change(draft: Draft, target: Target, operation: Operation, value: unknown): Work<void> {
  const { extension, attribute } = target
  if (attribute?.mutability === 'readOnly') return
  try {
    if (extension === undefined && attribute?.name === 'members')
      yield* changeMembers(draft, target, operation, value)
    else if (extension === undefined)
      yield* changeAttribute(draft, draft.attributes, target, operation, value)
    else yield* changeExtension(draft, target, operation, value)
  } catch (error) {
    if (attribute?.decides === true || !(error instanceof ScimRefusal) || error.scimType === 'tooMany')
      throw error
  }
}

function* changeExtension(draft: Draft, target: Target, operation: Operation, value: unknown): Work<void> {
  const { extension, attribute } = target
  if (extension === undefined) return
  const held = draft.attributes[extension.id]
  const inner: Attributes = isObject(held) ? { ...held } : {}
  if (attribute !== undefined) yield* changeAttribute(draft, inner, target, operation, value)
  else if (operation === 'remove') for (const key of Object.keys(inner)) delete inner[key]
  else {
    if (!isObject(value)) throw invalidValue(`${extension.id} must be an object`)
    for (const one of extension.attributes) {
      const given = memberOf(value, one.name.toLowerCase())
      if (given !== undefined)
        yield* change({ ...draft, attributes: inner }, { attribute: one }, operation, given)
    }
  }
  assign(draft.attributes, extension.id, Object.keys(inner).length === 0 ? undefined : inner)
}

function* changeAttribute(
  draft: Draft,
  attributes: Attributes,
  target: Target,
  operation: Operation,
  value: unknown,
): Work<void> {
  const { attribute, sub, filter } = target
  if (attribute === undefined || sub?.mutability === 'readOnly') return
  const { name } = attribute
  const before = attributes[name]
  if (attribute.multiValued && (sub !== undefined || filter !== undefined))
    return assign(attributes, name, yield* changeValues(draft, listOf(before), target, operation, value))
  if (sub !== undefined) {
    const inner: Attributes = isObject(before) ? { ...before } : {}
    assign(inner, sub.name, operation === 'remove' ? undefined : yield* readValue(sub, value))
    return assign(attributes, name, Object.keys(inner).length === 0 ? undefined : inner)
  }
  assign(attributes, name, yield* changed(attribute, before, operation, value))
}

/** The whole attribute after the operation. */
function* changed(
  attribute: Attribute,
  before: unknown,
  operation: Operation,
  value: unknown,
): Work<unknown> {
  if (operation === 'remove') {
    if (!attribute.multiValued || value === undefined || value === null) return undefined
    const gone = listOf(yield* readValue(attribute, value))
    return listOf(before).filter((item) => !gone.some((one) => isSame(one, item)))
  }
  const read = yield* readValue(attribute, value)
  if (attribute.multiValued) return operation === 'replace' ? read : joined(attribute, before, listOf(read))
  return isObject(read) && isObject(before) ? { ...before, ...read } : read
}

function* changeMembers(draft: Draft, target: Target, operation: Operation, value: unknown): Work<void> {
  const { attribute, filter, sub } = target
  if (attribute === undefined) return
  const members = (draft.members ??= yield* MemberDraft.of(draft.attributes['members'], draft.budget))
  if (operation === 'remove') {
    if (sub !== undefined && sub.name !== 'value') return
    // Entra names the members to remove in the value.
    if (filter !== undefined || value === undefined || value === null)
      return yield* members.removeWhere(filter)
    return yield* members.remove(yield* readValue(attribute, value))
  }
  if (filter === undefined && sub === undefined) {
    if (operation === 'replace') members.clear()
    return yield* members.add(yield* readValue(attribute, value))
  }
  if (sub !== undefined && sub.mutability !== 'readWrite')
    throw new ScimRefusal(400, `${sub.name} of a member can't be changed`, 'mutability')
  const more = yield* readPart(attribute, sub, value)
  if (yield* members.describe(filter, more)) return
  // Whoever is not in the group does not come in by being described.
  if (operation === 'replace' || sub !== undefined)
    throw new ScimRefusal(400, 'no member is the one that is meant', 'noTarget')
  yield* members.add([{ ...impliedBy(filter), ...more }])
}

/** Some values of an attribute, or a part of them. */
function* changeValues(
  { budget }: Draft,
  items: readonly unknown[],
  { attribute, filter, sub }: Target,
  operation: Operation,
  value: unknown,
): Work<readonly unknown[] | undefined> {
  if (attribute === undefined) return items
  const isMeant = (item: unknown) =>
    isObject(item) && (filter === undefined || matches(filter, item, { budget }))
  if (operation === 'remove' && sub === undefined) return items.filter((item) => !isMeant(item))
  const read = operation === 'remove' ? {} : yield* readPart(attribute, sub, value)
  let isFound = false
  const result = items.map((item) => {
    if (!isObject(item) || !isMeant(item)) return item
    isFound = true
    const kept: Attributes = operation === 'replace' && sub === undefined ? {} : { ...item }
    if (sub !== undefined) delete kept[sub.name]
    return { ...kept, ...read }
  })
  if (isFound) return withOnePrimary(attribute, result)
  if (operation === 'remove') return items
  // Entra replaces values that are not there yet. One that is only to be described is not made up for that.
  const implied = impliedBy(filter)
  if ('value' in implied && sub !== undefined && sub.name !== 'value') return items
  return withOnePrimary(attribute, [...items, { ...implied, ...read }])
}

/** What an operation says of one value, or of one part of it. */
function* readPart(attribute: Attribute, sub: Attribute | undefined, value: unknown): Work<Resource> {
  if (sub === undefined) {
    const [first] = listOf(yield* readValue(attribute, value))
    return isObject(first) ? first : {}
  }
  const read = yield* readValue(sub, value)
  return read === undefined ? {} : { [sub.name]: read }
}

function joined(attribute: Attribute, before: unknown, added: readonly unknown[]): readonly unknown[] {
  const items = [...listOf(before)]
  const known = new Set(items.map(identityOf))
  for (const item of added) {
    const identity = identityOf(item)
    if (!known.has(identity)) items.push(item)
    known.add(identity)
  }
  return withOnePrimary(attribute, items)
}

/** Values are the same by value and kind, as far as they have one. */
function identityOf(item: unknown): string {
  if (!isObject(item) || typeof item['value'] !== 'string') return JSON.stringify(item)
  const { value, type } = item
  return typeof type === 'string' ? `${value}\n${type}` : value
}

/** Whether the value that is to go is this one; without a type it is the one of any type. */
function isSame(gone: unknown, item: unknown): boolean {
  if (identityOf(gone) === identityOf(item)) return true
  return isObject(gone) && isObject(item) && gone['type'] === undefined && gone['value'] === item['value']
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function assign(attributes: Attributes, name: string, value: unknown): void {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) delete attributes[name]
  else attributes[name] = value
}
