/**
 * Which mutants are tried when there is no time for all.
 *
 * Pure: the commit and what it changes are arguments, so a commit that fails in CI fails with the same
 * mutants elsewhere.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { matchesGlob } from 'node:path'
import { type ListedMutant, roomOf } from './all.ts'

export interface Recent {
  /**
   * Paths from the root of the checkout; `undefined` when the history doesn't tell, and all count as changed.
   */
  readonly changed: readonly string[] | undefined
  /** The commit. The choice is another one with each, so that in time all mutants have their turn. */
  readonly seed: string
  readonly most: number
}

/**
 * Those whose line or test has changed first, then those of rooms with a change. What is known to survive
 * tells nothing.
 */
export function recentMutants(
  all: readonly ListedMutant[],
  { changed, seed, most }: Recent,
): readonly ListedMutant[] {
  const rooms = new Set(changed?.map(roomOf))
  const distanceOf = ({ file, tests }: ListedMutant) => {
    if (changed === undefined) return 0
    const isNear = changed.some((path) => path === file || tests.some((test) => matchesGlob(path, test)))
    if (isNear) return 0
    return rooms.has(roomOf(file)) ? 1 : 2
  }
  return all
    .filter(({ survives }) => survives === undefined)
    .map((mutant) => ({ mutant, distance: distanceOf(mutant), rank: rankOf(mutant, seed) }))
    .filter(({ distance }) => distance < 2)
    .toSorted((a, b) => a.distance - b.distance || (a.rank < b.rank ? -1 : 1))
    .slice(0, most)
    .map(({ mutant }) => mutant)
}

function rankOf({ file, find, replace }: ListedMutant, seed: string): string {
  return createHash('sha256').update([seed, file, find, replace].join('\0')).digest('hex')
}
