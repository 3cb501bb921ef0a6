/**
 * A directory source that the identity provider pushes: keeps what it pushed, and knows who is in which group.
 *
 * The store has the resources; in memory are only the keys by which people are found, and who is in which group. Changes
 * are made one at a time, so that two of one resource do not undo each other.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { Roster } from '../roster.ts'
import type { Filter } from './filter.ts'
import { matches, soleEquality } from './filter-match.ts'
import { inTurns, type Work } from './in-turns.ts'
import { applyPatch } from './patch.ts'
import { groupOf, personOf } from './people.ts'
import { isObject, keepingOut, type Resource, readResource } from './read-resource.ts'
import { COLLECTIONS, type Entry, entryOf, REMOVED, type Records, recordId } from './records.ts'
import { ScimRefusal } from './refusal.ts'
import type { ResourceType } from './schema.ts'

export interface ScimSourceOptions {
  readonly name: string
  readonly records: Records
  readonly now: () => number
  /** Something that policies can see is another than before. */
  readonly onChange: () => void
  readonly onFailure: (error: unknown) => void
}

type Kind = ResourceType['name']

const COLLECTION_KINDS: ReadonlyMap<string, Kind | 'removed'> = new Map([
  [COLLECTIONS.User, 'User'],
  [COLLECTIONS.Group, 'Group'],
  [REMOVED, 'removed'],
])

/** Remembered until they are known again, since a token may live for ever; but not in any number. */
const MOST_REMOVED = 50_000

export class ScimSource implements Disposable {
  readonly #options: ScimSourceOptions
  readonly #following: Disposable
  readonly #roster = new Roster()
  /** By lower-case `userName`, which only one may have. */
  readonly #idByUserName = new Map<string, string>()
  readonly #userNameById = new Map<string, string>()
  /** Ids of people who were removed; the first to leave first. */
  readonly #removed = new Set<string>()
  #changedAt: number | undefined
  /** Key of the record that is being written here: what it will hold is known, and a large one is long in reading. */
  #writing: string | undefined
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(options: ScimSourceOptions) {
    this.#options = options
    this.#following = options.records.onChange((collection, id) => this.#notice(collection, id))
  }

  /** Has read what was pushed before when it answers. */
  static async open(options: ScimSourceOptions): Promise<ScimSource> {
    const source = new ScimSource(options)
    const { name, records } = options
    for (const kind of ['User', 'Group'] as const)
      for (const record of await records.list(COLLECTIONS[kind])) {
        const entry = entryOf(name, record)
        if (entry !== undefined) source.#take(kind, entry)
      }
    const removed = (await records.list(REMOVED)).flatMap((record) => entryOf(name, record) ?? [])
    for (const entry of removed.toSorted((a, b) => a.createdAt - b.createdAt)) source.#takeRemoved(entry)
    return source
  }

  get roster(): Roster {
    return this.#roster
  }

  /** Epoch milliseconds of the last change; `undefined` while nothing was ever pushed. */
  get changedAt(): number | undefined {
    return this.#changedAt
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]()
  }

  async get({ name: kind }: ResourceType, id: string): Promise<Entry> {
    const entry = await this.#find(kind, id)
    if (entry === undefined) throw new ScimRefusal(404, `there is no ${kind} with this id`)
    return entry
  }

  /** @param shown the resource as clients see it, which is what a filter is about */
  async list(
    { name: kind }: ResourceType,
    filter: Filter | undefined,
    shown: (entry: Entry) => Resource,
  ): Promise<readonly Entry[]> {
    // What every connector asks before it creates somebody.
    const userName = filter && kind === 'User' ? soleEquality(filter, 'userName') : undefined
    if (userName !== undefined) {
      const id = this.#idByUserName.get(userName.toLowerCase())
      return id === undefined ? [] : [(await this.#find(kind, id)) ?? []].flat()
    }
    const { name, records } = this.#options
    const all = await records.list(COLLECTIONS[kind])
    const entries = all.flatMap((record) => entryOf(name, record) ?? [])
    return filter === undefined ? entries : entries.filter((entry) => matches(filter, shown(entry)))
  }

  async #find(kind: Kind, id: string): Promise<Entry | undefined> {
    const { name, records } = this.#options
    const record = await records.get(COLLECTIONS[kind], recordId(name, id))
    return record && entryOf(name, record)
  }

  create(type: ResourceType, body: unknown): Promise<Entry> {
    return this.#exclusively(async () => {
      const resource = await inTurns(readResource(type, body))
      const id = randomUUID()
      this.#requireUnique(type.name, id, resource)
      return await this.#put(type.name, id, resource, this.#options.now())
    })
  }

  replace(type: ResourceType, id: string, body: unknown, isMet: Precondition): Promise<Entry> {
    return this.#update(type, id, isMet, function* ({ resource }) {
      return keepingOut(resource, yield* readResource(type, body))
    })
  }

  patch(type: ResourceType, id: string, body: unknown, isMet: Precondition): Promise<Entry> {
    return this.#update(type, id, isMet, ({ resource }) => applyPatch(type, resource, body))
  }

  delete(type: ResourceType, id: string, isMet: Precondition): Promise<void> {
    return this.#exclusively(async () => {
      const { name, records, now } = this.#options
      const entry = await this.get(type, id)
      requireMet(isMet, entry)
      if (type.name === 'User')
        await records.put(REMOVED, recordId(name, id), { resource: keysOf(entry.resource), createdAt: now() })
      for (const group of this.#roster.groupsThatName(id)) await this.#removeMember(group, id)
      await records.delete(COLLECTIONS[type.name], recordId(name, id))
    })
  }

  #update(
    type: ResourceType,
    id: string,
    isMet: Precondition,
    change: (entry: Entry) => Work<Resource>,
  ): Promise<Entry> {
    return this.#exclusively(async () => {
      const entry = await this.get(type, id)
      requireMet(isMet, entry)
      const resource = await inTurns(change(entry))
      this.#requireUnique(type.name, id, resource)
      if (isDeepStrictEqual(resource, entry.resource)) return entry
      return await this.#put(type.name, id, resource, entry.createdAt)
    })
  }

  async #put(kind: Kind, id: string, resource: Resource, createdAt: number): Promise<Entry> {
    const { name, onChange } = this.#options
    const key = recordId(name, id)
    const { version, changedAt } = await this.#putQuietly(COLLECTIONS[kind], key, { resource, createdAt })
    const entry = { id, resource, createdAt, changedAt, version }
    this.#take(kind, entry)
    onChange()
    return entry
  }

  /** A store that answers at once has told of the change by then; one that answers later is believed. */
  #putQuietly(collection: string, key: string, value: unknown): ReturnType<Records['put']> {
    this.#writing = key
    try {
      return this.#options.records.put(collection, key, value)
    } finally {
      this.#writing = undefined
    }
  }

  async #removeMember(groupId: string, memberId: string): Promise<void> {
    const entry = await this.#find('Group', groupId)
    const members = entry?.resource['members']
    if (entry === undefined || !Array.isArray(members)) return
    const kept = members.filter((member: unknown) => !isObject(member) || member['value'] !== memberId)
    await this.#put('Group', groupId, { ...entry.resource, members: kept }, entry.createdAt)
  }

  /** Names compare without case, or one person could be entered twice, once active. */
  #requireUnique(kind: Kind, id: string, { userName }: Resource): void {
    if (kind !== 'User' || typeof userName !== 'string') return
    const other = this.#idByUserName.get(userName.toLowerCase())
    if (other !== undefined && other !== id)
      throw new ScimRefusal(409, 'a User with this userName is here already', 'uniqueness')
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work)
    this.#queue = done.catch(() => undefined)
    return done
  }

  /** A record was changed, here or by another process. */
  #notice(collection: string, key: string): void {
    const { name, records, onFailure } = this.#options
    const kind = COLLECTION_KINDS.get(collection)
    if (kind === undefined || !key.startsWith(`${name}/`) || this.#writing === key) return
    const id = key.slice(name.length + 1)
    const take = (record: Awaited<ReturnType<Records['get']>>) => {
      const entry = record && entryOf(name, record)
      if (kind === 'removed') {
        if (entry !== undefined) this.#takeRemoved(entry)
      } else if (entry === undefined) this.#drop(kind, id)
      else this.#take(kind, entry)
      this.#options.onChange()
    }
    try {
      const record = records.get(collection, key)
      if (record instanceof Promise) record.then(take).catch(onFailure)
      else take(record)
    } catch (error) {
      onFailure(error)
    }
  }

  #take(kind: Kind, { id, resource, changedAt }: Entry): void {
    this.#changedAt = Math.max(this.#changedAt ?? 0, changedAt)
    if (kind === 'Group') return this.#roster.setGroup(groupOf(id, resource))
    this.#forgetName(id)
    const { userName } = resource
    if (typeof userName === 'string') {
      this.#idByUserName.set(userName.toLowerCase(), id)
      this.#userNameById.set(id, userName.toLowerCase())
    }
    this.#roster.setPerson(personOf(id, resource))
  }

  #takeRemoved({ id, resource, createdAt, changedAt }: Entry): void {
    // A source from which everybody was removed was filled once: who left is known.
    this.#changedAt = Math.max(this.#changedAt ?? 0, changedAt)
    this.#roster.setPerson({ ...personOf(id, resource), id: `removed/${id}`, leftAt: createdAt })
    this.#removed.add(id)
    if (this.#removed.size > MOST_REMOVED) this.#forgetRemoved()
  }

  #forgetRemoved(): void {
    const [oldest] = this.#removed
    if (oldest === undefined) return
    const { name, records, onFailure } = this.#options
    this.#removed.delete(oldest)
    this.#roster.removePerson(`removed/${oldest}`)
    Promise.try(() => records.delete(REMOVED, recordId(name, oldest))).catch(onFailure)
  }

  #drop(kind: Kind, id: string): void {
    this.#changedAt = this.#options.now()
    if (kind === 'Group') return this.#roster.removeGroup(id)
    this.#forgetName(id)
    this.#roster.removePerson(id)
  }

  #forgetName(id: string): void {
    const before = this.#userNameById.get(id)
    if (before !== undefined && this.#idByUserName.get(before) === id) this.#idByUserName.delete(before)
    this.#userNameById.delete(id)
  }
}

/** Whether the version that the client has seen is the one that is here. */
export type Precondition = (entry: Entry) => boolean

function requireMet(isMet: Precondition, entry: Entry): void {
  if (!isMet(entry)) throw new ScimRefusal(412, 'the resource was changed meanwhile')
}

/** Of somebody who was removed only what their sessions are found by is remembered. */
function keysOf({ userName, externalId, emails }: Resource): Resource {
  return { userName, externalId, emails }
}
