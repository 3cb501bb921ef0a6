/**
 * Parses a long configuration in a thread of its own, so that no check waits for it.
 *
 * The thread lives as long as the file is long: it remembers what it parsed, and an edit costs it little. A
 * thread that dies, for lack of memory or by a bug, takes one attempt with it. The next one has a new thread.
 *
 * @module
 */

import { stat } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { Worker } from 'node:worker_threads'
import { systemCodeOf } from '../../errors.ts'
import { inTurns } from '../../turns.ts'
import type { ConfigPath } from '../config.ts'
import { type Parcel, Unpacking } from './config-parcel.ts'
import { type ConfigParser, FileParser, type Parsed, type SeenFiles, TooLong } from './file-parser.ts'
import type { LoadOptions } from './load.ts'

/** What the thread is asked; `file` goes with it at its start. */
export type ThreadRequest =
  | { readonly kind: 'parse'; readonly generation: number; readonly seen: SeenFiles }
  | { readonly kind: 'locate'; readonly path: ConfigPath }

/** What it answers, in the order of the questions. */
export type ThreadAnswer =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'config'
      readonly parcel: Parcel
      readonly seen: SeenFiles
      readonly warnings: readonly string[]
    }
  | Extract<Parsed, { kind: 'refused' }>
  | { readonly kind: 'place'; readonly line: number; readonly column: number }

/**
 * Below this a file is parsed where it is needed: that takes a few milliseconds, and a thread takes memory.
 */
const LONGEST_HERE = 32 * 1024

/** Of all files that it refers to, such as a revocation list of some thousand entries. */
const LONGEST_REFERRED_HERE = 256 * 1024

/**
 * What 10,000 routes of 50 lines take is a third of it; V8 counts only what it collects, so the process takes
 * more.
 */
const MOST_MEMORY_MB = 4096
const LEAST_MEMORY_MB = 256
/** The thread that serves, Envoy and the system need the rest. */
const SHARE_OF_MEMORY = 0.5

/** What the thread may take of the memory of this machine, or of this container. */
function memoryForThread(): number {
  const bytes = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem())
  const share = Math.floor((bytes * SHARE_OF_MEMORY) / 1024 ** 2)
  return Math.min(MOST_MEMORY_MB, Math.max(LEAST_MEMORY_MB, share))
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0

/** @param thread the module that the thread runs: one that calls `serveParser` */
export function parseAside(
  file: string,
  options: Omit<LoadOptions, 'generation'>,
  thread: URL,
  { longestHere = LONGEST_HERE, memoryMb = memoryForThread() } = {},
): ConfigParser {
  const here = new FileParser(file, options, LONGEST_REFERRED_HERE)
  const aside = new ThreadParser(file, thread, memoryMb)
  const isLong = async (seen: SeenFiles) => {
    const own = await sizeOf(file)
    const all = await Promise.all([...seen.keys()].map(sizeOf))
    return own > longestHere || all.reduce((sum, size) => sum + size, 0) - own > LONGEST_REFERRED_HERE
  }
  let last: 'here' | 'aside' = 'here'
  return {
    async parse(generation, seen) {
      last = (await isLong(seen)) ? 'aside' : 'here'
      try {
        if (last === 'here') {
          const parsed = here.parse(generation, seen)
          await aside.end()
          return parsed
        }
      } catch (error) {
        if (!(error instanceof TooLong)) throw error
        last = 'aside'
      }
      return await aside.parse(generation, seen)
    },
    locate: async (path) => (last === 'aside' ? await aside.locate(path) : here.locate(path)),
    [Symbol.asyncDispose]: () => aside.end(),
  }
}

interface Waiter {
  readonly resolve: (answer: ThreadAnswer) => void
  readonly reject: (error: unknown) => void
}

class ThreadParser {
  readonly #file: string
  readonly #thread: URL
  readonly #memoryMb: number
  #worker: Worker | undefined
  #unpacking = new Unpacking()
  #waiters: Waiter[] = []

  constructor(file: string, thread: URL, memoryMb: number) {
    this.#file = file
    this.#thread = thread
    this.#memoryMb = memoryMb
  }

  async parse(generation: number, seen: SeenFiles): Promise<Parsed> {
    const answer = await this.#ask({ kind: 'parse', generation, seen })
    if (answer.kind === 'place') throw new Error('the parsing thread gave a place in place of a result')
    if (answer.kind !== 'config') return answer
    // The thread believes that we hold what it has sent: after one parcel that was not opened no later one
    // could be.
    const config = await inTurns(this.#unpacking.open(answer.parcel)).catch(async (error: unknown) => {
      await this.end()
      throw error
    })
    return { kind: 'config', config, seen: answer.seen, warnings: answer.warnings }
  }

  async locate(path: ConfigPath): Promise<{ readonly line: number; readonly column: number }> {
    const answer = await this.#ask({ kind: 'locate', path })
    return answer.kind === 'place' ? { line: answer.line, column: answer.column } : { line: 1, column: 1 }
  }

  async end(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  async #ask(request: ThreadRequest): Promise<ThreadAnswer> {
    const worker = (this.#worker ??= this.#start())
    const { promise, resolve, reject } = Promise.withResolvers<ThreadAnswer>()
    this.#waiters.push({ resolve, reject })
    worker.postMessage(request, [])
    return await promise
  }

  #start(): Worker {
    const worker = new Worker(this.#thread, {
      workerData: this.#file,
      resourceLimits: { maxOldGenerationSizeMb: this.#memoryMb },
    })
    this.#unpacking = new Unpacking()
    let why: unknown
    worker.on('message', (answer: ThreadAnswer) => this.#waiters.shift()?.resolve(answer))
    worker.on('error', (error) => {
      why = error
    })
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
      const cause = why instanceof Error ? `: ${why.message}` : ''
      const message =
        systemCodeOf(why) === 'ERR_WORKER_OUT_OF_MEMORY'
          ? `it is too large: parsing it takes more than ${this.#memoryMb} MiB of memory. ` +
            'Use fewer or shorter routes, or give the machine more memory'
          : `the thread that parses it has ended${cause}`
      for (const { reject } of this.#waiters.splice(0)) reject(new Error(message, { cause: why }))
    })
    return worker
  }
}

/** The other end, in the thread. */
export function answerWith(
  parser: Pick<FileParser, 'parse' | 'locate'>,
  pack: (config: Extract<Parsed, { kind: 'config' }>['config']) => Parcel,
): (request: ThreadRequest) => ThreadAnswer {
  return (request) => {
    if (request.kind === 'locate') return { kind: 'place', ...parser.locate(request.path) }
    const parsed = parser.parse(request.generation, request.seen)
    return parsed.kind === 'config'
      ? { kind: 'config', parcel: pack(parsed.config), seen: parsed.seen, warnings: parsed.warnings }
      : parsed
  }
}
