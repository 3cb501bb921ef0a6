/**
 * Lists that are written as one text: `allowed_users: alice@example.com, bob@example.com`.
 *
 * Files for other proxies have them, and variables of the environment can hold nothing else. Which keys hold
 * lists comes from the schema, so that a new key needs no line here.
 *
 * @module
 */
import { z } from 'zod'

/** What puts lists in place of texts; the very same value where there is nothing to do. */
type Reading = (value: unknown) => unknown

type Schema = z.core.$ZodType

/** Behind `optional`, defaults and transformations: what is written in the file. */
export function writtenForm(schema: Schema): Schema {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  )
    return writtenForm(schema.def.innerType)
  return schema instanceof z.ZodPipe ? writtenForm(schema.def.in) : schema
}

function takesText(schema: Schema): boolean {
  const form = writtenForm(schema)
  return (
    form instanceof z.ZodString ||
    form instanceof z.ZodEnum ||
    (form instanceof z.ZodLiteral && [...form.values].some((value) => typeof value === 'string')) ||
    (form instanceof z.ZodUnion && form.def.options.some(takesText))
  )
}

/** Whether a schema is of a list that may be written as a text. */
export function isTextList(schema: Schema): boolean {
  const form = writtenForm(schema)
  return form instanceof z.ZodArray && takesText(form.def.element)
}

/** Scopes stand with spaces between them as well (RFC 6749 section 3.3); no other text of a list has one. */
const SPACES_TOO = new Set(['idp_scopes', 'scopes'])

function split(text: string, key: string): readonly string[] {
  const parts = text.split(SPACES_TOO.has(key) ? /[\s,]+/ : ',')
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** @param key the name of the nearest key; empty for what stands in a map whose keys are free */
function readingOf(schema: Schema, key: string): Reading | undefined {
  const form = writtenForm(schema)
  if (form instanceof z.ZodArray) {
    if (!takesText(form.def.element)) return listOf(readingOf(form.def.element, key))
    // Values of claims are free text: a comma may be part of them.
    if (key === '') return (value) => (isScalar(value) ? [value] : value)
    return (value) => (typeof value === 'string' ? split(value, key) : value)
  }
  if (form instanceof z.ZodRecord) return mapOf(readingOf(form.def.valueType, ''))
  if (form instanceof z.ZodObject) return keyed(form.def.shape)
  if (!(form instanceof z.ZodUnion) || takesText(form)) return undefined
  const readings = form.def.options.map((each) => readingOf(each, key)).filter((each) => each !== undefined)
  const [first, ...others] = readings
  return first && others.reduce((all, each) => (value) => each(all(value)), first)
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

function keyed(shape: Readonly<Record<string, Schema>>): Reading | undefined {
  const known = Object.entries(shape).flatMap(([key, schema]) => {
    const reading = readingOf(schema, key)
    return reading === undefined ? [] : [{ key, reading }]
  })
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
