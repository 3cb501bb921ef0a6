/**
 * People and groups from the text of a file, or all of its mistakes, each with its place. Pure.
 *
 * YAML and JSON say it from either end, or from both: users with their groups, groups with their members. CSV
 * has a row for each user or for each pair.
 *
 * @module
 */
import { z } from 'zod'
import type { ConfigPath } from '../config/config.ts'
import { isKeyed, readYaml, type YamlFile } from '../config/file/yaml-file.ts'
import { mistakesOf, sentenceOf } from '../config/sentences.ts'
import { mailKey } from '../mail-address.ts'
import { readCsv } from '../outbound/csv.ts'
import type { Group, Person } from './roster.ts'

export interface FileMistake {
  readonly line: number
  readonly column: number
  readonly message: string
}

export interface Listing {
  readonly people: readonly Person[]
  readonly groups: readonly Group[]
}

export type FileRead = Listing | { readonly mistakes: readonly FileMistake[] }

const Text = z.string().min(1, 'must not be empty')
const Texts = z.array(Text)

const User = z
  .strictObject({
    id: Text.optional(),
    email: Text.optional(),
    name: z.string().optional(),
    groups: Texts.optional(),
    active: z.boolean().optional(),
  })
  .refine(({ id, email }) => id !== undefined || email !== undefined, 'needs an `email` or an `id`')

const GroupEntry = z.strictObject({
  id: Text,
  name: Text.optional(),
  members: Texts.optional(),
  groups: Texts.optional(),
})

const Users = z.array(User)
const Groups = z.array(GroupEntry)
const TextsByName = z.record(z.string().min(1), Texts)

type UserEntry = z.output<typeof User> & { readonly at: ConfigPath }
type GroupEntry = z.output<typeof GroupEntry> & { readonly at: ConfigPath }

interface Entries {
  readonly users: readonly UserEntry[]
  readonly groups: readonly GroupEntry[]
}

/** So that a slip in each of 10,000 rows does not fill the log. */
const MOST_MISTAKES = 20

export function readDirectoryFile(text: string, format: 'yaml' | 'json' | 'csv'): FileRead {
  const read = format === 'csv' ? fromCsv(text) : fromYaml(text)
  return 'mistakes' in read ? { mistakes: read.mistakes.slice(0, MOST_MISTAKES) } : read
}

function fromYaml(text: string): FileRead {
  const yaml = readYaml(text)
  if (yaml.mistakes.length > 0) return { mistakes: yaml.mistakes }
  const { value } = yaml
  const fail = (path: ConfigPath, message: string): FileMistake => ({ ...yaml.locate(path, 'key'), message })
  if (!isKeyed(value)) return { mistakes: [fail([], 'must be a map with `users`, `groups` or both')] }
  const mistakes: FileMistake[] = Object.keys(value)
    .filter((key) => key !== 'users' && key !== 'groups')
    .map((key) => fail([key], `"${key}" is not known here; write \`users\` or \`groups\``))
  if (Object.keys(value).length === 0) mistakes.push(fail([], 'holds neither `users` nor `groups`'))
  const users = readPart(yaml, 'users', Users, mistakes, (name, groups) => ({ ...named(name), groups }))
  const groups = readPart(yaml, 'groups', Groups, mistakes, (id, members) => ({ id, members }))
  return mistakes.length > 0
    ? { mistakes }
    : joined({ users, groups }, ({ at }, message) => ({ ...yaml.locate(at), message }))
}

/** A list of entries, or a map of names and what belongs to each. */
function readPart<Entry extends object>(
  yaml: YamlFile,
  key: 'users' | 'groups',
  list: z.ZodType<Entry[]>,
  mistakes: FileMistake[],
  entryOf: (name: string, values: string[]) => Entry,
): (Entry & { readonly at: ConfigPath })[] {
  const value = isKeyed(yaml.value) ? yaml.value[key] : undefined
  if (value === undefined) return []
  const check = <Value>(schema: z.ZodType<Value>): Value | undefined => {
    const checked = schema.safeParse(value, { error: sentenceOf })
    if (checked.success) return checked.data
    for (const { path, message, on } of mistakesOf(checked.error.issues, schema, () => ({})))
      mistakes.push({ ...yaml.locate([key, ...path], on), message })
    return undefined
  }
  if (!isKeyed(value)) return (check(list) ?? []).map((entry, index) => ({ ...entry, at: [key, index] }))
  const byName = check(TextsByName) ?? {}
  return Object.entries(byName).map(([name, values]) => ({ ...entryOf(name, values), at: [key, name] }))
}

/** One text for all spellings of an address. */
const keyOf = ({ email, id }: { readonly email?: string | undefined; readonly id?: string | undefined }) =>
  email === undefined ? (id ?? '') : mailKey(email).key

/** An address is one by its sign; all else is an id. */
const named = (name: string) => (name.includes('@') ? { email: name } : { id: name })

function fromCsv(text: string): FileRead {
  const csv = readCsv(text)
  if ('wrong' in csv) return { mistakes: [{ line: csv.line, column: 1, message: csv.wrong }] }
  const wrong = columnMistake(csv.columns)
  if (wrong !== undefined) return { mistakes: [{ line: 1, column: 1, message: wrong }] }
  const mistakes: FileMistake[] = []
  const found = new Map<string, CsvUser>()
  for (const { line, values } of csv.rows) {
    const user = userOf(values)
    if ('wrong' in user) {
      mistakes.push({ line, column: 1, message: user.wrong })
      continue
    }
    const key = keyOf(user)
    const known = found.get(key)
    found.set(key, {
      ...known,
      ...user,
      groups: [...(known?.groups ?? []), ...user.groups],
      active: user.active && known?.active !== false,
    })
  }
  if (mistakes.length > 0) return { mistakes }
  const users = [...found.values()].map((user) => ({ ...user, at: [] }))
  return joined({ users, groups: [] }, (_, message) => ({ line: 1, column: 1, message }))
}

interface CsvUser {
  readonly id?: string
  readonly email?: string
  readonly groups: string[]
  readonly active: boolean
}

function userOf(values: Readonly<Record<string, string>>): CsvUser | { readonly wrong: string } {
  const { user, email, id, group = '', groups = '', active = '' } = values
  const who = { ...(user && named(user)), ...(email && { email }), ...(id && { id }) }
  if (Object.keys(who).length === 0) return { wrong: 'names no user' }
  if (!/^(?:true|false|)$/i.test(active)) return { wrong: `"active" must be true or false, not "${active}"` }
  const names = [group, ...groups.split(';')].map((name) => name.trim()).filter((name) => name !== '')
  return { ...who, groups: names, active: active.toLowerCase() !== 'false' }
}

const COLUMNS = ['user', 'email', 'id', 'group', 'groups', 'active', 'name']

function columnMistake(columns: readonly string[]): string | undefined {
  const unknown = columns.find((column) => !COLUMNS.includes(column))
  if (unknown !== undefined)
    return `"${unknown}" is not a known column; the first line names some of ${COLUMNS.join(', ')}`
  if (!['user', 'email', 'id'].some((column) => columns.includes(column)))
    return 'needs a column "user", "email" or "id"'
  return columns.includes('group') || columns.includes('groups')
    ? undefined
    : 'needs a column "group" or "groups"'
}

/** Both ends of membership brought together; who is only named as a member is a person too. */
function joined(
  { users, groups }: Entries,
  mistakeAt: (entry: UserEntry | GroupEntry, message: string) => FileMistake,
): FileRead {
  const mistakes: FileMistake[] = []
  const people = new Map<string, Person>()
  const personOf = new Map<string, string>()
  for (const user of users) {
    const { id, email, active = true } = user
    const keys = [email && mailKey(email).key, id].filter((key) => key !== undefined)
    const twin = keys.find((key) => personOf.has(key))
    if (twin !== undefined) mistakes.push(mistakeAt(user, `the user "${twin}" stands here twice`))
    const [key = ''] = keys
    for (const one of keys) personOf.set(one, key)
    people.set(key, {
      id: key,
      ids: id === undefined ? [] : [id],
      emails: email === undefined ? [] : [email],
      isActive: active,
    })
  }
  const memberId = (member: string): string => {
    const key = member.includes('@') ? mailKey(member).key : member
    const known = personOf.get(member) ?? personOf.get(key)
    if (known !== undefined) return known
    const isEmail = member.includes('@')
    personOf.set(key, key)
    people.set(key, { id: key, ids: isEmail ? [] : [key], emails: isEmail ? [member] : [], isActive: true })
    return key
  }
  const found = new Map<string, { name: string | undefined; people: Set<string>; groups: Set<string> }>()
  const groupOf = (id: string) => {
    const group = found.get(id) ?? { name: undefined, people: new Set(), groups: new Set() }
    found.set(id, group)
    return group
  }
  for (const entry of groups) {
    if (found.has(entry.id)) mistakes.push(mistakeAt(entry, `the group "${entry.id}" stands here twice`))
    const group = groupOf(entry.id)
    group.name = entry.name
    for (const member of entry.members ?? []) group.people.add(memberId(member))
    for (const inner of entry.groups ?? []) group.groups.add(inner)
  }
  for (const user of users) for (const id of user.groups ?? []) groupOf(id).people.add(keyOf(user))
  if (mistakes.length > 0) return { mistakes }
  return {
    people: [...people.values()],
    groups: [...found].map(([id, group]) => ({
      id,
      name: group.name,
      people: [...group.people],
      groups: [...group.groups],
    })),
  }
}
