/**
 * What a pulled source last said, kept in the store: in parts, since a company of 50,000 people is one long
 * row otherwise.
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

export const COPIES = 'directory-copy'
const COPY_PARTS = 'directory-copy-part'

const Texts = z.array(z.string())
const KeptPerson = z.object({
  id: z.string(),
  ids: Texts,
  emails: Texts,
  isActive: z.boolean(),
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
/** As it was written before there were parts. */
const Whole = Part.extend({ of: z.string(), asOf: z.number() })

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
  name: string,
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
    const part = Part.safeParse((await records.get(COPY_PARTS, partId(name, head.slot, at)))?.value).data
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
  name: string,
  { of, asOf }: Pick<KeptListing, 'of' | 'asOf'>,
  { people, groups }: Listing,
  records: Writer,
): Promise<void> {
  const before = Head.safeParse((await records.get(COPIES, name))?.value).data
  const slot = before?.slot === 'a' ? 'b' : 'a'
  let parts = 0
  for (const part of partsOf(people, groups)) {
    await nextTurn()
    await records.put(COPY_PARTS, partId(name, slot, parts), part)
    parts += 1
  }
  await records.put(COPIES, name, { of, asOf, slot, parts, spare: before?.parts ?? 0 })
  await drop(name, slot, parts, before?.spare ?? 0, records)
}

/** Of a source that is gone. */
export async function dropListing(name: string, record: StoredRecord, records: Writer): Promise<void> {
  const head = Head.safeParse(record.value).data
  await records.delete(COPIES, name)
  if (head === undefined) return
  await drop(name, head.slot, 0, head.parts, records)
  await drop(name, head.slot === 'a' ? 'b' : 'a', 0, head.spare, records)
}

async function drop(name: string, slot: 'a' | 'b', from: number, to: number, records: Writer): Promise<void> {
  for (let at = from; at < to; at++) {
    await nextTurn()
    await records.delete(COPY_PARTS, partId(name, slot, at))
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
