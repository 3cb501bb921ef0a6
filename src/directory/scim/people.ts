/**
 * What of a pushed resource the directory looks at. Pure.
 *
 * @module
 */
import { each, type Work } from '../../turns.ts'
import type { FormerKey, Group, Person } from '../roster.ts'
import { isObject, type Resource } from './read-resource.ts'

export function personOf(id: string, resource: Resource, former: readonly FormerKey[] = []): Person {
  const { userName, externalId, active } = resource
  return {
    id,
    ids: [...new Set([externalId, userName].filter(isText))],
    emails: [...new Set([...addressesOf(resource), userName].filter(isAddress))],
    isActive: active !== false,
    ...(former.length > 0 && { former }),
  }
}

/** The group is known by the id that the identity provider gave it, if it gave one. */
export function* groupOf(id: string, resource: Resource): Work<Group> {
  const { externalId, displayName, members } = resource
  const ids = yield* idsOf(members)
  // Ids are unique over people and groups, and not every client says which of them a member is.
  return {
    id,
    ...(isText(externalId) && { externalId }),
    name: isText(displayName) ? displayName : undefined,
    people: ids,
    groups: ids,
  }
}

/** Each once. */
function* idsOf(members: unknown): Work<readonly string[]> {
  const ids = new Set<string>()
  yield* each(listOf(members), (member) => {
    if (isObject(member) && isText(member['value'])) ids.add(member['value'])
  })
  return [...ids]
}

/** At home anybody chooses their own: such an address must not find the groups of somebody else's. */
function addressesOf({ emails }: Resource): readonly unknown[] {
  const all = listOf(emails).filter(isObject)
  const primary = all.filter(({ primary: isPrimary }) => isPrimary === true)
  const chosen =
    primary.length > 0 ? primary : all.filter(({ type }) => type === undefined || type === 'work')
  return chosen.map(({ value }) => value)
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

const isAddress = (value: unknown): value is string => isText(value) && value.includes('@')
