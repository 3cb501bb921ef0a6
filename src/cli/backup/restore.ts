/**
 * `sallyport restore`: puts the state folder of a backup in place, the whole or nothing.
 *
 * @module
 */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { Fault, reasonOf, systemCodeOf } from '../../errors.ts'
import { makeFolder } from '../../make-folder.ts'
import { stateDirFor, storeFileIn } from '../../session/open-state.ts'
import { openDatabase } from '../../session/sqlite/sqlite-database.ts'
import { isStoreInUse } from '../../session/sqlite/store-use.ts'
import { readArchive } from './archive.ts'

export interface RestoreCommand {
  readonly file: string
  readonly config?: string | undefined
  readonly 'state-dir'?: string | undefined
  readonly 'with-sessions'?: boolean | undefined
}

interface Terminal {
  readonly stderr: { write(text: string): unknown }
}

/** @throws {Fault} STATE_UNUSABLE; the state folder is as it was then */
export function restore(command: RestoreCommand, { stderr }: Terminal): number {
  const stateDir = stateDirFor(command.config ?? 'config.yaml', command['state-dir'])
  const file = resolve(command.file)
  if (!existsSync(file)) throw new Fault('STATE_UNUSABLE', `${file}: there is no such file`)
  makeFolder(dirname(stateDir))
  const fresh = mkdtempSync(join(dirname(stateDir), `.${basename(stateDir)}-restoring-`))
  try {
    const { made_at: madeAt, files } = readArchive(file, (path) => placeIn(fresh, path))
    if (!existsSync(storeFileIn(fresh)))
      throw new Fault('STATE_UNUSABLE', `${file}: holds no database; take another backup`)
    checkDatabase(storeFileIn(fresh), command['with-sessions'] === true)
    if (isStoreInUse(storeFileIn(stateDir)))
      throw new Fault('STATE_UNUSABLE', `${stateDir}: a Sallyport runs with this folder; stop it first`)
    const aside = putInPlace(fresh, stateDir)
    stderr.write(
      [
        `${files.length} files of ${madeAt} are in ${stateDir}.`,
        ...(aside === undefined ? [] : [`What was there before is in ${aside}: delete it once all is well.`]),
        command['with-sessions'] === true
          ? `Sessions are back too, and with them those that were signed out since ${madeAt}.`
          : 'Sessions were left out, so everybody signs in again.',
        `Service accounts that were revoked since ${madeAt} count again: see sallyport service-account list.`,
        '',
      ].join('\n'),
    )
    return 0
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    if (error instanceof Fault) throw error
    throw new Fault(
      'STATE_UNUSABLE',
      `${stateDir}: could not be restored, and is as it was: ${reasonOf(error)}`,
      { cause: error },
    )
  }
}

function placeIn(folder: string, path: string): string {
  const place = join(folder, path)
  makeFolder(dirname(place), 0o700)
  return place
}

/**
 * Opened as the proxy would, which refuses the schema of a newer one. Sessions are left out unless asked for:
 * whoever has signed out since would be signed in again.
 */
function checkDatabase(file: string, keepsSessions: boolean): void {
  using database = openDatabase(file)
  const [answer] = Object.values(database.prepare('PRAGMA integrity_check(1)').get() ?? {})
  if (answer !== 'ok') throw new Fault('STATE_UNUSABLE', `${file}: the database in the backup is damaged`)
  if (!keepsSessions) database.exec('DELETE FROM session; DELETE FROM activity')
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
}

/** Two renames: at each moment one whole folder is there, or the old one beside it. */
function putInPlace(fresh: string, stateDir: string): string | undefined {
  const isThere = existsSync(stateDir) && readdirSync(stateDir).length > 0
  const aside = `${stateDir}-before-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
  try {
    if (existsSync(stateDir)) renameSync(stateDir, aside)
  } catch (error) {
    if (!['EBUSY', 'EXDEV'].includes(systemCodeOf(error) ?? '')) throw error
    throw new Fault(
      'STATE_UNUSABLE',
      `${stateDir} is a mount point and can't be replaced: restore into another folder with --state-dir, and mount that`,
      { cause: error },
    )
  }
  try {
    renameSync(fresh, stateDir)
  } catch (error) {
    if (existsSync(aside)) renameSync(aside, stateDir)
    throw error
  }
  if (isThere) return aside
  rmSync(aside, { recursive: true, force: true })
  return undefined
}
