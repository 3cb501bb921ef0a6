/**
 * Sessions in one SQLite file, read from memory: the store that needs no server.
 *
 * Several processes may share the file. Every change takes the next number of one counter; a process that sees
 * (by `PRAGMA data_version`) that another has written reads what is newer than the last number it knows.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Sealer } from '../../crypto/seal.ts'
import { Fault } from '../../errors.ts'
import type { RecordStore } from '../records.ts'
import type { Session } from '../session.ts'
import { SessionCopies } from '../session-copies.ts'
import { SignOutJournal } from '../sign-out-journal.ts'
import type { Due, DuePage, SessionStore } from '../store.ts'
import { StoreClock } from '../store-clock.ts'
import { UnwrittenSignOuts } from '../unwritten-sign-outs.ts'
import { SqliteActivity } from './sqlite-activity.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { durably, guarded, IN_MEMORY, inTransaction, openDatabase } from './sqlite-database.ts'
import { SqliteFile } from './sqlite-file.ts'
import { SqliteHealth, type StoreEvents } from './sqlite-health.ts'
import { fromRow, integerOf, type Row, textOf, toRow } from './sqlite-record.ts'
import { SqliteRecords } from './sqlite-records.ts'
import { prepareStatements } from './sqlite-statements.ts'
import { sweepRows } from './sqlite-sweep.ts'

/** All that is kept: sessions, and what is beside them. */
export interface Store extends SessionStore {
  readonly records: RecordStore
}

export interface SqliteStoreOptions extends StoreEvents {
  readonly file: string
  readonly sealer: Sealer
  readonly now?: () => number
  /** Milliseconds that only run forward; default: those of the process, or `now` where that is given. */
  readonly monotonic?: () => number
  /** How many sessions are kept in memory. */
  readonly maxCopies?: number
  /** How often another process's changes are looked for when no request does so; 0 for never. */
  readonly pollMs?: number
}

/** Between two looks at what other processes have written. */
const LOOK_INTERVAL_MS = 250
/** Between two notes of the wall clock. */
const NOTE_INTERVAL_MS = 60_000
/** More changes of other processes than that are not followed one by one. */
const MOST_CHANGES = 1000
/** Of a clock that was put right, what replicas may differ by. */
const AHEAD_MS = 1000
/** Sessions that are dropped, announced or ended in one turn of the event loop. */
const PER_TURN = 200

/** @throws {Fault} STATE_UNUSABLE */
export function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  return Promise.try(() => new SqliteStore(options))
}

class SqliteStore implements Store {
  readonly records: SqliteRecords
  readonly #database: SqliteConnection
  readonly #sealer: Sealer
  readonly #clock: StoreClock
  readonly #monotonic: () => number
  readonly #health: SqliteHealth
  readonly #unwritten: UnwrittenSignOuts
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

  constructor(options: SqliteStoreOptions) {
    const { file, sealer, now = Date.now, maxCopies = 20_000, pollMs = 500 } = options
    const { monotonic = options.now ?? (() => performance.now()) } = options
    this.#database = new SqliteConnection(openDatabase(file))
    this.#sealer = sealer
    this.#clock = new StoreClock(now, monotonic)
    this.#monotonic = monotonic
    this.#unwritten = new UnwrittenSignOuts(
      file === IN_MEMORY ? undefined : new SignOutJournal(`${file}-sign-outs`),
    )
    this.#health = new SqliteHealth({
      connection: this.#database,
      file: new SqliteFile(file),
      unwritten: this.#unwritten,
      events: options,
    })
    this.#copies = new SessionCopies(maxCopies)
    this.#activity = new SqliteActivity(this.#database, this.#clock, maxCopies)
    this.#statements = prepareStatements(this.#database)
    this.records = new SqliteRecords({
      database: this.#database,
      now,
      nextVersion: () => this.#nextVersion(),
      onOwnChange: (version) => this.#advanceTo(version),
      look: () => this.#lookIfDue(),
    })
    this.#lookedAt = now()
    this.#notedAt = this.#lookedAt
    guarded(() => {
      this.#dropIfSealedWithOtherKey()
      this.#followClock()
    })
    this.#version = integerOf(this.#statements.version.get() ?? {}, 'version')
    this.#dataVersion = integerOf(this.#statements.dataVersion.get() ?? {}, 'data_version')
    quietly(() => this.#writeSignOuts())
    this.#timer = pollMs > 0 ? setInterval(() => this.#tick(), pollMs).unref() : undefined
  }

  find(id: string): Session | undefined {
    const now = this.#lookIfDue()
    if (this.#unwritten.has(id)) return undefined
    const session = this.#copies.get(id) ?? this.#load(id)
    // Never by a clock that was set back and could not be dealt with yet.
    if (session === undefined || session.expiresAt > Math.max(now, this.#clock.latest)) return session
    this.#copies.drop(id)
    return undefined
  }

  save(session: Omit<Session, 'version'>): Session {
    const saved = guarded(() =>
      inTransaction(this.#database, () => {
        if (this.#unwritten.has(session.id) || this.#statements.findDeleted.get(session.id) !== undefined)
          throw new Fault('SESSION_GONE', 'the session was ended while it was being changed')
        const stored: Session = { ...session, version: this.#nextVersion() }
        this.#statements.upsert.runNamed(toRow(stored, this.#sealer, this.#clock.now(), this.#clock))
        return stored
      }),
    )
    this.#advanceTo(saved.version)
    this.#copies.put(saved)
    this.#announce(saved.id)
    return saved
  }

  delete(id: string): boolean {
    return this.#deleteNow([id]) > 0
  }

  async deleteAll(ids: readonly string[]): Promise<number> {
    let ended = 0
    for (let from = 0; from < ids.length; from += PER_TURN) {
      if (from > 0) await nextTurn()
      ended += this.#deleteNow(ids.slice(from, from + PER_TURN))
    }
    return ended
  }

  list(filter: { readonly userId?: string } = {}): readonly Session[] {
    const { listAll, listOfUser } = this.#statements
    const now = this.#clock.toKept(this.#clock.now())
    const rows = guarded(() =>
      filter.userId === undefined ? listAll.all(now) : listOfUser.all(filter.userId, now),
    )
    return rows
      .map((row) => fromRow(row, this.#sealer, this.#clock))
      .filter((found) => found !== undefined)
      .filter(({ id }) => !this.#unwritten.has(id))
  }

  dueForRefresh(page: DuePage): readonly Due[] {
    const { at, id, before, now } = this.#bounds(page)
    return this.#dueOf(guarded(() => this.#statements.due.all(at, id, before, now, page.limit)))
  }

  withOldClaims(page: DuePage): readonly Due[] {
    const { at, id, before, now } = this.#bounds(page)
    return this.#dueOf(guarded(() => this.#statements.oldClaims.all(at, id, before, now, now, page.limit)))
  }

  claimOnce(key: string, ttlMs: number): boolean {
    const now = this.#clock.toKept(this.#clock.now())
    // The hash alone: keys may be secrets, and are of any length.
    const digest = createHash('sha256').update(key).digest()
    return guarded(() => this.#statements.claim.run(digest, now + ttlMs, now)) === 1
  }

  touch(session: Session, at: number, precisionMs: number): void {
    quietly(() => this.#activity.touch(session, at, precisionMs))
  }

  silenceOf(session: Session, at: number, limitMs: number): number {
    return this.#activity.silenceOf(session, at, limitMs)
  }

  async *silentSince(before: number): AsyncGenerator<readonly string[]> {
    let after: string | undefined = ''
    while (after !== undefined && !this.isClockInDoubt) {
      const from: string = after
      const { silent, next } = guarded(() => this.#activity.silentSince(before, from))
      if (silent.length > 0) yield silent
      after = next
      await nextTurn()
    }
  }

  async sweep(): Promise<number> {
    const now = this.#clock.now()
    this.#look(now)
    // What a clock that ran ahead has ended is refused, but comes back with the right time.
    if (this.isClockInDoubt) return 0
    let swept = 0
    const { records, clock, statements } = {
      records: this.records,
      clock: this.#clock,
      statements: this.#statements,
    }
    for await (const ids of sweepRows({ database: this.#database, statements, records, clock, now })) {
      swept += ids.length
      for (const id of ids) {
        this.#copies.drop(id)
        this.#activity.forget(id)
        this.#announce(id)
      }
    }
    // Another process may have swept what we still hold a copy of.
    await this.#announceInTurns(this.#copies.dropExpired(now))
    return swept
  }

  get problem(): string | undefined {
    return this.#health.problem
  }

  get isClockInDoubt(): boolean {
    this.#clock.now()
    return this.#clock.isInDoubt
  }

  onChange(listener: (id: string) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  get count(): number {
    const now = this.#clock.toKept(this.#clock.now())
    return guarded(() => integerOf(this.#statements.count.get(now) ?? {}, 'count'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#health.settled()
    if (this.#database.isOpen)
      quietly(() => {
        this.#activity.flushAll()
        guarded(() => this.#followClock())
      })
    this.#activity.clear()
    this.#copies.clear()
    this.#listeners.clear()
    this.records.clear()
    if (this.#database.isOpen) this.#database.close()
  }

  /** In kept times. */
  #bounds({ before, after }: DuePage) {
    const clock = this.#clock
    return {
      at: after === undefined ? 0 : clock.toKept(after.at),
      id: after?.id ?? '',
      before: clock.toKept(before),
      now: clock.toKept(clock.now()),
    }
  }

  #load(id: string): Session | undefined {
    const row = guarded(() => this.#statements.find.get(id))
    const session = row === undefined ? undefined : fromRow(row, this.#sealer, this.#clock)
    if (session !== undefined) this.#copies.put(session)
    // What can't be opened can't be refreshed, and would be tried again and again.
    else if (row !== undefined) quietly(() => guarded(() => this.#statements.neverRefresh.run(id)))
    return session
  }

  #dueOf(rows: readonly Row[]): readonly Due[] {
    return rows.map((row) => ({
      id: textOf(row, 'id'),
      idpId: textOf(row, 'idp_id'),
      version: integerOf(row, 'version'),
      at: this.#clock.toWall(integerOf(row, 'at')),
    }))
  }

  #deleteNow(ids: readonly string[]): number {
    // Before the disk is asked: should that fail, this process at least lets nobody in by a copy.
    for (const id of ids) {
      this.#copies.drop(id)
      this.#activity.forget(id)
    }
    try {
      return this.#writeDeletions(ids)
    } catch (fault) {
      // A disk that is full must not keep anybody signed in.
      if (!(fault instanceof Fault) || !this.#unwritten.hold(ids)) throw fault
      for (const id of ids) this.#announce(id)
      return ids.length
    }
  }

  #writeDeletions(ids: readonly string[]): number {
    const gone = guarded(() =>
      durably(this.#database, () =>
        ids.flatMap((id) => {
          const version = this.#bury(id)
          return version === undefined ? [] : [{ id, version }]
        }),
      ),
    )
    for (const { id, version } of gone) {
      this.#advanceTo(version)
      this.#announce(id)
    }
    return gone.length
  }

  /** In a transaction. */
  #bury(id: string): number | undefined {
    const row = this.#statements.delete.get(id)
    if (row === undefined) return undefined
    const version = this.#nextVersion()
    this.#statements.bury.run(id, integerOf(row, 'expires_at'), version)
    return version
  }

  /** As much as fits one turn. */
  #writeSignOuts(): void {
    const ids = this.#unwritten.ids.slice(0, PER_TURN)
    if (ids.length === 0) return
    this.#writeDeletions(ids)
    this.#unwritten.written(ids)
  }

  #announce(id: string): void {
    for (const listener of this.#listeners) listener(id)
  }

  async #announceInTurns(ids: readonly string[]): Promise<void> {
    for (const [index, id] of ids.entries()) {
      if (index > 0 && index % PER_TURN === 0) await nextTurn()
      this.#announce(id)
    }
  }

  #nextVersion(): number {
    return integerOf(this.#statements.nextVersion.get() ?? {}, 'version')
  }

  /** Our own change is known; but where another process's came between, both are read at the next look. */
  #advanceTo(version: number): void {
    if (version === this.#version + 1) this.#version = version
  }

  #lookIfDue(): number {
    const now = this.#clock.now()
    if (now - this.#lookedAt >= LOOK_INTERVAL_MS || now < this.#clock.latest) this.#lookQuietly(now)
    return now
  }

  /** A store that can't be read does not end the sessions that are known; what is not known is refused by `find`. */
  #lookQuietly(now: number): void {
    quietly(() => this.#look(now))
  }

  #tick(): void {
    const now = this.#clock.now()
    this.#lookQuietly(now)
    quietly(() => this.#activity.flush(now))
    quietly(() => this.#writeSignOuts())
    this.#health.probeIfDue(this.#monotonic())
  }

  #look(now: number): void {
    this.#lookedAt = now
    guarded(() => {
      if (this.#clock.isSetBack(now) || now - this.#notedAt >= NOTE_INTERVAL_MS) this.#followClock()
      const dataVersion = integerOf(this.#statements.dataVersion.get() ?? {}, 'data_version')
      if (dataVersion === this.#dataVersion) return
      this.#followClock()
      this.#readChanges()
      this.#dataVersion = dataVersion
    })
  }

  #readChanges(): void {
    const { changedSince, deletedSince } = this.#statements
    const since = this.#version
    const changed = changedSince.all(since, MOST_CHANGES)
    const deleted = deletedSince.all(since, MOST_CHANGES)
    const records = this.records.changedSince(since)
    if (changed.length === MOST_CHANGES || deleted.length === MOST_CHANGES) this.#forgetCopies()
    else {
      const versions = [...changed, ...deleted, ...records].map((row) => integerOf(row, 'version'))
      this.#version = versions.reduce((newest, version) => Math.max(newest, version), since)
    }
    for (const row of records) this.records.announce(textOf(row, 'collection'), textOf(row, 'id'))
    for (const row of [...changed, ...deleted]) {
      const id = textOf(row, 'id')
      this.#copies.drop(id)
      this.#announce(id)
    }
  }

  /** Of all sessions: cheaper than to follow thousands of changes, and as true. */
  #forgetCopies(): void {
    this.#version = integerOf(this.#statements.version.get() ?? {}, 'version')
    void this.#announceInTurns(this.#copies.clear())
  }

  /**
   * Keeps the latest wall-clock time in the store. When the clock was set back, by whatever process and also
   * while none ran, every time in the store means an earlier one from now on: otherwise sessions would live longer.
   */
  #followClock(): void {
    const { clock, noteClock, begunAfter, notUsedAfter, notSaidAfter } = this.#statements
    let begunAhead: readonly string[] = []
    // By the old clock still.
    if (this.#clock.isSetBack(this.#clock.now())) this.#activity.flushAll()
    const isShifted = inTransaction(this.#database, () => {
      const row = clock.get() ?? {}
      const stored = { seenAt: integerOf(row, 'seen_at'), setBack: integerOf(row, 'set_back') }
      const next = this.#clock.follow(stored)
      if (next.seenAt !== stored.seenAt || next.setBack !== stored.setBack)
        noteClock.run(next.seenAt, next.setBack)
      if (next.isUndone) {
        // They would live longer by all that the clock was ahead, and seem young for as long.
        const keptNow = this.#clock.toKept(next.seenAt)
        begunAhead = begunAfter.all(keptNow + AHEAD_MS).map((begun) => textOf(begun, 'id'))
        for (const id of begunAhead) this.#bury(id)
        notUsedAfter.run(keptNow)
        notSaidAfter.run(keptNow)
      }
      return next.isShifted || next.isUndone
    })
    this.#notedAt = this.#clock.now()
    if (!isShifted) return
    for (const id of begunAhead) this.#announce(id)
    this.#activity.clear()
    // Their answers are kept by a version that has not changed.
    void this.#announceInTurns(this.#copies.clear())
  }

  /** With another shared secret no cookie fits these sessions any more, and none of their tokens can be opened. */
  #dropIfSealedWithOtherKey(): void {
    const { canary, noteCanary } = this.#statements
    inTransaction(this.#database, () => {
      const sealed = textOf(canary.get() ?? {}, 'canary')
      if (this.#sealer.open(sealed, 'store/canary') !== 'sallyport')
        this.#database.exec('DELETE FROM session')
      noteCanary.run(this.#sealer.seal('sallyport', 'store/canary'))
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
