/**
 * The entries of one source in the store. Members of a large group lie in records of their own, so that none
 * takes long to read or to write, and a group changes all at once: by the record that names them.
 *
 * @module
 */
import type { RecordStore, StoredRecord } from '../../session/records.ts'
import { each, inTurns, type Work } from '../../turns.ts'
import { COLLECTIONS, type Entry, entryOf, MEMBERS, type Parts, partsOf, recordId } from './records.ts'
import type { ResourceType } from './schema.ts'

type Kind = ResourceType['name']

/** Of an entry what this source says of it. */
export type Content = Omit<Entry, 'changedAt' | 'version'>

/** Some 50 kB each. */
const MEMBERS_IN_PART = 500
const IN_PAGE: Readonly<Record<Kind, number>> = { User: 50, Group: 5 }

export class Entries {
  readonly #source: string
  readonly #records: RecordStore

  constructor(source: string, records: RecordStore) {
    this.#source = source
    this.#records = records
  }

  /** Without the members of a large group. */
  async head(kind: Kind, id: string): Promise<Entry | undefined> {
    const record = await this.#records.get(COLLECTIONS[kind], recordId(this.#source, id))
    return record && entryOf(this.#source, record)
  }

  async get(kind: Kind, id: string): Promise<Entry | undefined> {
    const record = await this.#records.get(COLLECTIONS[kind], recordId(this.#source, id))
    return record && (await this.whole(record))
  }

  /** `undefined` for a record of another source. */
  async whole(record: StoredRecord): Promise<Entry | undefined> {
    const entry = entryOf(this.#source, record)
    const parts = partsOf(record)
    if (entry === undefined || parts === undefined) return entry
    const members: unknown[] = []
    for (let at = 0; at < parts.count; at += 1) {
      const part = await this.#part(entry.id, parts.slot, at)
      await inTurns(each(part, (member) => members.push(member)))
    }
    // Two changes in the meantime have written over what was read here.
    const now = await this.#records.get(COLLECTIONS.Group, record.id)
    if (now === undefined) return undefined
    if (now.version !== record.version) return await this.whole(now)
    return { ...entry, resource: { ...entry.resource, members } }
  }

  async #part(groupId: string, slot: Parts['slot'], at: number): Promise<readonly unknown[]> {
    const record = await this.#records.get(MEMBERS, this.#partId(groupId, slot, at))
    return Array.isArray(record?.value) ? record.value : []
  }

  #partId(groupId: string, slot: Parts['slot'], at: number): string {
    return `${recordId(this.#source, groupId)}/${slot}/${at}`
  }

  /** All of a kind in the order of their ids, without the members of large groups, a few at a time. */
  async *heads(kind: Kind): AsyncGenerator<Entry, undefined> {
    for await (const record of this.records(COLLECTIONS[kind], IN_PAGE[kind])) {
      const entry = entryOf(this.#source, record)
      if (entry !== undefined) yield entry
    }
  }

  /** Of this source, a page in each turn. */
  async *records(collection: string, limit = IN_PAGE.User): AsyncGenerator<StoredRecord, undefined> {
    // The character behind the slash ends what begins with the name of the source and a slash.
    const end = `${this.#source}0`
    for (let after = `${this.#source}/`; ; ) {
      await inTurns(nothing())
      const page = await this.#records.page(collection, after, end, limit)
      yield* page
      const last = page.at(-1)
      if (last === undefined) return undefined
      after = last.id
    }
  }

  /** @param put writes the record that makes the change true */
  async put(
    kind: Kind,
    { id, resource: { members, ...rest }, former: formerKeys, createdAt }: Content,
    put: (value: object) => ReturnType<RecordStore['put']>,
  ): Promise<StoredRecord> {
    const more = formerKeys.length > 0 ? { former: formerKeys } : {}
    const former = await this.#formerParts(kind, id)
    const isLarge = Array.isArray(members) && members.length > MEMBERS_IN_PART
    if (!isLarge) {
      const resource = members === undefined ? rest : { ...rest, members }
      const record = await put({ resource, createdAt, ...more })
      await this.#deleteParts(id, former)
      return record
    }
    const slot = former?.slot === 'a' ? 'b' : 'a'
    let count = 0
    for (let from = 0; from < members.length; from += MEMBERS_IN_PART) {
      await inTurns(nothing())
      await this.#records.put(
        MEMBERS,
        this.#partId(id, slot, count),
        members.slice(from, from + MEMBERS_IN_PART),
      )
      count += 1
    }
    return await put({ resource: rest, createdAt, ...more, parts: { slot, count } satisfies Parts })
  }

  /** @param remove takes away the record that makes the change true */
  async delete(kind: Kind, id: string, remove: () => ReturnType<RecordStore['delete']>): Promise<void> {
    const former = await this.#formerParts(kind, id)
    await remove()
    await this.#deleteParts(id, former)
  }

  async #formerParts(kind: Kind, id: string): Promise<Parts | undefined> {
    if (kind !== 'Group') return undefined
    const record = await this.#records.get(COLLECTIONS.Group, recordId(this.#source, id))
    return record && partsOf(record)
  }

  /** Of both slots: what an earlier change has left in the other is nobody's any more. */
  async #deleteParts(groupId: string, former: Parts | undefined): Promise<void> {
    if (former === undefined) return
    for (const slot of ['a', 'b'] as const)
      for (let at = 0; ; at += 1) {
        await inTurns(nothing())
        if (!(await this.#records.delete(MEMBERS, this.#partId(groupId, slot, at)))) break
      }
  }
}

/** A turn of its own for what is one call of the store. */
function* nothing(): Work<void> {}
