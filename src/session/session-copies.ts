/**
 * Copies of stored sessions in this process, so that a check costs no query.
 *
 * @module
 */
import type { Session } from './session.ts'

/** Holds the sessions last read or written, up to a number; the one that came first goes first. */
export class SessionCopies {
  readonly #byId = new Map<string, Session>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get(id: string): Session | undefined {
    return this.#byId.get(id)
  }

  put(session: Session): void {
    this.#byId.delete(session.id)
    this.#byId.set(session.id, session)
    if (this.#byId.size <= this.#limit) return
    const [oldest] = this.#byId.keys()
    if (oldest !== undefined) this.#byId.delete(oldest)
  }

  drop(id: string): void {
    this.#byId.delete(id)
  }

  /** Drops what has expired, and answers which those were. */
  dropExpired(now: number): readonly string[] {
    const expired = [...this.#byId.values()].filter((session) => session.expiresAt <= now)
    for (const { id } of expired) this.#byId.delete(id)
    return expired.map(({ id }) => id)
  }

  /** Drops all, and answers which there were. */
  clear(): readonly string[] {
    const ids = [...this.#byId.keys()]
    this.#byId.clear()
    return ids
  }
}
