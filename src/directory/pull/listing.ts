/**
 * What a pull brings home, put together group by group.
 *
 * @module
 */
import type { Group, Person } from '../roster.ts'

export interface Listing {
  readonly people: readonly Person[]
  readonly groups: readonly Group[]
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

  build(): Listing {
    return {
      people: [...this.#people.values()],
      groups: [...this.#groups].map(([id, group]) => ({
        id,
        name: group.name,
        people: [...group.people],
        groups: [...group.groups],
      })),
    }
  }
}
