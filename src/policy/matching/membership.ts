/**
 * Is a text in a list? Lists that many criteria look into (the 500 groups of one session) are hashed once.
 *
 * The hash is kept beside the array and not beside the subject, because a subject is made anew for each
 * request while its groups stay the array of the session.
 *
 * @module
 */

/** Up to here a linear look is quicker than finding and asking the set. */
const SMALL = 12

const sets = new WeakMap<readonly string[], ReadonlySet<string>>()

export function isMember(list: readonly string[], text: string): boolean {
  if (list.length <= SMALL) return list.includes(text)
  let set = sets.get(list)
  if (set === undefined) {
    set = new Set(list)
    sets.set(list, set)
  }
  return set.has(text)
}
