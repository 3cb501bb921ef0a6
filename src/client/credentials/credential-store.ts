/**
 * The tokens that this computer has, each for one server.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { PrivateFolder } from './private-folder.ts'
import { isToken } from './token.ts'

/** Whose token it is. One that came without a look at certificates may be an attacker’s: it is kept apart. */
export interface ServerKey {
  readonly origin: string
  readonly isUnverified: boolean
}

export interface Credential extends ServerKey {
  readonly token: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
  /** Who is signed in, as the server says. */
  readonly user: string | undefined
}

/** A token that ends within this time would end on its way. */
const LEEWAY_MS = 5_000

/** Where tokens are kept, beside what else Sallyport keeps for this user. */
export function credentialFolder(env: Readonly<Record<string, string | undefined>>): string {
  const named = env['SALLYPORT_CACHE_DIR']
  const base = named || join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'sallyport')
  return join(base, 'credentials')
}

const END = '.json'
const nameOf = ({ origin, isUnverified }: ServerKey): string =>
  createHash('sha256')
    .update(`${origin}\n${isUnverified ? 'unverified' : 'verified'}`)
    .digest('hex')

export class CredentialStore {
  readonly folder: PrivateFolder

  constructor(path: string) {
    this.folder = new PrivateFolder(path)
  }

  /** Undefined when there is none, or none that still counts. */
  load(key: ServerKey, now: number): Credential | undefined {
    const found = this.#read(`${nameOf(key)}${END}`)
    // By what it says, not by its name alone: a file that was renamed would send a token elsewhere.
    const isMeant = found?.origin === key.origin && found.isUnverified === key.isUnverified
    return isMeant && found.expiresAt > now + LEEWAY_MS ? found : undefined
  }

  save(credential: Credential): void {
    this.folder.write(`${nameOf(credential)}${END}`, `${JSON.stringify(credential)}\n`)
  }

  remove(key: ServerKey): void {
    this.folder.remove(`${nameOf(key)}${END}`)
  }

  all(): readonly Credential[] {
    return this.folder
      .names()
      .filter((name) => name.endsWith(END))
      .flatMap((name) => this.#read(name) ?? [])
      .toSorted((one, other) => (one.origin < other.origin ? -1 : 1))
  }

  /** With what a process that was killed has left. */
  clear(): void {
    for (const name of this.folder.names()) this.folder.remove(name)
  }

  /** Whether the last page that was opened for a sign-in brought no token. */
  isUnanswered(key: ServerKey): boolean {
    return this.folder.read(`${nameOf(key)}.unanswered`) !== undefined
  }

  noteUnanswered(key: ServerKey, isUnanswered: boolean): void {
    const name = `${nameOf(key)}.unanswered`
    if (isUnanswered) this.folder.write(name, '')
    else this.folder.remove(name)
  }

  lockName(key: ServerKey): string {
    return `${nameOf(key)}.lock`
  }

  #read(name: string): Credential | undefined {
    const text = this.folder.read(name)
    if (text === undefined) return undefined
    try {
      const value: unknown = JSON.parse(text)
      return isCredential(value) ? value : undefined
    } catch {
      return undefined
    }
  }
}

function isCredential(value: unknown): value is Credential {
  if (typeof value !== 'object' || value === null) return false
  const { origin, isUnverified, token, expiresAt, user }: Partial<Record<string, unknown>> = { ...value }
  return (
    typeof origin === 'string' &&
    typeof isUnverified === 'boolean' &&
    typeof token === 'string' &&
    isToken(token) &&
    typeof expiresAt === 'number' &&
    (user === undefined || typeof user === 'string')
  )
}
