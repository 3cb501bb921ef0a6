/**
 * What a pull brings home, put together group by group.
 *
 * @module
 */
import { each, inTurns } from '../../turns.ts'
import type { Group, Person } from '../roster.ts'

export interface Listing {
  readonly people: readonly Person[]
  readonly groups: readonly Group[]
}

/** `map`, of as many as a group may have. */
export async function mapped<Item, Result>(
  items: readonly Item[],
  act: (item: Item) => Result,
): Promise<Result[]> {
  const results: Result[] = []
  await inTurns(each(items, (item) => results.push(act(item))))
  return results
}

/** Collects people, each once: whoever is in several groups comes several times. */
export class ListingBuilder {
  readonly #people = new Map<string, Person>()
  readonly #groups = new Map<string, { name: string | undefined; people: Set<string>; groups: Set<string> }>()

  person(
    id: string,
    more: { readonly emails?: readonly (string | null | undefined)[]; readonly isActive?: boolean },
  ): string {
    const { emails = [], isActive = true } = more
    const addresses = emails.filter((email) => typeof email === 'string' && email !== '')
    const known = this.#people.get(id)
    this.#people.set(id, {
      id,
      ids: [id],
      emails: [
        ...new Set([
          ...(known?.emails ?? []),
          ...addresses.filter((email) => email !== null && email !== undefined),
        ]),
      ],
      isActive: isActive && known?.isActive !== false,
    })
    return id
  }

  /** May be called again for the same group: members come in pages. */
  group(
    id: string,
    name: string | null | undefined,
    members: { readonly people?: Iterable<string>; readonly groups?: Iterable<string> } = {},
  ): void {
    const group = this.#groups.get(id) ?? { name: undefined, people: new Set(), groups: new Set() }
    this.#groups.set(id, group)
    group.name = name || group.name
    for (const person of members.people ?? []) group.people.add(person)
    for (const inner of members.groups ?? []) group.groups.add(inner)
  }

  get people(): Iterable<string> {
    return this.#people.keys()
  }

  /** In turns: there may be 50,000 people. */
  async build(): Promise<Listing> {
    const people = [...this.#people.values()]
    const groups: Group[] = []
    await inTurns(
      each(
        this.#groups,
        ([id, group]) => {
          groups.push({ id, name: group.name, people: [...group.people], groups: [...group.groups] })
        },
        1,
      ),
    )
    return { people, groups }
  }
}
