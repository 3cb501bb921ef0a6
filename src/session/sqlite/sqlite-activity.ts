/**
 * Activity in the SQLite file, in a table of its own: it changes with every use, and nobody needs to hear of
 * it.
 *
 * @module
 */
import type { ActivityRow, ActivityRows } from '../driver.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { guarded, inTransaction } from './sqlite-database.ts'
import { integerOf, textOf } from './sqlite-row.ts'

export class SqliteActivity implements ActivityRows {
  readonly #database: SqliteConnection
  readonly #statements: ReturnType<typeof prepareStatements>

  constructor(database: SqliteConnection) {
    this.#database = database
    this.#statements = prepareStatements(database)
  }

  find(id: string): ActivityRow | undefined {
    const row = guarded(() => this.#statements.find.get(id))
    return row === undefined
      ? undefined
      : {
          id,
          issuedAt: integerOf(row, 'issued_at'),
          seenAt: integerOf(row, 'seen_at'),
          idleTime: integerOf(row, 'idle_time'),
        }
  }

  note(rows: readonly ActivityRow[]): void {
    const { note } = this.#statements
    guarded(() =>
      inTransaction(this.#database, () => {
        for (const { id, issuedAt, seenAt, idleTime } of rows) note.run(id, issuedAt, seenAt, idleTime, id)
      }),
    )
  }

  page(afterId: string, limit: number): readonly { readonly id: string; readonly usedAt: number }[] {
    return guarded(() => this.#statements.page.all(afterId, limit)).map((row) => ({
      id: textOf(row, 'id'),
      usedAt: integerOf(row, 'used_at'),
    }))
  }
}

/**
 * The column of idle times is called `silence`. Another name would be another version of the schema, and
 * nobody could go back to an earlier build.
 */
function prepareStatements(database: SqliteConnection) {
  return {
    find: database.prepare(
      'SELECT issued_at, seen_at, silence AS idle_time FROM activity WHERE session_id = ?',
    ),
    note: database.prepare(`INSERT INTO activity SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM session WHERE id = ?)
      ON CONFLICT (session_id) DO UPDATE SET
        seen_at = iif(excluded.issued_at > issued_at, excluded.seen_at, max(seen_at, excluded.seen_at)),
        silence = iif(excluded.issued_at > issued_at, excluded.silence, max(silence, excluded.silence)),
        issued_at = excluded.issued_at
      WHERE excluded.issued_at >= issued_at`),
    page: database.prepare(`SELECT session.id AS id, coalesce(seen_at, session.issued_at) AS used_at FROM session
      LEFT JOIN activity ON session_id = session.id AND activity.issued_at = session.issued_at
      WHERE session.id > ? ORDER BY session.id LIMIT ?`),
  }
}
