/**
 * What policies look up beside the identity provider's claims, kept up with its files and addresses: records
 * and places.
 *
 * A source that is not there, or whose last good copy is too old, makes what it would say unknown.
 *
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { BoundedMap } from '../bounded-map.ts'
import type { Config } from '../config/config.ts'
import type { ConfigSource } from '../config/file/watch.ts'
import type { CopyStatus, KeptCopy } from '../outbound/kept-copy.ts'
import { findPlace, type Place, type PlaceTable } from './geoip.ts'
import {
  type NamedSource,
  type OpenSource,
  placeSource,
  recordSource,
  type SourceOptions,
} from './lookup-source.ts'
import type { RecordTable, Row } from './record-table.ts'

export interface Lookups extends AsyncDisposable {
  /** The row of a record type for a key; `undefined` when it has none. */
  record(type: string, key: string): Row | undefined | 'unknown'
  /** Where an address is; `undefined` when no database knows it. */
  place(ip: string): Place | undefined | 'unknown'
  /** By source, as `/status` shows it. */
  readonly status: Readonly<Record<string, CopyStatus>>
  /**
   * Resolves when each source has been tried once, or when the time is over: a slow one must not hold up a
   * start.
   */
  ready(withinMs?: number): Promise<void>
}

const READY_WITHIN_MS = 3000

/** Follows the configuration: a source whose keys stay the same keeps its copy. */
export function openLookups(options: SourceOptions & { readonly config: ConfigSource }): Lookups {
  const { config, now } = options
  const recordSources = new SourceSet<RecordTable>(options)
  const placeSources = new SourceSet<PlaceTable>(options)
  let records: ReadonlyMap<string, OpenSource<RecordTable>> = new Map()
  let places = new KnownPlaces([])
  let placesMaxAgeMs: number | undefined

  const follow = (next: Config): void => {
    const { records: wanted, geoip } = next.settings
    const types = Object.keys(wanted)
    const opened = recordSources.use(
      Object.entries(wanted).map(([type, source]) => recordSource(type, source, next)),
    )
    records = new Map(
      types.flatMap((type, at) => {
        const source = opened[at]
        return source === undefined ? [] : [[type, source]]
      }),
    )
    const databases = placeSources.use((geoip?.databases ?? []).map((path) => placeSource(path, next)))
    places = new KnownPlaces(databases.map(({ copy }) => copy))
    placesMaxAgeMs = geoip?.max_age
  }
  follow(config.current)
  const following = config.onGeneration(follow)

  return {
    record(type, key) {
      const table = records.get(type)?.copy.current
      return table === undefined ? 'unknown' : table.find(key)
    },
    place: (ip) => places.find(ip, placesMaxAgeMs, now()),
    get status() {
      const all = [...recordSources.open, ...placeSources.open]
      return Object.fromEntries(all.map(({ name, copy }) => [name, copy.status]))
    },
    async ready(withinMs = READY_WITHIN_MS) {
      const all = [...recordSources.open, ...placeSources.open].map(({ copy }) => copy.settled())
      const over = sleep(withinMs, undefined, { ref: false })
      await Promise.race([Promise.all(all), over])
    },
    async [Symbol.asyncDispose]() {
      following[Symbol.dispose]()
      await Promise.all([recordSources, placeSources].map((set) => set[Symbol.asyncDispose]()))
    },
  }
}

/** The sources of one kind that are open. */
class SourceSet<Table> implements AsyncDisposable {
  readonly #options: SourceOptions
  #byId: ReadonlyMap<string, OpenSource<Table>> = new Map()

  constructor(options: SourceOptions) {
    this.#options = options
  }

  get open(): readonly OpenSource<Table>[] {
    return [...this.#byId.values()]
  }

  /** Opens what is new and ends what is not named any more; answers in the order asked for. */
  use(named: readonly NamedSource<Table>[]): readonly OpenSource<Table>[] {
    const before = this.#byId
    const opened = new Map<string, OpenSource<Table>>()
    for (const source of named)
      if (!opened.has(source.id)) opened.set(source.id, before.get(source.id) ?? source.open(this.#options))
    this.#byId = opened
    for (const [id, source] of before) if (!opened.has(id)) void source[Symbol.asyncDispose]()
    return named.flatMap(({ id }) => opened.get(id) ?? [])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.open.map((source) => source[Symbol.asyncDispose]()))
  }
}

const MOST_PLACES = 10_000

/** Where the same few addresses are is asked again and again. */
class KnownPlaces {
  readonly #copies: readonly KeptCopy<PlaceTable>[]
  readonly #known = new BoundedMap<string, Place | undefined>(MOST_PLACES)
  #tables: readonly (PlaceTable | undefined)[] = []

  constructor(copies: readonly KeptCopy<PlaceTable>[]) {
    this.#copies = copies
  }

  find(ip: string, maxAgeMs: number | undefined, now: number): Place | undefined | 'unknown' {
    if (this.#copies.length === 0) return 'unknown'
    if (this.#copies.some((copy, at) => copy.current !== this.#tables[at])) {
      this.#tables = this.#copies.map((copy) => copy.current)
      this.#known.clear()
    }
    const tables: PlaceTable[] = []
    for (const table of this.#tables) {
      if (table === undefined || (maxAgeMs !== undefined && now - table.builtAt > maxAgeMs)) return 'unknown'
      tables.push(table)
    }
    if (this.#known.has(ip)) return this.#known.get(ip)
    const place = findPlace(tables, ip)
    this.#known.set(ip, place)
    return place
  }
}
