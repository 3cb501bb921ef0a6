/**
 * Sessions and records over a driver, read from memory: what all drivers have in common.
 *
 * Several processes may share what the driver keeps. What this one saves or ends counts here at once; what
 * another does, as soon as it is looked for (store-changes.ts). A sign-out that the driver can't take counts
 * here all the same.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Sealer } from '../crypto/seal.ts'
import { Fault } from '../errors.ts'
import type { Driver } from './driver.ts'
import { KeptSessions } from './kept-sessions.ts'
import { DrivenRecords } from './record-store.ts'
import type { RecordStore } from './records.ts'
import type { Session } from './session.ts'
import { SessionActivity } from './session-activity.ts'
import { SessionCopies } from './session-copies.ts'
import { PER_TURN, SessionEnds } from './session-ends.ts'
import type { SignOutJournal } from './sign-out-journal.ts'
import { answerOf, leftToLater, quietly, run, type Steps, whenAnswered } from './steps.ts'
import type { Due, DuePage, MaybePromise, SessionStore } from './store.ts'
import { StoreChanges } from './store-changes.ts'
import { StoreClock } from './store-clock.ts'
import { StoreUpkeep } from './store-upkeep.ts'
import { UnwrittenSignOuts } from './unwritten-sign-outs.ts'

/** All that is kept: sessions, and what is beside them. */
export interface Store extends SessionStore {
  readonly records: RecordStore
}

export interface StoreOptions {
  readonly sealer: Sealer
  readonly now?: () => number
  /** Milliseconds that only run forward; default: those of the process, or `now` where that is given. */
  readonly monotonic?: () => number
  /** How many sessions are kept in memory. */
  readonly maxCopies?: number
  /** How often another process's changes are looked for when no request does so; 0 for never. */
  readonly pollMs?: number
}

export interface DrivenStoreOptions extends StoreOptions {
  /** Disposed with the store. */
  readonly driver: Driver
  /** For sign-outs that the driver can't take; unset: these end with the process. */
  readonly journal?: SignOutJournal | undefined
}

const DAY_MS = 86_400_000

/** @throws {Fault} STORE_UNAVAILABLE */
export async function openSessionStore(options: DrivenStoreOptions): Promise<Store> {
  try {
    const store = new DrivenStore(options)
    await store.begin()
    return store
  } catch (error) {
    await options.driver[Symbol.asyncDispose]()
    throw error
  }
}

class DrivenStore implements Store {
  readonly records: DrivenRecords
  readonly #driver: Driver
  readonly #sealer: Sealer
  readonly #clock: StoreClock
  readonly #unwritten: UnwrittenSignOuts
  readonly #copies: SessionCopies
  readonly #kept: KeptSessions
  readonly #activity: SessionActivity
  readonly #changes: StoreChanges
  readonly #ends: SessionEnds
  readonly #upkeep: StoreUpkeep
  readonly #pollMs: number
  #isOpen = true
  #lastCount = 0

  constructor(options: DrivenStoreOptions) {
    const { driver, journal, sealer, now = Date.now, maxCopies = 20_000, pollMs = 500 } = options
    const { monotonic = options.now ?? (() => performance.now()) } = options
    this.#driver = driver
    this.#sealer = sealer
    this.#pollMs = pollMs
    this.#clock = new StoreClock(now, monotonic)
    this.#unwritten = new UnwrittenSignOuts(journal)
    this.#copies = new SessionCopies(maxCopies)
    this.#kept = new KeptSessions({
      rows: driver.sessions,
      sealer,
      clock: this.#clock,
      copies: this.#copies,
      onOwnChange: (version) => this.#changes.advanceTo(version),
    })
    this.#activity = new SessionActivity(driver.activity, this.#clock, maxCopies)
    this.records = new DrivenRecords({
      rows: driver.records,
      now,
      onOwnChange: (version) => this.#changes.advanceTo(version),
      look: () => this.#lookIfDue(this.#clock.now()),
    })
    const parts = { driver, clock: this.#clock, copies: this.#copies, activity: this.#activity }
    this.#changes = new StoreChanges({ ...parts, records: this.records })
    const changing = { ...parts, changes: this.#changes, unwritten: this.#unwritten }
    this.#ends = new SessionEnds({ ...changing, rows: driver.sessions })
    this.#upkeep = new StoreUpkeep({ ...changing, monotonic, ends: this.#ends })
  }

  async begin(): Promise<void> {
    await run(this.#dropIfSealedWithOtherKey())
    await run(this.#changes.begin())
    await run(quietly(() => run(this.#ends.writeSignOuts())))
    if (this.#pollMs > 0) this.#upkeep.begin(this.#pollMs)
  }

  find(id: string): MaybePromise<Session | undefined> {
    const now = this.#clock.now()
    const looking = this.#lookIfDue(now)
    return looking instanceof Promise
      ? looking.then(() => this.#findBy(id, this.#clock.now()))
      : this.#findBy(id, now)
  }

  save(session: Omit<Session, 'version'>): MaybePromise<Session> {
    return run(this.#save(session))
  }

  delete(id: string): MaybePromise<boolean> {
    return whenAnswered(run(this.#ends.end([id])), (ended) => ended > 0)
  }

  async deleteAll(ids: readonly string[]): Promise<number> {
    let ended = 0
    for (let from = 0; from < ids.length; from += PER_TURN) {
      if (from > 0) await nextTurn()
      ended += await run(this.#ends.end(ids.slice(from, from + PER_TURN)))
    }
    return ended
  }

  list(filter: { readonly userId?: string } = {}): MaybePromise<readonly Session[]> {
    return whenAnswered(this.#kept.list(filter.userId), (found) =>
      found.filter(({ id }) => !this.#unwritten.has(id)),
    )
  }

  dueForRefresh(page: DuePage): MaybePromise<readonly Due[]> {
    return this.#kept.dueForRefresh(page)
  }

  withOldClaims(page: DuePage): MaybePromise<readonly Due[]> {
    return this.#kept.withOldClaims(page)
  }

  claimOnce(key: string, ttlMs: number): MaybePromise<boolean> {
    const now = this.#clock.toKept(this.#clock.now())
    // The hash alone: keys may be secrets, and are of any length.
    const digest = createHash('sha256').update(key).digest()
    return this.#driver.claimOnce(digest, now, now + ttlMs)
  }

  touch(session: Session, at: number, precisionMs: number): void {
    this.#activity.touch(session, at, precisionMs)
  }

  idleTimeOf(session: Session, at: number, limitMs: number): MaybePromise<number> {
    return this.#activity.idleTimeOf(session, at, limitMs)
  }

  async *idleSince(before: number): AsyncGenerator<readonly string[]> {
    await this.#activity.settled()
    let after: string | undefined = ''
    while (after !== undefined && !this.isClockInDoubt) {
      const page: Awaited<ReturnType<SessionActivity['idleSince']>> = await this.#activity.idleSince(
        before,
        after,
      )
      if (page.idle.length > 0) yield page.idle
      after = page.next
      await nextTurn()
    }
  }

  async sweep(): Promise<number> {
    const now = this.#clock.now()
    await this.#changes.look(now)
    // What a clock that ran ahead has ended is refused, but comes back with the right time.
    if (this.isClockInDoubt) return 0
    const kept = this.#clock.toKept(now)
    while (await this.#driver.sweepRest(kept, now - DAY_MS, PER_TURN)) await nextTurn()
    let swept = 0
    for (;;) {
      const ids = await this.#driver.sessions.sweep(kept, PER_TURN)
      swept += ids.length
      this.#ends.forget(ids)
      for (const id of ids) this.#changes.announce(id)
      if (ids.length < PER_TURN) break
      await nextTurn()
    }
    // Another process may have swept what we still hold a copy of.
    await this.#changes.announceInTurns(this.#copies.dropExpired(now))
    return swept
  }

  get problem(): string | undefined {
    const problems = [this.#driver.problem, this.#unwritten.problem].filter(
      (problem) => problem !== undefined,
    )
    return problems.length === 0 ? undefined : problems.join('; ')
  }

  get isClockInDoubt(): boolean {
    this.#clock.now()
    return this.#clock.isInDoubt
  }

  onChange(listener: (id: string) => void): Disposable {
    return this.#changes.onChange(listener)
  }

  get count(): number {
    const counted = this.#kept.count()
    if (!(counted instanceof Promise)) return counted
    leftToLater(async () => {
      this.#lastCount = await counted
    })
    return this.#lastCount
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#upkeep.end()
    await this.#activity.settled()
    if (!this.#isOpen) return
    this.#isOpen = false
    await run(quietly(() => run(this.#lastNotes())))
    this.#activity.clear()
    this.#copies.clear()
    this.#changes.clear()
    this.records.clear()
    await this.#driver[Symbol.asyncDispose]()
  }

  #findBy(id: string, now: number): MaybePromise<Session | undefined> {
    if (this.#unwritten.has(id)) return undefined
    const copy = this.#copies.get(id)
    return copy === undefined
      ? whenAnswered(run(this.#load(id)), (session) => this.#live(session, this.#clock.now()))
      : this.#live(copy, now)
  }

  #live(session: Session | undefined, now: number): Session | undefined {
    // Never by a clock that was set back and could not be dealt with yet.
    if (session === undefined || session.expiresAt > Math.max(now, this.#clock.latest)) return session
    this.#copies.drop(session.id)
    return undefined
  }

  *#load(id: string): Steps<Session | undefined> {
    const session = yield* this.#kept.load(id)
    // While it was being read it may have been ended, with nothing but this process to know it.
    return this.#unwritten.has(id) ? undefined : session
  }

  *#save(session: Omit<Session, 'version'>): Steps<Session> {
    const saved = this.#unwritten.has(session.id) ? undefined : yield* this.#kept.save(session)
    if (saved === undefined)
      throw new Fault('SESSION_GONE', 'the session was ended while it was being changed')
    this.#changes.announce(saved.id)
    return saved
  }

  #lookIfDue(now: number): MaybePromise<void> {
    return this.#changes.isDue(now) ? this.#changes.lookQuietly(now) : undefined
  }

  /** Before the end: nothing that is known is lost. */
  *#lastNotes(): Steps<void> {
    yield* this.#activity.flushAll()
    yield* this.#changes.followClock()
  }

  /**
   * With another shared secret no cookie fits these sessions any more, and none of their tokens can be
   * opened.
   */
  *#dropIfSealedWithOtherKey(): Steps<void> {
    const { notes } = this.#driver
    for (;;) {
      const seal = yield* answerOf(notes.seal())
      if (this.#sealer.open(seal, SEAL_PLACE) === SEALED) return
      const own = this.#sealer.seal(SEALED, SEAL_PLACE)
      if (yield* answerOf(notes.dropSessions(seal, own))) return
    }
  }
}

const SEAL_PLACE = 'store/canary'
const SEALED = 'sallyport'
