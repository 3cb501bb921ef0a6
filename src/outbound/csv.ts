/**
 * CSV with a header line, as spreadsheets and HR systems export it (RFC 4180).
 *
 * @module
 */
import { CsvError, parse } from 'csv-parse/sync'

export interface CsvRow {
  /** Line of the file, counted from 1. */
  readonly line: number
  readonly values: Readonly<Record<string, string>>
}

export type Csv =
  | { readonly columns: readonly string[]; readonly rows: readonly CsvRow[] }
  | { readonly wrong: string; readonly line: number }

/** Commas or semicolons separate; whichever the header line has. White space around values does not count. */
export function readCsv(text: string): Csv {
  const header = /^\uFEFF?[^\r\n]*/.exec(text)?.[0] ?? ''
  const delimiter = header.includes(',') || !header.includes(';') ? ',' : ';'
  try {
    const records: unknown = parse(text, {
      bom: true,
      delimiter,
      info: true,
      skip_empty_lines: true,
      trim: true,
      // Each row is checked below: the library would name the line of the row before.
      relax_column_count: true,
    })
    return rowsOf(Array.isArray(records) ? records : [])
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    return { wrong: `is not valid CSV: ${error.message}`, line: lineOf(error) }
  }
}

function rowsOf(records: readonly unknown[]): Csv {
  const [head, ...rest] = records.map(recordOf)
  if (head === undefined) return { wrong: 'is empty; its first line must name the columns', line: 1 }
  const columns = head.fields
  const twice = columns.find((column, index) => columns.indexOf(column) !== index)
  if (twice !== undefined) return { wrong: `names the column "${twice}" twice`, line: head.line }
  const rows: CsvRow[] = []
  for (const { fields, line } of rest) {
    if (fields.length !== columns.length)
      return { wrong: `has ${fields.length} values where the header names ${columns.length} columns`, line }
    rows.push({ line, values: Object.fromEntries(columns.map((column, at) => [column, fields[at] ?? ''])) })
  }
  return { columns, rows }
}

/** What the library gives with `info`: the fields, and how many lines were read when they ended. */
function recordOf(value: unknown): { readonly fields: readonly string[]; readonly line: number } {
  if (typeof value !== 'object' || value === null || !('record' in value) || !('info' in value))
    throw new TypeError('csv-parse gave no record')
  const { record, info } = value
  const fields = Array.isArray(record) ? record.map(String) : []
  const end = typeof info === 'object' && info !== null && 'lines' in info ? Number(info.lines) : 0
  // A quoted value may hold line breaks: the row begins where its first line is.
  const breaks = fields.reduce((sum, field) => sum + field.split(/\r\n|\r|\n/).length - 1, 0)
  return { fields, line: Math.max(1, end - breaks) }
}

function lineOf(error: CsvError): number {
  const { lines } = error
  return typeof lines === 'number' ? lines : 1
}
