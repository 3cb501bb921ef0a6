/**
 * A kept resource as clients see it: with its id, its address and whatever they asked for of it. Pure.
 *
 * @module
 */
import type { Roster } from '../roster.ts'
import { withoutUrn } from './filter.ts'
import { isObject, type Resource } from './read-resource.ts'
import type { Entry } from './records.ts'
import {
  attributeOf,
  extensionOf,
  ownAttributes,
  RESOURCE_TYPES,
  type ResourceType,
  type Schema,
} from './schema.ts'

export function showResource(type: ResourceType, entry: Entry, roster: Roster, baseUrl: string): Resource {
  const { id, resource, createdAt, changedAt } = entry
  const extensions = type.extensions.filter((extension) => resource[extension.id] !== undefined)
  const members = resource['members']
  const groups = type.name === 'User' ? groupsOf(id, roster, baseUrl) : []
  return {
    schemas: [type.schema, ...extensions].map((schema: Schema) => schema.id),
    id,
    ...resource,
    ...(Array.isArray(members) && { members: members.map((member) => withAddress(member, roster, baseUrl)) }),
    ...(groups.length > 0 && { groups }),
    meta: {
      resourceType: type.name,
      created: new Date(createdAt).toISOString(),
      lastModified: new Date(changedAt).toISOString(),
      location: `${baseUrl}/${type.endpoint}/${id}`,
      version: versionOf(entry),
    },
  }
}

/** A weak entity tag: two representations of one version may differ in what was asked for. */
export function versionOf({ version }: Entry): string {
  return `W/"${version}"`
}

function groupsOf(userId: string, roster: Roster, baseUrl: string): readonly Resource[] {
  const all = roster.groupsOf(userId)
  const direct = new Set(roster.groupsThatName(userId))
  return (all === 'unknown' ? [] : all).map(({ id, name }) => ({
    value: id,
    $ref: `${baseUrl}/${RESOURCE_TYPES.Group.endpoint}/${id}`,
    ...(name !== undefined && { display: name }),
    type: direct.has(id) ? 'direct' : 'indirect',
  }))
}

function withAddress(member: unknown, roster: Roster, baseUrl: string): unknown {
  if (!isObject(member) || typeof member['value'] !== 'string') return member
  const { value } = member
  const kind = roster.kindOf(value)
  if (kind === undefined) return member
  return { ...member, type: kind, $ref: `${baseUrl}/${RESOURCE_TYPES[kind].endpoint}/${value}` }
}

export interface Wanted {
  /** Names of attributes; unset: those that are returned by default. */
  readonly attributes: readonly string[] | undefined
  readonly excludedAttributes: readonly string[]
}

const ALWAYS = new Set(['schemas', 'id'])

/** @see RFC 7644 section 3.9 */
export function project(type: ResourceType, resource: Resource, wanted: Wanted): Resource {
  if (wanted.attributes === undefined && wanted.excludedAttributes.length === 0) return resource
  const chosen = wanted.attributes?.map((name) => stepsOf(type, name))
  const excluded = wanted.excludedAttributes.map((name) => stepsOf(type, name))
  const entries = Object.entries(resource).flatMap(([name, value]): [string, unknown][] => {
    if (ALWAYS.has(name)) return [[name, value]]
    const kept = chosen === undefined ? value : keep(value, below(chosen, name))
    const left = kept === undefined ? undefined : drop(kept, below(excluded, name))
    return left === undefined ? [] : [[name, left]]
  })
  return Object.fromEntries(entries)
}

type Steps = readonly string[]

/** Of paths that begin with this name, what is behind it. */
function below(paths: readonly Steps[], name: string): readonly Steps[] {
  return paths.filter(([first]) => first === name).map(([, ...rest]) => rest)
}

function keep(value: unknown, paths: readonly Steps[]): unknown {
  if (paths.length === 0) return undefined
  if (paths.some((path) => path.length === 0)) return value
  return within(value, (name, inner) => keep(inner, below(paths, name)))
}

function drop(value: unknown, paths: readonly Steps[]): unknown {
  if (paths.some((path) => path.length === 0)) return undefined
  return paths.length === 0 ? value : within(value, (name, inner) => drop(inner, below(paths, name)))
}

/** Each part of a value, or of each of several values, that is left. */
function within(value: unknown, change: (name: string, inner: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => within(one, change))
  if (!isObject(value)) return value
  const parts = Object.entries(value).map(([name, inner]) => [name, change(name, inner)] as const)
  return Object.fromEntries(parts.filter(([, inner]) => inner !== undefined))
}

/** The spelling that is kept; an unknown name is no attribute of any resource, and changes nothing. */
function stepsOf(type: ResourceType, name: string): Steps {
  const whole = extensionOf(type, name)
  if (whole !== undefined) return [whole.id]
  const { schema, rest } = withoutUrn(type, name)
  const [first = '', second] = rest.split('.')
  const attribute = attributeOf(schema?.attributes ?? ownAttributes(type), first)
  const sub = second === undefined ? undefined : attributeOf(attribute?.subAttributes ?? [], second)
  const steps = [attribute?.name ?? first, ...(second === undefined ? [] : [sub?.name ?? second])]
  return schema === undefined ? steps : [schema.id, ...steps]
}
