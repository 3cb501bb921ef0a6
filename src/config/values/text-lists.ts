/**
 * Lists that are written as one text: `allowed_users: alice@example.com, bob@example.com`.
 *
 * Files for other proxies have them, and variables of the environment can hold nothing else. Which keys hold
 * lists comes from the schema, so that a new key needs no line here.
 *
 * @module
 */
import type { z } from 'zod'

/** What puts lists in place of texts; the very same value where there is nothing to do. */
type Reading = (value: unknown) => unknown

type Schema = z.core.$ZodTypes

/** Behind `optional`, defaults and transformations: what is written in the file. */
export function writtenForm(schema: z.core.$ZodType): Schema {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all schemas are of zod's own classes
  const { def } = (schema as Schema)._zod
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return writtenForm(def.innerType)
    case 'pipe':
      return writtenForm(def.in)
    default:
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
      return schema as Schema
  }
}

function takesText(schema: z.core.$ZodType): boolean {
  const { def } = writtenForm(schema)._zod
  return def.type === 'string' || def.type === 'enum' || (def.type === 'union' && def.options.some(takesText))
}

/** Whether a schema is of a list that may be written as a text. */
export function isTextList(schema: z.core.$ZodType): boolean {
  const { def } = writtenForm(schema)._zod
  return def.type === 'array' && takesText(def.element)
}

/** Scopes stand with spaces between them as well (RFC 6749 section 3.3); no other text of a list has one. */
const SPACES_TOO = new Set(['idp_scopes', 'scopes'])

function split(text: string, key: string): readonly string[] {
  const parts = text.split(SPACES_TOO.has(key) ? /[\s,]+/ : ',')
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** @param key the name of the nearest key; empty for what stands in a map whose keys are free */
function readingOf(schema: z.core.$ZodType, key: string): Reading | undefined {
  const { def } = writtenForm(schema)._zod
  switch (def.type) {
    case 'array':
      if (!takesText(def.element)) return listOf(readingOf(def.element, key))
      // Values of claims are free text: a comma may be part of them.
      if (key === '') return (value) => (isScalar(value) ? [value] : value)
      return (value) => (typeof value === 'string' ? split(value, key) : value)
    case 'record':
      return mapOf(readingOf(def.valueType, ''))
    case 'object':
      return keyed(new Map(Object.entries(def.shape).map(([name, each]) => [name, readingOf(each, name)])))
    case 'union': {
      const readings = takesText(schema) ? [] : def.options.map((each) => readingOf(each, key))
      const [first, ...others] = readings.filter((each) => each !== undefined)
      return first && others.reduce((all, each) => (value) => each(all(value)), first)
    }
    default:
      return undefined
  }
}

function listOf(reading: Reading | undefined): Reading | undefined {
  return reading && ((value) => (Array.isArray(value) ? value.map(reading) : value))
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function mapOf(reading: Reading | undefined): Reading | undefined {
  return (
    reading &&
    ((value) =>
      isMap(value)
        ? Object.fromEntries(Object.entries(value).map(([key, held]) => [key, reading(held)]))
        : value)
  )
}

function keyed(readings: ReadonlyMap<string, Reading | undefined>): Reading | undefined {
  const known = [...readings].flatMap(([key, reading]) => (reading === undefined ? [] : [{ key, reading }]))
  if (known.length === 0) return undefined
  return (value) => {
    if (!isMap(value)) return value
    let read: Record<string, unknown> | undefined
    for (const { key, reading } of known) {
      if (!Object.hasOwn(value, key)) continue
      const held = reading(value[key])
      if (held !== value[key]) (read ??= { ...value })[key] = held
    }
    return read ?? value
  }
}

/** Puts lists in place of texts wherever the schema has a list of texts. */
export function textListsOf(schema: z.ZodType): (value: Readonly<Record<string, unknown>>) => typeof value {
  const reading = readingOf(schema, '')
  return (value) => {
    const read = reading?.(value) ?? value
    return isMap(read) ? read : value
  }
}
