/**
 * Whom a source has deactivated, kept in the store: who has left stays out after a restart, while the source
 * can't be read.
 *
 * A pulled source keeps its whole last copy, and a pushed one everything that was pushed; this is for files,
 * of which nothing else is kept.
 *
 * @module
 */

import { keepListing, type Shelf, type Writer } from './kept-listing.ts'
import type { Roster } from './roster.ts'

export const OFF: Shelf = { heads: 'directory-off', parts: 'directory-off-part' }

/** More are remembered in memory only. */
const MOST_KEPT = 20_000

export interface KeepDeactivatedOptions {
  /** Of the source. */
  readonly name: string
  readonly records: Writer
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly logger: { warn(fields: object, message: string): void }
}

/** Notes whom a source has deactivated, where they are others than before. */
export async function keepDeactivated(roster: Roster, options: KeepDeactivatedOptions): Promise<void> {
  const { name, records, now, logger } = options
  const off = roster.peopleOff
  if (off.length > MOST_KEPT)
    logger.warn(
      { source: `directory "${name}"`, people: off.length },
      `more people are deactivated than are remembered over a restart (${MOST_KEPT})`,
    )
  // Whoever was renamed and is deactivated next must be found by what they were called before.
  const renamed = [...roster.people].filter(({ isActive, leftAt, former }) => isActive && !leftAt && former)
  const people = [...off, ...renamed].slice(0, MOST_KEPT)
  try {
    await keepListing(OFF, name, { of: '', asOf: now() }, { people, groups: [] }, records)
  } catch {
    // The store tells of its troubles itself; then the next change is written.
  }
}
