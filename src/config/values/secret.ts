/**
 * A value that must never be printed.
 *
 * @module
 */

import { inspect } from 'node:util'

const HIDDEN = '[secret]'

/** Holds a secret so that logging, `JSON.stringify` and template strings show `[secret]`. */
export class Secret {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  static of(text: string): Secret {
    return new Secret(text)
  }

  /** The secret itself; call it where the value is used, never where it is passed on. */
  reveal(): string {
    return this.#text
  }

  equals(other: Secret): boolean {
    return this.#text === other.#text
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}
