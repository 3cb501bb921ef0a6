/**
 * The refresher of sessions, with what it asks and counts: providers, settings in force, metrics.
 *
 * @module
 */
import type { ConfigSource } from '../config/file/watch.ts'
import type { FindRefreshingProvider } from '../session/refresh/ports.ts'
import { createRefreshMetrics } from '../session/refresh/refresh-metrics.ts'
import { openRefresher, type SessionRefresher } from '../session/refresh/refresher.ts'
import type { SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Meter } from '../telemetry/metrics.ts'

export function keepSessionsFresh(options: {
  readonly config: ConfigSource
  readonly sessions: SessionStore
  readonly provider: FindRefreshingProvider
  readonly now: () => number
  readonly logger: Logger
  readonly meter: Meter
}): SessionRefresher {
  const { config, meter } = options
  return openRefresher({
    ...options,
    metrics: createRefreshMetrics(meter),
    claimsInterval: () => config.current.settings.claims_refresh_interval,
    idleTimeout: () => config.current.settings.session_idle_timeout,
  })
}
