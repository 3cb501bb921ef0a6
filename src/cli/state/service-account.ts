/**
 * `sallyport service-account`: identities for machines. Works on the state folder, whether Sallyport runs or
 * not.
 *
 * The token goes to standard output, once and alone, so that it can be piped into a secret store; all else
 * that is said goes to standard error.
 *
 * @module
 */
import { userInfo } from 'node:os'
import {
  isMeantFor,
  ownUserId,
  type ServiceAccount,
} from '../../access/credentials/service-account/service-account.ts'
import {
  type ListedAccount,
  ServiceAccounts,
} from '../../access/credentials/service-account/service-accounts.ts'
import type { Route } from '../../config/config.ts'
import { makeServiceAccountToken, newServiceAccountId } from '../../edge/service-account-token.ts'
import { Fault } from '../../errors.ts'
import { plain } from '../../plain-text.ts'
import { alignedLines } from '../table.ts'
import { parseExpiry } from './expiry.ts'
import {
  memberLines,
  nothingKept,
  openStateFolder,
  type StateFolderOptions,
  type Terminal,
} from './open-state-folder.ts'

type ActionName = 'create' | 'list' | 'show' | 'revoke'

export interface ServiceAccountCommand extends StateFolderOptions {
  readonly action: ActionName
  readonly name: string | undefined
  readonly expires?: string | undefined
  readonly groups?: string | undefined
  readonly email?: string | undefined
  readonly user?: string | undefined
  readonly route?: readonly string[] | undefined
  readonly description?: string | undefined
  readonly force?: boolean | undefined
  readonly json?: boolean | undefined
}

type Action = (command: ServiceAccountCommand, state: State, terminal: Terminal) => Promise<number>

interface State {
  readonly accounts: ServiceAccounts
  readonly stateDir: string
  /** Whether a process had its store open before. */
  readonly isRunning: boolean
  readonly key: Uint8Array
  readonly routes: readonly Route[]
  readonly now: number
}

const ACTIONS: Readonly<Record<ActionName, { readonly run: Action; readonly takes: readonly string[] }>> = {
  create: {
    run: create,
    takes: ['expires', 'groups', 'email', 'user', 'route', 'description', 'json', 'force'],
  },
  list: { run: list, takes: ['json'] },
  show: { run: show, takes: ['json'] },
  revoke: { run: revoke, takes: [] },
}
const EVERYWHERE = ['action', 'name', 'config', 'state-dir']

/** @returns the exit code: 1 when there is no such account, or already one */
export async function serviceAccount(command: ServiceAccountCommand, terminal: Terminal): Promise<number> {
  const action = ACTIONS[command.action]
  const stray = Object.keys(command).find((key) => !EVERYWHERE.includes(key) && !action.takes.includes(key))
  if (stray !== undefined)
    throw new Fault('USAGE', `service-account ${command.action} has no --${stray}; see sallyport --help`)
  if ((command.name === undefined) !== (command.action === 'list'))
    throw new Fault(
      'USAGE',
      command.action === 'list'
        ? `service-account list does not take "${command.name}"`
        : `service-account ${command.action} needs a name`,
    )
  const isForced = command.action === 'create' && command.force === true
  const { store, ...state } = await openStateFolder(
    command,
    terminal.env,
    isForced ? undefined : command.action === 'create' ? nobodyHasRun : nothingKept,
  )
  await using _ = store
  using accounts = new ServiceAccounts(store.records)
  return await action.run(
    command,
    { accounts, ...state, key: state.keys.serviceAccount, now: Date.now() },
    terminal,
  )
}

const nobodyHasRun = (stateDir: string): string =>
  `${stateDir}: no Sallyport has run with this folder, so none would know the account. Name its state folder with --state-dir, or say --force if it is yet to start`

const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/

async function create(command: ServiceAccountCommand, state: State, terminal: Terminal): Promise<number> {
  const { accounts, key, now } = state
  const { name = '' } = command
  if (!NAME.test(name))
    throw new Fault(
      'USAGE',
      'a name has at most 64 lower-case letters, digits, dots, hyphens and underscores, and begins and ends with a letter or digit',
    )
  const taken = (await accounts.list()).find(({ account }) => account.name === name)
  if (taken !== undefined) {
    terminal.stderr.write(
      `sallyport: there is a service account "${name}" already; revoke it first, or choose another name\n`,
    )
    return 1
  }
  const nowhere = unknownRoutes(command.route ?? [], state)
  if (nowhere.length > 0 && command.force !== true)
    throw new Fault(
      'USAGE',
      `no route of the configuration is named "${nowhere.join('", "')}" or has that host; say --force if it is yet to come`,
    )
  const expiresAt = command.expires === undefined ? undefined : parseExpiry(command.expires, now)
  const id = newServiceAccountId()
  const account = await accounts.save(id, {
    name,
    userId: command.user ?? ownUserId(name),
    email: command.email,
    groups: listOf(command.groups),
    claims: {},
    description: command.description,
    createdAt: now,
    createdBy: userName(),
    expiresAt,
    routes: command.route === undefined ? undefined : [...command.route],
  })
  if (account === undefined) throw new Error('an account was saved that can not be read')
  const token = makeServiceAccountToken(id, key)
  if (command.json === true)
    terminal.stdout.write(`${JSON.stringify({ ...described({ account, lastUsedAt: undefined }), token })}\n`)
  else terminal.stdout.write(`${token}\n`)
  for (const line of remarks(account, state)) terminal.stderr.write(`${line}\n`)
  return 0
}

/** A host under a wildcard can't be told from a slip of the pen. */
function unknownRoutes(entries: readonly string[], { routes }: State): readonly string[] {
  return entries.filter(
    (entry) => !routes.some((route) => route.origin.wildcard || isMeantFor({ routes: [entry] }, route, '')),
  )
}

function remarks(account: ServiceAccount, state: State): readonly string[] {
  const { stateDir, isRunning, now } = state
  const { name, expiresAt } = account
  const until = expiresAt === undefined ? '' : `, good until ${dateOf(expiresAt)}`
  return [
    `Service account "${name}" is kept in ${stateDir}${until}.`,
    'The token above is shown once. Send it as "Authorization: Bearer Pomerium-<token>" or "X-Pomerium-Authorization: <token>".',
    ...(expiresAt === undefined
      ? [
          `Warning: it has no end. Whoever finds it may use it until you run: sallyport service-account revoke ${name}`,
        ]
      : expiresAt <= now
        ? ['Warning: it has expired already.']
        : []),
    ...(isRunning
      ? []
      : [
          'Warning: no Sallyport runs with that folder now. If one runs elsewhere, it does not know this account: name its folder with --state-dir.',
        ]),
    ...unknownRoutes(account.routes ?? [], state).map(
      (entry) => `Warning: no route of the configuration is named "${entry}" or has that host.`,
    ),
  ]
}

async function list({ json }: ServiceAccountCommand, state: State, terminal: Terminal): Promise<number> {
  const listed = await state.accounts.list()
  if (json === true) {
    terminal.stdout.write(`${JSON.stringify(listed.map(described))}\n`)
    return 0
  }
  if (listed.length === 0) terminal.stderr.write('There are no service accounts.\n')
  else terminal.stdout.write(table(listed, state.now))
  return 0
}

async function show(
  { name, json }: ServiceAccountCommand,
  state: State,
  terminal: Terminal,
): Promise<number> {
  const found = await find(name, state.accounts)
  if (found === undefined) return noSuch(name, terminal)
  const told = described(found)
  terminal.stdout.write(json === true ? `${JSON.stringify(told)}\n` : memberLines(told))
  return 0
}

async function revoke({ name }: ServiceAccountCommand, state: State, terminal: Terminal): Promise<number> {
  const found = await find(name, state.accounts)
  if (found === undefined || !(await state.accounts.revoke(found.account.id))) return noSuch(name, terminal)
  terminal.stderr.write(
    `Service account "${found.account.name}" is revoked: its token is refused from now on.\n`,
  )
  return 0
}

async function find(name: string | undefined, accounts: ServiceAccounts): Promise<ListedAccount | undefined> {
  const listed = await accounts.list()
  return (
    listed.find(({ account }) => account.name === name) ?? listed.find(({ account }) => account.id === name)
  )
}

function noSuch(name: string | undefined, terminal: Terminal): number {
  terminal.stderr.write(`sallyport: there is no service account "${plain(name ?? '')}"\n`)
  return 1
}

/** In the words of the API to come: snake_case, times as text. */
function described({ account, lastUsedAt }: ListedAccount) {
  const { id, name, userId, email, groups, description, routes } = account
  return {
    id,
    name,
    user_id: userId,
    email,
    groups,
    description,
    routes,
    created_at: dateOf(account.createdAt),
    created_by: account.createdBy,
    expires_at: account.expiresAt === undefined ? undefined : dateOf(account.expiresAt),
    last_used_at: lastUsedAt === undefined ? undefined : dateOf(lastUsedAt),
  }
}

function table(listed: readonly ListedAccount[], now: number): string {
  const rows = listed.map(({ account, lastUsedAt }) => [
    account.name,
    account.id,
    account.userId,
    account.expiresAt === undefined
      ? 'never'
      : `${dateOf(account.expiresAt)}${account.expiresAt <= now ? ' (expired)' : ''}`,
    lastUsedAt === undefined ? 'never' : dateOf(lastUsedAt),
  ])
  return alignedLines([['NAME', 'ID', 'USER', 'EXPIRES', 'LAST USED'], ...rows])
}

const dateOf = (time: number): string => new Date(time).toISOString().replace(/\.000Z$/, 'Z')

function listOf(text: string | undefined): string[] {
  const parts = (text ?? '').split(',').map((part) => part.trim())
  return [...new Set(parts)].filter((part) => part !== '')
}

function userName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    // In a container the user may have no name.
    return undefined
  }
}
