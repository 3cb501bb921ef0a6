/**
 * The members of a group while a request changes them: by their ids, so that one of many is found at once.
 * Pure.
 *
 * @module
 */

import { each, type Work } from '../../turns.ts'
import type { Filter } from './filter.ts'
import { type Budget, candidates, matches } from './filter-match.ts'
import { isObject, type Resource } from './read-resource.ts'

/** A filter may have a hundred terms. */
const FILTERED_IN_STEP = 5

export class MemberDraft {
  readonly #byId = new Map<string, Resource>()
  readonly #budget: Budget

  private constructor(budget: Budget) {
    this.#budget = budget
  }

  static *of(members: unknown, budget: Budget): Work<MemberDraft> {
    const draft = new MemberDraft(budget)
    yield* draft.add(members)
    return draft
  }

  /** `undefined` when there are none. */
  *list(): Work<readonly Resource[] | undefined> {
    const members: Resource[] = []
    yield* each(this.#byId.values(), (member) => members.push(member))
    return members.length === 0 ? undefined : members
  }

  clear(): void {
    this.#byId.clear()
  }

  /** Whoever is in already stays as they are. */
  *add(members: unknown): Work<void> {
    yield* each(listOf(members), (member) => {
      const id = idOf(member)
      if (id !== undefined && isObject(member) && !this.#byId.has(id)) this.#byId.set(id, member)
    })
  }

  *remove(members: unknown): Work<void> {
    yield* each(listOf(members), (member) => this.#byId.delete(idOf(member) ?? ''))
  }

  *removeWhere(filter: Filter | undefined): Work<void> {
    for (const id of yield* this.#idsWhere(filter)) this.#byId.delete(id)
  }

  /** @returns whether there was any */
  *describe(filter: Filter | undefined, more: Resource): Work<boolean> {
    const ids = yield* this.#idsWhere(filter)
    yield* each(ids, (id) => this.#byId.set(id, { ...this.#byId.get(id), ...more, value: id }))
    return ids.length > 0
  }

  *#idsWhere(filter: Filter | undefined): Work<readonly string[]> {
    const ids: string[] = []
    const asked = filter === undefined ? undefined : candidates(filter)
    const look = (id: string) => {
      const member = this.#byId.get(id)
      if (member === undefined) return
      if (filter === undefined || matches(filter, member, { budget: this.#budget })) ids.push(id)
    }
    yield* each(asked ?? this.#byId.keys(), look, FILTERED_IN_STEP)
    return ids
  }
}

function idOf(member: unknown): string | undefined {
  return isObject(member) && typeof member['value'] === 'string' ? member['value'] : undefined
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
