/**
 * When each session was last used, and its longest silence: exact in memory, on disk a little behind.
 *
 * A row per request would be a write per request. So a use is written only when the row is further behind than the
 * caller bears, and all that are due go in one transaction. A process that dies loses that much: sessions then seem to have
 * been silent a little longer, never shorter. Several processes each note what they see; before one calls a
 * session silent it reads what the others have written.
 *
 * @module
 */
import { Fault } from '../../errors.ts'
import type { Session } from '../session.ts'
import type { StoreClock } from '../store-clock.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { guarded, inTransaction } from './sqlite-database.ts'
import { integerOf, textOf } from './sqlite-record.ts'

type Noted = Pick<Session, 'id' | 'issuedAt'>

interface Note {
  /** Of the session: one that was renewed begins afresh. */
  readonly issuedAt: number
  seenAt: number
  /** The longest before that. */
  silence: number
  /** What the row says of `seenAt`; `undefined` when there is no row yet. */
  writtenAt: number | undefined
}

/** Between two transactions. */
const FLUSH_INTERVAL_MS = 1000
/** Rows at a time: some milliseconds. */
const PAGE = 1000

export class SqliteActivity {
  readonly #database: SqliteConnection
  readonly #clock: StoreClock
  readonly #statements: ReturnType<typeof prepareStatements>
  readonly #limit: number
  readonly #notes = new Map<string, Note>()
  readonly #due = new Set<string>()
  #flushedAt = 0

  /** @param limit how many sessions are kept in memory */
  constructor(database: SqliteConnection, clock: StoreClock, limit: number) {
    this.#database = database
    this.#clock = clock
    this.#statements = prepareStatements(database)
    this.#limit = limit
  }

  touch(session: Noted, at: number, precisionMs: number): void {
    const note = this.#noteOf(session)
    if (at <= note.seenAt) return
    if (at - note.seenAt >= precisionMs) this.#hearOthers(session, note)
    note.silence = Math.max(note.silence, at - note.seenAt)
    note.seenAt = Math.max(note.seenAt, at)
    if (at - (note.writtenAt ?? note.issuedAt) < precisionMs) return
    this.#due.add(session.id)
    if (Math.abs(at - this.#flushedAt) >= FLUSH_INTERVAL_MS) this.flush(at)
  }

  silenceOf(session: Noted, at: number, limit: number): number {
    const note = this.#noteOf(session)
    if (silenceAt(note, at) < limit) return silenceAt(note, at)
    this.#hearOthers(session, note)
    return silenceAt(note, at)
  }

  /**
   * Ids of live sessions that nobody has used since, by what is on disk: a page of the table after that id. `next` is
   * where the following page begins; unset after the last.
   */
  silentSince(
    before: number,
    after: string,
  ): { readonly silent: readonly string[]; readonly next: string | undefined } {
    const rows = this.#statements.page.all(after, PAGE)
    const limit = this.#clock.toKept(before)
    return {
      silent: rows.filter((row) => integerOf(row, 'used_at') <= limit).map((row) => textOf(row, 'id')),
      next: rows.length < PAGE ? undefined : rows.map((row) => textOf(row, 'id')).at(-1),
    }
  }

  /** Writes of what is due as much as fits one transaction. */
  flush(at: number): void {
    this.#flushedAt = at
    const due = [...this.#due].slice(0, PAGE)
    for (const id of due) this.#due.delete(id)
    if (due.length === 0) return
    const { insert, update } = this.#statements
    guarded(() =>
      inTransaction(this.#database, () => {
        for (const id of due) {
          const note = this.#notes.get(id)
          if (note === undefined) continue
          const { silence } = note
          const [issuedAt, seenAt] = [this.#clock.toKept(note.issuedAt), this.#clock.toKept(note.seenAt)]
          if (note.writtenAt === undefined) insert.run(id, issuedAt, seenAt, silence, id)
          // Not over the row of a session that another process has renewed.
          else update.run(seenAt, silence, id, issuedAt)
          note.writtenAt = note.seenAt
        }
      }),
    )
  }

  /** Everything that is not on disk yet. */
  flushAll(): void {
    for (const [id, { seenAt, writtenAt, issuedAt }] of this.#notes)
      if (seenAt > (writtenAt ?? issuedAt)) this.#due.add(id)
    while (this.#due.size > 0) this.flush(this.#flushedAt)
  }

  forget(id: string): void {
    this.#notes.delete(id)
    this.#due.delete(id)
  }

  clear(): void {
    this.#notes.clear()
    this.#due.clear()
  }

  #noteOf(session: Noted): Note {
    const known = this.#notes.get(session.id)
    if (known !== undefined && known.issuedAt === session.issuedAt) return known
    const note: Note = {
      issuedAt: session.issuedAt,
      seenAt: session.issuedAt,
      silence: 0,
      writtenAt: undefined,
    }
    this.#hearOthers(session, note)
    if (this.#notes.size >= this.#limit) this.#forgetOldest()
    this.#notes.set(session.id, note)
    return note
  }

  #hearOthers({ id }: Noted, note: Note): void {
    const row = guarded(() => this.#statements.find.get(id))
    if (row === undefined || this.#clock.toWall(integerOf(row, 'issued_at')) !== note.issuedAt) return
    const seenAt = this.#clock.toWall(integerOf(row, 'seen_at'))
    note.seenAt = Math.max(note.seenAt, seenAt)
    note.silence = Math.max(note.silence, integerOf(row, 'silence'))
    note.writtenAt = seenAt
  }

  #forgetOldest(): void {
    const [oldest] = this.#notes
    if (oldest === undefined) return
    const [id, { seenAt, writtenAt, issuedAt }] = oldest
    if (seenAt > (writtenAt ?? issuedAt)) {
      this.#due.add(id)
      try {
        this.flush(this.#flushedAt)
      } catch (error) {
        if (!(error instanceof Fault)) throw error
      }
    }
    this.forget(id)
  }
}

function silenceAt({ silence, seenAt }: Note, at: number): number {
  return Math.max(silence, at - seenAt)
}

function prepareStatements(database: SqliteConnection) {
  return {
    find: database.prepare('SELECT issued_at, seen_at, silence FROM activity WHERE session_id = ?'),
    insert: database.prepare(`REPLACE INTO activity
      SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM session WHERE id = ?)`),
    update: database.prepare(`UPDATE activity SET seen_at = max(seen_at, ?), silence = max(silence, ?)
      WHERE session_id = ? AND issued_at = ?`),
    page: database.prepare(`SELECT session.id AS id, coalesce(seen_at, session.issued_at) AS used_at FROM session
      LEFT JOIN activity ON session_id = session.id AND activity.issued_at = session.issued_at
      WHERE session.id > ? ORDER BY session.id LIMIT ?`),
  }
}
