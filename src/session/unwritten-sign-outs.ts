/**
 * Sign-outs that hold although the database could not take them: in memory at once, in the journal where
 * possible, in the database as soon as it can be written.
 *
 * @module
 */
import type { SignOutJournal } from './sign-out-journal.ts'

/** Nobody signs out more often while a disk is full; it bounds the memory. */
const MOST = 10_000

export class UnwrittenSignOuts {
  readonly #journal: SignOutJournal | undefined
  readonly #ids = new Set<string>()
  #isJournalled = true

  /** @param journal unset for a database in memory */
  constructor(journal: SignOutJournal | undefined) {
    this.#journal = journal
    for (const id of this.#readJournal()) this.#ids.add(id)
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  get size(): number {
    return this.#ids.size
  }

  get ids(): readonly string[] {
    return [...this.#ids]
  }

  /** `false` when there are too many already: then the sign-out has not happened. */
  hold(ids: readonly string[]): boolean {
    if (this.#ids.size + ids.length > MOST) return false
    for (const id of ids) this.#ids.add(id)
    try {
      this.#journal?.keep(this.ids)
      this.#isJournalled = true
    } catch {
      this.#isJournalled = false
    }
    return true
  }

  /** They are in the database now. */
  written(ids: readonly string[]): void {
    for (const id of ids) this.#ids.delete(id)
    try {
      this.#journal?.remove(ids)
      if (this.#ids.size === 0) this.#isJournalled = true
    } catch {
      // What stays in it is deleted once more at the next start, which does no harm.
    }
  }

  /** A sentence for the health of the store; `undefined` when there are none. */
  get problem(): string | undefined {
    if (this.#ids.size === 0) return undefined
    const restart = this.#isJournalled ? '' : ', and would be undone by a restart'
    return `${this.#ids.size} sign-outs hold but are not in the database yet${restart}`
  }

  #readJournal(): readonly string[] {
    try {
      return this.#journal?.read() ?? []
    } catch {
      // A disk that is full already has no room to set aside. The health says so once somebody signs out.
      this.#isJournalled = false
      return []
    }
  }
}
