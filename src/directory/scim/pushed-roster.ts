/**
 * What is in memory of a pushed directory: by which keys people are found, who is in which group, and who was
 * removed.
 *
 * @module
 */
import { BoundedMap } from '../../bounded-map.ts'
import { atOnce, inTurns } from '../../turns.ts'
import { Roster } from '../roster.ts'
import type { Filter } from './filter.ts'
import { soleEquality } from './filter-match.ts'
import { groupOf, personOf } from './people.ts'
import type { Entry } from './records.ts'
import { invalidFilter } from './refusal.ts'
import type { ResourceType } from './schema.ts'

type Kind = ResourceType['name']

/** Remembered until they are known again, since a token may live for ever; but not in any number. */
const MOST_REMOVED = 50_000

const MANY = 500

const hasManyMembers = ({ resource: { members } }: Pick<Entry, 'resource'>) =>
  Array.isArray(members) && members.length > MANY

export class PushedRoster {
  readonly roster = new Roster()
  readonly #now: () => number
  /** By lower-case `userName`, which only one may have. */
  readonly #idByUserName = new Map<string, string>()
  readonly #userNameById = new Map<string, string>()
  /** Ids of people who were removed; the first to leave first. */
  readonly #removed: BoundedMap<string, true>
  #changedAt: number | undefined

  /** @param onForgotten more were removed than are remembered: this one is not any more */
  constructor({ now, onForgotten }: { now: () => number; onForgotten: (id: string) => void }) {
    this.#now = now
    this.#removed = new BoundedMap(MOST_REMOVED, (id) => {
      this.roster.removePerson(`removed/${id}`)
      onForgotten(id)
    })
  }

  /** Epoch milliseconds of the last change; `undefined` while nothing was ever pushed. */
  get changedAt(): number | undefined {
    return this.#changedAt
  }

  /** Names compare without case. */
  idOf(userName: string): string | undefined {
    return this.#idByUserName.get(userName.toLowerCase())
  }

  /** Whether a group has so many members that it is not changed in one turn. */
  isLarge(groupId: string): boolean {
    return this.roster.sizeOf(groupId) > MANY
  }

  /**
   * Who is in which group the roster knows. Any other question about many members would have to look at each.
   *
   * @throws {ScimRefusal} invalidFilter
   */
  isMember(kind: Kind, id: string, filter: Filter): boolean | undefined {
    if (!('path' in filter)) return undefined
    const [name] = filter.path.steps
    if (name !== (kind === 'Group' ? 'members' : 'groups')) return undefined
    const asked =
      soleEquality(filter, name) ??
      soleEquality(filter, `${name}.value`) ??
      (filter.is === 'some' ? soleEquality(filter.inner, 'value') : undefined)
    if (asked === undefined) throw invalidFilter(`${name} can only be compared by eq with an id`)
    if (kind === 'Group') return this.roster.groupsThatName(asked).includes(id)
    const groups = this.roster.groupsOf(id)
    return groups !== 'unknown' && groups.some((group) => group.id === asked)
  }

  /** A large group is taken in turns. */
  async take(kind: Kind, entry: Entry): Promise<void> {
    if (kind === 'User' || !hasManyMembers(entry)) return this.takeNow(kind, entry)
    this.#changedAt = Math.max(this.#changedAt ?? 0, entry.changedAt)
    const group = await inTurns(groupOf(entry.id, entry.resource))
    await inTurns(this.roster.settingGroup(group))
  }

  takeNow(kind: Kind, { id, resource, former, changedAt }: Entry): void {
    this.#changedAt = Math.max(this.#changedAt ?? 0, changedAt)
    if (kind === 'Group') return this.roster.setGroup(atOnce(groupOf(id, resource)))
    this.#forgetName(id)
    const { userName } = resource
    if (typeof userName === 'string') {
      this.#idByUserName.set(userName.toLowerCase(), id)
      this.#userNameById.set(id, userName.toLowerCase())
    }
    this.roster.setPerson(personOf(id, resource, former))
  }

  /** Somebody who was removed, and is remembered for the sessions of before. */
  takeRemoved({ id, resource, former, createdAt, changedAt }: Entry): void {
    // A source from which everybody was removed was filled once: who left is known.
    this.#changedAt = Math.max(this.#changedAt ?? 0, changedAt)
    this.roster.setPerson({ ...personOf(id, resource, former), id: `removed/${id}`, leftAt: createdAt })
    if (!this.#removed.has(id)) this.#removed.set(id, true)
  }

  drop(kind: Kind, id: string): void {
    this.#changedAt = this.#now()
    if (kind === 'Group') return this.roster.removeGroup(id)
    this.#forgetName(id)
    this.roster.removePerson(id)
  }

  /** In turns. */
  async dropGroup(id: string): Promise<void> {
    this.#changedAt = this.#now()
    await inTurns(this.roster.removingGroup(id))
  }

  #forgetName(id: string): void {
    const before = this.#userNameById.get(id)
    if (before !== undefined && this.#idByUserName.get(before) === id) this.#idByUserName.delete(before)
    this.#userNameById.delete(id)
  }
}
