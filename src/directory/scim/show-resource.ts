/**
 * A kept resource as clients see it: with its id, its address and whatever they asked for of it. Pure.
 *
 * @module
 */
import { each, type Work } from '../../turns.ts'
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

/** @param shows attributes that are many, and dear to tell */
export function* showResource(
  type: ResourceType,
  entry: Entry,
  { roster, baseUrl, shows }: Shown,
): Work<Resource> {
  const { id, resource, createdAt, changedAt } = entry
  const extensions = type.extensions.filter((extension) => resource[extension.id] !== undefined)
  const { members, ...rest } = resource
  const addressed: unknown[] = []
  if (Array.isArray(members) && shows('members'))
    yield* each(members, (member: unknown) => addressed.push(withAddress(member, roster, baseUrl)))
  const groups = type.name === 'User' && shows('groups') ? groupsOf(id, roster, baseUrl) : []
  return {
    schemas: [type.schema, ...extensions].map((schema: Schema) => schema.id),
    id,
    ...rest,
    ...(addressed.length > 0 && { members: addressed }),
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

export interface Shown {
  readonly roster: Roster
  readonly baseUrl: string
  /** Whether an attribute is asked for. */
  readonly shows: (name: 'members' | 'groups') => boolean
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

/** What is left of a resource of those names. */
export interface Projection {
  readonly shows: Shown['shows']
  readonly of: (resource: Resource) => Work<Resource>
}

/** @see RFC 7644 section 3.9 */
export function projection(type: ResourceType, wanted: Wanted): Projection {
  const chosen = wanted.attributes?.map((name) => stepsOf(type, name))
  const excluded = wanted.excludedAttributes.map((name) => stepsOf(type, name))
  const isExcluded = (name: string) => excluded.some((steps) => steps.length === 1 && steps[0] === name)
  return {
    shows: (name) => !isExcluded(name) && (chosen === undefined || chosen.some(([first]) => first === name)),
    *of(resource) {
      if (chosen === undefined && excluded.length === 0) return resource
      const left: Record<string, unknown> = {}
      for (const [name, value] of Object.entries(resource)) {
        const kept =
          ALWAYS.has(name) || chosen === undefined ? value : yield* keep(value, below(chosen, name))
        const rest = ALWAYS.has(name) ? kept : yield* drop(kept, below(excluded, name))
        if (rest !== undefined) left[name] = rest
      }
      return left
    },
  }
}

type Steps = readonly string[]

/** Of paths that begin with this name, what is behind it. */
function below(paths: readonly Steps[], name: string): readonly Steps[] {
  return paths.filter(([first]) => first === name).map(([, ...rest]) => rest)
}

function* keep(value: unknown, paths: readonly Steps[]): Work<unknown> {
  if (paths.length === 0) return undefined
  if (paths.some((path) => path.length === 0)) return value
  return yield* within(value, (name, inner) => keep(inner, below(paths, name)))
}

function* drop(value: unknown, paths: readonly Steps[]): Work<unknown> {
  if (value === undefined || paths.some((path) => path.length === 0)) return undefined
  if (paths.length === 0) return value
  return yield* within(value, (name, inner) => drop(inner, below(paths, name)))
}

/** Each part of a value, or of each of several values, that is left. */
function* within(value: unknown, change: (name: string, inner: unknown) => Work<unknown>): Work<unknown> {
  if (Array.isArray(value)) {
    const left: unknown[] = []
    for (const [index, one] of value.entries()) {
      left.push(yield* within(one, change))
      if (index % 50 === 49) yield
    }
    return left
  }
  if (!isObject(value)) return value
  const left: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    const kept = yield* change(name, inner)
    if (kept !== undefined) left[name] = kept
  }
  return left
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
