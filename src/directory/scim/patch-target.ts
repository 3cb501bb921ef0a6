/**
 * What the path of a change points at. Pure.
 *
 * @module
 * @see RFC 7644 section 3.5.2, figure 7
 */
import { type Filter, lenientValueScope, parseFilter, withoutUrn } from './filter.ts'
import { invalidPath, ScimRefusal } from './refusal.ts'
import {
  type Attribute,
  attributeOf,
  extensionOf,
  extensionWith,
  isCoreSchema,
  ownAttributes,
  type ResourceType,
  type Schema,
} from './schema.ts'

export interface Target {
  /** Of an attribute that an extension has. */
  readonly extension?: Schema
  /** Unset: the extension as a whole. */
  readonly attribute?: Attribute
  /** Which values of the attribute; unset: all. */
  readonly filter?: Filter
  readonly sub?: Attribute
}

const LONGEST_PATH = 2048

/** `name`, `name.part`, `name[filter]`, `name[filter].part`. */
const PATH = /^[\w$-]+(?:\[(?<filter>.*)\])?(?:\.(?<part>[\w$-]+))?$/s

/**
 * Where the change is of something that is not kept, or can't be read and decides nothing, there is nothing
 * to do: what stands beside it in the request is taken.
 *
 * @throws {ScimRefusal} invalidPath, invalidFilter
 */
export function parseTarget(type: ResourceType, path: string): Target | 'the resource' | 'not kept' {
  const trimmed = path.trim()
  if (isCoreSchema(type, trimmed)) return 'the resource'
  const whole = extensionOf(type, trimmed)
  if (whole !== undefined) return { extension: whole }
  const { schema: named, rest } = withoutUrn(type, trimmed)
  // Attributes of extensions that are not ours, such as an organisation's own, are not kept.
  if (/^urn:/i.test(rest)) return 'not kept'
  const name = /^[\w$-]+/.exec(rest)?.[0]
  if (name === undefined) throw invalidPath('`path` names no attribute')
  const own = named === undefined ? attributeOf(ownAttributes(type), name) : undefined
  const schema = own === undefined ? (named ?? extensionWith(type, name)) : undefined
  const attribute = own ?? attributeOf(schema?.attributes ?? [], name)
  if (attribute === undefined) return 'not kept'
  try {
    const target = targetIn(attribute, rest)
    return target === 'not kept' || schema === undefined ? target : { extension: schema, ...target }
  } catch (error) {
    if (attribute.decides === true || !(error instanceof ScimRefusal)) throw error
    return 'not kept'
  }
}

function targetIn(attribute: Attribute, path: string): Target | 'not kept' {
  if (path.length > LONGEST_PATH) throw invalidPath(`the path is longer than ${LONGEST_PATH} characters`)
  const { name, type, multiValued, subAttributes = [] } = attribute
  const found = PATH.exec(path)?.groups
  if (found === undefined) throw invalidPath(`the path of ${name} is not well formed`)
  const { filter, part } = found
  if (filter !== undefined && !multiValued) throw invalidPath(`${name} has no values to choose from`)
  const isItself = type !== 'complex' && part?.toLowerCase() === 'value'
  const sub = part === undefined || isItself ? undefined : attributeOf(subAttributes, part)
  if (part !== undefined && sub === undefined && !isItself) return 'not kept'
  return {
    attribute,
    ...(filter !== undefined && { filter: parseFilter(filter, lenientValueScope(attribute)) }),
    ...(sub !== undefined && { sub }),
  }
}

/** The parts that a value must have to be meant: `emails[type eq "work"].value` makes one of type "work". */
export function impliedBy(filter: Filter | undefined): Readonly<Record<string, unknown>> {
  if (filter?.is === 'and') return { ...impliedBy(filter.left), ...impliedBy(filter.right) }
  if (filter?.is !== 'compare' || filter.comparison !== 'eq' || filter.value === null) return {}
  const { steps, attribute } = filter.path
  const [step = '', ...more] = steps
  return more.length > 0 || step !== attribute.name ? {} : { [step]: filter.value }
}
