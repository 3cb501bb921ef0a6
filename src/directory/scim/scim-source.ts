/**
 * A directory source that the identity provider pushes: keeps what it pushed, and knows who is in which
 * group.
 *
 * The store has the resources; what is in memory of them `pushed-roster.ts` has. Changes are made one at a
 * time, so that two of one resource do not undo each other.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { RecordStore, StoredRecord } from '../../session/records.ts'
import { each, inTurns, type Work } from '../../turns.ts'
import { formerKeysOf } from '../former-keys.ts'
import type { FormerKey, Roster } from '../roster.ts'
import { type Content, Entries } from './entries.ts'
import type { Filter } from './filter.ts'
import { Budget, matches, soleEquality } from './filter-match.ts'
import { applyPatch } from './patch.ts'
import { personOf } from './people.ts'
import { PushedRoster } from './pushed-roster.ts'
import { isObject, isSameResource, keepingOut, type Resource, readResource } from './read-resource.ts'
import { COLLECTIONS, type Entry, entryOf, partsOf, REMOVED, recordId } from './records.ts'
import { ScimRefusal } from './refusal.ts'
import type { ResourceType } from './schema.ts'

export interface ScimSourceOptions {
  readonly name: string
  readonly records: RecordStore
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

export class ScimSource implements Disposable {
  readonly #options: ScimSourceOptions
  readonly #following: Disposable
  readonly #entries: Entries
  readonly #pushed: PushedRoster
  /**
   * Key of the record that is being written here: what it will hold is known, and a large one is long in
   * reading.
   */
  #writing: string | undefined
  #queue: Promise<unknown> = Promise.resolve()
  /** Of that queue, what is not done yet. */
  #pending = 0

  private constructor(options: ScimSourceOptions) {
    this.#options = options
    this.#entries = new Entries(options.name, options.records)
    this.#pushed = new PushedRoster({ now: options.now, onForgotten: (id) => this.#forgetRemoved(id) })
    this.#following = options.records.onChange((collection, id) => this.#notice(collection, id))
  }

  /** Has read what was pushed before when it answers. */
  static async open(options: ScimSourceOptions): Promise<ScimSource> {
    const source = new ScimSource(options)
    const { name } = options
    for await (const entry of source.#entries.heads('User')) await source.#pushed.take('User', entry)
    for await (const record of source.#entries.records(COLLECTIONS.Group, 1)) {
      const entry = await source.#entries.whole(record)
      if (entry !== undefined) await source.#pushed.take('Group', entry)
    }
    const removed: Entry[] = []
    for await (const record of source.#entries.records(REMOVED)) {
      const entry = entryOf(name, record)
      if (entry !== undefined) removed.push(entry)
    }
    for (const entry of removed.toSorted((a, b) => a.createdAt - b.createdAt))
      source.#pushed.takeRemoved(entry)
    return source
  }

  get roster(): Roster {
    return this.#pushed.roster
  }

  /** Epoch milliseconds of the last change; `undefined` while nothing was ever pushed. */
  get changedAt(): number | undefined {
    return this.#pushed.changedAt
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]()
  }

  async get({ name: kind }: ResourceType, id: string): Promise<Entry> {
    const entry = await this.#entries.get(kind, id)
    if (entry === undefined) throw new ScimRefusal(404, `there is no ${kind} with this id`)
    return entry
  }

  /** @param isWhole whether the members of a large group are wanted */
  async find({ name: kind }: ResourceType, id: string, isWhole: boolean): Promise<Entry | undefined> {
    return isWhole ? await this.#entries.get(kind, id) : await this.#entries.head(kind, id)
  }

  /**
   * Those that a filter finds, without the members of large groups, in the order of their ids, a few at a
   * time.
   */
  async *list({ name: kind }: ResourceType, { filter, shown }: Listing): AsyncGenerator<Entry, undefined> {
    // What every connector asks before it creates somebody.
    const userName = filter && kind === 'User' ? soleEquality(filter, 'userName') : undefined
    if (userName !== undefined) {
      const id = this.#pushed.idOf(userName)
      const entry = id === undefined ? undefined : await this.#entries.head(kind, id)
      if (entry !== undefined) yield entry
      return undefined
    }
    const budget = new Budget(MOST_COMPARISONS)
    for await (const entry of this.#entries.heads(kind)) {
      const known = (part: Filter) => this.#pushed.isMember(kind, entry.id, part)
      if (filter === undefined || matches(filter, shown(entry), { budget, known })) yield entry
    }
    return undefined
  }

  create(type: ResourceType, body: unknown): Promise<Entry> {
    return this.#exclusively(async () => {
      const resource = await inTurns(readResource(type, body))
      const id = randomUUID()
      this.#requireUnique(type.name, id, resource)
      return await this.#put(type.name, { id, resource, former: [], createdAt: this.#options.now() })
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
      const { name, records, now, onChange } = this.#options
      const entry = await this.#entries.head(type.name, id)
      if (entry === undefined) throw new ScimRefusal(404, `there is no ${type.name} with this id`)
      requireMet(isMet, entry)
      if (type.name === 'User')
        await records.put(REMOVED, recordId(name, id), {
          resource: keysOf(entry.resource),
          // Removed is as good as deactivated: who gets the address next is somebody else.
          former: this.#formerAfter('User', entry, { ...entry.resource, active: false }),
          createdAt: now(),
        })
      for (const group of this.#pushed.roster.groupsThatName(id)) await this.#removeMember(group, id)
      const key = recordId(name, id)
      await this.#entries.delete(type.name, id, () =>
        this.#quietly(key, () => records.delete(COLLECTIONS[type.name], key)),
      )
      if (type.name === 'Group') await this.#pushed.dropGroup(id)
      else this.#pushed.drop('User', id)
      onChange()
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
      if (await inTurns(isSameResource(resource, entry.resource))) return entry
      const former = this.#formerAfter(type.name, entry, resource)
      return await this.#put(type.name, { id, resource, former, createdAt: entry.createdAt })
    })
  }

  #formerAfter(kind: Kind, { id, resource, former }: Entry, after: Resource): readonly FormerKey[] {
    if (kind === 'Group') return []
    return formerKeysOf(personOf(id, resource, former), personOf(id, after), this.#options.now())
  }

  async #put(kind: Kind, content: Content): Promise<Entry> {
    const { version, changedAt } = await this.#write(kind, content)
    const entry = { ...content, changedAt, version }
    await this.#pushed.take(kind, entry)
    this.#options.onChange()
    return entry
  }

  async #write(kind: Kind, content: Content): Promise<StoredRecord> {
    const key = recordId(this.#options.name, content.id)
    return await this.#entries.put(kind, content, (value) =>
      this.#quietly(key, () => this.#options.records.put(COLLECTIONS[kind], key, value)),
    )
  }

  /** A store that answers at once has told of the change by then; one that answers later is believed. */
  #quietly<T>(key: string, change: () => T): T {
    this.#writing = key
    try {
      return change()
    } finally {
      this.#writing = undefined
    }
  }

  async #removeMember(groupId: string, memberId: string): Promise<void> {
    const entry = await this.#entries.get('Group', groupId)
    const members = entry?.resource['members']
    if (entry === undefined || !Array.isArray(members)) return
    const kept: unknown[] = []
    await inTurns(
      each(members, (member: unknown) => {
        if (!isObject(member) || member['value'] !== memberId) kept.push(member)
      }),
    )
    const resource = { ...entry.resource, members: kept }
    await this.#put('Group', { ...entry, resource })
  }

  /** Names compare without case, or one person could be entered twice, once active. */
  #requireUnique(kind: Kind, id: string, { userName }: Resource): void {
    if (kind !== 'User' || typeof userName !== 'string') return
    const other = this.#pushed.idOf(userName)
    if (other !== undefined && other !== id)
      throw new ScimRefusal(409, 'a User with this userName is here already', 'uniqueness')
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.#pending += 1
    const done = this.#queue.then(work).finally(() => {
      this.#pending -= 1
    })
    this.#queue = done.catch(() => undefined)
    return done
  }

  /** A record was changed, here or by another process. */
  #notice(collection: string, key: string): void {
    const { name, records, onFailure } = this.#options
    const kind = COLLECTION_KINDS.get(collection)
    if (kind === undefined || !key.startsWith(`${name}/`) || this.#writing === key) return
    const id = key.slice(name.length + 1)
    const take = (record: Awaited<ReturnType<RecordStore['get']>>) => {
      const entry = record && entryOf(name, record)
      const isMuch = this.#pushed.isLarge(id) || (record !== undefined && partsOf(record) !== undefined)
      // A group that is being taken in turns is left to that.
      if (kind === 'Group' && (isMuch || this.#pending > 0)) return this.#takeLater(id)
      if (kind === 'removed') {
        if (entry !== undefined) this.#pushed.takeRemoved(entry)
      } else if (entry === undefined) this.#pushed.drop(kind, id)
      else this.#pushed.takeNow(kind, entry)
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

  /** The group as it is once what is under way here is done. */
  #takeLater(groupId: string): void {
    this.#exclusively(async () => {
      const entry = await this.#entries.get('Group', groupId)
      if (entry === undefined) await this.#pushed.dropGroup(groupId)
      else await this.#pushed.take('Group', entry)
      this.#options.onChange()
    }).catch(this.#options.onFailure)
  }

  /** More were removed than are remembered. */
  #forgetRemoved(id: string): void {
    const { name, records, onFailure } = this.#options
    Promise.try(() => records.delete(REMOVED, recordId(name, id))).catch(onFailure)
  }
}

/** What is asked for, and how clients see an entry, which is what a filter is about. */
export interface Listing {
  readonly filter: Filter | undefined
  readonly shown: (entry: Entry) => Resource
}

/** Of one question: a second of work, spread over many turns. */
const MOST_COMPARISONS = 5_000_000

/** Whether the version that the client has seen is the one that is here. */
export type Precondition = (entry: Entry) => boolean

function requireMet(isMet: Precondition, entry: Entry): void {
  if (!isMet(entry)) throw new ScimRefusal(412, 'the resource was changed meanwhile')
}

/** Of somebody who was removed only what their sessions are found by is remembered. */
function keysOf({ userName, externalId, emails }: Resource): Resource {
  return { userName, externalId, emails }
}
