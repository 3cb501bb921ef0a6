/**
 * How often something may happen, for each key of its own: so many at once, and one more after each stretch
 * of time.
 *
 * @module
 */
import { BoundedMap } from './bounded-map.ts'

export interface Allowance {
  /** So many at once. */
  readonly most: number
  /** One more after each such time, in milliseconds. */
  readonly everyMs: number
}

interface Spent {
  /** Of the allowance; a fraction once some of it has come back. */
  readonly count: number
  readonly at: number
}

/** Keys that are remembered; the one that was spent longest ago is forgotten first, and begins anew. */
const MOST_KEYS = 10_000

export class RateLimiter {
  readonly #allowance: Allowance
  readonly #spent = new BoundedMap<string, Spent>(MOST_KEYS)

  constructor(allowance: Allowance) {
    this.#allowance = allowance
  }

  /** @param now milliseconds of any clock; one that goes backwards gives nothing back */
  isSpent(key: string, now: number): boolean {
    return this.#used(key, now) > this.#allowance.most - 1
  }

  /** Counts one, within the allowance or beyond it. */
  spend(key: string, now: number): void {
    const count = this.#used(key, now) + 1
    this.#spent.set(key, { count, at: now })
  }

  /** Counts one if there is one left; answers whether there was. */
  take(key: string, now: number): boolean {
    if (this.isSpent(key, now)) return false
    this.spend(key, now)
    return true
  }

  get size(): number {
    return this.#spent.size
  }

  /** How much of the allowance is in use; it comes back bit by bit. */
  #used(key: string, now: number): number {
    const spent = this.#spent.get(key)
    if (spent === undefined) return 0
    return Math.max(0, spent.count - Math.max(0, now - spent.at) / this.#allowance.everyMs)
  }
}
