/**
 * Whom a source has deactivated, kept in the store: who has left stays out after a restart, while the source
 * can't be read.
 *
 * A pulled source keeps its whole last copy, and a pushed one everything that was pushed; this is for files,
 * of which nothing else is kept.
 *
 * @module
 */

import { z } from 'zod'
import type { RecordStore, StoredRecord } from '../session/records.ts'
import { FormerKeys } from './former-keys.ts'
import { Roster } from './roster.ts'

export const OFF = 'directory-off'

/** More are remembered in memory only. */
const MOST_KEPT = 20_000

const Texts = z.array(z.string())
const KeptPerson = z.object({
  id: z.string(),
  ids: Texts,
  emails: Texts,
  isActive: z.boolean().default(false),
  leftAt: z.number().exactOptional(),
  former: FormerKeys.exactOptional(),
})
const Kept = z.object({ people: z.array(KeptPerson) })

/** Of an earlier run. */
export interface KeptOff {
  readonly roster: Roster
  /** As it stands in the store. */
  readonly text: string
}

/** `undefined` when nothing is known of them. */
export function offIn(record: StoredRecord): KeptOff | undefined {
  const kept = Kept.safeParse(record.value).data
  return (
    kept && {
      roster: Roster.of(kept.people, []),
      text: JSON.stringify(kept),
    }
  )
}

/** Notes whom a source has deactivated, each time that they are others. */
export class DeactivatedKeeper {
  readonly #put: (value: unknown) => unknown
  readonly #warn: (count: number) => void
  #written: string

  constructor(options: {
    readonly name: string
    readonly records: Pick<RecordStore, 'put'>
    readonly kept: KeptOff | undefined
    readonly logger: { warn(fields: object, message: string): void }
  }) {
    const { name, records, kept, logger } = options
    this.#put = (value) => records.put(OFF, name, value)
    this.#written = kept?.text ?? JSON.stringify({ people: [] })
    this.#warn = (count) =>
      logger.warn(
        { source: `directory "${name}"`, people: count },
        `more people are deactivated than are remembered over a restart (${MOST_KEPT})`,
      )
  }

  note(roster: Roster): void {
    const off = roster.peopleOff
    if (off.length > MOST_KEPT) this.#warn(off.length)
    // Whoever was renamed and is deactivated next must be found by what they were called before.
    const renamed = [...roster.people].filter(({ isActive, leftAt, former }) => isActive && !leftAt && former)
    const people = [...off, ...renamed].slice(0, MOST_KEPT)
    const text = JSON.stringify({ people })
    if (text === this.#written) return
    // The store tells of its troubles itself; then the next change is written.
    Promise.try(() => this.#put({ people })).then(
      () => (this.#written = text),
      () => undefined,
    )
  }
}
