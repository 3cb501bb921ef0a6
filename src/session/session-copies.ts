/**
 * Copies of stored sessions in this process, so that a check costs no query.
 *
 * @module
 */
import { BoundedMap } from '../bounded-map.ts'
import type { Session } from './session.ts'

/** For one answer of the driver that may come late. */
export interface Expected {
  readonly id: string
  isOutdated: boolean
}

/** Holds the sessions last read or written, up to a number; the one that came first goes first. */
export class SessionCopies {
  readonly #byId: BoundedMap<string, Session>
  readonly #expected = new Map<string, Set<Expected>>()

  constructor(limit: number) {
    this.#byId = new BoundedMap(limit)
  }

  get(id: string): Session | undefined {
    return this.#byId.get(id)
  }

  /** Before a driver is asked: what is dropped from now on is not put back by its answer. */
  expect(id: string): Expected {
    const expected = { id, isOutdated: false }
    const others = this.#expected.get(id)
    if (others === undefined) this.#expected.set(id, new Set([expected]))
    else others.add(expected)
    return expected
  }

  /** With the answer, or without one. */
  arrived(expected: Expected, session: Session | undefined): void {
    const { id } = expected
    const others = this.#expected.get(id)
    others?.delete(expected)
    if (others?.size === 0) this.#expected.delete(id)
    if (session !== undefined && !expected.isOutdated) this.#put(session)
  }

  drop(id: string): void {
    this.#byId.delete(id)
    for (const expected of this.#expected.get(id) ?? []) expected.isOutdated = true
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
    for (const all of this.#expected.values()) for (const expected of all) expected.isOutdated = true
    return ids
  }

  #put(session: Session): void {
    const known = this.#byId.get(session.id)
    if (known !== undefined && known.version > session.version) return
    this.#byId.set(session.id, session)
  }
}
