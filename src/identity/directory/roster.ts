/**
 * The people and groups of one directory source, and who is in which: built up entry by entry, asked per person.
 *
 * Groups may hold groups. Membership is followed when somebody is looked up, so that a change of one group costs
 * that group only; a ring of groups is walked once.
 *
 * @module
 */

export interface Person {
  /** Unique in the source. */
  readonly id: string
  /** What `user_id` and `claim/…` are compared with. */
  readonly ids: readonly string[]
  readonly emails: readonly string[]
  /** False for somebody who has left or is locked out. */
  readonly isActive: boolean
}

export interface Group {
  /** Unique in the source. */
  readonly id: string
  readonly name: string | undefined
  /** Ids of people and of groups. */
  readonly people: readonly string[]
  readonly groups: readonly string[]
}

export interface Membership {
  readonly isActive: boolean
  /** Ids of all groups that the person is in, through other groups too. `unknown`: more than anybody could be in. */
  readonly groups: readonly string[] | 'unknown'
}

/** How somebody is looked up; `ambiguous` when several people of the source could be meant. */
export type Found = Membership | 'ambiguous' | undefined

/** As many as `groups` of a token may name. */
export const MAX_GROUPS = 5000

export class Roster {
  readonly #people = new Map<string, Person>()
  readonly #groups = new Map<string, Group>()
  readonly #byId = new Index()
  readonly #byEmail = new Index()
  /** Whom or what → the groups that name it as a member. */
  readonly #groupsOfPerson = new Index()
  readonly #groupsOfGroup = new Index()
  readonly #byName = new Index()

  static of(people: Iterable<Person>, groups: Iterable<Group>): Roster {
    const roster = new Roster()
    for (const person of people) roster.setPerson(person)
    for (const group of groups) roster.setGroup(group)
    return roster
  }

  get peopleCount(): number {
    return this.#people.size
  }

  get groupCount(): number {
    return this.#groups.size
  }

  setPerson(person: Person): void {
    this.removePerson(person.id)
    this.#people.set(person.id, person)
    for (const id of person.ids) this.#byId.add(id, person.id)
    for (const email of person.emails) this.#byEmail.add(email.toLowerCase(), person.id)
  }

  removePerson(id: string): void {
    const person = this.#people.get(id)
    if (person === undefined) return
    this.#people.delete(id)
    for (const key of person.ids) this.#byId.delete(key, id)
    for (const email of person.emails) this.#byEmail.delete(email.toLowerCase(), id)
  }

  setGroup(group: Group): void {
    const before = this.#groups.get(group.id)
    this.#groups.set(group.id, group)
    this.#groupsOfPerson.replace(before?.people, group.people, group.id)
    this.#groupsOfGroup.replace(before?.groups, group.groups, group.id)
    this.#byName.replace(namesOf(before), namesOf(group), group.id)
  }

  removeGroup(id: string): void {
    const before = this.#groups.get(id)
    this.#groups.delete(id)
    this.#groupsOfPerson.replace(before?.people, [], id)
    this.#groupsOfGroup.replace(before?.groups, [], id)
    this.#byName.replace(namesOf(before), [], id)
  }

  hasGroup(id: string): boolean {
    return this.#groups.has(id)
  }

  /** The name of a group, where it means this group and no other. */
  nameOf(groupId: string): string | undefined {
    const name = this.#groups.get(groupId)?.name
    return name === undefined || this.#byName.get(name).size > 1 ? undefined : name
  }

  findById(id: string): Found {
    const found = [...this.#byId.get(id)]
    return found.length > 1 ? 'ambiguous' : this.#membershipOf(found[0])
  }

  /** Of two people with one address, one of whom has left, it is the other: addresses are given again. */
  findByEmail(email: string): Found {
    const found = [...this.#byEmail.get(email.toLowerCase())]
    const active = found.filter((id) => this.#people.get(id)?.isActive === true)
    return active.length > 1 ? 'ambiguous' : this.#membershipOf(active[0] ?? found[0])
  }

  #membershipOf(personId: string | undefined): Membership | undefined {
    const person = personId === undefined ? undefined : this.#people.get(personId)
    return person && { isActive: person.isActive, groups: this.#groupsOf(person.id) }
  }

  #groupsOf(personId: string): readonly string[] | 'unknown' {
    const found = new Set(this.#groupsOfPerson.get(personId))
    // A set is walked in the order of adding, what is added on the way included.
    for (const id of found) {
      if (found.size > MAX_GROUPS) return 'unknown'
      for (const outer of this.#groupsOfGroup.get(id)) found.add(outer)
    }
    return [...found]
  }
}

const namesOf = (group: Group | undefined): readonly string[] =>
  group?.name === undefined ? [] : [group.name]

const NONE: ReadonlySet<string> = new Set()

/** A key → ids. */
class Index {
  readonly #ids = new Map<string, Set<string>>()

  get(key: string): ReadonlySet<string> {
    return this.#ids.get(key) ?? NONE
  }

  add(key: string, id: string): void {
    const ids = this.#ids.get(key)
    if (ids === undefined) this.#ids.set(key, new Set([id]))
    else ids.add(id)
  }

  delete(key: string, id: string): void {
    const ids = this.#ids.get(key)
    if (ids?.delete(id) === true && ids.size === 0) this.#ids.delete(key)
  }

  /** Moves an id from some keys to others; those that stay cost a look only. */
  replace(before: readonly string[] | undefined, after: readonly string[], id: string): void {
    if (before !== undefined && before.length > 0) {
      const kept = new Set(after)
      for (const key of before) if (!kept.has(key)) this.delete(key, id)
    }
    for (const key of after) this.add(key, id)
  }
}
