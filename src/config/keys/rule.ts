/**
 * What the rules of routes and of settings share.
 *
 * @module
 */

import type { ConfigPath, Mistake } from '../mistake.ts'

/** A map of the file as it was written, right or wrong. */
export type RawKeys = Readonly<Record<string, unknown>>

/** A mistake that is shown at the key: its value may be right in itself. */
export function mistake(path: ConfigPath, message: string): Mistake {
  return { path, message, on: 'key' }
}

/** Keys of a list that the file gives, right or wrong. */
export function given(raw: RawKeys, keys: readonly string[]): string[] {
  return keys.filter((key) => Object.hasOwn(raw, key))
}
