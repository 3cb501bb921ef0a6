/**
 * A file of JSON or CSV as a table that is looked into by one of its fields. Pure.
 *
 * @module
 */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { valuesIn } from '../flat-claims.ts'
import { mailKey } from '../mail-address.ts'
import { readCsv } from '../outbound/csv.ts'
import type { Rows } from '../outbound/read-aside.ts'
import type { Work } from '../turns.ts'

/** Which fact of a request a table is looked into by. */
export const RECORD_KEYS = [
  'user.id',
  'user.email',
  'request.ip',
  'request.client_certificate.fingerprint',
] as const
export type RecordKey = (typeof RECORD_KEYS)[number]

export type Row = Readonly<Record<string, unknown>>

export interface RecordTable {
  readonly size: number
  /** `unknown` where two rows bear one key: which one counts would be chance. */
  find(key: string): Row | undefined | 'unknown'
  /** Keys that several rows bear, a few of them. */
  readonly ambiguous: readonly string[]
}

/** `line` is of the text where that can be told; `wrong` never quotes a value. */
export type TableResult = { readonly table: RecordTable } | TableMistake

export interface TableForm {
  readonly format: 'json' | 'csv'
  readonly key: RecordKey
  /** Column or member that holds the key. */
  readonly keyField: string
}

/** As many as a large company has people, several times over. */
const MOST_ROWS = 1_000_000
const MOST_SHOWN = 5

export interface TableMistake {
  readonly wrong: string
  readonly line?: number | undefined
}

export function readKeyedRows(
  text: string,
  { format, keyField }: Pick<TableForm, 'format' | 'keyField'>,
): Rows<TableMistake, KeyedRow> {
  const read = format === 'csv' ? readCsvRows(text, keyField) : readJsonRows(text, keyField)
  if ('wrong' in read) return { wrong: read }
  return read.rows.length > MOST_ROWS ? { wrong: { wrong: `has more than ${MOST_ROWS} rows` } } : read
}

/** Nobody sees the table before it is whole. */
export function* buildingTable(
  rows: readonly KeyedRow[],
  { key, keyField }: Pick<TableForm, 'key' | 'keyField'>,
): Work<TableResult> {
  const index = key === 'request.ip' ? new AddressIndex() : new TextIndex(key)
  for (const [at, { keyText, row, line, place }] of rows.entries()) {
    const wrong = index.add(keyText, row)
    if (wrong !== undefined) return { wrong: `${place}: its "${keyField}" ${wrong}`, line }
    if (at % ROWS_AT_ONCE === 0) yield
  }
  return { table: index }
}

const ROWS_AT_ONCE = 50

/** A row with what it is found by. */
export interface KeyedRow {
  readonly keyText: string
  readonly row: Row
  readonly line?: number | undefined
  /** `row 3`, or the member's name. */
  readonly place: string
}

type Found = { readonly rows: readonly KeyedRow[] } | TableMistake

function readCsvRows(text: string, keyField: string): Found {
  const csv = readCsv(text)
  if ('wrong' in csv) return csv
  if (!csv.columns.includes(keyField))
    return { wrong: `has no column "${keyField}"; its columns are ${csv.columns.join(', ')}`, line: 1 }
  return {
    rows: csv.rows.map(({ line, values }) => ({
      keyText: values[keyField] ?? '',
      row: values,
      line,
      place: `line ${line}`,
    })),
  }
}

/** A list of objects, or an object whose members are them and whose names are the keys. */
function readJsonRows(text: string, keyField: string): Found {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    return { wrong: `is not valid JSON: ${error instanceof Error ? placeOnly(error.message) : ''}` }
  }
  if (Array.isArray(value)) {
    const rows: KeyedRow[] = []
    for (const [index, row] of value.entries()) {
      const place = `entry ${index + 1}`
      if (!isRow(row)) return { wrong: `${place} is not an object` }
      const key = Object.hasOwn(row, keyField) ? row[keyField] : undefined
      if (typeof key !== 'string' && typeof key !== 'number')
        return { wrong: `${place} has no "${keyField}" that is a text or a number` }
      if (typeof key === 'number' && valuesIn(key) === 'unknown')
        return { wrong: `${place}: its "${keyField}" is a number that JSON rounds; put it in quotes` }
      rows.push({ keyText: String(key), row, place })
    }
    return { rows }
  }
  if (!isRow(value)) return { wrong: 'must be a list of objects, or an object of objects' }
  const rows: KeyedRow[] = []
  for (const [name, row] of Object.entries(value)) {
    if (!isRow(row)) return { wrong: 'holds a member that is not an object' }
    rows.push({ keyText: name, row, place: 'a member' })
  }
  return { rows }
}

/** The parser quotes the text around the mistake, which may be personal. */
function placeOnly(message: string): string {
  return /(?:at position \d+.*|Unexpected end.*)$/.exec(message)?.[0] ?? 'it can not be parsed'
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

interface Index extends RecordTable {
  /** @returns what is wrong with the key */
  add(key: string, row: Row): string | undefined
}

/** E-mail addresses are found in any spelling, fingerprints without case, ids as they are. */
class TextIndex implements Index {
  readonly #rows = new Map<string, Row | 'unknown'>()
  readonly #normalise: (key: string) => string
  /** A row of an address that can be read in two ways is perhaps somebody else's. */
  readonly #isSure: (key: string) => boolean
  readonly ambiguous: string[] = []

  constructor(key: RecordKey) {
    this.#isSure = key === 'user.email' ? (text) => mailKey(text).isSure : () => true
    this.#normalise =
      key === 'user.id'
        ? (text) => text
        : key === 'user.email'
          ? (text) => mailKey(text).key
          : (text) => text.toLowerCase().replaceAll(':', '')
  }

  get size(): number {
    return this.#rows.size
  }

  find(key: string): Row | undefined | 'unknown' {
    return this.#rows.get(this.#normalise(key))
  }

  add(key: string, row: Row): string | undefined {
    const normal = this.#normalise(key)
    if (normal === '') return 'is empty'
    noteRow(this.#rows, normal, this.#isSure(key) ? row : 'unknown', this.ambiguous)
    return undefined
  }
}

/** Addresses and ranges; the narrowest range that holds an address counts. */
class AddressIndex implements Index {
  /** By `4/24` and the like, then by network. */
  readonly #ranges = new Map<string, Map<string, Row | 'unknown'>>()
  readonly ambiguous: string[] = []
  /** Of `#ranges`, narrowest first, by family. */
  readonly #lengths = { ipv4: [] as number[], ipv6: [] as number[] }

  get size(): number {
    return [...this.#ranges.values()].reduce((sum, rows) => sum + rows.size, 0)
  }

  find(key: string): Row | undefined | 'unknown' {
    if (isIP(key) === 0) return undefined
    const address = ipaddr.process(key)
    const family = address.kind()
    for (const length of this.#lengths[family]) {
      const row = this.#ranges.get(`${family}/${length}`)?.get(networkOf(address, length))
      if (row !== undefined) return row
    }
    return undefined
  }

  add(key: string, row: Row): string | undefined {
    const range = rangeOf(key)
    if (range === undefined) return 'is neither an IP address nor a range such as 10.0.0.0/8'
    const family = range.address.kind()
    const name = `${family}/${range.length}`
    let rows = this.#ranges.get(name)
    if (rows === undefined) {
      rows = new Map()
      this.#ranges.set(name, rows)
      this.#lengths[family] = [...this.#lengths[family], range.length].toSorted((a, b) => b - a)
    }
    noteRow(rows, networkOf(range.address, range.length), row, this.ambiguous, key)
    return undefined
  }
}

type Address = ipaddr.IPv4 | ipaddr.IPv6

function rangeOf(text: string): { readonly address: Address; readonly length: number } | undefined {
  const [written = '', prefix, ...rest] = text.split('/')
  if (rest.length > 0 || !(ipaddr.IPv4.isValidFourPartDecimal(written) || ipaddr.IPv6.isValid(written)))
    return undefined
  const address = ipaddr.process(written)
  const most = address.kind() === 'ipv4' ? 32 : 128
  if (prefix === undefined) return { address, length: most }
  if (!/^\d{1,3}$/.test(prefix)) return undefined
  // a prefix written for the IPv6 spelling of an IPv4 network counts the 96 bits before it
  const length = Number(prefix) - (most === 32 && written.includes(':') ? 96 : 0)
  return length >= 0 && length <= most ? { address, length } : undefined
}

/** The first bits, as text. */
function networkOf(address: Address, length: number): string {
  const bytes = address.toByteArray()
  const whole = Math.floor(length / 8)
  const rest = length % 8
  const kept = bytes.slice(0, whole)
  if (rest > 0) kept.push((bytes[whole] ?? 0) & (0xff << (8 - rest)) & 0xff)
  return kept.join('.')
}

function noteRow(
  rows: Map<string, Row | 'unknown'>,
  key: string,
  row: Row | 'unknown',
  ambiguous: string[],
  shown = key,
): void {
  if (rows.has(key) && ambiguous.length < MOST_SHOWN) ambiguous.push(shown)
  rows.set(key, rows.has(key) ? 'unknown' : row)
}
