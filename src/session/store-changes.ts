/**
 * What other processes change in the store, and what a clock that is set does to the times in it.
 *
 * A process that sees by the pulse of the driver that another has written reads what is newer than the last
 * version it knows.
 *
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Driver } from './driver.ts'
import type { DrivenRecords } from './record-store.ts'
import type { SessionActivity } from './session-activity.ts'
import type { SessionCopies } from './session-copies.ts'
import { answerOf, quietly, run, type Steps } from './steps.ts'
import type { MaybePromise } from './store.ts'
import type { StoreClock } from './store-clock.ts'

/** Between two looks at what other processes have written. */
const LOOK_INTERVAL_MS = 250
/** Between two notes of the wall clock. */
const NOTE_INTERVAL_MS = 60_000
/** More changes of other processes than that are not followed one by one. */
const MOST_CHANGES = 1000
/** Of a clock that was put right, what replicas may differ by. */
const AHEAD_MS = 1000
/** Sessions that are announced in one turn of the event loop. */
const PER_TURN = 200

export interface StoreChangesParts {
  readonly driver: Driver
  readonly clock: StoreClock
  readonly copies: SessionCopies
  readonly activity: SessionActivity
  readonly records: DrivenRecords
}

export class StoreChanges {
  readonly #parts: StoreChangesParts
  readonly #listeners = new Set<(id: string) => void>()
  /** Newest change that the copies reflect. */
  #version = 0
  #pulse = 0
  #lookedAt: number
  #notedAt: number
  #looking: Promise<void> | undefined

  constructor(parts: StoreChangesParts) {
    this.#parts = parts
    this.#lookedAt = parts.clock.now()
    this.#notedAt = this.#lookedAt
  }

  /** Before anything is read: nothing is known yet that others could have changed. */
  *begin(): Steps<void> {
    const { driver } = this.#parts
    yield* this.followClock()
    this.#pulse = yield* answerOf(driver.pulse())
    this.#version = yield* answerOf(driver.version())
  }

  /** Whether a look is due before anything is answered by what is known. */
  isDue(now: number): boolean {
    return now - this.#lookedAt >= LOOK_INTERVAL_MS || now < this.#parts.clock.latest
  }

  /**
   * A store that can't be read does not end the sessions that are known; what is not known is refused by
   * `find`.
   */
  lookQuietly(now: number): MaybePromise<void> {
    return run(quietly(() => this.look(now)))
  }

  /** One look, however many ask for it meanwhile. @throws {Fault} STORE_UNAVAILABLE */
  look(now: number): MaybePromise<void> {
    this.#lookedAt = now
    if (this.#looking !== undefined) return this.#looking
    const looking = run(this.#look(now))
    if (!(looking instanceof Promise)) return undefined
    this.#looking = looking.finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  onChange(listener: (id: string) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  announce(id: string): void {
    for (const listener of this.#listeners) listener(id)
  }

  async announceInTurns(ids: readonly string[]): Promise<void> {
    for (const [index, id] of ids.entries()) {
      if (index > 0 && index % PER_TURN === 0) await nextTurn()
      this.announce(id)
    }
  }

  /** Our own change is known; but where another process's came between, both are read at the next look. */
  advanceTo(version: number): void {
    if (version === this.#version + 1) this.#version = version
  }

  /**
   * Keeps the latest wall-clock time in the store. When the clock was set back, by whatever process and also
   * while none ran, every time in the store means an earlier one from now on: otherwise sessions would live
   * longer.
   */
  *followClock(): Steps<void> {
    const { driver, clock, activity, copies } = this.#parts
    const { sessions, notes } = driver
    // By the old clock still.
    if (clock.isSetBack(clock.now())) yield* activity.flushAll()
    let begunAhead: readonly string[] = []
    for (;;) {
      const stored = yield* answerOf(notes.clock())
      const next = clock.plan(stored)
      if (next.isUndone) {
        // They would live longer by all that the clock was ahead, and seem young for as long.
        const keptNow = next.seenAt + next.setBack
        const ended = yield* answerOf(sessions.endAhead(keptNow + AHEAD_MS, keptNow))
        begunAhead = [...begunAhead, ...ended]
      }
      const isNoted = next.seenAt === stored.seenAt && next.setBack === stored.setBack
      // Another process may have noted its own meanwhile.
      if (!isNoted && !(yield* answerOf(notes.noteClock(stored, next)))) continue
      clock.adopt(next)
      this.#notedAt = clock.now()
      if (!next.isShifted && !next.isUndone) return
      for (const id of begunAhead) this.announce(id)
      activity.clear()
      // Their answers are kept by a version that has not changed.
      void this.announceInTurns(copies.clear())
      return
    }
  }

  /** Nobody is told of anything any more. */
  clear(): void {
    this.#listeners.clear()
  }

  *#look(now: number): Steps<void> {
    const { driver, clock } = this.#parts
    if (clock.isSetBack(now) || now - this.#notedAt >= NOTE_INTERVAL_MS) yield* this.followClock()
    const pulse = yield* answerOf(driver.pulse())
    if (pulse === this.#pulse) return
    yield* this.followClock()
    yield* this.#readChanges()
    this.#pulse = pulse
  }

  *#readChanges(): Steps<void> {
    const { driver, copies, records } = this.#parts
    const changes = yield* answerOf(driver.changesSince(this.#version, MOST_CHANGES))
    this.#version = Math.max(this.#version, changes.version)
    for (const { collection, id } of changes.records) records.announce(collection, id)
    // Of all sessions: cheaper than to follow thousands of changes, and as true.
    if (changes.sessions === undefined) void this.announceInTurns(copies.clear())
    for (const id of changes.sessions ?? []) {
      copies.drop(id)
      this.announce(id)
    }
  }
}
