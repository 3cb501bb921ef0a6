/**
 * Deletes what has expired, a few rows at a time, so that a check never waits for it.
 *
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StoreClock } from '../store-clock.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { guarded, inTransaction } from './sqlite-database.ts'
import { textOf } from './sqlite-record.ts'
import type { SqliteRecords } from './sqlite-records.ts'
import type { prepareStatements } from './sqlite-statements.ts'

/** One transaction of so many deletions takes a few milliseconds. */
const BATCH = 200
const DAY_MS = 86_400_000

interface Sweep {
  readonly database: SqliteConnection
  readonly statements: ReturnType<typeof prepareStatements>
  readonly records: SqliteRecords
  readonly clock: StoreClock
  /** On the wall clock. */
  readonly now: number
}

/** Yields the ids of the sessions that went, batch by batch, with a turn of the event loop between two. */
export async function* sweepRows(sweep: Sweep): AsyncGenerator<readonly string[]> {
  const { database, statements, records, clock, now } = sweep
  const kept = clock.toKept(now)
  const others = [
    () => statements.sweepClaimed.run(kept, BATCH),
    () => statements.sweepDeleted.run(kept, BATCH),
    () => records.sweep(now - DAY_MS, BATCH),
  ]
  for (const some of others) while (guarded(() => inTransaction(database, some)) === BATCH) await nextTurn()
  for (;;) {
    const rows = guarded(() => inTransaction(database, () => statements.sweepSessions.all(kept, BATCH)))
    yield rows.map((row) => textOf(row, 'id'))
    if (rows.length < BATCH) return
    await nextTurn()
  }
}
