/**
 * One source that policies look into: a file that is watched, or an address that is asked again and again.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Config, RecordSource } from '../config/config.ts'
import { standingStill, WatchedFiles } from '../config/file/watched-files.ts'
import { systemCodeOf } from '../errors.ts'
import { threadModule } from '../form/threads.ts'
import type { HttpClient } from '../outbound/http-client.ts'
import { type KeptCopy, keepCopy, SourceFailure } from '../outbound/kept-copy.ts'
import { isLongText, readAside } from '../outbound/read-aside.ts'
import { retryAfterOf } from '../outbound/retry-after.ts'
import { shownUrl } from '../shown-url.ts'
import { inTurns } from '../turns.ts'
import { type PlaceTable, readPlaces } from './geoip.ts'
import {
  buildingTable,
  type KeyedRow,
  type RecordTable,
  readKeyedRows,
  type TableMistake,
} from './record-table.ts'

export interface SourceOptions {
  readonly http: HttpClient
  readonly now: () => number
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
}

/** A source that the configuration names, not yet opened. */
export interface NamedSource<Table> {
  /** Of all that makes it what it is: the same id, the same copy. */
  readonly id: string
  /** As messages and `/status` call it. */
  readonly name: string
  open(options: SourceOptions): OpenSource<Table>
}

export interface OpenSource<Table> extends AsyncDisposable {
  readonly name: string
  readonly copy: KeptCopy<Table>
}

const POLL_MS = 600_000
const URL_MAX_AGE_MS = 86_400_000
const LONGEST_FILE = 512 * 1024 * 1024

export function recordSource(type: string, source: RecordSource, config: Config): NamedSource<RecordTable> {
  const name = `records "${type}"`
  const folder = dirname(config.file)
  const headers = Object.entries(source.headers).map(([header, value]): [string, string] => [
    header,
    value.reveal(),
  ])
  return {
    id: idOf(['records', type, folder, source, headers]),
    name,
    open(options) {
      const read = tableReader(name, source, options)
      return source.path === undefined
        ? openUrl(name, source, headers, read, options)
        : openFile(name, source.path, folder, source.max_age, options, (bytes, path, signal) =>
            read(bytes, /\.csv$/i.test(path) ? 'csv' : 'json', path, signal),
          )
    },
  }
}

export function placeSource(path: string, config: Config): NamedSource<PlaceTable> {
  const name = `geoip ${path}`
  const folder = dirname(config.file)
  return {
    id: idOf(['geoip', folder, path]),
    name,
    open: (options) =>
      openFile(name, path, folder, undefined, options, (bytes) => {
        try {
          return Promise.resolve(readPlaces(bytes))
        } catch {
          throw new SourceFailure(`${path} is no MaxMind DB file`)
        }
      }),
  }
}

/** A hash, as tokens take part in it. */
function idOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

type ReadTable = (
  bytes: Uint8Array,
  format: 'json' | 'csv',
  where: string,
  signal: AbortSignal,
) => Promise<RecordTable>

function tableReader(name: string, source: RecordSource, { logger }: SourceOptions): ReadTable {
  return async (bytes, usualFormat, where, signal) => {
    const { format = usualFormat, key, key_field: keyField } = source
    const found = isLongText(bytes)
      ? await readAside<TableMistake, KeyedRow>(threadModule('records'), { bytes, format, keyField }, signal)
      : readKeyedRows(Buffer.from(bytes).toString('utf8'), { format, keyField })
    const read = 'wrong' in found ? found.wrong : await inTurns(buildingTable(found.rows, { key, keyField }))
    if ('wrong' in read)
      throw new SourceFailure(`${where}${read.line === undefined ? '' : `:${read.line}`} ${read.wrong}`)
    if (read.table.ambiguous.length > 0)
      logger.warn({ source: name }, `${name}: several rows bear one key, and count as unknown`)
    return read.table
  }
}

function openFile<Table>(
  name: string,
  path: string,
  folder: string,
  maxAgeMs: number | undefined,
  { now, logger }: SourceOptions,
  read: (bytes: Buffer, path: string, signal: AbortSignal) => Promise<Table>,
): OpenSource<Table> {
  const file = resolve(folder, path)
  // Watched before it is first read, so that no change falls in between.
  const watching = new WatchedFiles([file], () => void copy.refresh())
  const copy = keepCopy({
    name,
    maxAgeMs,
    now,
    logger,
    fetch: async (signal) => {
      await standingStill([file])
      return await read(await readBytes(file, path), path, signal)
    },
  })
  return {
    name,
    copy,
    async [Symbol.asyncDispose]() {
      watching[Symbol.dispose]()
      await copy[Symbol.asyncDispose]()
    },
  }
}

function openUrl(
  name: string,
  { url = '', poll_interval, max_age }: RecordSource,
  headers: [string, string][],
  read: ReadTable,
  { http, now, logger }: SourceOptions,
): OpenSource<RecordTable> {
  const copy = keepCopy({
    name,
    maxAgeMs: max_age ?? URL_MAX_AGE_MS,
    intervalMs: poll_interval ?? POLL_MS,
    now,
    logger,
    fetch: async (signal) => {
      const answer = await http.fetch(url, { signal, headers })
      if (!answer.ok)
        throw new SourceFailure(`${shownUrl(url)} answered ${answer.status}`, retryAfterOf(answer, now()))
      const isCsv = /^text\/csv\b/.test(answer.headers.get('content-type') ?? '')
      return await read(await answer.bytes(), isCsv ? 'csv' : 'json', shownUrl(url), signal)
    },
  })
  return { name, copy, [Symbol.asyncDispose]: () => copy[Symbol.asyncDispose]() }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
}

async function readBytes(file: string, path: string): Promise<Buffer> {
  try {
    if ((await stat(file)).size > LONGEST_FILE) throw new SourceFailure(`${path} is larger than 512 MiB`)
    return await readFile(file)
  } catch (error) {
    if (error instanceof SourceFailure) throw error
    throw new SourceFailure(`${path}: ${REASONS[systemCodeOf(error) ?? ''] ?? 'it can not be read'}`)
  }
}
