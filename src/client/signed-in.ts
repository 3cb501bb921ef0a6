/**
 * Asks a server as the user: with the token that this computer has, or with one of a new sign-in.
 *
 * @module
 */
import { Fault } from '../errors.ts'
import { plain } from '../plain-text.ts'
import type { Credential, CredentialStore, ServerKey } from './credentials/credential-store.ts'
import { alone } from './credentials/login-lock.ts'
import { expiryOf } from './credentials/token.ts'
import type { Answer, HttpClient } from './http/http-client.ts'

export interface Client {
  readonly http: HttpClient
  readonly store: CredentialStore
  /** That of a service account, which never signs in. */
  readonly machineToken: string | undefined
  /** @returns a token */
  readonly signIn: () => Promise<string>
  /** Whether somebody sits there, or asked for a sign-in by name: then a page may always be opened. */
  readonly isAttended: boolean
  readonly say: (text: string) => void
  readonly now: () => number
}

/** Who the token's user is: a page of every server, which needs a sign-in and nothing else. */
const USER = '/.pomerium/user'

export interface Access {
  readonly token: string
  readonly expiresAt: number
  readonly user: string | undefined
}

const keyOf = ({ http }: Client): ServerKey => ({
  origin: http.server.origin,
  isUnverified: http.isUnverified,
})

const needsSignIn = ({ status }: Answer): boolean => status === 401 || (status >= 300 && status < 400)

/** A token that the server takes now. Signs in where there is none. */
export async function access(client: Client): Promise<Access> {
  const { machineToken: token, store, now } = client
  if (token !== undefined) return { token, expiresAt: expiryOf(token, now()), user: undefined }
  const cached = store.load(keyOf(client), now())
  if (cached === undefined) return await signInAlone(client, undefined)
  const answer = await client.http.get(USER, cached.token)
  if (needsSignIn(answer)) return await signInAlone(client, cached.token)
  if (answer.status >= 500) throw unwell(client, answer)
  return cached
}

/** @param refused a token that the server does not take any more */
async function signInAlone(client: Client, refused: string | undefined): Promise<Credential> {
  const { store, now, say } = client
  const key = keyOf(client)
  const lock = {
    folder: store.folder,
    name: store.lockName(key),
    onWait: () => say('Another program of this computer is signing in; waiting for it.\n'),
  }
  return await alone(lock, async () => {
    // Of a process that was quicker.
    const fresh = store.load(key, now())
    if (fresh !== undefined && fresh.token !== refused) return fresh
    store.remove(key)
    const token = await answeredSignIn(client)
    const answer = await client.http.get(USER, token)
    if (answer.status >= 500) throw unwell(client, answer)
    if (needsSignIn(answer))
      throw new Fault('LOGIN_FAILED', `${key.origin} does not take the token that it has just given`)
    const credential = { ...key, token, expiresAt: expiryOf(token, now()), user: userIn(answer) }
    store.save(credential)
    return credential
  })
}

/** Editors and dashboards run kubectl all night: a page that nobody answers is not opened again and again. */
async function answeredSignIn(client: Client): Promise<string> {
  const { store, isAttended } = client
  const key = keyOf(client)
  if (!isAttended && store.isUnanswered(key))
    throw new Fault(
      'LOGIN_FAILED',
      `nobody answered the last page for a sign-in at ${key.origin}; run: sallyport auth login ${key.origin}`,
    )
  store.noteUnanswered(key, true)
  const token = await client.signIn()
  store.noteUnanswered(key, false)
  return token
}

function userIn({ status, text }: Answer): string | undefined {
  if (status !== 200) return undefined
  try {
    const claims: unknown = JSON.parse(text)
    if (typeof claims !== 'object' || claims === null) return undefined
    const { email, sub }: Partial<Record<string, unknown>> = { ...claims }
    const name = [email, sub].find((each) => typeof each === 'string' && each !== '')
    return typeof name === 'string' ? plain(name).slice(0, 200) : undefined
  } catch {
    return undefined
  }
}

/** Signs in once more when the token turns out to have ended. */
export async function getSignedIn(client: Client, path: string): Promise<Answer> {
  const { token } = await access(client)
  const first = await client.http.get(path, token)
  if (!needsSignIn(first) || client.machineToken !== undefined) return checked(client, first)
  const { token: next } = await signInAlone(client, token)
  return checked(client, await client.http.get(path, next))
}

function checked(client: Client, answer: Answer): Answer {
  const { origin } = client.http.server
  if (answer.status === 200) return answer
  if (answer.status >= 500) throw unwell(client, answer)
  if (needsSignIn(answer))
    throw new Fault(
      'LOGIN_FAILED',
      client.machineToken === undefined
        ? `${origin} asks for a sign-in again and again; see "sallyport auth status"`
        : `${origin} does not take the token of the service account here`,
    )
  throw new Fault('SERVER_ANSWER_INVALID', `${origin} answered ${answer.status}: ${excerpt(answer)}`)
}

const unwell = (client: Client, answer: Answer): Fault =>
  new Fault(
    'SERVER_UNREACHABLE',
    `${client.http.server.origin} answered ${answer.status}: ${excerpt(answer)}`,
  )

const excerpt = ({ text }: Answer): string => JSON.stringify(plain(text).trim().slice(0, 200))
