/**
 * The folder of the sockets between Envoy and Sallyport: private, and short enough for a socket's path.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Fault, reasonOf } from '../src/errors.ts'
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

const fits = (directory: string): boolean =>
  Buffer.byteLength(directory) + 1 + LONGEST_NAME <= LONGEST_PATH_BYTES

/** Makes sure that the folder is there, is ours and is closed to everybody else. */
function makePrivate(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    // lstat: a link that somebody else put there is not followed.
    const stat = lstatSync(directory)
    if (!stat.isDirectory()) throw new Error('it is not a folder')
    if (process.getuid !== undefined && stat.uid !== process.getuid())
      throw new Error('it belongs to another user')
    if ((stat.mode & 0o077) !== 0) chmodSync(directory, 0o700)
    return directory
  } catch (error) {
    throw new Fault('STATE_UNUSABLE', `the folder ${directory} can't hold sockets: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}
