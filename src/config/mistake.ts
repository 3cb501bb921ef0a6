/**
 * What is wrong with a configuration, and where.
 *
 * @module
 */

/** A place in a file, counted from 1. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One mistake, placed. `message` is a sentence without the position; it never holds a secret. */
export interface Problem extends Position {
  readonly path: ConfigPath
  readonly message: string
}

/** Where a value stands: `['routes', 3, 'policy', 0]`. Routes of both lists count through as `routes`. */
export type ConfigPath = readonly (string | number)[]

/** A mistake that is not placed yet. */
export interface Mistake {
  readonly path: ConfigPath
  readonly message: string
  /** Whether the key itself is out of place; otherwise its value is shown. */
  readonly on?: 'key' | 'value'
}
