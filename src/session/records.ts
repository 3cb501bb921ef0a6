/**
 * The records port: whatever is kept beside sessions under a collection and an id, such as service accounts
 * or the people and groups that an identity provider pushes.
 *
 * Drivers are proved by one exported suite (records.suite.ts). What another process changes is seen within a
 * second.
 *
 * @module
 */
import type { MaybePromise } from './store.ts'

export interface StoredRecord {
  readonly collection: string
  readonly id: string
  /** JSON, as it was put. Its reader checks the form: it may be of another version of this program. */
  readonly value: unknown
  /** Grows with every change. */
  readonly version: number
  /** Epoch milliseconds of the last change. */
  readonly changedAt: number
}

export interface RecordStore {
  /** @throws {Fault} STORE_UNAVAILABLE, as all of these */
  get(collection: string, id: string): MaybePromise<StoredRecord | undefined>
  /** In the order of their ids. */
  list(collection: string): MaybePromise<readonly StoredRecord[]>
  /** The same for a collection that may be long: those between two ids, `limit` at most. */
  page(
    collection: string,
    after: string,
    before: string,
    limit: number,
  ): MaybePromise<readonly StoredRecord[]>
  /** Inserts or replaces. */
  put(collection: string, id: string, value: unknown): MaybePromise<StoredRecord>
  /** On the disk when it answers. `false` when there was none. */
  delete(collection: string, id: string): MaybePromise<boolean>
  /** Called after each change, of this process or another; the listener must not throw. */
  onChange(listener: (collection: string, id: string) => void): Disposable
}
