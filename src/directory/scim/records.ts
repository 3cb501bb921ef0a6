/**
 * Where pushed people and groups are kept: the part of the store's records that this room needs, in its own terms.
 *
 * @module
 */
import { FormerKeys } from '../former-keys.ts'
import type { FormerKey } from '../roster.ts'
import { isObject, type Resource } from './read-resource.ts'

export interface StoredRecord {
  readonly id: string
  readonly value: unknown
  /** Grows with every change. */
  readonly version: number
  /** Epoch milliseconds. */
  readonly changedAt: number
}

type MaybePromise<T> = T | Promise<T>

export interface Records {
  get(collection: string, id: string): MaybePromise<StoredRecord | undefined>
  list(collection: string): MaybePromise<readonly StoredRecord[]>
  /** In the order of their ids those between the two, `limit` at most. */
  page(
    collection: string,
    after: string,
    before: string,
    limit: number,
  ): MaybePromise<readonly StoredRecord[]>
  put(collection: string, id: string, value: unknown): MaybePromise<StoredRecord>
  delete(collection: string, id: string): MaybePromise<boolean>
  onChange(listener: (collection: string, id: string) => void): Disposable
}

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
