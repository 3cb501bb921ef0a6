/**
 * What operators see of the whole: `/readyz`, `/status`, `/metrics`.
 *
 * @module
 */
import type { EnvoySupervisor } from '../../envoy/supervise.ts'
import type { ConfigSource } from '../config/file/watch.ts'
import type { DirectoryService } from '../directory/open-directory.ts'
import { configHealth, observeConfig } from '../follow-config.ts'
import type { Providers } from '../identity/providers.ts'
import { providerTrouble, watchProviders } from '../identity/watch-providers.ts'
import type { Lookups } from '../lookups/lookups.ts'
import type { Session } from '../session/session.ts'
import type { SessionStore } from '../session/store.ts'
import { observeHealth, serveHealth, serveMetrics } from '../telemetry/health-server.ts'
import type { LogOutput } from '../telemetry/log.ts'
import { problemOfLog } from '../telemetry/log-health.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { XdsService } from '../xds/service.ts'
import { readinessOf } from './readiness.ts'
import { watchCertificates } from './watch-certificates.ts'

export interface Observed {
  readonly config: ConfigSource
  readonly sessions: SessionStore
  readonly providers: Providers
  readonly directory: Pick<DirectoryService<Session>, 'status'>
  readonly lookups: Pick<Lookups, 'status'>
  readonly xds: XdsService
  /** Unset: somebody else runs it. */
  readonly envoy: EnvoySupervisor | undefined
  readonly log: LogOutput
  readonly metrics: Metrics
  readonly isStopping: () => boolean
}

/** @throws {Fault} for an address that can't be listened on */
export async function serveObservation(observed: Observed): Promise<AsyncDisposable> {
  const { config, sessions, providers, directory, lookups, xds, envoy, log, metrics } = observed
  const { settings } = config.current
  const { meter } = metrics
  const { logger } = log
  await using running = new AsyncDisposableStack()
  const certificates = running.use(watchCertificates({ config, logger, meter, now: Date.now }))
  const checks = readinessOf(xds, envoy, observed.isStopping)
  running.use(watchProviders({ config, providers, logger, meter }))
  const details = {
    store: () => sessions.problem,
    config: () => configHealth(config.status),
    identity_providers: () => providerTrouble(providers),
    certificates: () => certificates.problem(),
    log: () => problemOfLog(log),
  }
  observeConfig(meter, config)
  observeHealth(meter, { ...checks, ...details })
  running.use(
    await serveHealth({
      key: 'health_check_addr',
      address: settings.health_check_addr,
      checks,
      details,
      status: {
        config: () => config.status,
        xds: () => xds.status(),
        identityProviders: () => providers.all.map(({ name, id, status: state }) => ({ name, id, ...state })),
        directory: () => directory.status,
        sessions: () => sessions.count,
        lookups: () => lookups.status,
        certificates: () => certificates.status(),
      },
    }),
  )
  if (settings.metrics_address !== undefined) {
    const address = settings.metrics_address
    running.use(await serveMetrics({ key: 'metrics_address', address, render: () => metrics.render() }))
  }
  return running.move()
}
