/**
 * Changes of a resource, one after the other: all of them, or none. Pure.
 *
 * Takes what Entra and Okta send beside what RFC 7644 says: operations with a capital letter, booleans as text, paths as
 * keys of a value without path, read-only attributes among others.
 *
 * @module
 * @see RFC 7644 section 3.5.2
 */

import { matches } from './filter.ts'
import { impliedBy, parseTarget, type Target } from './patch-target.ts'
import { isObject, type Resource, readValue, whole, withOnePrimary } from './read-resource.ts'
import { invalidPath, invalidValue, ScimRefusal } from './refusal.ts'
import type { Attribute, ResourceType } from './schema.ts'

type Operation = 'add' | 'replace' | 'remove'
type Draft = Record<string, unknown>

const MOST_OPERATIONS = 1000

/** The resource after all operations. @throws {ScimRefusal} */
export function applyPatch(type: ResourceType, resource: Resource, body: unknown): Resource {
  const operations = isObject(body) ? memberOf(body, 'operations') : undefined
  if (!Array.isArray(operations) || operations.length === 0)
    throw new ScimRefusal(400, 'the body must hold a list `Operations`', 'invalidSyntax')
  if (operations.length > MOST_OPERATIONS)
    throw new ScimRefusal(400, `there are more than ${MOST_OPERATIONS} operations`, 'tooMany')
  const draft: Draft = { ...resource }
  for (const operation of operations) applyOne(type, draft, operation)
  return whole(type, draft)
}

function memberOf(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.entries(object).find(([key]) => key.toLowerCase() === name)?.[1]
}

function applyOne(type: ResourceType, draft: Draft, raw: unknown): void {
  if (!isObject(raw)) throw new ScimRefusal(400, 'an operation must be an object', 'invalidSyntax')
  const word = memberOf(raw, 'op')
  const operation = typeof word === 'string' ? word.toLowerCase() : ''
  if (operation !== 'add' && operation !== 'replace' && operation !== 'remove')
    throw new ScimRefusal(400, '`op` must be add, replace or remove', 'invalidSyntax')
  const path = memberOf(raw, 'path')
  const value = memberOf(raw, 'value')
  if (path === undefined || path === null || path === '') return applyAll(type, draft, operation, value)
  if (typeof path !== 'string') throw invalidPath('`path` must be a text')
  const target = parseTarget(type, path)
  if (target === 'unknown') throw invalidPath('`path` names an attribute that is not known')
  if (target === 'not kept') return
  if (isReadOnly(target)) throw new ScimRefusal(400, `${path.slice(0, 100)} can't be changed`, 'mutability')
  change(draft, target, operation, value)
}

/** Without a path the value holds attributes, or paths. What is read-only there comes along and is left out. */
function applyAll(type: ResourceType, draft: Draft, operation: Operation, value: unknown): void {
  if (operation === 'remove') throw new ScimRefusal(400, 'remove needs a `path`', 'noTarget')
  if (!isObject(value)) throw invalidValue('an operation without `path` needs an object as its value')
  for (const [name, one] of Object.entries(value)) {
    const target = parseTarget(type, name)
    if (typeof target === 'object' && !isReadOnly(target)) change(draft, target, operation, one)
  }
}

function isReadOnly({ attribute, sub }: Target): boolean {
  return attribute?.mutability === 'readOnly' || (sub !== undefined && sub.mutability !== 'readWrite')
}

function change(draft: Draft, target: Target, operation: Operation, value: unknown): void {
  const { extension, attribute } = target
  if (extension === undefined) return changeAttribute(draft, target, operation, value)
  const held = draft[extension.id]
  const inner: Draft = isObject(held) ? { ...held } : {}
  if (attribute !== undefined) changeAttribute(inner, target, operation, value)
  else if (operation === 'remove') for (const key of Object.keys(inner)) delete inner[key]
  else {
    if (!isObject(value)) throw invalidValue(`${extension.id} must be an object`)
    for (const one of extension.attributes) {
      const given = memberOf(value, one.name.toLowerCase())
      if (given !== undefined && one.mutability !== 'readOnly')
        changeAttribute(inner, { attribute: one }, operation, given)
    }
  }
  assign(draft, extension.id, Object.keys(inner).length === 0 ? undefined : inner)
}

function changeAttribute(draft: Draft, target: Target, operation: Operation, value: unknown): void {
  const { attribute, sub, filter } = target
  if (attribute === undefined) return
  const { name } = attribute
  const before = draft[name]
  if (attribute.multiValued && (sub !== undefined || filter !== undefined))
    return assign(draft, name, changeValues(listOf(before), target, operation, value))
  if (filter !== undefined) throw invalidPath(`${name} has no values to choose from`)
  if (sub !== undefined) {
    const inner: Draft = isObject(before) ? { ...before } : {}
    assign(inner, sub.name, operation === 'remove' ? undefined : readValue(sub, value))
    return assign(draft, name, Object.keys(inner).length === 0 ? undefined : inner)
  }
  assign(draft, name, changed(attribute, before, operation, value))
}

/** The whole attribute after the operation. */
function changed(attribute: Attribute, before: unknown, operation: Operation, value: unknown): unknown {
  if (operation === 'remove') {
    if (!attribute.multiValued || value === undefined) return undefined
    // Entra names the members to remove in the value.
    const gone = new Set(listOf(readValue(attribute, value)).map(identityOf))
    return listOf(before).filter((item) => !gone.has(identityOf(item)))
  }
  const read = readValue(attribute, attribute.multiValued ? value : unwrapped(attribute, value))
  if (attribute.multiValued) return operation === 'replace' ? read : joined(attribute, before, listOf(read))
  return isObject(read) && isObject(before) ? { ...before, ...read } : read
}

/** Older Entra connectors put a single value into a list of one object. */
function unwrapped({ type }: Attribute, value: unknown): unknown {
  if (!Array.isArray(value) || value.length !== 1) return value
  const [only]: readonly unknown[] = value
  return type !== 'complex' && isObject(only) ? only['value'] : only
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

/** Members are the same by their id; values of other attributes by value and kind, as far as they have one. */
function identityOf(item: unknown): string {
  if (!isObject(item) || typeof item['value'] !== 'string') return JSON.stringify(item)
  const { value, type } = item
  return typeof type !== 'string' || type === 'User' || type === 'Group' ? value : `${value}\n${type}`
}

/** Some values of an attribute, or a part of them. */
function changeValues(
  items: readonly unknown[],
  { attribute, filter, sub }: Target,
  operation: Operation,
  value: unknown,
): readonly unknown[] | undefined {
  if (attribute === undefined) return items
  const isMeant = (item: unknown) => isObject(item) && (filter === undefined || matches(filter, item))
  if (operation === 'remove' && sub === undefined) return items.filter((item) => !isMeant(item))
  const read =
    operation === 'remove'
      ? {}
      : sub === undefined
        ? firstOf(attribute, value)
        : { [sub.name]: readValue(sub, value) }
  if (items.some(isMeant)) {
    const result = items.map((item) => {
      if (!isObject(item) || !isMeant(item)) return item
      const kept: Draft = operation === 'replace' && sub === undefined ? {} : { ...item }
      if (operation === 'remove' && sub !== undefined) delete kept[sub.name]
      return { ...kept, ...read }
    })
    return withOnePrimary(attribute, result)
  }
  if (operation === 'remove') return items
  if (operation === 'replace' && filter !== undefined)
    throw new ScimRefusal(400, `no value of ${attribute.name} is the one that is meant`, 'noTarget')
  return withOnePrimary(attribute, [...items, { ...impliedBy(filter), ...read }])
}

function firstOf(attribute: Attribute, value: unknown): Readonly<Record<string, unknown>> {
  const [first] = listOf(readValue(attribute, value))
  return isObject(first) ? first : {}
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function assign(draft: Draft, name: string, value: unknown): void {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) delete draft[name]
  else draft[name] = value
}
