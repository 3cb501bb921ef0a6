/**
 * Tokens that were verified, and for a moment those that were refused: each is judged once, however often it
 * comes.
 *
 * The two are apart, so that garbage in any number pushes out no good token.
 *
 * @module
 */
import { BoundedMap } from '../../../bounded-map.ts'
import type { TokenProblem } from '../../../identity/provider.ts'

const MOST_ACCEPTED = 5000
const MOST_REFUSED = 1000
/** A key may be added, or a clock be set, so that a token is good after all. */
const REFUSED_MS = 10_000

interface Accepted<Kept> {
  readonly kept: Kept
  readonly at: number
  /** Epoch milliseconds: from then on it is judged anew. */
  readonly until: number
}

interface Refused {
  readonly problem: TokenProblem
  readonly at: number
}

export class TokenCache<Kept> {
  readonly #accepted = new BoundedMap<string, Accepted<Kept>>(MOST_ACCEPTED)
  readonly #refused = new BoundedMap<string, Refused>(MOST_REFUSED)
  readonly #pending = new Map<string, Promise<Kept | TokenProblem>>()

  /** What was found out of it, if it holds. */
  find(key: string, now: number): Kept | TokenProblem | undefined {
    const accepted = this.#accepted.get(key)
    if (accepted !== undefined) return now >= accepted.at && now < accepted.until ? accepted.kept : undefined
    const refused = this.#refused.get(key)
    return refused !== undefined && now >= refused.at && now - refused.at < REFUSED_MS
      ? refused.problem
      : undefined
  }

  /** Of a token whose time to be judged anew has come: what it was when it was judged last. */
  findLast(key: string): Kept | undefined {
    return this.#accepted.get(key)?.kept
  }

  /** One judgement at a time for each token; whoever else asks waits for the same. */
  judge(key: string, judging: () => Promise<Kept | TokenProblem>): Promise<Kept | TokenProblem> {
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending
    const begun = judging().finally(() => {
      if (this.#pending.get(key) === begun) this.#pending.delete(key)
    })
    this.#pending.set(key, begun)
    return begun
  }

  accept(key: string, kept: Kept, at: number, until: number): void {
    this.#refused.delete(key)
    this.#accepted.set(key, { kept, at, until })
  }

  refuse(key: string, problem: TokenProblem, at: number): void {
    this.#accepted.delete(key)
    this.#refused.set(key, { problem, at })
  }

  get size(): number {
    return this.#accepted.size + this.#refused.size
  }

  get pending(): number {
    return this.#pending.size
  }
}
