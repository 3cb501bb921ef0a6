/**
 * The driver port: where sessions and records are kept. Rows with versions, and nothing of what they mean.
 *
 * What every driver has in common stands above it (session-store.ts, record-store.ts): copies in the process,
 * sealing, clocks that are set back, uses that are not written each time, listeners, sign-outs that can't be
 * written. A driver is one folder, and is proved by one call of `describeDriver` (driver.suite.ts).
 *
 * For all of it:
 * - Times are epoch milliseconds in kept time (store-clock.ts), which a driver compares and never converts.
 * - Each call is atomic: other processes see all of it or nothing.
 * - A read sees every write that was answered before it was asked, by whatever process.
 * - All changes of sessions and records take the next number of one counter, their `version`.
 * - A call that can't be done throws (or rejects with) a `Fault` STORE_UNAVAILABLE, within a few seconds.
 * - A driver that answers later answers with promises; one that has the answer gives it as it is.
 *
 * @module
 */
import type { MaybePromise } from './store.ts'

/** A session as it is kept: what is looked for by, and two texts that no driver reads. */
export interface SessionRow {
  readonly id: string
  readonly version: number
  readonly idpId: string
  readonly userId: string
  /** Opaque. Not secret, but personal. */
  readonly profile: string
  /** Opaque, and sealed for this id. */
  readonly tokens: string
  readonly issuedAt: number
  /** From then on it is in no list. `find` still answers it, until it is swept. */
  readonly expiresAt: number
  /** When the first of its tokens ends; unset: it is never due for refresh. */
  readonly refreshAt: number | undefined
  /** When its provider has last told who it is, and until when it can be asked again. */
  readonly claimsAt: number
  readonly askableUntil: number
}

/** A list in the order of (`at`, `id`): those after (`after`, `afterId`), up to and with `before`. */
export interface RowPage {
  readonly after: number
  readonly afterId: string
  readonly before: number
  /** Sessions that have expired by then are left out. */
  readonly now: number
  readonly limit: number
}

export interface DueRow extends Pick<SessionRow, 'id' | 'idpId' | 'version'> {
  readonly at: number
}

export interface SessionRows {
  find(id: string): MaybePromise<SessionRow | undefined>
  /**
   * Inserts or replaces; answers the new version.
   *
   * `undefined`, and nothing is written, for an id that was deleted; with `ifVersion` also when the row there
   * has another.
   */
  save(row: Omit<SessionRow, 'version'>, ifVersion?: number): MaybePromise<number | undefined>
  /**
   * Deletes those that are there, with their activity, and answers them. What is answered outlives a power
   * cut.
   *
   * Each leaves its id behind until the session would have expired: an id that was deleted stays deleted.
   */
  delete(ids: readonly string[]): MaybePromise<readonly Pick<SessionRow, 'id' | 'version'>[]>
  /** Those that have not expired, in the order of `issuedAt`; of one user if asked. */
  list(now: number, userId?: string): MaybePromise<readonly SessionRow[]>
  count(now: number): MaybePromise<number>
  /** By `refreshAt`. */
  dueForRefresh(page: RowPage): MaybePromise<readonly DueRow[]>
  /** By `claimsAt`: those whose `askableUntil` is still to come. */
  withOldClaims(page: RowPage): MaybePromise<readonly DueRow[]>
  /**
   * Deletes what has expired, `limit` at most, the oldest first, and leaves nothing behind. Answers which
   * those were.
   */
  sweep(now: number, limit: number): MaybePromise<readonly string[]>
  /**
   * After a clock that ran ahead was put right: deletes sessions that began after `begunAfter`, as `delete`
   * does, and moves activity and `claimsAt` that lie after `now` back to it. Answers who was deleted.
   */
  endAhead(begunAfter: number, now: number): MaybePromise<readonly string[]>
}

/** When a session was last used. */
export interface ActivityRow {
  readonly id: string
  /** Of the session: one that was renewed begins afresh. */
  readonly issuedAt: number
  readonly seenAt: number
  /** The longest time without use before that. */
  readonly idleTime: number
}

export interface ActivityRows {
  find(id: string): MaybePromise<ActivityRow | undefined>
  /**
   * Merges each with what is there: a later `issuedAt` takes its place, an earlier one is dropped, and of
   * equal ones the larger `seenAt` and `idleTime` count. Nothing is kept for a session that is not there.
   * This is no change to hear of.
   */
  note(rows: readonly ActivityRow[]): MaybePromise<void>
  /**
   * All sessions in the order of ids, also those without activity: these were last used when they were
   * issued.
   */
  page(
    afterId: string,
    limit: number,
  ): MaybePromise<readonly { readonly id: string; readonly usedAt: number }[]>
}

export interface RecordRow {
  readonly collection: string
  readonly id: string
  /** Opaque. */
  readonly value: string
  readonly version: number
  /** On the wall clock of whoever put it. */
  readonly changedAt: number
}

export interface RecordRows {
  find(collection: string, id: string): MaybePromise<RecordRow | undefined>
  list(collection: string): MaybePromise<readonly RecordRow[]>
  /** In the order of ids those between the two, `limit` at most. */
  page(collection: string, after: string, before: string, limit: number): MaybePromise<readonly RecordRow[]>
  /** Inserts or replaces; answers the new version. */
  put(row: Omit<RecordRow, 'version'>): MaybePromise<number>
  /**
   * Outlives a power cut when it is answered: the version of the deletion; `undefined` when there was none.
   */
  delete(collection: string, id: string, changedAt: number): MaybePromise<number | undefined>
}

/** What all processes agree on, beside sessions and records. */
export interface StoreNotes {
  /** The latest time on any wall clock, and by how much clocks were set back in all. Zeros in a new store. */
  clock(): MaybePromise<ClockNote>
  /** `false`, and nothing is written, unless the note is still `from`. */
  noteClock(from: ClockNote, to: ClockNote): MaybePromise<boolean>
  /** A text that tells by what key the tokens are sealed; empty in a new store. */
  seal(): MaybePromise<string>
  /**
   * Notes another seal, and all sessions go at the same time and leave nothing behind. `false`, and nothing
   * is written, unless the seal is still `from`: another process may have been faster, and have sessions by
   * now.
   */
  dropSessions(from: string, seal: string): MaybePromise<boolean>
}

export interface ClockNote {
  readonly seenAt: number
  readonly setBack: number
}

export interface Changes {
  /** Sessions saved or deleted; `undefined` when there are more than were asked for. */
  readonly sessions: readonly string[] | undefined
  readonly records: readonly { readonly collection: string; readonly id: string }[]
  /** The newest of all changes. */
  readonly version: number
}

export interface Driver extends AsyncDisposable {
  readonly sessions: SessionRows
  readonly activity: ActivityRows
  readonly records: RecordRows
  readonly notes: StoreNotes
  /** `true` for one process alone, until the time is over. The key is a hash. */
  claimOnce(key: Uint8Array, now: number, until: number): MaybePromise<boolean>
  /** The newest of all changes. */
  version(): MaybePromise<number>
  /** What is cheap to ask: a number that is another one after another process has written. */
  pulse(): MaybePromise<number>
  /**
   * Changes after that version, with those of this process. Deletions are there for as long as their ids are
   * kept.
   */
  changesSince(version: number, limit: number): MaybePromise<Changes>
  /**
   * Forgets, `limit` at most, claims and ids of deleted sessions whose time is over, and records that were
   * deleted before `recordsBefore`. Answers whether there may be more.
   */
  sweepRest(now: number, recordsBefore: number, limit: number): MaybePromise<boolean>
  /** Called every few seconds: finds out whether all is well, and mends what it can. Never throws. */
  probe(): MaybePromise<void>
  /** A sentence on what is wrong, by the last calls and the last probe; `undefined` when all is well. */
  readonly problem: string | undefined
}
