/**
 * `sallyport auth`: signs in, prints the token, and tells and clears what this computer has.
 *
 * @module
 */
import { readServerUrl } from '../../client/server-url.ts'
import { access } from '../../client/signed-in.ts'
import { Fault } from '../../errors.ts'
import { alignedLines } from '../table.ts'
import { type AskingValues, openClient, openStore } from './open-client.ts'

interface AuthValues extends AskingValues {
  readonly header?: boolean | undefined
  readonly json?: boolean | undefined
}

const print = (text: string): void => void process.stdout.write(text)

/** @returns the exit code */
export async function auth(
  action: string | undefined,
  address: string | undefined,
  values: AuthValues,
): Promise<number> {
  if (action === 'login') return await login(address, values)
  if (action === 'token') return await token(address, values)
  if (action === 'logout') return logout(address)
  if (action === 'status') return status(address, values)
  throw new Fault('USAGE', 'auth takes login, token, logout or status; see sallyport auth --help')
}

async function login(address: string | undefined, values: AuthValues): Promise<number> {
  const client = openClient(values, address, { isSignIn: true })
  if (client.machineToken !== undefined)
    throw new Fault('USAGE', 'a service account does not sign in; give its token to the other commands')
  const { user, expiresAt } = await access(client)
  const name = user === undefined ? '' : ` as ${user}`
  print(`Signed in at ${client.http.server.origin}${name}, until ${shownTime(expiresAt)}.\n`)
  return 0
}

async function token(address: string | undefined, values: AuthValues): Promise<number> {
  const { token: text } = await access(openClient(values, address))
  print(values.header === true ? `Authorization: Pomerium ${text}\n` : `${text}\n`)
  return 0
}

function logout(address: string | undefined): number {
  const store = openStore()
  if (address === undefined) store.clear()
  else {
    const { origin } = readServerUrl(address)
    for (const isUnverified of [false, true]) store.remove({ origin, isUnverified })
  }
  print('This computer has no such token any more. Sessions of your browser go on: sign out there.\n')
  return 0
}

function status(address: string | undefined, { json = false }: AuthValues): number {
  const origin = address === undefined ? undefined : readServerUrl(address).origin
  const now = Date.now()
  const all = openStore()
    .all()
    .filter((each) => (origin === undefined || each.origin === origin) && each.expiresAt > now)
  if (json) {
    const rows = all.map(({ origin: server, user, expiresAt, isUnverified }) => ({
      server,
      user: user ?? null,
      expires_at: new Date(expiresAt).toISOString(),
      verified: !isUnverified,
    }))
    print(`${JSON.stringify(rows, undefined, 2)}\n`)
  } else if (all.length === 0) print('You are signed in nowhere.\n')
  else {
    const rows = all.map(({ origin: server, user, expiresAt, isUnverified }) => [
      isUnverified ? `${server} (not verified)` : server,
      user ?? '',
      `until ${shownTime(expiresAt)}`,
    ])
    print(alignedLines([['SERVER', 'USER', 'AT MOST'], ...rows]))
  }
  // For scripts: whether a command would have to sign in.
  return all.length === 0 ? 3 : 0
}

const shownTime = (at: number): string =>
  new Date(at).toISOString().slice(0, 16).replace('T', ' ').concat(' UTC')
