/**
 * Records in the SQLite file of the sessions. A deleted one leaves its row, without a value, for other
 * processes to see.
 *
 * @module
 */
import type { RecordRow, RecordRows } from '../driver.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { durably, guarded, inTransaction } from './sqlite-database.ts'
import { integerOf, type Row, textOf } from './sqlite-row.ts'
import type { SqliteSessionsOptions } from './sqlite-sessions.ts'

export class SqliteRecords implements RecordRows {
  readonly #options: SqliteSessionsOptions
  readonly #statements: ReturnType<typeof prepareStatements>

  constructor(options: SqliteSessionsOptions) {
    this.#options = options
    this.#statements = prepareStatements(options.database)
  }

  find(collection: string, id: string): RecordRow | undefined {
    const row = guarded(() => this.#statements.find.get(collection, id))
    return row === undefined ? undefined : recordOf(row)
  }

  list(collection: string): readonly RecordRow[] {
    return guarded(() => this.#statements.list.all(collection)).map((row) => recordOf(row))
  }

  page(collection: string, after: string, before: string, limit: number): readonly RecordRow[] {
    return guarded(() => this.#statements.page.all(collection, after, before, limit)).map((row) =>
      recordOf(row),
    )
  }

  put({ collection, id, value, changedAt }: Omit<RecordRow, 'version'>): number {
    const { database, nextVersion } = this.#options
    return guarded(() =>
      inTransaction(database, () => {
        const version = nextVersion()
        this.#statements.put.run(collection, id, value, version, changedAt)
        return version
      }),
    )
  }

  delete(collection: string, id: string, changedAt: number): number | undefined {
    const { database, nextVersion } = this.#options
    return guarded(() =>
      durably(database, () => {
        if (this.#statements.find.get(collection, id) === undefined) return undefined
        const version = nextVersion()
        this.#statements.put.run(collection, id, null, version, changedAt)
        return version
      }),
    )
  }
}

function prepareStatements(database: SqliteConnection) {
  return {
    find: database.prepare('SELECT * FROM record WHERE collection = ? AND id = ? AND value IS NOT NULL'),
    list: database.prepare('SELECT * FROM record WHERE collection = ? AND value IS NOT NULL ORDER BY id'),
    page: database.prepare(`SELECT * FROM record
      WHERE collection = ? AND id > ? AND id < ? AND value IS NOT NULL ORDER BY id LIMIT ?`),
    put: database.prepare('REPLACE INTO record VALUES (?, ?, ?, ?, ?)'),
  }
}

function recordOf(row: Row): RecordRow {
  return {
    collection: textOf(row, 'collection'),
    id: textOf(row, 'id'),
    value: textOf(row, 'value'),
    version: integerOf(row, 'version'),
    changedAt: integerOf(row, 'changed_at'),
  }
}
