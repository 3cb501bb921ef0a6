/**
 * Reads a row of a table by a word that a stranger or an operator wrote.
 *
 * Every object has members that nobody put there, such as `toString` and `constructor`: a plain `table[word]`
 * finds them.
 *
 * @module
 */

/** Undefined where the table itself has no such row. */
export function rowOf<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined
}
