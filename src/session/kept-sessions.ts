/**
 * Sessions in the rows of a driver: sealed, in kept time, and a copy of each that was read or written.
 *
 * @module
 */
import type { Sealer } from '../crypto/seal.ts'
import type { DueRow, RowPage, SessionRow, SessionRows } from './driver.ts'
import type { Session } from './session.ts'
import type { SessionCopies } from './session-copies.ts'
import { fromRow, toRow } from './session-row.ts'
import { answerOf, leftToLater, run, type Steps, whenAnswered } from './steps.ts'
import type { Due, DuePage, MaybePromise } from './store.ts'
import type { StoreClock } from './store-clock.ts'

interface Parts {
  readonly rows: SessionRows
  readonly sealer: Sealer
  readonly clock: StoreClock
  readonly copies: SessionCopies
  /** Called with the version of each change that was made here. */
  readonly onOwnChange: (version: number) => void
}

export class KeptSessions {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  *load(id: string): Steps<Session | undefined> {
    const { rows, sealer, clock, copies } = this.#parts
    const expected = copies.expect(id)
    let session: Session | undefined
    try {
      const row = yield* answerOf(rows.find(id))
      if (row === undefined) return undefined
      session = fromRow(row, sealer, clock)
      // What can't be opened can't be refreshed, and would be tried again and again.
      if (session === undefined) leftToLater(() => run(this.#neverRefresh(row)))
    } finally {
      copies.arrived(expected, session)
    }
    return session
  }

  /** `undefined` for one that was deleted. */
  *save(session: Omit<Session, 'version'>): Steps<Session | undefined> {
    const { rows, sealer, clock, copies, onOwnChange } = this.#parts
    const expected = copies.expect(session.id)
    let saved: Session | undefined
    try {
      const version = yield* answerOf(rows.save(toRow(session, sealer, clock.now(), clock)))
      if (version === undefined) return undefined
      saved = { ...session, version }
      onOwnChange(version)
    } finally {
      copies.arrived(expected, saved)
    }
    return saved
  }

  list(userId: string | undefined): MaybePromise<readonly Session[]> {
    const { rows, sealer, clock } = this.#parts
    return whenAnswered(rows.list(clock.toKept(clock.now()), userId), (found) =>
      found.map((row) => fromRow(row, sealer, clock)).filter((session) => session !== undefined),
    )
  }

  dueForRefresh(page: DuePage): MaybePromise<readonly Due[]> {
    const { rows, clock } = this.#parts
    return whenAnswered(rows.dueForRefresh(keptPage(page, clock)), (found) => dueOf(found, clock))
  }

  withOldClaims(page: DuePage): MaybePromise<readonly Due[]> {
    const { rows, clock } = this.#parts
    return whenAnswered(rows.withOldClaims(keptPage(page, clock)), (found) => dueOf(found, clock))
  }

  count(): MaybePromise<number> {
    const { rows, clock } = this.#parts
    return rows.count(clock.toKept(clock.now()))
  }

  *#neverRefresh(row: SessionRow): Steps<void> {
    if (row.refreshAt === undefined && row.askableUntil === 0) return
    const { rows, onOwnChange } = this.#parts
    const never = { ...row, refreshAt: undefined, askableUntil: 0 }
    // Not over one that was saved meanwhile.
    const version = yield* answerOf(rows.save(never, row.version))
    if (version !== undefined) onOwnChange(version)
  }
}

function keptPage({ before, after, limit }: DuePage, clock: StoreClock): RowPage {
  return {
    after: after === undefined ? 0 : clock.toKept(after.at),
    afterId: after?.id ?? '',
    before: clock.toKept(before),
    now: clock.toKept(clock.now()),
    limit,
  }
}

function dueOf(rows: readonly DueRow[], clock: StoreClock): readonly Due[] {
  return rows.map(({ id, idpId, version, at }) => ({ id, idpId, version, at: clock.toWall(at) }))
}
