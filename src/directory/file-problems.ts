/**
 * What is wrong with the directory files that a configuration names, for whoever checks it before it is
 * served.
 *
 * @module
 */
import { dirname, resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { standingStill } from '../config/file/watched-files.ts'
import { formatOf } from '../config/keys/directory/directory-rules.ts'
import { Fault } from '../errors.ts'
import { rowsOfFile } from './file-source.ts'

/**
 * A start without a file that says who has left would let them in: it is refused, as one with a broken
 * configuration is.
 *
 * @throws {Fault} CONFIG_INVALID
 */
export async function requireDirectoryFiles(config: Config): Promise<void> {
  const files = config.settings.directory.flatMap((source) => (source.type === 'file' ? [source.path] : []))
  await standingStill(files.map((path) => resolve(dirname(config.file), path)))
  const problems = directoryFileProblems(config)
  if (problems.length === 0) return
  const cure = 'fix the file, or take the source out of `directory` in the configuration'
  throw new Fault('CONFIG_INVALID', `${problems.join('\n')}\n${cure}`)
}

/**
 * Sentences, each with file, line and column. A running Sallyport takes the configuration all the same, and
 * keeps the last good copy.
 */
export function directoryFileProblems({ file, settings }: Config): readonly string[] {
  return settings.directory.flatMap((source) => {
    if (source.type !== 'file') return []
    const path = resolve(dirname(file), source.path)
    const read = rowsOfFile({ path, format: source.format ?? formatOf(path) ?? 'yaml' })
    return 'wrong' in read ? read.wrong.split('; ') : []
  })
}
