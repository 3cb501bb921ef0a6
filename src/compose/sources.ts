/**
 * Where facts about people come from: identity providers, tokens that they issue, directories, records,
 * places.
 *
 * @module
 */
import { openBearerTokens } from '../access/credentials/bearer/bearer-tokens.ts'
import type { ConfigSource } from '../config/file/watch.ts'
import { openDirectory } from '../directory/open-directory.ts'
import { followProviders } from '../identity/providers.ts'
import { openLookups } from '../lookups/lookups.ts'
import { followHttpClient } from '../outbound/current-http-client.ts'
import type { openStore } from '../session/open-state.ts'
import type { Session } from '../session/session.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Meter } from '../telemetry/metrics.ts'
import { openUpstreamPorts } from './upstream-ports.ts'

/** Of what Sallyport itself asks for: a list of everybody in a large company fits. */
const LARGEST_ANSWER = 64 * 1024 * 1024

export async function openSources(options: {
  readonly config: ConfigSource
  readonly sessions: Awaited<ReturnType<typeof openStore>>
  /** PEM, beside those of the platform. */
  readonly trustedCa: readonly string[]
  readonly now: () => number
  readonly logger: Logger
  readonly meter: Meter
}) {
  const { config, sessions, trustedCa, now, logger, meter } = options
  await using running = new AsyncDisposableStack()
  const providers = running.use(followProviders({ config, trustedCa, logger }))
  const bearer = running.use(
    openBearerTokens({
      config,
      trustedCa,
      providersOf: (route) => providers.idsFor(route).flatMap((id) => providers.find(id) ?? []),
      now,
      meter,
      env: process.env,
    }),
  )
  const http = running.use(followHttpClient({ config, trustedCa, maxResponseBytes: LARGEST_ANSWER }))
  const lookups = running.use(openLookups({ config, http, now, logger }))
  await lookups.ready()

  const directory = running.use(
    await openDirectory<Session>({
      config,
      providerName: (idpId) => providers.find(idpId)?.name,
      now,
      logger,
      meter,
      records: sessions.records,
      http,
    }),
  )

  const upstreamPorts = running.use(openUpstreamPorts({ ...options, providers, http }))
  const stop = running.move()
  return {
    providers,
    bearer,
    lookups,
    directory,
    upstreamPorts,
    [Symbol.asyncDispose]: () => stop.disposeAsync(),
  }
}
