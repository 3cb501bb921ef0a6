/**
 * Sessions in one SQLite file, read from memory: the store that needs no server.
 *
 * Several processes may share the file. Every change takes the next number of one counter; a process that sees
 * (by `PRAGMA data_version`) that another has written reads what is newer than the last number it knows.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { Sealer } from '../crypto/seal.ts'
import { Fault } from '../errors.ts'
import type { RecordStore } from './records.ts'
import type { Session } from './session.ts'
import { SessionCopies } from './session-copies.ts'
import { SqliteActivity } from './sqlite-activity.ts'
import { durably, guarded, inTransaction, numberOf, openDatabase } from './sqlite-database.ts'
import { fromRow, integerOf, type Row, textOf, toRow } from './sqlite-record.ts'
import { SqliteRecords } from './sqlite-records.ts'
import { prepareStatements } from './sqlite-statements.ts'
import type { SessionStore } from './store.ts'

/** All that is kept: sessions, and what is beside them. */
export interface Store extends SessionStore {
  readonly records: RecordStore
}

export interface SqliteStoreOptions {
  readonly file: string
  readonly sealer: Sealer
  readonly now?: () => number
  /** How many sessions are kept in memory. */
  readonly maxCopies?: number
  /** How often another process's changes are looked for when no request does so; 0 for never. */
  readonly pollMs?: number
}

/** Between two looks at what other processes have written. */
const LOOK_INTERVAL_MS = 250
/** Between two notes of the wall clock. */
const NOTE_INTERVAL_MS = 60_000
/** A clock that is set back by less is a clock being disciplined. */
const CLOCK_TOLERANCE_MS = 1000
const DAY_MS = 86_400_000

/** @throws {Fault} STATE_UNUSABLE */
export function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  return Promise.try(() => new SqliteStore(options))
}

class SqliteStore implements Store {
  readonly records: SqliteRecords
  readonly #database: DatabaseSync
  readonly #sealer: Sealer
  readonly #now: () => number
  readonly #copies: SessionCopies
  readonly #activity: SqliteActivity
  readonly #listeners = new Set<(id: string) => void>()
  readonly #timer: NodeJS.Timeout | undefined
  readonly #statements: ReturnType<typeof prepareStatements>
  /** Newest change that the copies reflect. */
  #version: number
  #dataVersion: number
  #lookedAt: number
  #notedAt: number
  /** Latest time that was on the wall clock. */
  #latest: number

  constructor({ file, sealer, now = Date.now, maxCopies = 20_000, pollMs = 500 }: SqliteStoreOptions) {
    this.#database = openDatabase(file)
    this.#sealer = sealer
    this.#now = now
    this.#copies = new SessionCopies(maxCopies)
    this.#activity = new SqliteActivity(this.#database, maxCopies)
    this.#statements = prepareStatements(this.#database)
    this.records = new SqliteRecords({
      database: this.#database,
      now,
      nextVersion: () => this.#nextVersion(),
      onOwnChange: (version) => this.#advanceTo(version),
      look: () => this.#lookIfDue(),
    })
    this.#latest = now()
    this.#lookedAt = this.#latest
    this.#notedAt = this.#latest
    guarded(() => {
      this.#dropIfSealedWithOtherKey()
      this.#noteClock(this.#latest)
    })
    this.#version = numberOf(this.#database, 'SELECT version FROM store')
    this.#dataVersion = numberOf(this.#database, 'PRAGMA data_version')
    this.#timer = pollMs > 0 ? setInterval(() => this.#tick(), pollMs).unref() : undefined
  }

  find(id: string): Session | undefined {
    const now = this.#lookIfDue()
    const session = this.#copies.get(id) ?? this.#load(id)
    // Never by a clock that was set back and could not be dealt with yet.
    if (session === undefined || session.expiresAt > Math.max(now, this.#latest)) return session
    this.#copies.drop(id)
    return undefined
  }

  save(session: Omit<Session, 'version'>): Session {
    const saved = guarded(() =>
      inTransaction(this.#database, () => {
        if (this.#statements.findDeleted.get(session.id) !== undefined)
          throw new Fault('SESSION_GONE', 'the session was ended while it was being changed')
        const stored: Session = { ...session, version: this.#nextVersion() }
        this.#statements.upsert.run(toRow(stored, this.#sealer, this.#now()))
        return stored
      }),
    )
    this.#advanceTo(saved.version)
    this.#copies.put(saved)
    this.#announce(saved.id)
    return saved
  }

  delete(id: string): boolean {
    // Before the disk is asked: should that fail, this process at least lets nobody in by a copy.
    this.#copies.drop(id)
    this.#activity.forget(id)
    const version = guarded(() =>
      durably(this.#database, () => {
        const row = this.#statements.delete.get(id)
        if (row === undefined) return undefined
        const next = this.#nextVersion()
        this.#statements.bury.run(id, integerOf(row, 'expires_at'), next)
        return next
      }),
    )
    if (version === undefined) return false
    this.#advanceTo(version)
    this.#announce(id)
    return true
  }

  list(filter: { readonly userId?: string } = {}): readonly Session[] {
    const { listAll, listOfUser } = this.#statements
    const now = this.#now()
    const rows = guarded(() =>
      filter.userId === undefined ? listAll.all(now) : listOfUser.all(filter.userId, now),
    )
    return this.#read(rows)
  }

  dueForRefresh(before: number, limit: number): readonly Session[] {
    const rows = guarded(() => this.#statements.due.all(before, this.#now(), limit))
    const sessions = this.#read(rows)
    if (sessions.length < rows.length) this.#setAside(rows, sessions)
    return sessions
  }

  withOldClaims(before: number, limit: number): readonly Session[] {
    const now = this.#now()
    return this.#read(guarded(() => this.#statements.oldClaims.all(before, now, now, limit)))
  }

  claimOnce(key: string, ttlMs: number): boolean {
    const now = this.#now()
    // The hash alone: keys may be secrets, and are of any length.
    const digest = createHash('sha256').update(key).digest()
    return guarded(() => this.#statements.claim.run(digest, now + ttlMs, now)).changes === 1
  }

  touch(session: Session, at: number, precisionMs: number): void {
    quietly(() => this.#activity.touch(session, at, precisionMs))
  }

  silenceOf(session: Session, at: number, limitMs: number): number {
    return this.#activity.silenceOf(session, at, limitMs)
  }

  silentSince(before: number): readonly string[] {
    return guarded(() => this.#activity.silentSince(before))
  }

  sweep(): number {
    const now = this.#now()
    this.#look(now)
    const gone = guarded(() =>
      inTransaction(this.#database, () => {
        this.#statements.sweepClaimed.run(now)
        this.#statements.sweepDeleted.run(now)
        this.#activity.sweep()
        this.records.sweep(now - DAY_MS)
        return this.#statements.sweepSessions.all(now).map((row) => textOf(row, 'id'))
      }),
    )
    // Another process may have swept what we still hold a copy of.
    for (const id of new Set([...gone, ...this.#copies.dropExpired(now)])) this.#announce(id)
    return gone.length
  }

  onChange(listener: (id: string) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  get count(): number {
    return guarded(() => integerOf(this.#statements.count.get(this.#now()) ?? {}, 'count'))
  }

  [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    if (this.#database.isOpen) quietly(() => this.#activity.flushAll())
    this.#activity.clear()
    this.#copies.clear()
    this.#listeners.clear()
    this.records.clear()
    if (this.#database.isOpen) this.#database.close()
    return Promise.resolve()
  }

  #load(id: string): Session | undefined {
    const row = guarded(() => this.#statements.find.get(id))
    const session = row === undefined ? undefined : fromRow(row, this.#sealer)
    if (session !== undefined) this.#copies.put(session)
    return session
  }

  #read(rows: readonly Row[]): readonly Session[] {
    return rows.map((row) => fromRow(row, this.#sealer)).filter((session) => session !== undefined)
  }

  /** What can't be opened can't be refreshed, and must not stand before those that can. */
  #setAside(rows: readonly Row[], opened: readonly Session[]): void {
    const readable = new Set(opened.map(({ id }) => id))
    for (const id of rows.map((row) => textOf(row, 'id')))
      if (!readable.has(id)) guarded(() => this.#statements.neverRefresh.run(id))
  }

  #announce(id: string): void {
    for (const listener of this.#listeners) listener(id)
  }

  #nextVersion(): number {
    return integerOf(this.#statements.nextVersion.get() ?? {}, 'version')
  }

  /** Our own change is known; but where another process's came between, both are read at the next look. */
  #advanceTo(version: number): void {
    if (version === this.#version + 1) this.#version = version
  }

  #lookIfDue(): number {
    const now = this.#now()
    if (now - this.#lookedAt >= LOOK_INTERVAL_MS || now < this.#latest) this.#lookQuietly(now)
    return now
  }

  /** A store that can't be read does not end the sessions that are known; what is not known is refused by `find`. */
  #lookQuietly(now = this.#now()): void {
    quietly(() => this.#look(now))
  }

  #tick(): void {
    const now = this.#now()
    this.#lookQuietly(now)
    quietly(() => this.#activity.flush(now))
  }

  #look(now: number): void {
    this.#lookedAt = now
    guarded(() => {
      if (now < this.#latest - CLOCK_TOLERANCE_MS || now - this.#notedAt >= NOTE_INTERVAL_MS)
        this.#noteClock(now)
      this.#latest = Math.max(this.#latest, now)
      const dataVersion = integerOf(this.#statements.dataVersion.get() ?? {}, 'data_version')
      if (dataVersion === this.#dataVersion) return
      this.#readChanges()
      this.#dataVersion = dataVersion
    })
  }

  #readChanges(): void {
    const { changedSince, deletedSince } = this.#statements
    const since = this.#version
    const changed = changedSince.all(since)
    const deleted = deletedSince.all(since)
    const records = this.records.changedSince(since)
    const versions = [...changed, ...deleted, ...records].map((row) => integerOf(row, 'version'))
    this.#version = versions.reduce((newest, version) => Math.max(newest, version), since)
    for (const row of records) this.records.announce(textOf(row, 'collection'), textOf(row, 'id'))
    for (const row of [...changed, ...deleted]) {
      const id = textOf(row, 'id')
      this.#copies.drop(id)
      this.#announce(id)
    }
  }

  /**
   * Keeps the latest wall-clock time in the store. When the clock was set back, by whatever process and also
   * while none ran, every expiry is moved back by as much: otherwise sessions would live that much longer.
   */
  #noteClock(now: number): void {
    const { seenAt, noteSeen, shiftSessions, shiftClaimed, shiftDeleted } = this.#statements
    // By the old clock still.
    if (now < this.#latest - CLOCK_TOLERANCE_MS) this.#activity.flushAll()
    const setBack = inTransaction(this.#database, () => {
      const jump = integerOf(seenAt.get() ?? {}, 'seen_at') - now
      noteSeen.run(jump > CLOCK_TOLERANCE_MS ? now : now + Math.max(jump, 0))
      if (jump <= CLOCK_TOLERANCE_MS) return false
      shiftSessions.run({ jump, version: this.#nextVersion() })
      this.#activity.shift(jump)
      shiftClaimed.run(jump)
      shiftDeleted.run(jump)
      return true
    })
    this.#notedAt = now
    this.#latest = now
    if (!setBack) return
    this.#activity.clear()
    for (const id of this.#copies.clear()) this.#announce(id)
  }

  /** With another shared secret no cookie fits these sessions any more, and none of their tokens can be opened. */
  #dropIfSealedWithOtherKey(): void {
    inTransaction(this.#database, () => {
      const canary = textOf(this.#database.prepare('SELECT canary FROM store').get() ?? {}, 'canary')
      if (this.#sealer.open(canary, 'store/canary') !== 'sallyport')
        this.#database.exec('DELETE FROM session')
      this.#database
        .prepare('UPDATE store SET canary = ?')
        .run(this.#sealer.seal('sallyport', 'store/canary'))
    })
  }
}

/** What must not be lost for it, and can be made up for later. */
function quietly(act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}
