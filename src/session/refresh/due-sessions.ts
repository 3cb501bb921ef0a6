/**
 * Goes through the sessions that are due, some at each tick, and begins anew when it is through.
 *
 * However many are due, a tick looks at so many at most: otherwise sessions that wait (for a provider that is
 * down, say) would cost more and more, or stand before those that could be refreshed.
 *
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Due, DuePage } from '../store.ts'

const PAGE = 250
const PAGES_PER_TICK = 8

type ReadPage = (page: DuePage) => Promise<readonly Due[]>

export class DueSessions {
  readonly #read: ReadPage
  #after: Due | undefined
  #thisRound = new Set<string>()
  #lastRound: ReadonlySet<string> = new Set()

  constructor(read: ReadPage) {
    this.#read = read
  }

  /**
   * Answers those that `wants` picks, `most` at most.
   *
   * @param onRound called, and awaited, when all that are due have been looked at
   */
  async next(options: {
    readonly before: number
    readonly most: number
    readonly wants: (due: Due) => boolean
    readonly onRound: () => unknown
  }): Promise<readonly Due[]> {
    const { before, most, wants, onRound } = options
    const picked: Due[] = []
    for (let page = 0; page < PAGES_PER_TICK; page++) {
      if (page > 0) await nextTurn()
      const found = await this.#read({ before, after: this.#after, limit: PAGE })
      for (const due of found) {
        if (picked.length >= most) return picked
        this.#after = due
        this.#thisRound.add(due.id)
        if (wants(due)) picked.push(due)
      }
      if (found.length === PAGE) continue
      this.#after = undefined
      this.#lastRound = this.#thisRound
      this.#thisRound = new Set()
      await onRound()
      return picked
    }
    return picked
  }

  /** Whether a session was due in this round or in the last whole one: what was not need not wait. */
  had(id: string): boolean {
    return this.#thisRound.has(id) || this.#lastRound.has(id)
  }
}
