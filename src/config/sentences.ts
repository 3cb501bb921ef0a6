/**
 * What zod finds, in words for operators. Values are not quoted: a key may hold a secret.
 *
 * @module
 */

import { z } from 'zod'
import type { Mistake } from './config.ts'
import { type Table, UNSUPPORTED_VALUES, unsupportedMessage } from './keys/unsupported-keys.ts'
import { rowOf } from './table-row.ts'
import { nearest } from './values/nearest.ts'

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map of keys',
  record: 'a map of keys',
  array: 'a list such as [a, b]',
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'string' ? 'a text' : typeof value === 'boolean' ? 'true or false' : 'a number'
}

/** The error map of all schemas here: used where a schema has no sentence of its own. */
export function sentenceOf(issue: z.core.$ZodRawIssue): string {
  const input: unknown = issue.input
  if (input === null) return 'has no value; give it one or remove the key'
  switch (issue.code) {
    case 'unrecognized_keys':
    case 'invalid_union':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'custom':
      return 'is not allowed here'
    case 'invalid_type':
      if (input === undefined) return 'is missing'
      if (issue.expected === 'int') return 'must be a whole number'
      if (
        issue.expected === 'boolean' &&
        typeof input === 'string' &&
        /^(?:y|yes|n|no|on|off)$/i.test(input)
      ) {
        return `must be true or false; "${input}" is a text in YAML`
      }
      if (issue.expected === 'boolean' && (input === 'true' || input === 'false')) {
        return 'must be true or false without quotes'
      }
      return `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}, not ${kindOf(input)}`
    case 'invalid_value': {
      const last = issue.path?.at(-1)
      const word = typeof input === 'string' ? input : undefined
      const unsupported = rowOf(UNSUPPORTED_VALUES, String(last))
      const later = unsupported && word !== undefined ? rowOf(unsupported, word) : undefined
      if (later !== undefined) return `the value "${word}" ${unsupportedMessage(later)}`
      const choices = issue.values.map(String)
      const close = word === undefined ? undefined : nearest(word, choices)
      const one = choices.length === 1 ? `must be ${choices[0]}` : `must be one of ${choices.join(', ')}`
      return close === undefined ? one : `${one}; did you mean "${close}"?`
    }
    case 'too_small':
    case 'too_big': {
      const isSmall = issue.code === 'too_small'
      const bound = isSmall ? issue.minimum : issue.maximum
      const word = isSmall ? 'at least' : 'at most'
      if (issue.origin === 'string')
        return bound === 1n || bound === 1 ? 'must not be empty' : `must have ${word} ${bound} characters`
      if (issue.origin === 'array')
        return isSmall && bound === 1 ? 'must not be an empty list' : `must have ${word} ${bound} entries`
      return `must be ${word} ${bound}`
    }
    case 'invalid_key':
      return 'is a key that may not stand here'
    case 'invalid_format':
      return issue.format === 'base64' ? 'must be base64' : 'has a form that is not allowed'
  }
}

/** Zod's issues, as mistakes; unknown keys one by one, each at its own place. */
export function mistakesOf(
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  unsupportedAt: (path: readonly PropertyKey[]) => Table,
  alsoKnown: readonly string[] = [],
): Mistake[] {
  return issues.flatMap((issue): Mistake[] => {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
    const meant = issue.code === 'invalid_union' ? meantBranch(issue) : undefined
    if (meant !== undefined) return mistakesOf(meant, schema, unsupportedAt, alsoKnown)
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }]
    const unsupported = unsupportedAt(issue.path)
    const known = [
      ...keysAt(schema, issue.path),
      ...Object.keys(unsupported),
      ...(path.length === 0 ? alsoKnown : []),
    ]
    return issue.keys.map((key) => ({
      path: [...path, key],
      on: 'key' as const,
      message: Object.hasOwn(unsupported, key)
        ? supportSentence(unsupported, key)
        : unknownSentence(key, known),
    }))
  })
}

/**
 * The findings of the one branch of a union whose kind of value it is, such as a list; then what is wrong is
 * inside.
 */
function meantBranch({ path, errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | undefined {
  const possible = errors.filter((issues) => !issues.some(isOtherKind))
  const [only] = possible
  if (only === undefined || possible.length > 1) return undefined
  return only.map((issue) => ({ ...issue, path: [...path, ...issue.path] }))
}

function isOtherKind({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')
}

function supportSentence(table: Table, key: string): string {
  const row = rowOf(table, key)
  return row === undefined ? 'is not supported' : unsupportedMessage(row)
}

function unknownSentence(key: string, known: readonly string[]): string {
  const close = nearest(key, known)
  return close === undefined ? 'is not a known key' : `is not a known key; did you mean "${close}"?`
}

/** The keys that may stand at a path of a schema. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.core.$ZodType | undefined = unwrap(schema)
  for (const step of path) {
    if (at instanceof z.ZodUnion) at = branchFor(at, step)
    if (at instanceof z.ZodObject) at = at.shape[String(step)]
    else if (at instanceof z.ZodArray) at = at.element
    else if (at instanceof z.ZodRecord) at = at.valueType
    else return []
    if (at === undefined) return []
    at = unwrap(at)
  }
  return shapeKeys(at)
}

function shapeKeys(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodUnion) return [...new Set(schema.options.flatMap(shapeKeys))]
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

/** Of a list and a map, the one that the step leads into. */
function branchFor({ def }: z.ZodUnion, step: PropertyKey): z.core.$ZodType | undefined {
  return def.options.find((one) =>
    typeof step === 'number' ? one instanceof z.ZodArray : one instanceof z.ZodObject,
  )
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.def.innerType)
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.def.in) : schema
}
