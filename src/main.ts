/**
 * The composition root: the only file where services meet. Read backwards it is the shutdown.
 *
 * @module
 */
import { join, resolve } from 'node:path'
import { askAdmin } from '../envoy/admin.ts'
import { findEnvoy } from '../envoy/find.ts'
import type { EnvoySupervisor } from '../envoy/supervise.ts'
import { watchRevocationLists } from './access/credentials/client-certificate/list-watch.ts'
import { ServiceAccounts } from './access/credentials/service-account/service-accounts.ts'
import { mayOpenBy } from './access/may-open.ts'
import { serveAuthenticate } from './authenticate/service.ts'
import { keepSessionsFresh } from './compose/fresh-sessions.ts'
import { serveJudgement } from './compose/judgement.ts'
import { assertPortsFree, startManagedEnvoy } from './compose/managed-envoy.ts'
import { serveObservation } from './compose/observation.ts'
import { renewCertificatesDaily } from './compose/renewal.ts'
import { socketPlaces } from './compose/socket-places.ts'
import { openSources } from './compose/sources.ts'
import type { ConfigSource } from './config/file/watch.ts'
import { openSigningKeys } from './crypto/signing-keys.ts'
import { type LocalCa, openLocalCa } from './crypto/x509/local-ca.ts'
import { requireDirectoryFiles } from './directory/file-problems.ts'
import { SCIM_PATH } from './directory/scim/endpoint.ts'
import { followConfig, portMistakes } from './follow-config.ts'
import { version } from './form/installation.ts'
import { policyOf } from './policy/compiled-policies.ts'
import { openKeyring, openStore, stateDirFor } from './session/open-state.ts'
import { createLogger } from './telemetry/log.ts'
import { countLostLines } from './telemetry/log-health.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { countOverflows } from './xds/resources/clusters/overflows.ts'
import { certificatesFor } from './xds/resources/server-certificates.ts'
import { serveXds } from './xds/service.ts'

export interface StartOptions {
  readonly configFile: string
  /** Default: `.sallyport` beside the configuration file. */
  readonly stateDir?: string | undefined
  /** Where the sockets for Envoy are made; default: in the state folder. */
  readonly runDir?: string | undefined
  readonly envoy: 'managed' | 'external'
  /** Gives up what start-up waits for, such as a download. */
  readonly signal?: AbortSignal | undefined
  /** Domains under which alone the local CA is believed; unset: all. */
  readonly localCaDomains?: readonly string[]
}

export interface Sallyport extends AsyncDisposable {
  readonly config: ConfigSource
  readonly stateDir: string
  readonly runDir: string
  readonly localCa: LocalCa
  /** Resolves when Envoy serves the current generation. @throws {Fault} XDS_NACK, ENVOY_EXITED */
  ready(): Promise<void>
}

/** @throws {Fault} whatever keeps it from starting; nothing is left running then */
export async function startSallyport(options: StartOptions): Promise<Sallyport> {
  const configFile = resolve(options.configFile)
  const stateDir = stateDirFor(configFile, options.stateDir)
  await using running = new AsyncDisposableStack()

  const log = createLogger({ level: 'info' })
  running.defer(() => log.flush())
  const { logger } = log
  let envoyPath: string | undefined
  const config = running.use(
    await followConfig(configFile, logger, {
      // An external Envoy may listen on another machine.
      admit: async (next, current) =>
        options.envoy === 'managed' ? await portMistakes(next, current, envoyPath) : [],
    }),
  )
  const { settings } = config.current
  await requireDirectoryFiles(config.current)
  const metrics = running.use(createMetrics({ version: version() }))
  const meter = metrics.meter
  countLostLines(meter, log)
  const now = Date.now

  await assertPortsFree(settings, ['health_check_addr', 'metrics_address'])
  const sockets = socketPlaces({ stateDir, runDir: options.runDir, envoy: options.envoy })
  const { runDir } = sockets
  const keys = openKeyring(settings, stateDir)
  const signingKeys = openSigningKeys({ pem: settings.signing_key?.reveal(), derivedFrom: keys.signing })
  const localCa = await openLocalCa(join(stateDir, 'ca'), { constrainedTo: options.localCaDomains ?? [] })
  const sessions = running.use(
    await openStore(stateDir, keys, {
      onFileLost: (failure) =>
        logger.error({ failure }, 'the database file was deleted; it is written anew from what is known'),
    }),
  )
  const serviceAccounts = running.use(new ServiceAccounts(sessions.records))
  const trustedCa = [localCa.certificatePem]
  const sources = running.use(await openSources({ config, sessions, trustedCa, now, logger, meter }))
  const { providers, bearer, lookups, directory, upstreamPorts } = sources

  const { refreshNow } = running.use(
    keepSessionsFresh({ config, sessions, provider: providers.find, now, logger, meter }),
  )
  running.use(
    await serveAuthenticate({
      socketPath: sockets.http,
      config,
      sessions,
      provider: providers.find,
      idpIdsFor: providers.idsFor,
      directory,
      mounts: [{ path: SCIM_PATH, add: (server) => directory.addScimEndpoint(server) }],
      mayOpen: mayOpenBy(
        { sessions, directory, data: lookups, now, logger },
        { policyOf, idpIdsFor: providers.idsFor },
      ),
      mentionedGroups: (route) => policyOf(config.current, route).policy?.mentionedGroups ?? [],
      keys,
      signingKeys,
      now,
      logger,
      meter,
    }),
  )
  running.use(
    await serveJudgement({
      sockets: { authz: sockets.authz, supervise: sockets.supervise },
      config,
      policyOf,
      sessions,
      serviceAccounts,
      bearer,
      upstreamPorts,
      data: lookups,
      keys,
      signingKeys,
      idpIdsFor: providers.idsFor,
      directory,
      refreshNow,
      now,
      logger,
      meter,
    }),
  )
  const xds = running.use(
    await serveXds({
      socketPath: sockets.xds,
      config,
      certificates: async (current) => await certificatesFor(current, localCa),
      logger,
      meter,
    }),
  )
  running.use(renewCertificatesDaily(xds))
  countOverflows({ config, meter, ask: async (path) => (await askAdmin(sockets.admin, path)).body })
  running.use(watchRevocationLists({ config, logger, meter, now }))

  let envoy: EnvoySupervisor | undefined
  if (options.envoy === 'managed') {
    const found = await findEnvoy({ env: process.env, ...(options.signal && { signal: options.signal }) })
    envoyPath = found.path
    const accessLog = log.lines ?? process.stdout
    envoy = running.use(await startManagedEnvoy({ found, settings, runDir, logger, accessLog }))
  }
  let isStopping = false
  running.use(
    await serveObservation({
      config,
      sessions,
      providers,
      directory,
      lookups,
      xds,
      envoy,
      log,
      metrics,
      isStopping: () => isStopping,
    }),
  )

  const stop = running.move()
  return {
    config,
    stateDir,
    runDir,
    localCa,
    async ready() {
      const { generation, routes } = config.current
      await Promise.all([envoy?.ready(), xds.whenAcked(generation)])
      const { host, port } = settings.address
      logger.info({ generation, routes: routes.length, address: `${host}:${port}` }, 'ready')
    },
    async [Symbol.asyncDispose]() {
      isStopping = true
      const { drain_delay: delayMs, drain_timeout: timeoutMs } = config.current.settings
      await envoy?.drain({ delayMs, timeoutMs })
      await stop.disposeAsync()
    },
  }
}
