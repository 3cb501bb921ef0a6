/**
 * A directory source that is a file: read now, and again whenever it changes.
 *
 * It is watched apart from the configuration: a slip in it must keep nobody from changing the configuration.
 * What it last said when it was right stays meanwhile.
 *
 * @module
 */

import { readTextFile } from '../config/file/load.ts'
import { WatchedFiles } from '../config/file/watched-files.ts'
import { reasonOf } from '../config/values/reference.ts'
import { threadModule } from '../form/threads.ts'
import { type KeptCopy, SourceFailure } from '../outbound/kept-copy.ts'
import { isLongFile, type Rows, readAside } from '../outbound/read-aside.ts'
import { each, inTurns, type Work } from '../turns.ts'
import { readDirectoryFile } from './file-reader.ts'
import { type Group, type Person, Roster } from './roster.ts'

type Format = 'yaml' | 'json' | 'csv'

/** Of the thread that reads a long file. */
export interface FileRequest {
  readonly path: string
  readonly format: Format
}

/** Somebody, or a group. */
export interface FileRow {
  readonly person?: Person
  readonly group?: Group
}

/** @throws {SourceFailure} with all mistakes, each with its line */
export async function readRoster(path: string, format: Format, signal: AbortSignal): Promise<Roster> {
  const request: FileRequest = { path, format }
  const read = (await isLongFile(path))
    ? await readAside<string, FileRow>(threadModule('directory'), request, signal)
    : rowsOfFile(request)
  if ('wrong' in read) throw new SourceFailure(read.wrong)
  return await inTurns(rosterOf(read.rows))
}

function* rosterOf(rows: readonly FileRow[]): Work<Roster> {
  const people: Person[] = []
  const groups: Group[] = []
  yield* each(rows, ({ person, group }) => {
    if (person !== undefined) people.push(person)
    if (group !== undefined) groups.push(group)
  })
  return yield* Roster.building(people, groups)
}

/** In one piece: in a thread, of a short file, and where nothing is served yet. */
export function rowsOfFile({ path, format }: FileRequest): Rows<string, FileRow> {
  try {
    const read = readDirectoryFile(contentOf(path), format)
    if (!('mistakes' in read))
      return {
        rows: [...read.people.map((person) => ({ person })), ...read.groups.map((group) => ({ group }))],
      }
    return {
      wrong: read.mistakes
        .map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`)
        .join('; '),
    }
  } catch (error) {
    if (error instanceof SourceFailure) return { wrong: error.message }
    throw error
  }
}

function contentOf(path: string): string {
  try {
    return readTextFile(path)
  } catch (error) {
    throw new SourceFailure(`cannot read ${path}: ${reasonOf(error)}`)
  }
}

/**
 * Reads a copy anew when its file changes, until disposed. `ready` when it has been read, and no change goes
 * unseen.
 */
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
