/**
 * The config file, from disk.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import type { Config } from '../config.ts'
import { type ParseOptions, parseConfig } from '../parse.ts'
import { ConfigFault } from '../problem.ts'
import { reasonOf } from '../values/reference.ts'
import { looseSecretFiles } from './secret-files.ts'

export type LoadOptions = Omit<ParseOptions, 'file' | 'readFile' | 'isWholeFile'>

/** A key or certificate may be long, but a device such as /dev/zero must not fill the memory. */
const LONGEST_FILE = 64 * 1024 * 1024

/** Reads a regular file, a pipe or nothing. */
export function readTextFile(path: string): string {
  const bytes = readFileSync(path)
  if (bytes.length > LONGEST_FILE) throw new Error('it is larger than 64 MiB')
  return bytes.toString('utf8').replace(/^\uFEFF/, '')
}

/**
 * One attempt at a file that may be unreadable.
 *
 * @throws {Fault} CONFIG_UNREADABLE
 */
export function readConfigFile(file: string): string {
  try {
    return readTextFile(file)
  } catch (error) {
    const message = `cannot read the configuration: ${reasonOf(error)}`
    throw new ConfigFault('CONFIG_UNREADABLE', [{ file, line: 1, column: 1, path: [], message }], {
      cause: error,
    })
  }
}

/**
 * Reads and checks a config file once.
 *
 * @throws {Fault} CONFIG_UNREADABLE, CONFIG_INVALID; `problems` holds all mistakes
 */
export function loadConfig(file: string, options: LoadOptions = {}): Config {
  return loadWithWarnings(file, options).config
}

/** The same, with what is no mistake and should be looked at. @throws {Fault} as `loadConfig` */
export function loadWithWarnings(
  file: string,
  options: LoadOptions = {},
): {
  readonly config: Config
  readonly warnings: readonly string[]
  readonly fromEnvironment: ReadonlyMap<string, string>
} {
  const contents = new Map<string, string>()
  const parsed = parseConfig(readConfigFile(file), {
    ...options,
    file,
    readFile: (path) => {
      const content = readTextFile(path)
      contents.set(path, content)
      return content
    },
    isWholeFile: true,
  })
  if ('problems' in parsed) throw new ConfigFault('CONFIG_INVALID', parsed.problems)
  return { ...parsed, warnings: looseSecretFiles(parsed.config, contents) }
}
