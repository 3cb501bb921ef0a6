/**
 * The directory of the configuration in force: its sources opened, followed through changes, and closed.
 *
 * @module
 */
import { dirname, resolve } from 'node:path'
import type { Config, DirectorySource } from '../../config/config.ts'
import { formatOf } from '../../config/directory-rules.ts'
import type { Meter } from '../../telemetry/metrics.ts'
import type { KeptCopyOptions } from '../kept-copy.ts'
import { Directory } from './directory.ts'
import type { Member } from './effective-groups.ts'
import { followFile, readRoster } from './file-source.ts'
import { copiedSource, type OpenSource, type SourceStatus } from './source.ts'

export interface DirectoryService<Session extends Member> extends AsyncDisposable {
  /** The session with its effective groups: one and the same object until something changes. */
  apply(session: Session): Session
  /** Whether a source says that this person has left or is locked out. */
  isSwitchedOff(session: Session): boolean
  onChange(listener: () => void): Disposable
  readonly status: readonly SourceStatus[]
}

export interface OpenDirectoryOptions {
  readonly config: {
    readonly current: Config
    onGeneration(listener: (config: Config) => void): Disposable
  }
  /** Name of the sign-in provider with that id. */
  readonly providerName: (idpId: string) => string | undefined
  readonly now: () => number
  readonly logger: KeptCopyOptions<unknown>['logger']
  readonly meter: Meter
}

/** Has read its files when it answers. */
export async function openDirectory<Session extends Member>(
  options: OpenDirectoryOptions,
): Promise<DirectoryService<Session>> {
  const { config, providerName, now, meter } = options
  const directory = new Directory<Session>({ now, providerName })
  let sources = new Map<string, { readonly key: string; readonly source: OpenSource }>()
  const all = () => [...sources.values()].map(({ source }) => source)

  const follow = ({ file, settings }: Config): void => {
    const open = sources
    sources = new Map(
      settings.directory.map((source) => {
        const key = keyOf(source, file)
        const known = open.get(source.name)
        const kept = known?.key === key ? known.source : undefined
        return [
          source.name,
          { key, source: kept ?? openSource(source, file, options, () => directory.changed()) },
        ]
      }),
    )
    directory.setRules({ sources: all(), countsClaims: settings.groups_from_claims })
    const kept = new Set(all())
    for (const { source } of open.values()) if (!kept.has(source)) void source[Symbol.asyncDispose]()
  }

  follow(config.current)
  const following = config.onGeneration(follow)
  observe(meter, all)
  await Promise.all(all().map(({ ready }) => ready))
  return {
    apply: (session) => directory.apply(session),
    isSwitchedOff: (session) => directory.isSwitchedOff(session),
    onChange: (listener) => directory.onChange(listener),
    get status() {
      return all().map(({ status }) => status)
    },
    async [Symbol.asyncDispose]() {
      following[Symbol.dispose]()
      directory[Symbol.dispose]()
      await Promise.all(all().map((source) => source[Symbol.asyncDispose]()))
    },
  }
}

/** Same key, same source: what it knows stays. */
function keyOf(source: DirectorySource, configFile: string): string {
  return JSON.stringify([dirname(resolve(configFile)), source])
}

function openSource(
  settings: DirectorySource,
  configFile: string,
  { now, logger }: OpenDirectoryOptions,
  onChange: () => void,
): OpenSource {
  const path = resolve(dirname(configFile), settings.path)
  const format = settings.format ?? formatOf(path) ?? 'yaml'
  return copiedSource({
    settings,
    now,
    logger,
    onChange,
    fetch: () => Promise.try(() => readRoster(path, format)),
    follow: (copy) => followFile(path, copy),
  })
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
