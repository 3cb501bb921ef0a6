/**
 * How sessions end: in the store, so that nothing brings them back; and where that fails, here all the same.
 *
 * @module
 */
import { Fault } from '../errors.ts'
import type { SessionRows } from './driver.ts'
import type { SessionActivity } from './session-activity.ts'
import type { SessionCopies } from './session-copies.ts'
import { answerOf, type Steps } from './steps.ts'
import type { StoreChanges } from './store-changes.ts'
import type { UnwrittenSignOuts } from './unwritten-sign-outs.ts'

interface Parts {
  readonly rows: SessionRows
  readonly copies: SessionCopies
  readonly activity: SessionActivity
  readonly changes: StoreChanges
  readonly unwritten: UnwrittenSignOuts
}

/** Sessions that are ended, or swept, in one turn of the event loop: some milliseconds. */
export const PER_TURN = 200

export class SessionEnds {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * Answers how many there were. @throws {Fault} STORE_UNAVAILABLE when they could not even be held in memory
   */
  *end(ids: readonly string[]): Steps<number> {
    const { changes, unwritten } = this.#parts
    // Before the driver is asked: should that fail, this process at least lets nobody in by a copy.
    this.forget(ids)
    try {
      return yield* this.#write(ids)
    } catch (fault) {
      // A disk that is full must not keep anybody signed in.
      if (!(fault instanceof Fault) || !unwritten.hold(ids)) throw fault
      this.forget(ids)
      for (const id of ids) changes.announce(id)
      return ids.length
    }
  }

  /** Of the sign-outs that hold without the store as much as fits one turn. */
  *writeSignOuts(): Steps<void> {
    const { unwritten } = this.#parts
    const ids = unwritten.ids.slice(0, PER_TURN)
    if (ids.length === 0) return
    yield* this.#write(ids)
    unwritten.written(ids)
  }

  /** That they are gone is known already. */
  forget(ids: readonly string[]): void {
    const { copies, activity } = this.#parts
    for (const id of ids) {
      copies.drop(id)
      activity.forget(id)
    }
  }

  *#write(ids: readonly string[]): Steps<number> {
    const { rows, changes } = this.#parts
    const gone = yield* answerOf(rows.delete(ids))
    // Again: meanwhile they may have been read once more.
    this.forget(ids)
    for (const { id, version } of gone) {
      changes.advanceTo(version)
      changes.announce(id)
    }
    return gone.length
  }
}
