/**
 * What a source last said, kept in the store: in parts, since a company of 50,000 people is one long row
 * otherwise.
 *
 * The parts of the last copy and of the one that is being written lie side by side. One record says which of
 * them counts, so that nobody ever reads half of one.
 *
 * @module
 */

import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { RecordStore, StoredRecord } from '../session/records.ts'
import { inTurns, type Work } from '../turns.ts'
import { FormerKeys } from './former-keys.ts'
import type { Listing } from './pull/listing.ts'
import { type Group, type Person, Roster } from './roster.ts'

/** In which collections of the store something is kept. */
export interface Shelf {
  /** What says which parts count, by the names of sources. */
  readonly heads: string
  readonly parts: string
}

/** All that a pulled source said. */
export const COPIES: Shelf = { heads: 'directory-copy', parts: 'directory-copy-part' }

const Texts = z.array(z.string())
const KeptPerson = z.object({
  id: z.string(),
  ids: Texts,
  emails: Texts,
  isActive: z.boolean().default(false),
  leftAt: z.number().exactOptional(),
  former: FormerKeys.exactOptional(),
})
const Part = z.object({
  people: z.array(KeptPerson),
  groups: z.array(z.object({ id: z.string(), name: z.string().optional(), people: Texts, groups: Texts })),
})
type Part = z.output<typeof Part>

/** What says which parts count, and whose copy they are. */
const Head = z.object({
  of: z.string(),
  asOf: z.number(),
  slot: z.enum(['a', 'b']),
  parts: z.number(),
  /** Of the other slot, whose parts count for nothing. */
  spare: z.number(),
})
type Head = z.output<typeof Head>
/** As it was written before there were parts. */
const Whole = z.union([
  Part.extend({ of: z.string(), asOf: z.number() }),
  // Of those alone who are deactivated.
  Part.pick({ people: true })
    .strict()
    .transform(({ people }) => ({ of: '', asOf: 0, people, groups: [] })),
])

export interface KeptListing {
  /** Of which directory it is: see `whoseCopy`. */
  readonly of: string
  /** Epoch milliseconds. */
  readonly asOf: number
  readonly roster: Roster
  /** Those who are deactivated, alone. */
  readonly off: Roster
}

type Reader = Pick<RecordStore, 'get'>
export type Writer = Pick<RecordStore, 'get' | 'put' | 'delete'>

/** `undefined` where there is none, or none that is whole and can be read. */
export async function keptListing(
  shelf: Shelf,
  record: StoredRecord,
  records: Reader,
): Promise<KeptListing | undefined> {
  const whole = Whole.safeParse(record.value).data
  if (whole !== undefined) return await inTurns(listingOf(whole, [whole]))
  const head = Head.safeParse(record.value).data
  if (head === undefined) return undefined
  const parts: Part[] = []
  for (let at = 0; at < head.parts; at++) {
    await nextTurn()
    const part = Part.safeParse(
      (await records.get(shelf.parts, partId(record.id, head.slot, at)))?.value,
    ).data
    if (part === undefined) return undefined
    parts.push(part)
  }
  return await inTurns(listingOf(head, parts))
}

function* listingOf(
  { of, asOf }: { readonly of: string; readonly asOf: number },
  parts: readonly Part[],
): Work<KeptListing> {
  const people: Person[] = []
  const groups = new Map<string, Group>()
  for (const part of parts) {
    people.push(...part.people)
    for (const { id, name, ...more } of part.groups) {
      const begun = groups.get(id)
      groups.set(id, {
        id,
        name: name ?? begun?.name,
        people: [...(begun?.people ?? []), ...more.people],
        groups: [...(begun?.groups ?? []), ...more.groups],
      })
    }
    yield
  }
  const off = yield* Roster.building(
    people.filter(({ isActive, leftAt }) => !isActive || leftAt !== undefined),
    [],
  )
  return { of, asOf, off, roster: yield* Roster.building(people, groups.values()) }
}

/** @throws what the store throws; the copy of before counts then */
export async function keepListing(
  shelf: Shelf,
  name: string,
  { of, asOf }: Pick<KeptListing, 'of' | 'asOf'>,
  { people, groups }: Listing,
  records: Writer,
): Promise<void> {
  await inOrder(records, async () => {
    const record = await records.get(shelf.heads, name)
    if (record === undefined && people.length + groups.length === 0) return
    const before = Head.safeParse(record?.value).data
    if (before !== undefined && (await isKept(shelf, name, before, { people, groups }, records))) {
      await records.put(shelf.heads, name, { ...before, of, asOf })
      return
    }
    const slot = before?.slot === 'a' ? 'b' : 'a'
    let parts = 0
    for (const part of partsOf(people, groups)) {
      await nextTurn()
      await records.put(shelf.parts, partId(name, slot, parts), part)
      parts += 1
    }
    await records.put(shelf.heads, name, { of, asOf, slot, parts, spare: before?.parts ?? 0 })
    await drop(shelf, name, { slot, from: parts, to: before?.spare ?? 0 }, records)
  })
}

/** Most of the time a directory says what it said before. */
async function isKept(
  shelf: Shelf,
  name: string,
  { slot, parts }: Head,
  { people, groups }: Listing,
  records: Reader,
): Promise<boolean> {
  let at = 0
  for (const part of partsOf(people, groups)) {
    await nextTurn()
    const kept = at < parts ? await records.get(shelf.parts, partId(name, slot, at)) : undefined
    if (JSON.stringify(kept?.value) !== JSON.stringify(part)) return false
    at += 1
  }
  return at === parts
}

/** Of a source that is gone. */
export async function dropListing(shelf: Shelf, record: StoredRecord, records: Writer): Promise<void> {
  await inOrder(records, async () => {
    const head = Head.safeParse(record.value).data
    await records.delete(shelf.heads, record.id)
    if (head === undefined) return
    await drop(shelf, record.id, { slot: head.slot, from: 0, to: head.parts }, records)
    await drop(shelf, record.id, { slot: head.slot === 'a' ? 'b' : 'a', from: 0, to: head.spare }, records)
  })
}

const writing = new WeakMap<Writer, Promise<void>>()

/** When all that is to be kept until now is in the store, or could not be written. */
export async function listingsWritten(records: Writer): Promise<void> {
  await writing.get(records)
}

/** A source that was opened anew has the name of the one before, which may still write its parts. */
function inOrder(records: Writer, write: () => Promise<void>): Promise<void> {
  const before = writing.get(records) ?? Promise.resolve()
  const done = before.then(write)
  writing.set(
    records,
    done.catch(() => undefined),
  )
  return done
}

async function drop(
  shelf: Shelf,
  name: string,
  { slot, from, to }: { readonly slot: 'a' | 'b'; readonly from: number; readonly to: number },
  records: Writer,
): Promise<void> {
  for (let at = from; at < to; at++) {
    await nextTurn()
    await records.delete(shelf.parts, partId(name, slot, at))
  }
}

/** No name of a source holds a slash. */
const partId = (name: string, slot: 'a' | 'b', at: number): string => `${name}/${slot}/${at}`

const PEOPLE_IN_PART = 300
const MEMBERS_IN_PART = 2000

/** A group of many members is in several. */
function* partsOf(people: readonly Person[], groups: readonly Group[]): Generator<Part> {
  for (let at = 0; at < people.length; at += PEOPLE_IN_PART) {
    const some = people.slice(at, at + PEOPLE_IN_PART)
    yield {
      people: some.map(({ ids, emails, former, ...person }) => ({
        ...person,
        ids: [...ids],
        emails: [...emails],
        ...(former && { former: [...former] }),
      })),
      groups: [],
    }
  }
  let some: Part['groups'] = []
  let weight = 0
  for (const { id, name, people: members, groups: inner } of groups) {
    for (let at = 0; at === 0 || at < members.length; at += MEMBERS_IN_PART) {
      const slice = members.slice(at, at + MEMBERS_IN_PART)
      some.push({
        id,
        ...(name !== undefined && { name }),
        people: slice,
        groups: at === 0 ? [...inner] : [],
      })
      weight += 10 + slice.length
      if (weight < MEMBERS_IN_PART) continue
      yield { people: [], groups: some }
      some = []
      weight = 0
    }
  }
  if (some.length > 0) yield { people: [], groups: some }
}
