/**
 * A directory source that is a file: read now, and again whenever it changes.
 *
 * It is watched apart from the configuration: a slip in it must keep nobody from changing the configuration. What it
 * last said when it was right stays meanwhile.
 *
 * @module
 */
import { readTextFile } from '../config/file/load.ts'
import { WatchedFiles } from '../config/file/watched-files.ts'
import { reasonOf } from '../config/values/reference.ts'
import { type KeptCopy, SourceFailure } from '../outbound/kept-copy.ts'
import { readDirectoryFile } from './file-reader.ts'
import { Roster } from './roster.ts'

/** @throws {SourceFailure} with all mistakes, each with its line */
export function readRoster(path: string, format: 'yaml' | 'json' | 'csv'): Roster {
  const read = readDirectoryFile(contentOf(path), format)
  if (!('mistakes' in read)) return Roster.of(read.people, read.groups)
  throw new SourceFailure(
    read.mistakes.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`).join('; '),
  )
}

function contentOf(path: string): string {
  try {
    return readTextFile(path)
  } catch (error) {
    throw new SourceFailure(`cannot read ${path}: ${reasonOf(error)}`)
  }
}

/** Reads a copy anew when its file changes, until disposed. `ready` when it has been read, and no change goes unseen. */
export function followFile(
  path: string,
  copy: KeptCopy<Roster>,
): Disposable & { readonly ready: Promise<void> } {
  const files = new WatchedFiles([path], () => void copy.refresh())
  return {
    // What was written between the first reading and now would be missed otherwise.
    ready: copy.refresh(),
    [Symbol.dispose]: () => files[Symbol.dispose](),
  }
}
