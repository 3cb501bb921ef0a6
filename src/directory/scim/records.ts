/**
 * How pushed people and groups are kept as records.
 *
 * @module
 */
import type { StoredRecord } from '../../session/records.ts'
import { FormerKeys } from '../former-keys.ts'
import type { FormerKey } from '../roster.ts'
import { isObject, type Resource } from './read-resource.ts'

export const COLLECTIONS = { User: 'scim-user', Group: 'scim-group' } as const
/** Members of large groups, a part of them in each record. */
export const MEMBERS = 'scim-members'
/** People who were removed: what they were, and when. */
export const REMOVED = 'scim-removed'

export interface Entry {
  /** Without the name of the source. */
  readonly id: string
  readonly resource: Resource
  /** By what a person was known before. */
  readonly former: readonly FormerKey[]
  readonly createdAt: number
  readonly changedAt: number
  readonly version: number
}

/** Records of one source begin with its name; no id holds a slash. */
export function recordId(source: string, id: string): string {
  return `${source}/${id}`
}

/** Of a group whose members lie in records of their own. */
export interface Parts {
  /** Written beside those that count, which another may be reading. */
  readonly slot: 'a' | 'b'
  readonly count: number
}

/** `undefined` for the record of another source, or one that is not ours to read. */
export function entryOf(source: string, record: StoredRecord): Entry | undefined {
  const { id, value, version, changedAt } = record
  if (!id.startsWith(`${source}/`) || !isObject(value)) return undefined
  const { resource, createdAt, former } = value
  if (!isObject(resource) || typeof createdAt !== 'number') return undefined
  return {
    id: id.slice(source.length + 1),
    resource,
    former: FormerKeys.safeParse(former).data ?? [],
    createdAt,
    changedAt,
    version,
  }
}

export function partsOf({ value }: StoredRecord): Parts | undefined {
  const parts = isObject(value) ? value['parts'] : undefined
  if (!isObject(parts)) return undefined
  const { slot, count } = parts
  return (slot === 'a' || slot === 'b') && typeof count === 'number' ? { slot, count } : undefined
}
