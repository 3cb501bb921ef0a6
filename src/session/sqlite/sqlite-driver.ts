/**
 * The driver that keeps everything in one SQLite file, which several processes may share: it needs no server.
 *
 * @module
 */
import type { Changes, ClockNote, Driver, StoreNotes } from '../driver.ts'
import { SqliteActivity } from './sqlite-activity.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { guarded, inTransaction, openDatabase } from './sqlite-database.ts'
import { SqliteFile } from './sqlite-file.ts'
import { type FileEvents, SqliteHealth } from './sqlite-health.ts'
import { SqliteRecords } from './sqlite-records.ts'
import { integerOf, textOf } from './sqlite-row.ts'
import { SqliteSessions } from './sqlite-sessions.ts'

export interface SqliteDriverOptions extends FileEvents {
  readonly file: string
}

/** @throws {Fault} STATE_UNUSABLE */
export function openSqliteDriver(options: SqliteDriverOptions): Driver {
  return new SqliteDriver(options)
}

class SqliteDriver implements Driver {
  readonly sessions: SqliteSessions
  readonly activity: SqliteActivity
  readonly records: SqliteRecords
  readonly notes: StoreNotes
  readonly #database: SqliteConnection
  readonly #statements: ReturnType<typeof prepareStatements>
  readonly #health: SqliteHealth

  constructor(options: SqliteDriverOptions) {
    const database = new SqliteConnection(openDatabase(options.file))
    this.#database = database
    this.#statements = prepareStatements(database)
    const nextVersion = () => integerOf(this.#statements.nextVersion.get() ?? {}, 'version')
    this.sessions = new SqliteSessions({ database, nextVersion })
    this.activity = new SqliteActivity(database)
    this.records = new SqliteRecords({ database, nextVersion })
    this.notes = notesIn(database)
    this.#health = new SqliteHealth({
      connection: database,
      file: new SqliteFile(options.file),
      events: options,
    })
  }

  claimOnce(key: Uint8Array, now: number, until: number): boolean {
    return guarded(() => this.#statements.claim.run(key, until, now)) === 1
  }

  version(): number {
    return guarded(() => integerOf(this.#statements.version.get() ?? {}, 'version'))
  }

  /**
   * Changes when another connection has written. @see https://www.sqlite.org/pragma.html#pragma_data_version
   */
  pulse(): number {
    return guarded(() => integerOf(this.#statements.dataVersion.get() ?? {}, 'data_version'))
  }

  changesSince(version: number, limit: number): Changes {
    const { changedSince, deletedSince, recordsSince } = this.#statements
    return guarded(() =>
      inTransaction(
        this.#database,
        () => {
          const changed = changedSince.all(version, limit)
          const deleted = deletedSince.all(version, limit)
          const isTooMany = changed.length === limit || deleted.length === limit
          return {
            sessions: isTooMany ? undefined : [...changed, ...deleted].map((row) => textOf(row, 'id')),
            records: recordsSince
              .all(version)
              .map((row) => ({ collection: textOf(row, 'collection'), id: textOf(row, 'id') })),
            version: this.version(),
          }
        },
        'reading',
      ),
    )
  }

  sweepRest(now: number, recordsBefore: number, limit: number): boolean {
    const { sweepClaimed, sweepDeleted, sweepRecords } = this.#statements
    const some = [
      () => sweepClaimed.run(now, limit),
      () => sweepDeleted.run(now, limit),
      () => sweepRecords.run(recordsBefore, limit),
    ]
    return some.some((sweep) => guarded(() => inTransaction(this.#database, sweep)) === limit)
  }

  probe(): Promise<void> | undefined {
    return this.#health.probe()
  }

  get problem(): string | undefined {
    return this.#health.problem
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#health.settled()
    if (this.#database.isOpen) this.#database.close()
  }
}

function notesIn(database: SqliteConnection): StoreNotes {
  const clock = database.prepare('SELECT seen_at, set_back FROM store')
  const noteClock = database.prepare(
    'UPDATE store SET seen_at = ?, set_back = ? WHERE seen_at = ? AND set_back = ?',
  )
  const seal = database.prepare('SELECT canary FROM store')
  const noteSeal = database.prepare('UPDATE store SET canary = ? WHERE canary = ?')
  return {
    clock: () =>
      guarded(() => {
        const row = clock.get() ?? {}
        return { seenAt: integerOf(row, 'seen_at'), setBack: integerOf(row, 'set_back') }
      }),
    noteClock: (from: ClockNote, to: ClockNote) =>
      guarded(() => noteClock.run(to.seenAt, to.setBack, from.seenAt, from.setBack)) === 1,
    seal: () => guarded(() => textOf(seal.get() ?? {}, 'canary')),
    dropSessions: (from, text) =>
      guarded(() =>
        inTransaction(database, () => {
          if (noteSeal.run(text, from) !== 1) return false
          database.exec('DELETE FROM session')
          return true
        }),
      ),
  }
}

function prepareStatements(database: SqliteConnection) {
  const prepare = (sql: string) => database.prepare(sql)
  return {
    claim: prepare(`INSERT INTO claimed VALUES (?, ?)
      ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE claimed.expires_at <= ?`),
    version: prepare('SELECT version FROM store'),
    nextVersion: prepare('UPDATE store SET version = version + 1 RETURNING version'),
    dataVersion: prepare('PRAGMA data_version'),
    changedSince: prepare('SELECT id, version FROM session WHERE version > ? ORDER BY version LIMIT ?'),
    deletedSince: prepare('SELECT id, version FROM deleted WHERE version > ? ORDER BY version LIMIT ?'),
    recordsSince: prepare('SELECT collection, id FROM record WHERE version > ?'),
    sweepClaimed: prepare(`DELETE FROM claimed
      WHERE key IN (SELECT key FROM claimed WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`),
    sweepDeleted: prepare(`DELETE FROM deleted
      WHERE id IN (SELECT id FROM deleted WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`),
    sweepRecords: prepare(`DELETE FROM record WHERE (collection, id) IN
      (SELECT collection, id FROM record WHERE value IS NULL AND changed_at < ? LIMIT ?)`),
  }
}
