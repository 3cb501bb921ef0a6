/**
 * The directory of the configuration in force: its sources opened, followed through changes, and closed.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { type Config, type DirectorySource, Secret } from '../config/config.ts'
import { standingStill } from '../config/file/watched-files.ts'
import { formatOf } from '../config/keys/directory/directory-rules.ts'
import type { HttpClient } from '../outbound/http-client.ts'
import type { KeptCopyOptions } from '../outbound/kept-copy.ts'
import { RateLimiter } from '../rate-limiter.ts'
import type { RecordStore } from '../session/records.ts'
import type { Meter } from '../telemetry/metrics.ts'
import { Directory } from './directory.ts'
import type { Member } from './effective-groups.ts'
import { followFile, readRoster } from './file-source.ts'
import {
  COPIES,
  dropListing,
  type KeptListing,
  keptListing,
  listingsWritten,
  type Shelf,
} from './kept-listing.ts'
import { keepDeactivated, OFF } from './last-deactivated.ts'
import { pulledSource } from './pull/pulled-source.ts'
import { type PushedSource, pushedSource } from './pushed-source.ts'
import type { Roster } from './roster.ts'
import { STRANGER_ALLOWANCE } from './scim/admission.ts'
import { addScimEndpoint, SCIM_PATH } from './scim/endpoint.ts'

import { copiedSource, type OpenSource, type SourceStatus } from './source.ts'

export interface DirectoryService<Session extends Member> extends AsyncDisposable {
  /** The session with its effective groups: one and the same object until something changes. */
  apply(session: Session): Session
  /** Whether a source says that this person has left or is locked out. */
  isDeactivated(session: Session): boolean
  onChange(listener: () => void): Disposable
  readonly status: readonly SourceStatus[]
  /** Adds the address where identity providers push, `SCIM_PATH`, to a server. */
  addScimEndpoint(server: FastifyInstance): void
}

export interface OpenDirectoryOptions {
  readonly config: {
    readonly current: Config
    onGeneration(listener: (config: Config) => void): Disposable
  }
  /** Name of the sign-in provider with that id. */
  readonly providerName: (idpId: string) => string | undefined
  /** Where what is pushed is kept. */
  readonly records: RecordStore
  /** For what is asked over the network. */
  readonly http: Pick<HttpClient, 'fetch'>
  readonly now: () => number
  readonly logger: KeptCopyOptions<unknown>['logger']
  readonly meter: Meter
}

/** Has read its files when it answers. */
export async function openDirectory<Session extends Member>(
  options: OpenDirectoryOptions,
): Promise<DirectoryService<Session>> {
  const { config, providerName, now, meter } = options
  const copies = await copiesIn(options)
  const directory = new Directory<Session>({ now, providerName })
  let sources = new Map<string, { readonly key: string; readonly source: OpenSource | PushedSource }>()
  const all = () => [...sources.values()].map(({ source }) => source)

  const follow = ({ file, settings }: Config): void => {
    const open = sources
    sources = new Map(
      settings.directory.map((source) => {
        const key = keyOf(source, file)
        const known = open.get(source.name)
        const kept = known?.key === key ? known.source : undefined
        if (kept !== undefined) return [source.name, { key, source: kept }]
        const before = {
          copies,
          off: known?.source.lastHeard,
          stillOff: known && stillOffAfter(known.source),
        }
        return [
          source.name,
          { key, source: openSource(source, file, options, before, () => directory.changed()) },
        ]
      }),
    )
    for (const [name, { source }] of open)
      if (!sources.has(name)) tellOfRemoval(name, source.lastHeard?.peopleOff.length ?? 0, options)
    directory.setRules({ sources: all(), countsClaims: settings.groups_from_claims })
    const kept = new Set(all())
    for (const { source } of open.values()) if (!kept.has(source)) void source[Symbol.asyncDispose]()
  }

  const admission = {
    sources: () => all().flatMap((source) => ('admitted' in source ? (source.admitted ?? []) : [])),
    strangers: new RateLimiter(STRANGER_ALLOWANCE),
    now,
  }
  const scimUrl = () => {
    const { authenticate_service_url: base = 'https://unset.invalid' } = config.current.settings
    return new URL(SCIM_PATH, base).href
  }

  follow(config.current)
  const following = config.onGeneration(follow)
  observe(meter, all)
  await Promise.all(all().map(({ ready }) => ready))
  return {
    apply: (session) => directory.apply(session),
    isDeactivated: (session) => directory.isDeactivated(session),
    onChange: (listener) => directory.onChange(listener),
    addScimEndpoint: (server) => addScimEndpoint(server, { admission, baseUrl: scimUrl }),
    get status() {
      return all().map(({ status }) => status)
    },
    async [Symbol.asyncDispose]() {
      following[Symbol.dispose]()
      directory[Symbol.dispose]()
      await Promise.all(all().map((source) => source[Symbol.asyncDispose]()))
      await listingsWritten(options.records)
    },
  }
}

/** What sources said before they were opened. */
interface Before {
  readonly copies: Copies
  /** Under other settings, in this process. */
  readonly off: Roster | undefined
  readonly stillOff: readonly Roster[] | undefined
}

/** What was pushed is in the store, so it need not be remembered beside it. */
function stillOffAfter({ status, lastHeard, stillOff = [] }: OpenSource): readonly Roster[] {
  return status.type === 'scim' || lastHeard === undefined ? stillOff : [lastHeard, ...stillOff]
}

/** Of before the restart, by the names of the sources: read once, however often the configuration changes. */
interface Copies {
  readonly pulled: ReadonlyMap<string, KeptListing>
  readonly off: ReadonlyMap<string, KeptListing>
}

async function copiesIn(options: OpenDirectoryOptions): Promise<Copies> {
  return { pulled: await copiesOn(COPIES, options), off: await copiesOn(OFF, options) }
}

/** What a source left behind that is no longer there is removed: it tells of people. */
async function copiesOn(shelf: Shelf, options: OpenDirectoryOptions): Promise<Map<string, KeptListing>> {
  const { records, config } = options
  const names = new Set(config.current.settings.directory.map(({ name }) => name))
  const found = new Map<string, KeptListing>()
  for (const record of await records.list(shelf.heads)) {
    const kept = await keptListing(shelf, record, records)
    if (kept !== undefined) found.set(record.id, kept)
    if (names.has(record.id)) continue
    tellOfRemoval(record.id, kept?.off.peopleOff.length ?? 0, options)
    await dropListing(shelf, record, records)
  }
  return found
}

/**
 * Who takes a source out decides that what it says counts no longer. That lets people in, so it is said
 * aloud.
 */
function tellOfRemoval(name: string, count: number, { logger }: OpenDirectoryOptions): void {
  if (count === 0) return
  logger.warn(
    { source: `directory "${name}"`, people: count },
    'the source is not configured any more: whom it had deactivated is not any more',
  )
}

/** Same key, same source: what it knows stays. A hash, as secrets take part in it. */
function keyOf(source: DirectorySource, configFile: string): string {
  const secrets = Object.values(source).flatMap((value) => (value instanceof Secret ? value.reveal() : []))
  const parts = JSON.stringify([dirname(resolve(configFile)), source, secrets])
  return createHash('sha256').update(parts).digest('base64url')
}

function openSource(
  settings: DirectorySource,
  configFile: string,
  { now, logger, records, http }: OpenDirectoryOptions,
  { copies, off, stillOff }: Before,
  onChange: () => void,
): OpenSource | PushedSource {
  // Of an earlier run, whatever kind of source it was then: its type is a setting of it like others.
  const pulled = copies.pulled.get(settings.name)
  const kept = copies.off.get(settings.name)
  const knownOff = off ?? (settings.type === 'file' ? undefined : pulled?.off) ?? kept?.roster ?? pulled?.off
  switch (settings.type) {
    case 'file': {
      const path = resolve(dirname(configFile), settings.path)
      const format = settings.format ?? formatOf(path) ?? 'yaml'
      return copiedSource({
        settings,
        now,
        logger,
        knownOff,
        ...(stillOff && { stillOff }),
        onChange: (roster) => {
          void keepDeactivated(roster, { name: settings.name, records, now, logger })
          onChange()
        },
        fetch: async (signal) => {
          await standingStill([path])
          return await readRoster(path, format, signal)
        },
        follow: (copy) => followFile(path, copy),
      })
    }
    case 'scim':
      return pushedSource({
        settings,
        records,
        now,
        logger,
        onChange,
        knownOff,
        stillOff: stillOff ?? (knownOff === undefined ? [] : [knownOff]),
      })
    case 'azure':
    case 'google':
    case 'okta':
    case 'gitlab':
    case 'github':
      return pulledSource({
        settings,
        http,
        records,
        kept: pulled,
        knownOff,
        now,
        logger,
        onChange,
      })
  }
}

function observe(meter: Meter, sources: () => readonly OpenSource[]): void {
  const gauges = {
    age: meter.createObservableGauge('sallyport_directory_age_seconds', {
      description: 'Age of what counts of a directory source.',
    }),
    users: meter.createObservableGauge('sallyport_directory_users', {
      description: 'People that a directory source knows.',
    }),
    groups: meter.createObservableGauge('sallyport_directory_groups', {
      description: 'Groups that a directory source knows.',
    }),
    failures: meter.createObservableCounter('sallyport_directory_failures', {
      description: 'Times that a directory source could not be read.',
    }),
  }
  meter.addBatchObservableCallback((result) => {
    for (const state of sources()) {
      const { name: source, users, groups, ageSeconds } = state.status
      if (ageSeconds !== undefined) result.observe(gauges.age, ageSeconds, { source })
      result.observe(gauges.users, users, { source })
      result.observe(gauges.groups, groups, { source })
      result.observe(gauges.failures, state.failures, { source })
    }
  }, Object.values(gauges))
}
