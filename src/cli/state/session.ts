/**
 * `sallyport session`: who is signed in, and how to end it. Works on the state folder, whether Sallyport runs
 * or not.
 *
 * @module
 */
import { Fault } from '../../errors.ts'
import { plain } from '../../plain-text.ts'
import type { Session } from '../../session/session.ts'
import type { SessionStore } from '../../session/store.ts'
import { alignedLines, count } from '../table.ts'
import {
  memberLines,
  nothingKept,
  openStateFolder,
  type StateFolderOptions,
  type Terminal,
} from './open-state-folder.ts'

type ActionName = 'list' | 'show' | 'end'

export interface SessionCommand extends StateFolderOptions {
  readonly action: ActionName
  readonly id: string | undefined
  readonly user?: string | undefined
  readonly all?: boolean | undefined
  readonly json?: boolean | undefined
}

interface State {
  readonly store: Pick<SessionStore, 'list' | 'deleteAll'>
  readonly isRunning: boolean
  readonly terminal: Terminal
}

type Action = (command: SessionCommand, state: State) => Promise<number>

const ACTIONS: Readonly<Record<ActionName, { readonly run: Action; readonly takes: readonly string[] }>> = {
  list: { run: list, takes: ['user', 'json'] },
  show: { run: show, takes: ['id', 'json'] },
  end: { run: end, takes: ['id', 'user', 'all', 'json'] },
}
const EVERYWHERE = ['action', 'config', 'state-dir']

/** @returns the exit code: 1 when there is no such session */
export async function session(command: SessionCommand, terminal: Terminal): Promise<number> {
  const action = ACTIONS[command.action]
  const given = Object.entries(command).flatMap(([key, value]) => (value === undefined ? [] : [key]))
  const stray = given.find((key) => !EVERYWHERE.includes(key) && !action.takes.includes(key))
  if (stray !== undefined)
    throw new Fault(
      'USAGE',
      stray === 'id'
        ? `session ${command.action} does not take "${command.id}"`
        : `session ${command.action} has no --${stray}; see sallyport session --help`,
    )
  const { store, isRunning } = await openStateFolder(command, terminal.env, nothingKept)
  await using _ = store
  return await action.run(command, { store, isRunning, terminal })
}

async function list({ user, json }: SessionCommand, { store, terminal }: State): Promise<number> {
  const found = (await live(store)).filter((each) => user === undefined || isOf(each, user))
  if (json === true) terminal.stdout.write(`${JSON.stringify(found.map(described))}\n`)
  else if (found.length === 0) terminal.stderr.write('Nobody is signed in.\n')
  else
    terminal.stdout.write(
      alignedLines([
        ['ID', 'USER', 'EMAIL', 'SINCE', 'UNTIL'],
        ...found.map(({ id, userId, email = '', issuedAt, expiresAt }) => [
          id,
          userId,
          email,
          dateOf(issuedAt),
          dateOf(expiresAt),
        ]),
      ]),
    )
  return 0
}

async function show({ id, json }: SessionCommand, { store, terminal }: State): Promise<number> {
  if (id === undefined) throw new Fault('USAGE', 'session show needs an id: see sallyport session list')
  const found = oneOf(await live(store), id)
  if (found === undefined) return noSuch(id, terminal)
  const told = described(found)
  terminal.stdout.write(json === true ? `${JSON.stringify(told)}\n` : memberLines(told))
  return 0
}

async function end(command: SessionCommand, { store, isRunning, terminal }: State): Promise<number> {
  const { id, user, all, json } = command
  if ([id !== undefined, user !== undefined, all === true].filter(Boolean).length !== 1)
    throw new Fault('USAGE', 'session end needs one of an id, --user and --all')
  const sessions = await live(store)
  const one = id === undefined ? undefined : oneOf(sessions, id)
  if (id !== undefined && one === undefined) return noSuch(id, terminal)
  const ended = one === undefined ? sessions.filter((each) => user === undefined || isOf(each, user)) : [one]
  if (ended.length === 0) {
    terminal.stderr.write(
      user === undefined
        ? 'Nobody is signed in.\n'
        : `sallyport: there is no session of "${plain(user)}"; give the user id or the e-mail address\n`,
    )
    return user === undefined ? 0 : 1
  }
  await store.deleteAll(ended.map((each) => each.id))
  if (json === true) terminal.stdout.write(`${JSON.stringify(ended.map(described))}\n`)
  terminal.stderr.write(
    `${count(ended.length, 'session')} ended${isRunning ? ': what they have open ends within a second' : ''}.\n` +
      'Whoever is ended may sign in again; to keep somebody out, deactivate them at the identity provider or in a directory.\n',
  )
  return 0
}

async function live(store: State['store']): Promise<readonly Session[]> {
  const now = Date.now()
  return (await store.list())
    .filter(({ expiresAt }) => now < expiresAt)
    .toSorted((one, other) => other.issuedAt - one.issuedAt)
}

const isOf = ({ userId, email }: Session, user: string): boolean =>
  userId === user || email?.toLowerCase() === user.toLowerCase()

/** So many characters tell one session from another, and nobody types all. */
const SHORTEST = 6

function oneOf(sessions: readonly Session[], id: string): Session | undefined {
  const found = sessions.filter((each) => each.id === id || (id.length >= SHORTEST && each.id.startsWith(id)))
  if (found.length > 1) throw new Fault('USAGE', `"${id}" begins the ids of ${found.length} sessions`)
  return found[0]
}

function noSuch(id: string, terminal: Terminal): number {
  terminal.stderr.write(`sallyport: there is no session "${plain(id)}"; see sallyport session list\n`)
  return 1
}

/** In the words of the API to come: snake_case, times as text. No token of the identity provider is told. */
function described({
  id,
  userId,
  email,
  name,
  idpId,
  groups,
  issuedAt,
  authenticatedAt,
  expiresAt,
}: Session) {
  return {
    id,
    user_id: userId,
    email,
    name,
    idp_id: idpId,
    groups,
    issued_at: dateOf(issuedAt),
    authenticated_at: authenticatedAt === undefined ? undefined : dateOf(authenticatedAt),
    expires_at: dateOf(expiresAt),
  }
}

const dateOf = (time: number): string => new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z')
