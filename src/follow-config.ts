/**
 * The configuration in force, for a process that serves it: what happens to the file is told in the log, in
 * `/readyz` and in metrics, and what only a running process can find wrong is found before a change comes
 * into force.
 *
 * @module
 */

import { isDeepStrictEqual } from 'node:util'
import { assertPortFree } from '../envoy/port.ts'
import { CHECKS_AND_TESTS } from './access/config-checks.ts'
import { eventLog } from './audit/event-log.ts'
import { type Config, type Mistake, Secret, type Settings } from './config/config.ts'
import { parseAside } from './config/file/thread-parser.ts'
import { type ConfigSource, type ConfigStatus, type WatchOptions, watchConfig } from './config/file/watch.ts'
import { readRevocationLists } from './config/keys/credentials/client-certificates.ts'
import { Fault } from './errors.ts'
import { threadModule } from './form/threads.ts'
import { policyOf } from './policy/compiled-policies.ts'
import type { Logger } from './telemetry/log.ts'
import type { Meter } from './telemetry/metrics.ts'
import { inTurns, type Work } from './turns.ts'

export async function followConfig(
  file: string,
  logger: Logger,
  options: Pick<WatchOptions, 'admit'> = {},
): Promise<ConfigSource> {
  const config = await watchConfig(file, {
    ...CHECKS_AND_TESTS,
    async admit(next, current) {
      const mistakes = (await options.admit?.(next, current)) ?? []
      // Before it is in force: the first request, or a page that lists all apps, would have to do it at once.
      if (mistakes.length === 0) await inTurns(prepare(next))
      return mistakes
    },
    parser: parseAside(file, { ...CHECKS_AND_TESTS, env: process.env }, threadModule('config')),
    env: process.env,
    onProblem: ({ message, problems }) =>
      logger.error({ problems }, `the configuration was not taken, the last good one stays: ${message}`),
    onHealed: ({ generation }) => logger.info({ generation }, 'the configuration file is good again'),
    onWarning: (warning) => logger.warn(warning),
    onBug: (error) => logger.error({ err: error }, 'bug while a new configuration came into force'),
  })
  const { settings: atStart } = config.current
  logger.level = atStart.log_level
  const tell = eventLog(logger)
  config.onGeneration(({ generation, checksum, settings }) => {
    tell({ kind: 'config', decisionId: undefined, generation, checksum })
    const waiting = AT_START_ONLY.filter((key) => !isSame(settings[key], atStart[key]))
    if (waiting.length > 0) logger.warn({ keys: waiting }, `restart Sallyport to apply ${waiting.join(', ')}`)
  })
  return config
}

function* prepare(config: Config): Work<void> {
  yield* readRevocationLists(config.settings)
  for (const route of config.routes) {
    policyOf(config, route)
    yield
  }
}

/** What is read once: a change is told, not applied. */
const AT_START_ONLY = [
  'shared_secret',
  'cookie_secret',
  'signing_key',
  'log_level',
  'health_check_addr',
  'metrics_address',
] as const satisfies readonly (keyof Settings)[]

function isSame(one: unknown, other: unknown): boolean {
  if (one instanceof Secret) return other instanceof Secret && one.equals(other)
  return isDeepStrictEqual(one, other)
}

/** Where Envoy listens. */
const LISTENS = ['address', 'http_redirect_addr'] as const satisfies readonly (keyof Settings)[]

/**
 * Ports that Envoy would have to listen on anew and cannot. The check of the start, before a change is in
 * force: Envoy itself would refuse it later, or share the port with another Envoy of the same user.
 *
 * @param envoyPath of the Envoy that will listen
 */
export async function portMistakes(
  next: Config,
  current: Config,
  envoyPath: string | undefined,
): Promise<readonly Mistake[]> {
  // On these our own Envoy listens.
  const ours = LISTENS.map((key) => current.settings[key]?.port)
  const found = await Promise.all(
    LISTENS.map(async (key): Promise<readonly Mistake[]> => {
      const address = next.settings[key]
      if (address === undefined || ours.includes(address.port)) return []
      try {
        await assertPortFree({ ...address, key, envoyPath })
        return []
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        return [{ path: [key], message: error.message }]
      }
    }),
  )
  return found.flat()
}

/** While the last good generation is in force; `undefined` when all is well. */
export function configHealth({ state, lastProblem, unwatchedFolders }: ConfigStatus): string | undefined {
  const { problems = [] } = lastProblem ?? {}
  if (state === 'lost')
    return `lost, the last good one stays: ${problems[0]?.message ?? 'it can not be read'}`
  if (state === 'refused')
    return `not taken, the last good one stays: ${problems.length} mistake${problems.length === 1 ? '' : 's'}, see /status`
  if (unwatchedFolders.length === 0) return undefined
  return `changes are found within seconds only: the system tells nothing of ${unwatchedFolders.join(', ')}`
}

/** Gauges of the configuration: one that can be alerted on for each way in which an edit has no effect. */
export function observeConfig(meter: Meter, config: Pick<ConfigSource, 'status'>): void {
  const gauge = (name: string, description: string, value: (status: ConfigStatus) => number) =>
    meter.createObservableGauge(name, { description }).addCallback((result) => {
      result.observe(value(config.status))
    })
  gauge('sallyport_config_refused', '1 while the file as it is now is refused for its mistakes', (status) =>
    status.state === 'refused' ? 1 : 0,
  )
  gauge('sallyport_config_lost', '1 while the file can not be read', (status) =>
    status.state === 'lost' ? 1 : 0,
  )
  gauge(
    'sallyport_config_warnings',
    'Things that look like a slip in the configuration in force',
    (status) => status.warnings.length,
  )
  gauge(
    'sallyport_config_unwatched_folders',
    'Folders in which changes are found by looking only',
    (status) => status.unwatchedFolders.length,
  )
  gauge(
    'sallyport_config_generation',
    'Generation of the configuration in force',
    (status) => status.generation,
  )
  gauge(
    'sallyport_config_loaded_seconds',
    'When the configuration in force was loaded, in seconds since 1970',
    (status) => Math.floor(status.loadedAt / 1000),
  )
}
