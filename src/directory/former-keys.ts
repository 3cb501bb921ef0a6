/**
 * By what people of a source were known before, and until when: whoever is deactivated is mostly renamed as
 * well.
 *
 * A session tells the address that its person had at the sign-in. So an address, or an id, stays bound to
 * whoever had it for all sessions and tokens from before they lost it. Whoever gets it later has it for those
 * that come after.
 *
 * @module
 */
import { z } from 'zod'
import { mailKey } from '../mail-address.ts'
import { each, type Work } from '../turns.ts'
import type { FormerKey, Person, Roster } from './roster.ts'

/** As it is kept in the store. */
export const FormerKeys = z.array(
  z.object({ is: z.enum(['id', 'email']), key: z.string(), until: z.number() }),
)

/** Of one person. More than anybody is renamed while a session lasts; the latest are kept. */
export const MOST_FORMER = 100

/** Of one source, people who are off and whom it names no more. */
const MOST_GONE = 20_000

/**
 * What somebody was known by, after a change.
 *
 * @param before the same person; `undefined`: nobody has heard of them before
 */
export function formerKeysOf(before: Person | undefined, after: Person, now: number): readonly FormerKey[] {
  if (before === undefined) return []
  const held = new Set(keysOf(after).map(textOf))
  const goesOff = before.isActive && !after.isActive
  const ended = keysOf(before)
    .filter((key) => goesOff || !held.has(textOf(key)))
    .map((key): FormerKey => ({ ...key, until: before.leftAt ?? now }))
  const latest = new Map<string, FormerKey>()
  for (const former of [...ended, ...(before.former ?? [])]) {
    const text = textOf(former)
    // Whoever is active again by the same key is whom it means.
    if (!latest.has(text) && !(after.isActive && held.has(text))) latest.set(text, former)
  }
  return [...latest.values()].slice(0, MOST_FORMER)
}

/**
 * Brings over what a list no longer says: former keys of its people, and who was off and stands there no
 * more.
 *
 * @param roster of the new list, which nobody has seen yet
 */
export function* rememberingFrom(before: Roster, roster: Roster, now: number): Work<void> {
  const followed = new Set<string>()
  yield* each([...roster.people], (person) => {
    const earlier = before.person(person.id) ?? before.onlyHolder(person.ids)
    if (earlier === undefined) return
    followed.add(earlier.id)
    const former = formerKeysOf(earlier, person, now)
    if (former.length > 0) roster.setPerson({ ...person, former })
  })
  const gone = before.peopleOff
    .filter(({ id }) => !followed.has(id))
    .map((person) => ({ ...person, leftAt: person.leftAt ?? now }))
  const latest = gone.toSorted((one, other) => other.leftAt - one.leftAt).slice(0, MOST_GONE)
  yield* each(latest, (person) => roster.setPerson(person))
}

function keysOf({ ids, emails }: Person): readonly Omit<FormerKey, 'until'>[] {
  return [
    ...ids.map((key) => ({ is: 'id' as const, key })),
    ...emails.map((email) => ({ is: 'email' as const, key: mailKey(email).key })),
  ]
}

const textOf = ({ is, key }: Omit<FormerKey, 'until'>): string => `${is} ${key}`
