/**
 * What is wrong with the directory files that a configuration names, for whoever checks it before it is served.
 *
 * @module
 */
import { dirname, resolve } from 'node:path'
import type { Config } from '../../config/config.ts'
import { formatOf } from '../../config/directory-rules.ts'
import { reasonOf } from '../../errors.ts'
import { readRoster } from './file-source.ts'

/** Sentences, each with file, line and column. They keep no configuration from coming into force. */
export function directoryFileProblems({ file, settings }: Config): readonly string[] {
  return settings.directory.flatMap((source) => {
    if (source.type !== 'file') return []
    const path = resolve(dirname(file), source.path)
    try {
      readRoster(path, source.format ?? formatOf(path) ?? 'yaml')
      return []
    } catch (error) {
      return reasonOf(error).split('; ')
    }
  })
}
