/**
 * Values that may stand in the file itself, in the environment or in another file.
 *
 * Each use is written `env:NAME` or `file:path`; a key `x_file` names a path outright. Reading is done by the
 * `Reader` that `parseConfig` was given, so that this room needs neither a disk nor an environment.
 *
 * @module
 */

import { isAbsolute, join } from 'node:path'
import { z } from 'zod'

/** Where a value is to be read; kept apart from the text so that a literal is never mistaken for a path. */
export class Reference {
  readonly kind: 'literal' | 'env' | 'file'
  readonly #text: string

  constructor(kind: 'literal' | 'env' | 'file', text: string) {
    this.kind = kind
    this.#text = text
  }

  /** The literal, the variable's name or the path. A literal may be secret: never print it. */
  get text(): string {
    return this.#text
  }
}

function parseReference(text: string): Reference {
  if (text.startsWith('env:')) return new Reference('env', text.slice(4))
  if (text.startsWith('file:')) return new Reference('file', text.slice(5).replace(/^\/\/(?=\/)/, ''))
  return new Reference('literal', text)
}

export type ReadValue = { readonly value: string } | { readonly wrong: string }

/** Reads references, and remembers which files were read and what was found. */
export class Reader {
  readonly #folder: string
  readonly #readFile: (path: string) => string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether what can't be read is passed over. */
  readonly withoutSecrets: boolean
  /** Path → what was read, or what is wrong with it. */
  readonly files = new Map<string, ReadValue>()
  /**
   * The same, by the path as the file writes it: no matter from where, or by which link, the file is opened.
   */
  readonly written = new Map<string, ReadValue>()
  readonly variables = new Map<string, string | undefined>()

  constructor(options: {
    readonly folder: string
    readonly readFile: (path: string) => string
    readonly env: Readonly<Record<string, string | undefined>>
    readonly withoutSecrets?: boolean
  }) {
    this.#folder = options.folder
    this.#readFile = options.readFile
    this.env = options.env
    this.withoutSecrets = options.withoutSecrets ?? false
  }

  read(reference: Reference): ReadValue {
    switch (reference.kind) {
      case 'literal':
        return { value: reference.text }
      case 'env':
        return this.#readVariable(reference.text)
      case 'file':
        return this.#readPath(reference.text)
    }
  }

  #readVariable(name: string): ReadValue {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      return { wrong: `"${name}" is not a name of an environment variable` }
    const value = this.noteVariable(name)
    if (value === undefined) return { wrong: `the environment variable ${name} is not set` }
    return value === '' ? { wrong: `the environment variable ${name} is empty` } : { value }
  }

  /** Notes that it counts for what is read. */
  noteVariable(name: string): string | undefined {
    const value = this.env[name]
    this.variables.set(name, value)
    return value
  }

  #readPath(written: string): ReadValue {
    if (written === '' || written.includes('\0')) return { wrong: 'names no file' }
    const path = isAbsolute(written) ? written : join(this.#folder, written)
    const read = this.files.get(path) ?? this.#readNow(path, written)
    this.files.set(path, read)
    this.written.set(written, read)
    return read
  }

  #readNow(path: string, written: string): ReadValue {
    try {
      // Editors and `echo` end a file with a line break that is not part of the secret.
      const value = this.#readFile(path).replace(/(?:\r?\n)+$/, '')
      return value === '' ? { wrong: `the file ${written} is empty` } : { value }
    } catch (error) {
      return { wrong: `cannot read the file ${written}: ${reasonOf(error)}` }
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
}

export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? (error instanceof Error ? error.message : String(error))
}

/** A secret key: the text itself, `env:NAME` or `file:path`. */
export const SecretText = z.string().min(1, 'must not be empty').transform(parseReference)

/** A key `…_file`: a path, relative to the folder of the config file. `file:` in front does no harm. */
export const FilePath = z
  .string()
  .min(1, 'must not be empty')
  .transform((text) => {
    const reference = parseReference(text)
    return reference.kind === 'literal' ? new Reference('file', text) : reference
  })

interface Meta {
  readonly description: string
  readonly examples?: string[]
}

type SecretKeys<Name extends string> = {
  readonly [Key in Name | `${Name}_file`]: z.ZodOptional<typeof SecretText>
}

/** A key for a secret, and its twin `…_file`; `resolver.secret` makes one value of the two. */
export function secretKey<Name extends string>(
  name: Name,
  meta: Meta,
  ofFile: Partial<Meta> = {},
): SecretKeys<Name> {
  const keys = {
    [name]: SecretText.optional().meta({ ...meta }),
    [`${name}_file`]: FilePath.optional().meta({ description: 'The same, from a file.', ...ofFile }),
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the compiler takes computed names for any text
  return keys as SecretKeys<Name>
}

/** Names of keys that hold a reference: what is read by them takes their place. */
export type ReferenceKeys<Keys> = {
  [Key in keyof Keys]-?: Exclude<Keys[Key], undefined> extends Reference ? Key : never
}[keyof Keys]

/** All other keys. */
export function withoutReferences<Keys extends object>(keys: Keys): Omit<Keys, ReferenceKeys<Keys>> {
  const others = Object.entries(keys).filter(([, value]) => !(value instanceof Reference))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the filter leaves is what the type says
  return Object.fromEntries(others) as Omit<Keys, ReferenceKeys<Keys>>
}
