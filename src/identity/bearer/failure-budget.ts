/**
 * How many bad tokens may come from one address, and from all together, before others have to wait.
 *
 * Each is a question to the identity provider: whoever sends garbage must not make us ask in a flood.
 *
 * @module
 */

export interface Allowance {
  /** So many at once. */
  readonly most: number
  /** One more after each such time. */
  readonly everyMs: number
}

interface Spent {
  /** Of the allowance; a fraction once some of it has come back. */
  readonly count: number
  readonly at: number
}

const MOST_ADDRESSES = 10_000
const ALL = ''

export class FailureBudget {
  readonly #each: Allowance
  readonly #together: Allowance
  readonly #spent = new Map<string, Spent>()

  constructor(each: Allowance, together: Allowance) {
    this.#each = each
    this.#together = together
  }

  isSpent(address: string, now: number): boolean {
    return (
      this.#used(address, this.#each, now) > this.#each.most - 1 ||
      this.#used(ALL, this.#together, now) > this.#together.most - 1
    )
  }

  spend(address: string, now: number): void {
    for (const [key, allowance] of [
      [address, this.#each],
      [ALL, this.#together],
    ] as const) {
      const count = this.#used(key, allowance, now) + 1
      this.#spent.delete(key)
      this.#spent.set(key, { count, at: now })
    }
    if (this.#spent.size <= MOST_ADDRESSES) return
    const [oldest] = this.#spent.keys()
    if (oldest !== undefined) this.#spent.delete(oldest)
  }

  get size(): number {
    return this.#spent.size
  }

  /** How much of the allowance is in use; it comes back bit by bit. */
  #used(key: string, { everyMs }: Allowance, now: number): number {
    const spent = this.#spent.get(key)
    if (spent === undefined) return 0
    // A clock that was set back gives nothing back.
    const back = Math.max(0, now - spent.at) / everyMs
    return Math.max(0, spent.count - back)
  }
}
