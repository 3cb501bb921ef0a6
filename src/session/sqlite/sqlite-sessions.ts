/**
 * Sessions in the SQLite file. Of a deleted one the id stays, for other processes to see and for none to
 * bring it back.
 *
 * @module
 */
import type { DueRow, RowPage, SessionRow, SessionRows } from '../driver.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { durably, guarded, inTransaction } from './sqlite-database.ts'
import { integerOf, type Row, textOf } from './sqlite-row.ts'

export interface SqliteSessionsOptions {
  readonly database: SqliteConnection
  /** The next number of the counter that all changes of the file share. Called inside a transaction. */
  readonly nextVersion: () => number
}

export class SqliteSessions implements SessionRows {
  readonly #database: SqliteConnection
  readonly #nextVersion: () => number
  readonly #statements: ReturnType<typeof prepareStatements>

  constructor({ database, nextVersion }: SqliteSessionsOptions) {
    this.#database = database
    this.#nextVersion = nextVersion
    this.#statements = prepareStatements(database)
  }

  find(id: string): SessionRow | undefined {
    const row = guarded(() => this.#statements.find.get(id))
    return row === undefined ? undefined : sessionOf(row)
  }

  save(row: Omit<SessionRow, 'version'>, ifVersion?: number): number | undefined {
    const { findDeleted, find, upsert } = this.#statements
    return guarded(() =>
      inTransaction(this.#database, () => {
        if (findDeleted.get(row.id) !== undefined) return undefined
        if (ifVersion !== undefined && find.get(row.id)?.['version'] !== ifVersion) return undefined
        const version = this.#nextVersion()
        upsert.runNamed({
          id: row.id,
          idp_id: row.idpId,
          user_id: row.userId,
          profile: row.profile,
          tokens: row.tokens,
          issued_at: row.issuedAt,
          expires_at: row.expiresAt,
          refresh_at: row.refreshAt ?? null,
          version,
          claims_at: row.claimsAt,
          askable_until: row.askableUntil,
        })
        return version
      }),
    )
  }

  delete(ids: readonly string[]): readonly Pick<SessionRow, 'id' | 'version'>[] {
    return guarded(() =>
      durably(this.#database, () =>
        ids.flatMap((id) => {
          const version = this.#bury(id)
          return version === undefined ? [] : [{ id, version }]
        }),
      ),
    )
  }

  list(now: number, userId?: string): readonly SessionRow[] {
    const { listAll, listOfUser } = this.#statements
    const rows = guarded(() => (userId === undefined ? listAll.all(now) : listOfUser.all(userId, now)))
    return rows.map((row) => sessionOf(row))
  }

  count(now: number): number {
    return guarded(() => integerOf(this.#statements.count.get(now) ?? {}, 'count'))
  }

  dueForRefresh({ after, afterId, before, now, limit }: RowPage): readonly DueRow[] {
    return guarded(() => this.#statements.due.all(after, afterId, before, now, limit)).map((row) =>
      dueOf(row),
    )
  }

  withOldClaims({ after, afterId, before, now, limit }: RowPage): readonly DueRow[] {
    return guarded(() => this.#statements.oldClaims.all(after, afterId, before, now, now, limit)).map((row) =>
      dueOf(row),
    )
  }

  sweep(now: number, limit: number): readonly string[] {
    return guarded(() =>
      inTransaction(this.#database, () => this.#statements.sweep.all(now, limit)).map((row) =>
        textOf(row, 'id'),
      ),
    )
  }

  endAhead(begunAfter: number, now: number): readonly string[] {
    const { begunAfter: begun, notUsedAfter, notSaidAfter } = this.#statements
    return guarded(() =>
      inTransaction(this.#database, () => {
        const ids = begun.all(begunAfter).map((row) => textOf(row, 'id'))
        for (const id of ids) this.#bury(id)
        notUsedAfter.run(now)
        notSaidAfter.run(now)
        return ids
      }),
    )
  }

  /** In a transaction. */
  #bury(id: string): number | undefined {
    const row = this.#statements.delete.get(id)
    if (row === undefined) return undefined
    const version = this.#nextVersion()
    this.#statements.bury.run(id, integerOf(row, 'expires_at'), version)
    return version
  }
}

function prepareStatements(database: SqliteConnection) {
  const prepare = (sql: string) => database.prepare(sql)
  return {
    find: prepare('SELECT * FROM session WHERE id = ?'),
    upsert: prepare(`REPLACE INTO session VALUES
      (:id, :idp_id, :user_id, :profile, :tokens, :issued_at, :expires_at, :refresh_at, :version, :claims_at,
       :askable_until)`),
    delete: prepare('DELETE FROM session WHERE id = ? RETURNING expires_at'),
    bury: prepare('REPLACE INTO deleted VALUES (?, ?, ?)'),
    findDeleted: prepare('SELECT 1 FROM deleted WHERE id = ?'),
    listAll: prepare('SELECT * FROM session WHERE expires_at > ? ORDER BY issued_at'),
    listOfUser: prepare('SELECT * FROM session WHERE user_id = ? AND expires_at > ? ORDER BY issued_at'),
    count: prepare('SELECT count(*) AS count FROM session WHERE expires_at > ?'),
    due: prepare(`SELECT id, idp_id, version, refresh_at AS at FROM session
      WHERE (refresh_at, id) > (?, ?) AND refresh_at <= ? AND expires_at > ? ORDER BY refresh_at, id LIMIT ?`),
    oldClaims: prepare(`SELECT id, idp_id, version, claims_at AS at FROM session
      WHERE (claims_at, id) > (?, ?) AND claims_at <= ? AND askable_until > ? AND expires_at > ?
      ORDER BY claims_at, id LIMIT ?`),
    sweep: prepare(`DELETE FROM session
      WHERE id IN (SELECT id FROM session WHERE expires_at <= ? ORDER BY expires_at LIMIT ?) RETURNING id`),
    begunAfter: prepare('SELECT id FROM session WHERE issued_at > ?'),
    notUsedAfter: prepare('UPDATE activity SET seen_at = ?1 WHERE seen_at > ?1'),
    notSaidAfter: prepare('UPDATE session SET claims_at = ?1 WHERE claims_at > ?1'),
  }
}

function sessionOf(row: Row): SessionRow {
  return {
    id: textOf(row, 'id'),
    version: integerOf(row, 'version'),
    idpId: textOf(row, 'idp_id'),
    userId: textOf(row, 'user_id'),
    profile: textOf(row, 'profile'),
    tokens: textOf(row, 'tokens'),
    issuedAt: integerOf(row, 'issued_at'),
    expiresAt: integerOf(row, 'expires_at'),
    refreshAt: row['refresh_at'] === null ? undefined : integerOf(row, 'refresh_at'),
    claimsAt: integerOf(row, 'claims_at'),
    askableUntil: integerOf(row, 'askable_until'),
  }
}

function dueOf(row: Row): DueRow {
  return {
    id: textOf(row, 'id'),
    idpId: textOf(row, 'idp_id'),
    version: integerOf(row, 'version'),
    at: integerOf(row, 'at'),
  }
}
