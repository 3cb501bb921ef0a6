/**
 * The people and groups of one directory source, and who is in which: built up entry by entry, asked per
 * person.
 *
 * Groups may hold groups. Membership is followed when somebody is looked up, so that a change of one group
 * costs that group only; a ring of groups is walked once.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { mailKey } from '../mail-address.ts'
import { atOnce, each, type Work } from '../turns.ts'
import { Index } from './key-index.ts'

/** By which somebody was known. */
export interface FormerKey {
  readonly is: 'id' | 'email'
  /** Of an address: as all spellings of it are compared. */
  readonly key: string
  /** Epoch milliseconds: when it was lost, or when the person was deactivated. */
  readonly until: number
}

export interface Person {
  /** Unique in the source. */
  readonly id: string
  /** What `user_id` and `claim/…` are compared with. */
  readonly ids: readonly string[]
  readonly emails: readonly string[]
  /** False for somebody who has left or is locked out. */
  readonly isActive: boolean
  /**
   * Of somebody who was removed, and is remembered for the sessions of before: when, in epoch milliseconds.
   */
  readonly leftAt?: number
  /** By what they were known before. */
  readonly former?: readonly FormerKey[]
}

export interface Group {
  /** Unique in the source: by it groups and their members name it. */
  readonly id: string
  /** By which policies and upstreams name it, where that is another. */
  readonly externalId?: string
  readonly name: string | undefined
  /** Ids of people and of groups. */
  readonly people: readonly string[]
  readonly groups: readonly string[]
}

export interface Membership {
  readonly isActive: boolean
  readonly leftAt?: number | undefined
  /** All groups that the person is in, through other groups too. `unknown`: more than anybody could be in. */
  readonly groups: readonly Group[] | 'unknown'
}

/**
 * How somebody is looked up; `ambiguous` when it can't be told who of the source is meant, and `perhaps off`
 * when that may be somebody who is deactivated.
 */
export type Found = Membership | 'ambiguous' | 'perhaps off' | undefined

/** As many as `groups` of a token may name. */
export const MAX_GROUPS = 5000

export class Roster {
  readonly #people = new Map<string, Person>()
  readonly #groups = new Map<string, Group>()
  #leftCount = 0
  readonly #byId = new Index()
  readonly #byEmail = new Index()
  /** Of addresses that can be read in two ways. */
  readonly #byUnsureEmail = new Index()
  #offCount = 0
  #lastLeftAt = Number.NEGATIVE_INFINITY
  readonly #byFormer = new Index()
  /** Whom or what → the groups that name it as a member. */
  readonly #groupsOfPerson = new Index()
  readonly #groupsOfGroup = new Index()
  readonly #byName = new Index()
  readonly #byExternalId = new Index()

  static of(people: Iterable<Person>, groups: Iterable<Group>): Roster {
    return atOnce(Roster.building(people, groups))
  }

  /** The same for many. Nobody sees it before it is whole. */
  static *building(people: Iterable<Person>, groups: Iterable<Group>): Work<Roster> {
    const roster = new Roster()
    yield* each(people, (person) => roster.setPerson(person))
    for (const group of groups) {
      yield* roster.settingGroup(group)
      yield
    }
    return roster
  }

  get peopleCount(): number {
    return this.#people.size - this.#leftCount
  }

  /** Those who have left or are locked out. */
  get peopleOff(): readonly Person[] {
    return [...this.#people.values()].filter(({ isActive, leftAt }) => !isActive || leftAt !== undefined)
  }

  get people(): Iterable<Person> {
    return this.#people.values()
  }

  get groups(): Iterable<Group> {
    return this.#groups.values()
  }

  /** @param id in the source */
  person(id: string): Person | undefined {
    return this.#people.get(id)
  }

  /** Who has one of these ids, where that is one person. */
  onlyHolder(ids: readonly string[]): Person | undefined {
    const [one, ...others] = new Set(ids.flatMap((id) => [...this.#byId.get(id)]))
    return one === undefined || others.length > 0 ? undefined : this.#people.get(one)
  }

  get groupCount(): number {
    return this.#groups.size
  }

  setPerson(person: Person): void {
    this.removePerson(person.id)
    this.#people.set(person.id, person)
    if (person.leftAt !== undefined) this.#leftCount += 1
    else if (!person.isActive) this.#offCount += 1
    for (const id of person.ids) this.#byId.add(id, person.id)
    this.#lastLeftAt = Math.max(this.#lastLeftAt, person.leftAt ?? this.#lastLeftAt)
    for (const email of person.emails) this.#emailIndex(email).add(mailKey(email).key, person.id)
    for (const { is, key } of person.former ?? []) this.#byFormer.add(`${is} ${key}`, person.id)
  }

  removePerson(id: string): void {
    const person = this.#people.get(id)
    if (person === undefined) return
    this.#people.delete(id)
    if (person.leftAt !== undefined) this.#leftCount -= 1
    else if (!person.isActive) this.#offCount -= 1
    for (const key of person.ids) this.#byId.delete(key, id)
    for (const email of person.emails) this.#emailIndex(email).delete(mailKey(email).key, id)
    for (const { is, key } of person.former ?? []) this.#byFormer.delete(`${is} ${key}`, id)
  }

  setGroup(group: Group): void {
    atOnce(this.settingGroup(group))
  }

  /**
   * The same for many members. Until it is done some of those who come count as not in it yet, and some of
   * those who go as still in it; two changes of one group must follow one another.
   */
  *settingGroup(group: Group): Work<void> {
    const before = this.#groups.get(group.id)
    this.#groups.set(group.id, group)
    this.#byName.replace(namesOf(before), namesOf(group), group.id)
    this.#byExternalId.replace(before && [externalIdOf(before)], [externalIdOf(group)], group.id)
    yield* this.#groupsOfPerson.replacing(before?.people, group.people, group.id)
    yield* this.#groupsOfGroup.replacing(before?.groups, group.groups, group.id)
  }

  removeGroup(id: string): void {
    atOnce(this.removingGroup(id))
  }

  /** The same for many members. */
  *removingGroup(id: string): Work<void> {
    const before = this.#groups.get(id)
    this.#groups.delete(id)
    this.#byName.replace(namesOf(before), [], id)
    this.#byExternalId.replace(before && [externalIdOf(before)], [], id)
    yield* this.#groupsOfPerson.replacing(before?.people, [], id)
    yield* this.#groupsOfGroup.replacing(before?.groups, [], id)
  }

  /** How many a group names as its members. */
  sizeOf(groupId: string): number {
    return this.#groups.get(groupId)?.people.length ?? 0
  }

  /** @param externalId as policies name it */
  hasGroup(externalId: string): boolean {
    return this.#byExternalId.get(externalId).size > 0
  }

  /** The name of a group, where it means this group and no other. */
  nameOf({ name }: Group): string | undefined {
    return name === undefined || this.#byName.get(name).size > 1 ? undefined : name
  }

  kindOf(id: string): 'User' | 'Group' | undefined {
    if (this.#people.has(id)) return 'User'
    return this.#groups.has(id) ? 'Group' : undefined
  }

  /** Ids of the groups that name this person or group as a member. */
  groupsThatName(memberId: string): readonly string[] {
    return [...new Set([...this.#groupsOfPerson.get(memberId), ...this.#groupsOfGroup.get(memberId)])]
  }

  /** The groups of a person, through other groups too; `unknown` past what anybody could be in. */
  groupsOf(personId: string): readonly Group[] | 'unknown' {
    const found = new Set(this.#groupsOfPerson.get(personId))
    // A set is walked in the order of adding, what is added on the way included.
    for (const id of found) {
      if (found.size > MAX_GROUPS) return 'unknown'
      for (const outer of this.#groupsOfGroup.get(id)) found.add(outer)
    }
    return [...found].flatMap((id) => this.#groups.get(id) ?? [])
  }

  /** @param issuedAt of the session or token that tells the id; unset: of now */
  findById(id: string, issuedAt = Number.POSITIVE_INFINITY): Found {
    const found = this.#peopleOf(this.#byId.get(id))
    const earlier = this.#findFormer('id', id, issuedAt, found)
    if (earlier !== undefined) return earlier
    const here = found.filter(({ leftAt }) => leftAt === undefined)
    // Whoever of them it is, they are locked out.
    const off = here.filter(({ isActive }) => !isActive)
    if (here.length < 2 || off.length === here.length)
      return this.#membershipOf(here[0] ?? lastToLeave(found))
    return off.length > 0 ? 'perhaps off' : 'ambiguous'
  }

  /** Of two people with one address, one of whom has left, it is the other: addresses are given again. */
  findByEmail(email: string, issuedAt = Number.POSITIVE_INFINITY): Found {
    const { key } = mailKey(email)
    const found = this.#peopleOf(this.#byEmail.get(key))
    const earlier = this.#findFormer('email', key, issuedAt, found)
    if (earlier !== undefined) return earlier
    if (found.length === 0) return inDoubt(this.#peopleOf(this.#byUnsureEmail.get(key)))
    const here = found.filter(({ leftAt }) => leftAt === undefined)
    const active = here.filter(({ isActive }) => isActive)
    return active.length > 1 ? 'ambiguous' : this.#membershipOf(active[0] ?? here[0] ?? lastToLeave(found))
  }

  /** Whether somebody of whom it can't be told who they are may be one who was deactivated. */
  mayBeOff(issuedAt: number): boolean {
    return this.#offCount > 0 || issuedAt <= this.#lastLeftAt
  }

  #emailIndex(email: string): Index {
    return mailKey(email).isSure ? this.#byEmail : this.#byUnsureEmail
  }

  /** Who had it when the session or the token was made, and has lost it since. */
  #findFormer(is: FormerKey['is'], key: string, issuedAt: number, holders: readonly Person[]): Found {
    const here = holders.filter(({ leftAt }) => leftAt === undefined)
    // What does not say when it was made tells what its provider says now.
    if (issuedAt <= 0 && here.length > 0) return undefined
    const had = this.#peopleOf(this.#byFormer.get(`${is} ${key}`))
      .filter(({ former = [] }) =>
        former.some((one) => one.is === is && one.key === key && issuedAt <= one.until),
      )
      .filter((person) => !here.some((holder) => isEnteredAnew(person, holder)))
    const off = had.filter(({ isActive, leftAt }) => !isActive || leftAt !== undefined)
    if (off.length > 0)
      return this.#membershipOf(off.find(({ leftAt }) => leftAt === undefined) ?? lastToLeave(off))
    if (had.length > 0 && had.length + here.length > 1) return 'ambiguous'
    return this.#membershipOf(had[0])
  }

  #peopleOf(ids: ReadonlySet<string>): readonly Person[] {
    return [...ids].flatMap((id) => this.#people.get(id) ?? [])
  }

  #membershipOf(person: Person | undefined): Membership | undefined {
    return person && { isActive: person.isActive, leftAt: person.leftAt, groups: this.groupsOf(person.id) }
  }
}

const namesOf = (group: Group | undefined): readonly string[] =>
  group?.name === undefined ? [] : [group.name]

const externalIdOf = ({ id, externalId }: Group): string => externalId ?? id

/** Whoever was removed and is here again by all their ids; a name alone may be given to somebody else. */
function isEnteredAnew({ leftAt, ids }: Person, other: Person): boolean {
  return leftAt !== undefined && ids.length > 1 && isDeepStrictEqual(new Set(ids), new Set(other.ids))
}

const lastToLeave = (people: readonly Person[]): Person | undefined =>
  people.toSorted((one, other) => (other.leftAt ?? 0) - (one.leftAt ?? 0))[0]

function inDoubt(people: readonly Person[]): Found {
  if (people.some(({ isActive }) => !isActive)) return 'perhaps off'
  return people.length > 0 ? 'ambiguous' : undefined
}
