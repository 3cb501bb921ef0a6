/**
 * Columns for people at a terminal.
 *
 * @module
 */
import { plain } from '../plain-text.ts'

/** Lines with the cells one below the other; the last cell of a row may be of any length. */
export function alignedLines(rows: readonly (readonly string[])[], indent = ''): string {
  const cells = rows.map((row) => row.map(plain))
  const widths: number[] = []
  for (const row of cells) {
    for (const [index, cell] of row.slice(0, -1).entries())
      widths[index] = Math.max(widths[index] ?? 0, cell.length)
  }
  const lines = cells.map((row) =>
    `${indent}${row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join('  ')}`.trimEnd(),
  )
  return lines.map((line) => `${line}\n`).join('')
}

export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`
