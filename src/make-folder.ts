/**
 * Makes a folder and those above it.
 *
 * Node's own recursive way never ends where the system has no such name to give, as below `/proc`.
 *
 * @module
 */
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { systemCodeOf } from './errors.ts'

/**
 * @param mode of each folder that is made; one that is there keeps its own
 * @throws {Error} of the system: `EEXIST` where it is a file, `EACCES`, `ENOENT`, `EROFS` …
 */
export function makeFolder(folder: string, mode = 0o777): void {
  const missing: string[] = []
  let at = resolve(folder)
  while (statSync(at, { throwIfNoEntry: false }) === undefined) {
    missing.unshift(at)
    at = dirname(at)
  }
  // One that is there and is no folder fails here, in the system's words.
  for (const path of missing.length === 0 ? [at] : missing) {
    try {
      mkdirSync(path, { mode })
    } catch (error) {
      const isThere = systemCodeOf(error) === 'EEXIST'
      if (!isThere || statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error
    }
  }
}
