/**
 * Counts requests that were turned away because a route had as many as it may have, from Envoy's own
 * statistics.
 *
 * @module
 */

import type { Config } from '../../../config/config.ts'
import type { Meter } from '../../../telemetry/metrics.ts'
import { inTurns } from '../../../turns.ts'
import { clusterNames } from '../names.ts'

/** Envoy's names of the limits → ours, which are those of `circuit_breaker_thresholds`. */
const LIMITS: Readonly<Record<string, string>> = {
  rq_active: 'max_requests',
  rq_pending: 'max_pending_requests',
  rq_retry: 'max_retries',
  cx: 'max_connections',
}
const KINDS = Object.keys(LIMITS).join('|')
const NAMES = String.raw`^cluster\..*\.upstream_(${KINDS})_overflow$`
const STATISTICS = `/stats?usedonly&filter=${encodeURIComponent(NAMES)}`
const LINE = new RegExp(String.raw`^cluster\.(.+)\.upstream_(${KINDS})_overflow: (\d+)$`)

interface OverflowOptions {
  readonly config: { readonly current: Config }
  readonly meter: Meter
  /** Asks Envoy's admin interface. Without an answer nothing is counted. */
  readonly ask: (path: string) => Promise<string>
}

/** Envoy counts from its start on, as counters may. */
export function countOverflows({ config, meter, ask }: OverflowOptions): void {
  const counter = meter.createObservableCounter('sallyport_upstream_overflows', {
    description: 'Times that a route was at a limit of circuit_breaker_thresholds',
  })
  counter.addCallback(async (observed) => {
    const text = await ask(STATISTICS).catch(() => '')
    if (text === '') return
    const routeOf = new Map(
      // In names of statistics Envoy writes colons, which an IPv6 address has, as underscores.
      [...(await inTurns(clusterNames(config.current.routes)))].map(([route, name]) => [
        name.replaceAll(':', '_'),
        route,
      ]),
    )
    for (const line of text.split('\n')) {
      const [, cluster = '', kind = '', count = ''] = LINE.exec(line) ?? []
      const route = routeOf.get(cluster)
      if (route === undefined) continue
      observed.observe(Number(count), { route_id: route.id, from: route.from, limit: LIMITS[kind] ?? kind })
    }
  })
}
