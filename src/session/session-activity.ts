/**
 * When each session was last used, and its longest idle time: exact in memory, in the store a little behind.
 *
 * A row per request would be a write per request. So a use is written only when the row is further behind
 * than the caller bears, and all that are due go in one call. A process that dies loses that much: sessions
 * then seem to have been idle a little longer, never shorter. Several processes each note what they see;
 * before one calls a session idle it reads what the others have written.
 *
 * @module
 */
import { BoundedMap } from '../bounded-map.ts'
import { Fault } from '../errors.ts'
import type { ActivityRow, ActivityRows } from './driver.ts'
import type { Session } from './session.ts'
import { answerOf, leftToLater, quietly, run, type Steps, whenAnswered } from './steps.ts'
import type { MaybePromise } from './store.ts'
import type { StoreClock } from './store-clock.ts'

type Noted = Pick<Session, 'id' | 'issuedAt'>

interface Note {
  /** Of the session: one that was renewed begins afresh. */
  readonly issuedAt: number
  seenAt: number
  /** The longest before that. */
  idleTime: number
  /** What the row says of `seenAt`; `undefined` when there is no row yet. */
  writtenAt: number | undefined
  /** While the row is being read. */
  hearing: MaybePromise<void>
}

/** Between two calls of the driver. */
const FLUSH_INTERVAL_MS = 1000
/** Rows at a time: some milliseconds. */
const PAGE = 1000

export class SessionActivity {
  readonly #rows: ActivityRows
  readonly #clock: StoreClock
  readonly #notes: BoundedMap<string, Note>
  /** To be written. Until then they are known, though there may be no room for them among the notes. */
  readonly #due = new Map<string, Note>()
  readonly #underWay = new Set<Promise<void>>()
  #flushedAt = 0

  /** @param limit how many sessions are kept in memory */
  constructor(rows: ActivityRows, clock: StoreClock, limit: number) {
    this.#rows = rows
    this.#clock = clock
    this.#notes = new BoundedMap(limit, (id, note) => this.#writeForgotten(id, note))
  }

  /** Nobody awaits its end; what fails is made up for by a later use. */
  touch(session: Noted, at: number, precisionMs: number): void {
    try {
      const touched = this.#touch(session, at, precisionMs)
      if (touched instanceof Promise) this.#follow(touched)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
    }
  }

  /** Resolves when the uses that were noted so far have come as far as they do. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  #follow(touched: Promise<void>): void {
    const underWay = Promise.resolve(run(quietly(() => touched))).finally(() =>
      this.#underWay.delete(underWay),
    )
    this.#underWay.add(underWay)
  }

  #touch(session: Noted, at: number, precisionMs: number): MaybePromise<void> {
    return whenAnswered(this.#noteOf(session), (note) => {
      if (at <= note.seenAt) return undefined
      const heard = at - note.seenAt >= precisionMs ? this.#hearOthers(session, note) : undefined
      return whenAnswered(heard, () => this.#use(session, note, at, precisionMs))
    })
  }

  idleTimeOf(session: Noted, at: number, limit: number): MaybePromise<number> {
    return whenAnswered(this.#noteOf(session), (note) =>
      idleTimeAt(note, at) < limit
        ? idleTimeAt(note, at)
        : whenAnswered(this.#hearOthers(session, note), () => idleTimeAt(note, at)),
    )
  }

  /**
   * Ids of live sessions that nobody has used since, by what is in the store: a page after that id. `next` is
   * where the following page begins; unset after the last.
   */
  idleSince(
    before: number,
    after: string,
  ): MaybePromise<{ readonly idle: readonly string[]; readonly next: string | undefined }> {
    const limit = this.#clock.toKept(before)
    return whenAnswered(this.#rows.page(after, PAGE), (rows) => ({
      idle: rows.filter(({ usedAt }) => usedAt <= limit).map(({ id }) => id),
      next: rows.length < PAGE ? undefined : rows.at(-1)?.id,
    }))
  }

  /** Writes of what is due as much as fits one call. */
  flush(at: number): MaybePromise<void> {
    this.#flushedAt = at
    const due = [...this.#due].slice(0, PAGE)
    const written: { readonly note: Note; readonly seenAt: number }[] = []
    const rows: ActivityRow[] = []
    for (const [id, note] of due) {
      this.#due.delete(id)
      const { issuedAt, seenAt, idleTime } = note
      written.push({ note, seenAt })
      rows.push({ id, issuedAt: this.#clock.toKept(issuedAt), seenAt: this.#clock.toKept(seenAt), idleTime })
    }
    if (rows.length === 0) return undefined
    return whenAnswered(this.#rows.note(rows), () => {
      for (const { note, seenAt } of written) note.writtenAt = seenAt
    })
  }

  /** Everything that is not in the store yet. */
  *flushAll(): Steps<void> {
    for (const [id, note] of this.#notes) if (isAhead(note)) this.#due.set(id, note)
    while (this.#due.size > 0) yield* answerOf(this.flush(this.#flushedAt))
  }

  forget(id: string): void {
    this.#notes.delete(id)
    this.#due.delete(id)
  }

  clear(): void {
    this.#notes.clear()
    this.#due.clear()
  }

  #use({ id }: Noted, note: Note, at: number, precisionMs: number): MaybePromise<void> {
    note.idleTime = Math.max(note.idleTime, at - note.seenAt)
    note.seenAt = Math.max(note.seenAt, at)
    if (at - (note.writtenAt ?? note.issuedAt) < precisionMs) return undefined
    this.#due.set(id, note)
    return Math.abs(at - this.#flushedAt) >= FLUSH_INTERVAL_MS ? this.flush(at) : undefined
  }

  #noteOf(session: Noted): MaybePromise<Note> {
    const noted = this.#notes.get(session.id)
    const known = noted ?? this.#due.get(session.id)
    if (known !== undefined && known.issuedAt === session.issuedAt) {
      if (noted === undefined) this.#notes.set(session.id, known)
      return known.hearing instanceof Promise ? known.hearing.then(() => known) : known
    }
    this.#due.delete(session.id)
    const note: Note = {
      issuedAt: session.issuedAt,
      seenAt: session.issuedAt,
      idleTime: 0,
      writtenAt: undefined,
      hearing: undefined,
    }
    const heard = this.#hearOthers(session, note)
    this.#notes.set(session.id, note)
    if (!(heard instanceof Promise)) return note
    return heard.then(
      () => note,
      (error: unknown) => {
        // What the others have seen is not known: it is asked for again.
        if (this.#notes.get(session.id) === note) this.forget(session.id)
        throw error
      },
    )
  }

  /** Asks once, however many want to know meanwhile. */
  #hearOthers({ id }: Noted, note: Note): MaybePromise<void> {
    note.hearing ??= whenAnswered(this.#rows.find(id), (row) => {
      if (row === undefined || this.#clock.toWall(row.issuedAt) !== note.issuedAt) return
      const seenAt = this.#clock.toWall(row.seenAt)
      note.seenAt = Math.max(note.seenAt, seenAt)
      note.idleTime = Math.max(note.idleTime, row.idleTime)
      note.writtenAt = seenAt
    })
    const { hearing } = note
    if (!(hearing instanceof Promise)) return undefined
    const ended = () => {
      if (note.hearing === hearing) note.hearing = undefined
    }
    hearing.then(ended, ended)
    return hearing
  }

  #writeForgotten(id: string, note: Note): void {
    if (!isAhead(note)) return
    this.#due.set(id, note)
    leftToLater(() => this.flush(this.#flushedAt))
  }
}

/** Whether more is known than the store has. */
function isAhead({ seenAt, writtenAt, issuedAt }: Note): boolean {
  return seenAt > (writtenAt ?? issuedAt)
}

function idleTimeAt({ idleTime, seenAt }: Note, at: number): number {
  return Math.max(idleTime, at - seenAt)
}
