/**
 * Says when a revocation list runs out: from then on every certificate of its authority is refused, and
 * nothing in the configuration has changed.
 *
 * @module
 */

import type { Meter } from '@opentelemetry/api'
import type { Config } from '../../../config/config.ts'
import { authoritiesOf, revocationListsOf } from '../../../config/keys/credentials/client-certificates.ts'
import type { Logger } from '../../../telemetry/log.ts'

/** The generation in force, and word of each new one. */
interface ConfigSource {
  readonly current: Config
  onGeneration(listener: (config: Config) => void): Disposable
}

/** When the list of an authority runs out; of several the last counts. */
interface Due {
  /** Its distinguished name. */
  readonly authority: string
  /** Epoch milliseconds; infinite when it never does. */
  readonly at: number
}

/** Timers can't wait longer than 24 days; an hour also follows a clock that was set. */
const LONGEST_WAIT_MS = 3_600_000

export function watchRevocationLists(options: {
  readonly config: ConfigSource
  readonly logger: Logger
  readonly meter: Meter
  readonly now: () => number
}): Disposable {
  const { config, logger, meter, now } = options
  let dues: readonly Due[] = []
  let reported = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  const look = (): void => {
    clearTimeout(timer)
    const over = dues.filter(({ at }) => at <= now())
    for (const { authority, at } of over) {
      if (reported.has(authority)) continue
      reported.add(authority)
      const since = new Date(at).toISOString()
      logger.warn(
        { authority, since },
        'a revocation list has run out: its authority’s certificates are refused',
      )
    }
    const next = Math.min(...dues.filter((due) => !over.includes(due)).map(({ at }) => at))
    if (next !== Number.POSITIVE_INFINITY)
      timer = setTimeout(look, Math.min(next - now(), LONGEST_WAIT_MS)).unref()
  }
  const take = (next: Config): void => {
    dues = duesOf(next)
    reported = new Set(
      [...reported].filter((name) => dues.some(({ authority, at }) => authority === name && at <= now())),
    )
    look()
  }
  take(config.current)
  const generations = config.onGeneration(take)
  const gauge = meter.createObservableGauge('sallyport_client_revocation_list_next_update_seconds', {
    description: 'When the revocation list of a client authority runs out, in seconds since 1970',
  })
  gauge.addCallback((result) => {
    for (const { authority, at } of dues)
      if (at !== Number.POSITIVE_INFINITY) result.observe(Math.floor(at / 1000), { authority })
  })
  return {
    [Symbol.dispose]() {
      clearTimeout(timer)
      generations[Symbol.dispose]()
    },
  }
}

function duesOf({ settings, routes }: Config): readonly Due[] {
  const lists = revocationListsOf(settings)
  if (lists.length === 0) return []
  const pems = [settings.downstream_mtls?.ca, ...routes.map((route) => route.tls_downstream_client_ca)]
  const authorities = [...new Set(pems.filter((pem) => pem !== undefined))].flatMap(authoritiesOf)
  const dues = new Map<string, number>()
  for (const list of lists) {
    const authority = authorities.find((each) => list.isSignedBy(each))?.subject.replaceAll('\n', ', ')
    if (authority === undefined) continue
    const at = list.nextUpdate ?? Number.POSITIVE_INFINITY
    dues.set(authority, Math.max(at, dues.get(authority) ?? Number.NEGATIVE_INFINITY))
  }
  return [...dues].map(([authority, at]) => ({ authority, at }))
}
