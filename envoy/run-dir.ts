/**
 * The folder of the sockets between Envoy and Sallyport: private, and short enough for a socket's path.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdtempSync, type Stats, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Fault, reasonOf } from '../src/errors.ts'
import { makeFolder } from '../src/make-folder.ts'
import { SOCKETS } from './bootstrap.ts'

/** Linux keeps 108 bytes with the closing NUL, macOS 104. */
const LONGEST_PATH_BYTES = 103
const LONGEST_NAME = Math.max(...Object.values(SOCKETS).map((name) => name.length))

/**
 * `run/` in the state folder, created 0700. Where that path is too long for a socket it is a folder of the
 * same privacy in the system's temporary folder, the same at each start.
 *
 * @throws {Fault} `STATE_UNUSABLE` when the folder can't be made private
 */
export function runDirFor(stateDirectory: string, temporary = tmpdir()): string {
  const state = resolve(stateDirectory)
  const beside = join(state, 'run')
  if (fits(beside)) return makePrivate(beside)
  const name = `sallyport-${createHash('sha256').update(state).digest('hex').slice(0, 12)}`
  const elsewhere = join(temporary, name)
  if (!fits(elsewhere))
    throw new Fault(
      'STATE_UNUSABLE',
      `no folder is short enough for a socket; set --run-dir to one of under 90 bytes`,
    )
  try {
    return makePrivate(elsewhere)
  } catch {
    // Somebody else took the name in a folder that everybody may write: take one that can't be foreseen.
    return mkdtempSync(`${elsewhere}-`)
  }
}

/**
 * The folder that `--run-dir` names, created 0700 where it is not there. One that is there keeps its mode:
 * systemd, a container or a person has given it. It is refused where anybody could put a socket of their own
 * in the place of ours: Envoy would ask that one who may.
 *
 * @throws {Fault} `STATE_UNUSABLE`, saying what to do
 */
export function namedRunDir(named: string): string {
  const directory = resolve(named)
  if (!fits(directory))
    throw unfit(directory, 'its path is too long for a socket: name one of under 90 bytes')
  let stat: Stats
  try {
    makeFolder(directory, 0o700)
    stat = statSync(directory)
  } catch (error) {
    throw unfit(directory, reasonOf(error), error)
  }
  const trouble = whoElseMayChange(stat)
  if (trouble === undefined) return directory
  throw unfit(
    directory,
    `${trouble}, and could put other sockets there. Name a folder that is not there yet, such as ` +
      `${join(directory, 'private')}: it is made for this user alone. Envoy's bootstrap has to name the same`,
  )
}

/** The system's owner may do anything anyway, and a group of our own is what a folder is shared by. */
function whoElseMayChange({ uid, gid, mode }: Stats): string | undefined {
  const [ourUser, ourGroup] = [process.getuid?.(), process.getgid?.()]
  if (ourUser === undefined) return undefined
  if (uid !== ourUser && uid !== 0) return `it belongs to another user (${uid})`
  const octal = (mode & 0o7777).toString(8).padStart(4, '0')
  if ((mode & 0o002) !== 0) return `everybody may write to it (mode ${octal})`
  if ((mode & 0o020) !== 0 && gid !== ourGroup) return `the group ${gid} may write to it (mode ${octal})`
  return undefined
}

const unfit = (directory: string, why: string, cause?: unknown): Fault =>
  new Fault('STATE_UNUSABLE', `the folder ${directory} can't hold sockets: ${why}`, { cause })

const fits = (directory: string): boolean =>
  Buffer.byteLength(directory) + 1 + LONGEST_NAME <= LONGEST_PATH_BYTES

/** Makes sure that the folder is there, is ours and is closed to everybody else. */
function makePrivate(directory: string): string {
  try {
    makeFolder(directory, 0o700)
    // lstat: a link that somebody else put there is not followed.
    const stat = lstatSync(directory)
    if (!stat.isDirectory()) throw new Error('it is not a folder')
    if (process.getuid !== undefined && stat.uid !== process.getuid())
      throw new Error('it belongs to another user')
    if ((stat.mode & 0o077) !== 0) chmodSync(directory, 0o700)
    return directory
  } catch (error) {
    throw unfit(directory, reasonOf(error), error)
  }
}
