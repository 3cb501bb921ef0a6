/**
 * A directory source that is a file: read now, and again whenever it changes.
 *
 * It is watched apart from the configuration: a slip in it must keep nobody from changing the configuration. What it
 * last said when it was right stays meanwhile.
 *
 * @module
 */
import { basename, dirname, resolve } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import { readTextFile } from '../../config/load.ts'
import { reasonOf } from '../../config/reference.ts'
import { watchedFolders } from '../../config/watched-folders.ts'
import { type KeptCopy, SourceFailure } from '../kept-copy.ts'
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
): AsyncDisposable & { readonly ready: Promise<void> } {
  const watcher = new FileWatcher(path, () => void copy.refresh())
  return {
    ready: watcher.ready.then(() => copy.refresh()),
    [Symbol.asyncDispose]: () => watcher[Symbol.asyncDispose](),
  }
}

/** An editor writes a file in several steps; this long after the last of them it is read. */
const SETTLE_MS = 25

class FileWatcher {
  readonly ready: Promise<void>
  readonly #path: string
  readonly #onChange: () => void
  readonly #watcher: FSWatcher
  #folders: ReturnType<typeof watchedFolders>
  #timer: NodeJS.Timeout | undefined

  constructor(path: string, onChange: () => void) {
    this.#path = path
    this.#onChange = onChange
    this.#folders = watchedFolders([path])
    this.#watcher = watch([...this.#folders.keys()], {
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
    })
    this.#watcher.on('all', (_event, changed) => this.#notice(resolve(changed)))
    // A folder that cannot be watched leaves the file unwatched; what was read stays.
    this.#watcher.on('error', () => undefined)
    this.ready = new Promise<void>((done) => this.#watcher.once('ready', done))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    await this.#watcher.close()
  }

  #notice(path: string): void {
    const isOurs = this.#folders.get(dirname(path))?.has(basename(path)) === true || this.#folders.has(path)
    if (!isOurs) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#onChange()
      this.#watchAnew()
    }, SETTLE_MS)
  }

  /** Links on the way may lead elsewhere now. */
  #watchAnew(): void {
    const before = this.#folders
    this.#folders = watchedFolders([this.#path])
    const added = [...this.#folders.keys()].filter((folder) => !before.has(folder))
    const gone = [...before.keys()].filter((folder) => !this.#folders.has(folder))
    if (added.length > 0) this.#watcher.add(added)
    if (gone.length > 0) this.#watcher.unwatch(gone)
  }
}
