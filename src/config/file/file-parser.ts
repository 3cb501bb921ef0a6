/**
 * Reads the configuration file and all that it refers to, and says what came of it.
 *
 * Whoever watches the file asks through the `ConfigParser` port, since a long file is parsed in a thread of
 * its own.
 *
 * @module
 */

import { hash } from 'node:crypto'
import { resolve } from 'node:path'
import type { Config, ConfigPath, Problem } from '../config.ts'
import { parseConfig } from '../parse.ts'
import { ConfigFault } from '../problem.ts'
import { type LoadOptions, readConfigFile, readTextFile } from './load.ts'
import { ParseMemory } from './parse-memory.ts'
import { looseSecretFiles } from './secret-files.ts'

/** Path → digest of what a file held, or that it could not be read. */
export type SeenFiles = ReadonlyMap<string, string | undefined>

export type Parsed =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'config'
      readonly config: Config
      readonly seen: SeenFiles
      /** What is no mistake and should be looked at. */
      readonly warnings: readonly string[]
    }
  | {
      readonly kind: 'refused'
      readonly code: ConfigFault['code'] & ('CONFIG_INVALID' | 'CONFIG_UNREADABLE')
      readonly problems: readonly Problem[]
      readonly seen: SeenFiles
    }

export interface ConfigParser extends AsyncDisposable {
  /** @param seen what the last attempt saw: while all of it is the same nothing is parsed */
  parse(generation: number, seen: SeenFiles): Promise<Parsed>
  /** Where a value stands in the file as it was parsed last. */
  locate(path: ConfigPath): Promise<{ readonly line: number; readonly column: number }>
}

/** Reading all of it would hold the thread for too long. */
export class TooLong extends Error {}

/** In this very thread, at once. */
export class FileParser {
  readonly #file: string
  readonly #mostBytes: number
  readonly #options: Omit<LoadOptions, 'generation'>
  readonly #memory = new ParseMemory()
  #text = ''

  /** @param mostBytes of all files that the configuration refers to */
  constructor(file: string, options: Omit<LoadOptions, 'generation'>, mostBytes = Number.POSITIVE_INFINITY) {
    this.#file = file
    this.#options = options
    this.#mostBytes = mostBytes
  }

  /** @throws {TooLong} */
  parse(generation: number, before: SeenFiles): Parsed {
    if (before.size > 0 && [...before].every(([path, known]) => digestOf(path) === known))
      return { kind: 'unchanged' }
    const seen = new Map<string, string | undefined>([[resolve(this.#file), undefined]])
    try {
      this.#text = readConfigFile(this.#file)
    } catch (error) {
      if (!(error instanceof ConfigFault)) throw error
      return { kind: 'refused', code: 'CONFIG_UNREADABLE', problems: error.problems, seen }
    }
    // Kept as they were read for this attempt: a later look would hide a change that came in between.
    seen.set(resolve(this.#file), digest(this.#text))
    const contents = new Map<string, string>()
    let bytesLeft = this.#mostBytes
    const parsed = parseConfig(this.#text, {
      ...this.#options,
      file: this.#file,
      isWholeFile: true,
      readFile: (path) => {
        seen.set(resolve(path), undefined)
        const content = readTextFile(path)
        bytesLeft -= content.length
        // Taken for a file that can't be read, so that nothing is made of it here.
        if (bytesLeft < 0) throw new TooLong()
        contents.set(path, content)
        seen.set(resolve(path), digest(content))
        return content
      },
      generation,
      memory: this.#memory,
    })
    if (bytesLeft < 0) throw new TooLong()
    if ('config' in parsed) {
      const { config } = parsed
      return { kind: 'config', config, seen, warnings: looseSecretFiles(config, contents) }
    }
    return { kind: 'refused', code: 'CONFIG_INVALID', problems: firstOf(parsed.problems), seen }
  }

  locate(path: ConfigPath): { readonly line: number; readonly column: number } {
    return this.#memory.read(this.#text).locate(path)
  }
}

/** The same as a port. */
export function parseHere(file: string, options: Omit<LoadOptions, 'generation'>): ConfigParser {
  const parser = new FileParser(file, options)
  return {
    parse: async (generation, seen) => parser.parse(generation, seen),
    locate: async (path) => parser.locate(path),
    [Symbol.asyncDispose]: async () => undefined,
  }
}

/** One slip in a setting can be a mistake of every route: ten thousand lines of log would hide it. */
const MOST_PROBLEMS = 100

function firstOf(problems: readonly Problem[]): readonly Problem[] {
  const [first] = problems
  if (first === undefined || problems.length <= MOST_PROBLEMS) return problems
  const more = problems.length - MOST_PROBLEMS
  const message = `and ${more} more mistakes; \`sallyport validate\` lists them all`
  return [...problems.slice(0, MOST_PROBLEMS), { ...first, line: 1, column: 1, path: [], message }]
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url')
}

function digestOf(path: string): string | undefined {
  try {
    return digest(readTextFile(path))
  } catch {
    return undefined
  }
}
