/**
 * Records in the SQLite file of the sessions. A deleted one leaves its row, without a value, for other processes to see.
 *
 * @module
 */
import type { RecordStore, StoredRecord } from '../records.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { durably, guarded, inTransaction } from './sqlite-database.ts'
import { integerOf, type Row, textOf } from './sqlite-record.ts'

export interface SqliteRecordsOptions {
  readonly database: SqliteConnection
  readonly now: () => number
  /** The next number of the counter that all changes of the file share. Called inside a transaction. */
  readonly nextVersion: () => number
  /** Called with the number of each change that was made here. */
  readonly onOwnChange: (version: number) => void
  /** Looks for what other processes have changed, if it is time to. */
  readonly look: () => void
}

export class SqliteRecords implements RecordStore {
  readonly #options: SqliteRecordsOptions
  readonly #statements: ReturnType<typeof prepareRecordStatements>
  readonly #listeners = new Set<(collection: string, id: string) => void>()

  constructor(options: SqliteRecordsOptions) {
    this.#options = options
    this.#statements = prepareRecordStatements(options.database)
  }

  get(collection: string, id: string): StoredRecord | undefined {
    this.#options.look()
    const row = guarded(() => this.#statements.get.get(collection, id))
    return row === undefined ? undefined : recordOf(row)
  }

  list(collection: string): readonly StoredRecord[] {
    this.#options.look()
    return guarded(() => this.#statements.list.all(collection)).map(recordOf)
  }

  page(collection: string, after: string, before: string, limit: number): readonly StoredRecord[] {
    this.#options.look()
    return guarded(() => this.#statements.page.all(collection, after, before, limit)).map(recordOf)
  }

  put(collection: string, id: string, value: unknown): StoredRecord {
    const { database, now, nextVersion, onOwnChange } = this.#options
    const text = JSON.stringify(value)
    const changedAt = now()
    const version = guarded(() =>
      inTransaction(database, () => {
        const next = nextVersion()
        this.#statements.put.run(collection, id, text, next, changedAt)
        return next
      }),
    )
    onOwnChange(version)
    this.announce(collection, id)
    return { collection, id, value, version, changedAt }
  }

  delete(collection: string, id: string): boolean {
    const { database, now, nextVersion, onOwnChange } = this.#options
    const version = guarded(() =>
      durably(database, () => {
        if (this.#statements.get.get(collection, id) === undefined) return undefined
        const next = nextVersion()
        this.#statements.put.run(collection, id, null, next, now())
        return next
      }),
    )
    if (version === undefined) return false
    onOwnChange(version)
    this.announce(collection, id)
    return true
  }

  onChange(listener: (collection: string, id: string) => void): Disposable {
    const entry = (collection: string, id: string) => listener(collection, id)
    this.#listeners.add(entry)
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) }
  }

  announce(collection: string, id: string): void {
    for (const listener of this.#listeners) listener(collection, id)
  }

  /** Changes after that number, deletions included: collection, id and version. */
  changedSince(version: number): readonly Row[] {
    return this.#statements.changedSince.all(version)
  }

  /** Forgets deletions that every process has seen by now; answers how many, `limit` at most. */
  sweep(before: number, limit: number): number {
    return this.#statements.sweep.run(before, limit)
  }

  clear(): void {
    this.#listeners.clear()
  }
}

function prepareRecordStatements(database: SqliteConnection) {
  return {
    get: database.prepare('SELECT * FROM record WHERE collection = ? AND id = ? AND value IS NOT NULL'),
    list: database.prepare('SELECT * FROM record WHERE collection = ? AND value IS NOT NULL ORDER BY id'),
    page: database.prepare(`SELECT * FROM record
      WHERE collection = ? AND id > ? AND id < ? AND value IS NOT NULL ORDER BY id LIMIT ?`),
    put: database.prepare('REPLACE INTO record VALUES (?, ?, ?, ?, ?)'),
    changedSince: database.prepare('SELECT collection, id, version FROM record WHERE version > ?'),
    sweep: database.prepare(`DELETE FROM record WHERE (collection, id) IN
      (SELECT collection, id FROM record WHERE value IS NULL AND changed_at < ? LIMIT ?)`),
  }
}

function recordOf(row: Row): StoredRecord {
  const value: unknown = JSON.parse(textOf(row, 'value'))
  return {
    collection: textOf(row, 'collection'),
    id: textOf(row, 'id'),
    value,
    version: integerOf(row, 'version'),
    changedAt: integerOf(row, 'changed_at'),
  }
}
