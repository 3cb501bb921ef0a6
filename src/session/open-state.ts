/**
 * The state folder of an installation: its keys, and the store that is sealed with them.
 *
 * One rule for the running proxy and for commands that work beside it: a store that is opened with other keys
 * drops its sessions.
 *
 * @module
 */
import { dirname, join, resolve } from 'node:path'
import type { Settings } from '../config/config.ts'
import { keptSecret } from '../crypto/kept-secret.ts'
import { decodeSecret, deriveKeyring, type Keyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/seal.ts'
import { openSqliteStore } from './file-store.ts'
import type { Store } from './session-store.ts'
import type { FileEvents } from './sqlite/sqlite-health.ts'

/** `.sallyport` beside the configuration file, unless another is named. */
export function stateDirFor(configFile: string, named?: string): string {
  return resolve(named ?? join(dirname(configFile), '.sallyport'))
}

/** @throws {Fault} CONFIG_INVALID, STATE_UNUSABLE */
export function openKeyring(
  { shared_secret, cookie_secret }: Pick<Settings, 'shared_secret' | 'cookie_secret'>,
  stateDir: string,
): Keyring {
  const sharedSecret = shared_secret?.reveal() ?? keptSecret(join(stateDir, 'secrets', 'shared_secret'))
  return deriveKeyring(
    decodeSecret(sharedSecret),
    cookie_secret && decodeSecret(cookie_secret.reveal(), 'cookie_secret'),
  )
}

export function storeFileIn(stateDir: string): string {
  return join(stateDir, 'sallyport.db')
}

/** @throws {Fault} STATE_UNUSABLE */
export function openStore(stateDir: string, keys: Keyring, events: FileEvents = {}): Promise<Store> {
  return openSqliteStore({ file: storeFileIn(stateDir), sealer: createSealer(keys.atRest), ...events })
}
