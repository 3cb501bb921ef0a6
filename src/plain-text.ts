/**
 * Text of strangers that is shown at a terminal.
 *
 * @module
 */
import { stripVTControlCharacters } from 'node:util'

/** What came from a file or a request must not steer the terminal, nor begin a line of its own. */
export const plain = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- control characters are what it takes out
  stripVTControlCharacters(text).replaceAll(/[\x00-\x1f\x7f-\x9f]/g, ' ')
