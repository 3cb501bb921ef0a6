/**
 * The state folder of a Sallyport, for commands that work on it, whether one runs or not.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { loadConfig } from '../../config/file/load.ts'
import { Fault } from '../../errors.ts'
import { plain } from '../../plain-text.ts'
import { openKeyring, openStore, stateDirFor, storeFileIn } from '../../session/open-state.ts'
import { isStoreInUse } from '../../session/sqlite/store-use.ts'

export interface StateFolderOptions {
  readonly config?: string | undefined
  readonly 'state-dir'?: string | undefined
}

/** The parts of a process that these commands need. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What is kept of one thing, a line a member. */
export const memberLines = (
  described: Readonly<Record<string, string | readonly string[] | undefined>>,
): string =>
  Object.entries(described)
    .flatMap(([key, value]) => (value === undefined ? [] : `${key}: ${plain([value].flat().join(', '))}\n`))
    .join('')

/**
 * @param isMissing what to say when nobody has run with that folder; unset: then it is made
 * @throws {Fault} CONFIG_INVALID, STATE_UNUSABLE
 */
export async function openStateFolder(
  command: StateFolderOptions,
  env: Readonly<Record<string, string | undefined>>,
  isMissing: ((stateDir: string) => string) | undefined,
) {
  const file = command.config ?? 'config.yaml'
  // With the keys of another installation the store would drop its sessions: the file has to be right.
  const { settings, routes } = loadConfig(file, { env })
  const stateDir = stateDirFor(file, command['state-dir'])
  if (isMissing !== undefined && !existsSync(storeFileIn(stateDir)))
    throw new Fault('STATE_UNUSABLE', isMissing(stateDir))
  const isRunning = isStoreInUse(storeFileIn(stateDir))
  const keys = openKeyring(settings, stateDir)
  return { routes, stateDir, isRunning, keys, store: await openStore(stateDir, keys) }
}

export const nothingKept = (stateDir: string): string =>
  `${stateDir}: no sessions or accounts are kept there; name the state folder with --state-dir`
