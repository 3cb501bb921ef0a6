/**
 * What a store does without being asked, a few times a second.
 *
 * @module
 */
import type { Driver } from './driver.ts'
import type { SessionActivity } from './session-activity.ts'
import type { SessionEnds } from './session-ends.ts'
import { answerOf, quietly, run, type Steps } from './steps.ts'
import type { StoreChanges } from './store-changes.ts'
import type { StoreClock } from './store-clock.ts'

interface Parts {
  readonly driver: Driver
  readonly clock: StoreClock
  /** Milliseconds that only run forward. */
  readonly monotonic: () => number
  readonly changes: StoreChanges
  readonly activity: SessionActivity
  readonly ends: SessionEnds
}

const PROBE_INTERVAL_MS = 5000

export class StoreUpkeep {
  readonly #parts: Parts
  #timer: NodeJS.Timeout | undefined
  #probedAt = -Infinity
  #ticking: Promise<void> | undefined
  #probing: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  begin(intervalMs: number): void {
    this.#timer = setInterval(() => this.#tick(), intervalMs).unref()
  }

  /** Resolves when nothing is under way any more. */
  async end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#ticking
    await this.#probing
  }

  /** One at a time, however late the driver answers. */
  #tick(): void {
    if (this.#ticking !== undefined) return
    const ticking = run(this.#steps(this.#parts.clock.now()))
    if (!(ticking instanceof Promise)) return
    this.#ticking = ticking.finally(() => {
      this.#ticking = undefined
    })
  }

  *#steps(now: number): Steps<void> {
    const { changes, activity, ends, monotonic } = this.#parts
    yield* answerOf(changes.lookQuietly(now))
    yield* quietly(() => activity.flush(now))
    yield* quietly(() => run(ends.writeSignOuts()))
    this.#probeIfDue(monotonic())
  }

  #probeIfDue(now: number): void {
    if (this.#probing !== undefined || now - this.#probedAt < PROBE_INTERVAL_MS) return
    this.#probedAt = now
    const probing = this.#parts.driver.probe()
    if (!(probing instanceof Promise)) return
    this.#probing = probing.finally(() => {
      this.#probing = undefined
    })
  }
}
