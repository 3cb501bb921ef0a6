/**
 * A key → the ids of all that have it.
 *
 * @module
 */
import { atOnce, each, type Work } from '../turns.ts'

const NONE: ReadonlySet<string> = new Set()

export class Index {
  readonly #ids = new Map<string, Set<string>>()

  get(key: string): ReadonlySet<string> {
    return this.#ids.get(key) ?? NONE
  }

  add(key: string, id: string): void {
    const ids = this.#ids.get(key)
    if (ids === undefined) this.#ids.set(key, new Set([id]))
    else ids.add(id)
  }

  delete(key: string, id: string): void {
    const ids = this.#ids.get(key)
    if (ids?.delete(id) === true && ids.size === 0) this.#ids.delete(key)
  }

  /**
   * Moves an id from some keys to others. One of 10,000 members comes or goes: what is the same at both ends
   * of the two lists costs a comparison only. No list holds a key twice.
   */
  *replacing(before: readonly string[] = [], after: readonly string[], id: string): Work<void> {
    let begin = 0
    while (begin < before.length && before[begin] === after[begin]) begin += 1
    let end = 0
    const most = Math.min(before.length, after.length) - begin
    while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1
    const added = after.slice(begin, after.length - end)
    const kept = new Set<string>()
    yield* each(added, (key) => kept.add(key))
    yield* each(before.slice(begin, before.length - end), (key) => {
      if (!kept.has(key)) this.delete(key, id)
    })
    yield* each(added, (key) => this.add(key, id))
  }

  replace(before: readonly string[] = [], after: readonly string[], id: string): void {
    atOnce(this.replacing(before, after, id))
  }
}
