/**
 * What the path of a change points at. Pure.
 *
 * @module
 * @see RFC 7644 section 3.5.2, figure 7
 */
import { type Filter, parseFilter, valueScope, withoutUrn } from './filter.ts'
import { invalidPath } from './refusal.ts'
import {
  type Attribute,
  attributeOf,
  extensionOf,
  isNotKept,
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
const PATH = /^(?<name>[\w$-]+)(?:\[(?<filter>.*)\])?(?:\.(?<part>[\w$-]+))?$/s

/** @throws {ScimRefusal} invalidPath, invalidFilter */
export function parseTarget(type: ResourceType, path: string): Target | 'unknown' | 'not kept' {
  if (path.length > LONGEST_PATH) throw invalidPath(`the path is longer than ${LONGEST_PATH} characters`)
  const whole = extensionOf(type, path)
  if (whole !== undefined) return { extension: whole }
  const { schema, rest } = withoutUrn(type, path)
  // Attributes of extensions that are not ours, such as an organisation's own, are not kept.
  if (/^urn:/i.test(rest)) return 'not kept'
  const { name = '', filter, part } = PATH.exec(rest)?.groups ?? {}
  const attribute = attributeOf(schema?.attributes ?? ownAttributes(type), name)
  if (attribute === undefined) return isNotKept(name) ? 'not kept' : 'unknown'
  const sub = part === undefined ? undefined : attributeOf(attribute.subAttributes ?? [], part)
  if (part !== undefined && sub === undefined) return 'unknown'
  return {
    attribute,
    ...(schema !== undefined && { extension: schema }),
    ...(filter !== undefined && { filter: parseFilter(filter, valueScope(attribute)) }),
    ...(sub !== undefined && { sub }),
  }
}

/** The parts that a value must have to be meant: `emails[type eq "work"].value` makes one of type "work". */
export function impliedBy(filter: Filter | undefined): Readonly<Record<string, unknown>> {
  if (filter?.is === 'and') return { ...impliedBy(filter.left), ...impliedBy(filter.right) }
  if (filter?.is !== 'compare' || filter.comparison !== 'eq' || filter.value === null) return {}
  const [name = '', ...more] = filter.path.steps
  return more.length > 0 ? {} : { [name]: filter.value }
}
