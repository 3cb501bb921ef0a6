/**
 * The configuration in force, kept up with its file and with every file that it refers to.
 *
 * A change makes a new generation only when it is free of mistakes; otherwise the last good one stays, and the next
 * good edit heals.
 *
 * @module
 */

import { basename, dirname, resolve } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import type { Config, Problem } from './config.ts'
import { type LoadOptions, readConfigFile, readTextFile } from './load.ts'
import { parseConfig } from './parse.ts'
import { ParseMemory } from './parse-memory.ts'
import { ConfigFault } from './problem.ts'
import { type WatchedFolders, watchedFolders } from './watched-folders.ts'

/** An editor writes a file in several steps; this long after the last of them it is read. */
const SETTLE_MS = 25

/** A new watch is surely set up after this. */
const SET_UP_MS = 250

interface ConfigStatus {
  readonly generation: number
  readonly checksum: string
  /** Epoch milliseconds at which this generation came into force. */
  readonly loadedAt: number
  /** Why the file as it is now was not taken; undefined when it was. */
  readonly lastProblem?: { readonly at: number; readonly problems: readonly Problem[] }
}

export interface ConfigSource extends AsyncDisposable {
  readonly current: Config
  readonly status: ConfigStatus
  /** Calls back for each later generation, in the order of the calls to this. */
  onGeneration(listener: (config: Config) => void): Disposable
}

export interface WatchOptions extends Omit<LoadOptions, 'generation'> {
  readonly now?: () => number
  /** The file has mistakes, or cannot be read; called once for each distinct state of the file. */
  readonly onProblem?: (fault: ConfigFault) => void
  /** The file is good again, and equal to the generation in force: nothing else will be said of it. */
  readonly onHealed?: (config: Config) => void
  /** A listener threw, which none may. Unset: thrown on. */
  readonly onBug?: (error: unknown) => void
}

/**
 * Loads the file and goes on watching it.
 *
 * @throws {Fault} CONFIG_UNREADABLE, CONFIG_INVALID when there is no first generation to begin with
 */
export async function watchConfig(file: string, options: WatchOptions = {}): Promise<ConfigSource> {
  const source = new WatchedConfig(file, options)
  await source.start()
  return source
}

/** What a file held, or that it could not be read. */
function contentOf(path: string): string | undefined {
  try {
    return readTextFile(path)
  } catch {
    return undefined
  }
}

class WatchedConfig implements ConfigSource {
  #current: Config
  #status: ConfigStatus
  readonly #file: string
  readonly #options: WatchOptions
  readonly #now: () => number
  readonly #listeners = new Set<(config: Config) => void>()
  #watcher: FSWatcher | undefined
  #folders: WatchedFolders = new Map()
  /** Path → content at the last attempt, good or bad: what is unchanged is not parsed again. */
  #seen = new Map<string, string | undefined>()
  #timer: NodeJS.Timeout | undefined
  readonly #memory = new ParseMemory()

  constructor(file: string, options: WatchOptions) {
    this.#file = file
    this.#options = options
    this.#now = options.now ?? Date.now
    const first = this.#parse(readConfigFile(file), 1)
    if ('problems' in first) throw new ConfigFault('CONFIG_INVALID', first.problems)
    this.#current = first.config
    this.#status = this.#statusOf(first.config)
  }

  get current(): Config {
    return this.#current
  }

  get status(): ConfigStatus {
    return this.#status
  }

  onGeneration(listener: (config: Config) => void): Disposable {
    // Wrapped, so that one function may listen twice.
    const entry = (config: Config) => listener(config)
    this.#listeners.add(entry)
    return { [Symbol.dispose]: () => this.#listeners.delete(entry) }
  }

  async start(): Promise<void> {
    this.#folders = watchedFolders([...this.#seen.keys()])
    const watcher = watch([...this.#folders.keys()], { depth: 0, ignoreInitial: true, followSymlinks: false })
    this.#watcher = watcher
    watcher.on('all', (_event, path) => this.#notice(resolve(path)))
    // A folder that cannot be watched leaves its files unwatched; the rest goes on.
    watcher.on('error', () => undefined)
    await new Promise<void>((ready) => watcher.once('ready', ready))
    // What was written while the watch was being set up would otherwise be missed.
    this.#reload()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    this.#listeners.clear()
    await this.#watcher?.close()
  }

  #notice(path: string): void {
    const isOurs = this.#folders.get(dirname(path))?.has(basename(path)) === true || this.#folders.has(path)
    if (!isOurs) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#reload(), SETTLE_MS)
  }

  #reload(): void {
    this.#timer = undefined
    const changed = [...this.#seen].some(([path, content]) => contentOf(path) !== content)
    if (!changed) {
      // A link may have been swapped for one that leads to the same content.
      this.#watchAnew()
      return
    }
    try {
      const parsed = this.#parse(readConfigFile(this.#file), this.#current.generation + 1)
      if ('problems' in parsed) this.#refuse(new ConfigFault('CONFIG_INVALID', parsed.problems))
      else this.#take(parsed.config)
    } catch (error) {
      if (!(error instanceof ConfigFault)) throw error
      this.#seen.set(resolve(this.#file), undefined)
      this.#refuse(error)
    }
    this.#watchAnew()
  }

  #parse(text: string, generation: number) {
    // Kept as they were read for this attempt: a later look would hide a change that came in between.
    const seen = new Map<string, string | undefined>([[resolve(this.#file), text]])
    const readFile = (path: string) => {
      seen.set(resolve(path), undefined)
      const content = readTextFile(path)
      seen.set(resolve(path), content)
      return content
    }
    this.#seen = seen
    return parseConfig(text, {
      ...this.#options,
      file: this.#file,
      readFile,
      generation,
      memory: this.#memory,
    })
  }

  #take(config: Config): void {
    if (config.checksum === this.#current.checksum) {
      const wasBad = this.#status.lastProblem !== undefined
      const { lastProblem: _healed, ...status } = this.#status
      this.#status = status
      if (wasBad) this.#options.onHealed?.(this.#current)
      return
    }
    this.#current = config
    this.#status = this.#statusOf(config)
    for (const listener of this.#listeners) {
      try {
        listener(config)
      } catch (error) {
        // A bug of one listener must not keep the others on the old generation.
        if (this.#options.onBug === undefined) throw error
        this.#options.onBug(error)
      }
    }
  }

  #refuse(fault: ConfigFault): void {
    this.#status = { ...this.#status, lastProblem: { at: this.#now(), problems: fault.problems } }
    this.#options.onProblem?.(fault)
  }

  #statusOf({ generation, checksum }: Config): ConfigStatus {
    return { generation, checksum, loadedAt: this.#now() }
  }

  /** The files that count may be others now, and links may lead elsewhere. */
  #watchAnew(): void {
    const before = new Set(this.#folders.keys())
    this.#folders = watchedFolders([...this.#seen.keys()])
    const added = [...this.#folders.keys()].filter((folder) => !before.has(folder))
    const gone = [...before].filter((folder) => !this.#folders.has(folder))
    if (added.length > 0) {
      this.#watcher?.add(added)
      // What is written there before the watch is set up would be missed.
      this.#timer ??= setTimeout(() => this.#reload(), SET_UP_MS)
    }
    if (gone.length > 0) this.#watcher?.unwatch(gone)
  }
}
