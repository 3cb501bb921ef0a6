/**
 * The configuration in force, kept up with its file and with every file that it refers to.
 *
 * A change makes a new generation only when it is free of mistakes; otherwise the last good one stays, and
 * the next good edit heals. When the files may be read is for `watched-files.ts` to say.
 *
 * @module
 */

import { setImmediate as nextTurn } from 'node:timers/promises'
import { reasonOf } from '../../errors.ts'
import type { Config, Mistake, Problem } from '../config.ts'
import { ConfigFault } from '../problem.ts'
import { lostRoutes } from '../routing/lost-routes.ts'
import { type ConfigParser, type Parsed, parseHere, type SeenFiles } from './file-parser.ts'
import type { LoadOptions } from './load.ts'
import { standingStill, WatchedFiles } from './watched-files.ts'

export interface ConfigStatus {
  readonly generation: number
  readonly checksum: string
  /** Epoch milliseconds at which this generation came into force. */
  readonly loadedAt: number
  /** Of the file as it is now: in force; refused for its mistakes; or no longer to be read. */
  readonly state: 'good' | 'refused' | 'lost'
  /** Why the file as it is now was not taken; undefined when it was. */
  readonly lastProblem?: { readonly at: number; readonly problems: readonly Problem[] }
  /** What was taken and looks like a slip. */
  readonly warnings: readonly string[]
  /** Folders in which changes are found within seconds only: the system tells nothing of them. */
  readonly unwatchedFolders: readonly string[]
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
  /** A new generation looks like a slip; it is in force all the same. */
  readonly onWarning?: (warning: string) => void
  /** A listener threw, which none may. Unset: thrown on. */
  readonly onBug?: (error: unknown) => void
  /**
   * The last word before a generation comes into force: what only a running process can find wrong with it.
   */
  readonly admit?: (next: Config, current: Config) => Promise<readonly Mistake[]>
  /** Default: in this thread. */
  readonly parser?: ConfigParser
}

/**
 * Loads the file and goes on watching it.
 *
 * @throws {Fault} CONFIG_UNREADABLE, CONFIG_INVALID when there is no first generation to begin with
 */
export async function watchConfig(file: string, options: WatchOptions = {}): Promise<ConfigSource> {
  const parser = options.parser ?? parseHere(file, options)
  await using undo = new AsyncDisposableStack()
  undo.use(parser)
  await standingStill([file])
  const parse = async (seen: SeenFiles) =>
    await parser.parse(1, seen).catch((error: unknown) => afterBug(file, error, seen))
  let first = await parse(NOTHING_SEEN)
  // What it refers to is known only now, and may be on its way as well.
  if (first.kind !== 'unchanged' && first.seen.size > 1) {
    await standingStill([...first.seen.keys()])
    const again = await parse(first.seen)
    if (again.kind !== 'unchanged') first = again
  }
  if (first.kind !== 'config')
    throw first.kind === 'refused'
      ? new ConfigFault(first.code, first.problems)
      : new Error('nothing was parsed')
  const source = new WatchedConfig(file, options, parser, first)
  undo.move()
  return source
}

const NOTHING_SEEN: SeenFiles = new Map()

/**
 * So often a newer save takes the place of one that is being parsed: saving all the time must not hold up all
 * of them.
 */
const MOST_PASSED_OVER = 3

/** So often what could not be checked is tried again without an edit. */
const MOST_BUGS = 3
const RETRY_MS = 2000

type OwnStatus = Omit<ConfigStatus, 'unwatchedFolders'>

class WatchedConfig implements ConfigSource {
  #current: Config
  #status: OwnStatus
  readonly #file: string
  readonly #options: WatchOptions
  readonly #parser: ConfigParser
  readonly #now: () => number
  readonly #listeners = new Set<(config: Config) => void>()
  readonly #files: WatchedFiles
  /** At the last attempt, good or bad. */
  #seen: SeenFiles
  #isStale = false
  #running: Promise<void> | undefined
  #passedOver = 0
  #bugs = 0
  #isClosed = false

  constructor(
    file: string,
    options: WatchOptions,
    parser: ConfigParser,
    { config, seen, warnings }: Extract<Parsed, { kind: 'config' }>,
  ) {
    this.#file = file
    this.#options = options
    this.#parser = parser
    this.#now = options.now ?? Date.now
    this.#current = config
    this.#seen = seen
    this.#status = this.#statusOf(config, warnings)
    for (const warning of warnings) options.onWarning?.(warning)
    this.#files = new WatchedFiles([...seen.keys()], () => {
      this.#isStale = true
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined
      })
    })
    this.#files.suspect()
  }

  get current(): Config {
    return this.#current
  }

  get status(): ConfigStatus {
    return { ...this.#status, unwatchedFolders: this.#files.blindFolders }
  }

  onGeneration(listener: (config: Config) => void): Disposable {
    // Wrapped, so that one function may listen twice.
    const entry = (config: Config) => listener(config)
    this.#listeners.add(entry)
    return { [Symbol.dispose]: () => this.#listeners.delete(entry) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#listeners.clear()
    this.#files[Symbol.dispose]()
    await this.#parser[Symbol.asyncDispose]()
    await this.#running
  }

  /** One attempt at a time, so generations keep the order of the saves. */
  async #run(): Promise<void> {
    while (this.#isStale && !this.#isClosed) {
      this.#isStale = false
      await this.#attempt()
    }
  }

  async #attempt(): Promise<void> {
    const { changes } = this.#files
    const parsed = await this.#parser
      .parse(this.#current.generation + 1, this.#seen)
      .catch((error: unknown) => this.#afterBug(error))
    if (await this.#isPassedOver(changes)) return
    if (parsed.kind === 'unchanged') {
      // A link may have been swapped for one that leads to the same content.
      this.#files.follow([...this.#seen.keys()])
      return
    }
    const judged = parsed.kind === 'config' ? await this.#judge(parsed) : parsed
    if (await this.#isPassedOver(changes)) return
    this.#passedOver = 0
    if (judged.seen !== this.#seen) this.#bugs = 0
    this.#seen = judged.seen
    if (judged.kind === 'refused') this.#refuse(new ConfigFault(judged.code, judged.problems))
    else this.#take(judged)
    this.#files.follow([...this.#seen.keys()])
  }

  /** Whether what was parsed may come into force. */
  async #judge(parsed: Extract<Parsed, { kind: 'config' }>): Promise<Exclude<Parsed, { kind: 'unchanged' }>> {
    try {
      const problems = await this.#admit(parsed.config)
      return problems.length === 0
        ? parsed
        : { kind: 'refused', code: 'CONFIG_INVALID', problems, seen: parsed.seen }
    } catch (error) {
      return this.#afterBug(error)
    }
  }

  /** What only happened once, such as a thread that ran out of memory, must not lose an edit. */
  #afterBug(error: unknown): Extract<Parsed, { kind: 'refused' }> {
    if (this.#bugs < MOST_BUGS) {
      this.#bugs += 1
      setTimeout(() => this.#files.suspect(), RETRY_MS * this.#bugs).unref()
    }
    return afterBug(this.#file, error, this.#seen)
  }

  /** Whether a newer save has begun meanwhile: it is told again when that one stands still. */
  async #isPassedOver(changes: number): Promise<boolean> {
    // What was written while the files were read is told in the next turn of the loop.
    await nextTurn()
    await nextTurn()
    if (this.#isClosed) return true
    if (this.#files.changes === changes || this.#passedOver >= MOST_PASSED_OVER) return false
    this.#passedOver += 1
    return true
  }

  async #admit(next: Config): Promise<readonly Problem[]> {
    if (this.#options.admit === undefined || next.checksum === this.#current.checksum) return []
    const mistakes = await this.#options.admit(next, this.#current)
    return Promise.all(
      mistakes.map(async ({ path, message }) => ({
        file: this.#file,
        ...(await this.#parser.locate(path)),
        path,
        message,
      })),
    )
  }

  #take({ config, warnings: found }: Extract<Parsed, { kind: 'config' }>): void {
    if (config.checksum === this.#current.checksum) {
      const wasBad = this.#status.lastProblem !== undefined
      const { lastProblem: _healed, ...status } = this.#status
      this.#status = { ...status, state: 'good' }
      if (wasBad) this.#options.onHealed?.(this.#current)
      return
    }
    const warnings = [...lostRoutes(this.#current, config), ...found]
    const before = new Set(this.#status.warnings)
    this.#current = config
    this.#status = this.#statusOf(config, warnings)
    for (const listener of this.#listeners) {
      try {
        listener(config)
      } catch (error) {
        // A bug of one listener must not keep the others on the old generation.
        if (this.#options.onBug === undefined) throw error
        this.#options.onBug(error)
      }
    }
    for (const warning of warnings) if (!before.has(warning)) this.#options.onWarning?.(warning)
  }

  #refuse(fault: ConfigFault): void {
    this.#status = {
      ...this.#status,
      state: fault.code === 'CONFIG_UNREADABLE' ? 'lost' : 'refused',
      lastProblem: { at: this.#now(), problems: fault.problems },
    }
    this.#options.onProblem?.(fault)
  }

  #statusOf({ generation, checksum }: Config, warnings: readonly string[]): OwnStatus {
    return { generation, checksum, loadedAt: this.#now(), state: 'good', warnings }
  }
}

/** What cannot even be checked is not taken. */
function notChecked(file: string, error: unknown): Problem {
  return { file, line: 1, column: 1, path: [], message: `could not be checked: ${reasonOf(error)}` }
}

function afterBug(file: string, error: unknown, seen: SeenFiles): Extract<Parsed, { kind: 'refused' }> {
  return { kind: 'refused', code: 'CONFIG_INVALID', problems: [notChecked(file, error)], seen }
}
