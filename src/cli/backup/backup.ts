/**
 * `sallyport backup`: the state folder as one file, of one moment, while the proxy runs.
 *
 * @module
 */
import { existsSync, linkSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import manifest from '../../../package.json' with { type: 'json' }
import { Fault, reasonOf, systemCodeOf } from '../../errors.ts'
import { stateDirFor, storeFileIn } from '../../session/open-state.ts'
import { type ArchivedFile, writeArchive } from './archive.ts'

export interface BackupCommand {
  readonly file: string
  readonly config?: string | undefined
  readonly 'state-dir'?: string | undefined
}

interface Terminal {
  readonly stderr: { write(text: string): unknown }
}

const DATABASE = 'sallyport.db'
/** Of a running process: sockets, and what SQLite keeps beside its file. */
const PASSING = new Set(['run', DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`])

/** @throws {Fault} STATE_UNUSABLE, USAGE */
export function backup(command: BackupCommand, { stderr }: Terminal): number {
  const stateDir = stateDirFor(command.config ?? 'config.yaml', command['state-dir'])
  const target = resolve(command.file)
  if (!existsSync(storeFileIn(stateDir)))
    throw new Fault(
      'STATE_UNUSABLE',
      `${stateDir}: nothing is kept there; name the state folder with --state-dir`,
    )
  if (existsSync(target)) throw new Fault('USAGE', `${target} is there already; choose another name`)
  const work = temporaryBeside(target)
  try {
    const copied = join(work, DATABASE)
    copyDatabase(storeFileIn(stateDir), copied)
    const files: ArchivedFile[] = [
      { path: DATABASE, source: copied, bytes: statSync(copied).size },
      ...filesBelow(stateDir, stateDir),
    ]
    const whole = join(work, 'backup')
    writeArchive(whole, files, { madeAt: new Date(), madeBy: manifest.version })
    // A link never replaces, and the name appears when all of it is there.
    linkSync(whole, target)
    stderr.write(
      `${files.length} files of ${stateDir} are in ${target}. It holds secrets: keep it as safe as the folder.\n`,
    )
    return 0
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('STATE_UNUSABLE', `${target}: could not be written: ${reasonOf(error)}`, { cause: error })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Closed to others, and on the same disk, so that the file can be put in its place at once. */
function temporaryBeside(target: string): string {
  try {
    return mkdtempSync(join(dirname(target), '.sallyport-backup-'))
  } catch (error) {
    throw new Fault(
      'USAGE',
      `${dirname(target)}: nothing can be written there (${systemCodeOf(error) ?? reasonOf(error)})`,
      { cause: error },
    )
  }
}

/** One moment of the database, whoever writes to it meanwhile. */
function copyDatabase(file: string, target: string): void {
  using database = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  database.prepare('VACUUM INTO ?').run(target)
}

/** Links are left out: what they lead to is not of the folder. */
function filesBelow(folder: string, stateDir: string): readonly ArchivedFile[] {
  return readdirSync(folder).flatMap((name) => {
    const source = join(folder, name)
    const path = relative(stateDir, source)
    const stat = lstatSync(source)
    if (folder === stateDir && (PASSING.has(name) || name.startsWith('.'))) return []
    if (stat.isDirectory()) return filesBelow(source, stateDir)
    return stat.isFile() ? [{ path, source, bytes: stat.size }] : []
  })
}
