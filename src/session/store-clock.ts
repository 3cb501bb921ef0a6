/**
 * The wall clock of the store: times are kept so that setting the clock back gives nobody more time.
 *
 * All times on disk are in *kept time*: wall-clock time plus all that the clock has ever been set back. Kept
 * time only runs forward. So a clock that is set back costs one number, however many sessions there are.
 *
 * A clock that runs ahead ends sessions, but not for good: while it may be a mistake nothing is deleted, and
 * when it is corrected, that correction is not counted as setting back.
 *
 * @module
 */

/** A clock that is set back by less is a clock being disciplined. */
const TOLERANCE_MS = 1000
/** The wall clock may run ahead of the monotonic clock by that much between two looks. */
const LEAP_MS = 60_000
/** How long a leap may turn out to be a mistake. */
const DOUBT_MS = 600_000

/** What the store shall hold of the clock, and what that means for the times in it. */
export interface ClockPlan {
  readonly seenAt: number
  readonly setBack: number
  /** Kept times mean other wall-clock times from then on. */
  readonly isShifted: boolean
  /** A leap was a mistake: what was begun during it lies ahead of now. */
  readonly isUndone: boolean
}

interface Leap {
  readonly byMs: number
  /** On the monotonic clock. */
  readonly noticedAt: number
}

export class StoreClock {
  readonly #wall: () => number
  readonly #monotonic: () => number
  #setBack = 0
  #latest: number
  #lookedAt: number
  #leap: Leap | undefined

  constructor(wall: () => number, monotonic: () => number) {
    this.#wall = wall
    this.#monotonic = monotonic
    this.#latest = wall()
    this.#lookedAt = monotonic()
  }

  /** Now, on the wall clock. Notices leaps. */
  now(): number {
    const now = this.#wall()
    if (now > this.#latest) this.#advance(now)
    return now
  }

  /** The latest time that was on the wall clock: what has ended by it has ended. */
  get latest(): number {
    return this.#latest
  }

  /** By the wall clock's last reading. */
  isSetBack(now: number): boolean {
    return now < this.#latest - TOLERANCE_MS
  }

  /** Whether the clock has leapt forward a while ago: then nothing is deleted because of its age. */
  get isInDoubt(): boolean {
    return this.#leap !== undefined && this.#monotonic() - this.#leap.noticedAt < DOUBT_MS
  }

  /** @param wallTime epoch milliseconds */
  toKept(wallTime: number): number {
    return wallTime + this.#setBack
  }

  toWall(keptTime: number): number {
    return keptTime - this.#setBack
  }

  /**
   * Compares with what the store holds: the latest wall-clock time that any process has seen, and all setting
   * back. Nothing is changed by it before `adopt`: another process may be faster to note the same.
   */
  plan(stored: { readonly seenAt: number; readonly setBack: number }): ClockPlan {
    const now = this.#wall()
    if (now > this.#latest) this.#advance(now)
    const seenAt = Math.max(stored.seenAt, stored.setBack === this.#setBack ? this.#latest : 0)
    const jump = seenAt - now
    const isBack = jump > TOLERANCE_MS
    // The part of it that undoes a leap was never time that had passed.
    const undone = isBack && this.isInDoubt ? Math.min(jump, this.#leap?.byMs ?? 0) : 0
    const setBack = stored.setBack + (isBack ? jump - undone : 0)
    const isShifted = setBack !== this.#setBack
    if (isBack || isShifted) return { seenAt: now, setBack, isShifted, isUndone: undone > 0 }
    // A time that may be a mistake is not kept: after a restart it would pass for one that was.
    return { seenAt: this.isInDoubt ? stored.seenAt : seenAt, setBack, isShifted, isUndone: false }
  }

  /** Once the store holds it. */
  adopt({ seenAt, setBack, isShifted, isUndone }: ClockPlan): void {
    if (!isShifted && !isUndone) return
    this.#setBack = setBack
    this.#leap = undefined
    this.#latest = seenAt
    this.#lookedAt = this.#monotonic()
  }

  #advance(now: number): void {
    const passed = this.#monotonic() - this.#lookedAt
    const ahead = now - this.#latest - passed
    if (ahead > LEAP_MS) this.#leap = { byMs: ahead, noticedAt: this.#monotonic() }
    this.#latest = now
    this.#lookedAt += passed
  }
}
