/**
 * Says in the log, in `/status` and in metrics when a certificate is about to end or has ended, and which
 * hosts have none: the configuration stays as it is meanwhile, so nothing else would say so.
 *
 * @module
 */
import type { Meter } from '@opentelemetry/api'
import {
  coverWarning,
  type DatedCertificate,
  datedCertificates,
  dateWarning,
  stateOf,
  uncoveredHosts,
} from '../config/certificate-dates.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../telemetry/log.ts'
import { inTurns } from '../turns.ts'

interface ConfigSource {
  readonly current: Config
  onGeneration(listener: (config: Config) => void): Disposable
}

export interface WatchedCertificates extends Disposable {
  /** For `/status`. */
  status(): unknown
  /** What somebody should look at, or undefined. */
  problem(): string | undefined
}

/** Also follows a clock that was set. */
const LOOK_EVERY_MS = 3_600_000

export function watchCertificates(options: {
  readonly config: ConfigSource
  readonly logger: Logger
  readonly meter: Meter
  readonly now: () => number
}): WatchedCertificates {
  const { config, logger, meter, now } = options
  let dated: readonly DatedCertificate[] = []
  let uncovered: readonly string[] = []
  /** What was told, without the days that are left: the same is not told every hour. */
  let reported = new Set<string>()

  const warnings = (): readonly (readonly [mark: string, words: string])[] => {
    const ends = dated.flatMap((each) => {
      const words = dateWarning(each, now())
      return words === undefined
        ? []
        : [[`${each.key} ${each.notAfter} ${stateOf(each, now())}`, words] as const]
    })
    const cover = coverWarning(uncovered)
    return cover === undefined ? ends : [...ends, [cover, cover]]
  }
  const look = (): void => {
    const found = warnings()
    for (const [mark, words] of found) if (!reported.has(mark)) logger.warn(words)
    reported = new Set(found.map(([mark]) => mark))
  }
  const readAll = async (next: Config): Promise<void> => {
    try {
      const found = await inTurns(datedCertificates(next))
      if (next !== config.current) return
      dated = found
      uncovered = uncoveredHosts(next)
      look()
    } catch (error) {
      logger.error({ err: error }, 'bug while certificates were looked at')
    }
  }
  const take = (next: Config): void => void readAll(next)
  take(config.current)
  const generations = config.onGeneration(take)
  const timer = setInterval(look, LOOK_EVERY_MS).unref()

  const gauge = meter.createObservableGauge('sallyport_certificate_not_after_seconds', {
    description: 'When a certificate of the configuration ends, in seconds since 1970',
  })
  gauge.addCallback((result) => {
    for (const { key, name, notAfter } of dated)
      result.observe(Math.floor(notAfter / 1000), { certificate: key, name })
  })
  meter
    .createObservableGauge('sallyport_certificate_uncovered_hosts', {
      description: 'Hosts that no certificate of the configuration speaks for, where there are any',
    })
    .addCallback((result) => result.observe(uncovered.length))

  return {
    status: () => ({
      certificates: dated.map((each) => ({
        key: each.key,
        name: each.name,
        not_after: new Date(each.notAfter).toISOString(),
        state: stateOf(each, now()),
      })),
      uncovered_hosts: uncovered,
    }),
    problem() {
      const found = warnings()
      const [first] = found
      if (first === undefined) return undefined
      return found.length === 1 ? first[1] : `${first[1]} (and ${found.length - 1} more, see /status)`
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      generations[Symbol.dispose]()
    },
  }
}
