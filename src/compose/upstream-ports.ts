/**
 * Whom contributors to an upstream's request ask, apart from the session's own provider.
 *
 * @module
 */
import type { ConfigSource } from '../config/file/watch.ts'
import type { Providers } from '../identity/providers.ts'
import type { HttpClient } from '../outbound/http-client.ts'
import type { SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Meter } from '../telemetry/metrics.ts'
import type { UpstreamPorts } from '../upstream/contributors.ts'
import { openServerlessTokens } from '../upstream/serverless-tokens.ts'

/** All that there is to make them of. */
export interface UpstreamSources {
  readonly config: ConfigSource
  readonly providers: Providers
  readonly sessions: SessionStore
  /** PEM, beside those of the platform. */
  readonly trustedCa: readonly string[]
  readonly http: HttpClient
  readonly now: () => number
  readonly logger: Logger
  readonly meter: Meter
}

/** Whoever answers requests has these beside `refreshNow`. */
export function openUpstreamPorts({
  config,
  http,
  now,
}: UpstreamSources): Omit<UpstreamPorts, 'refreshNow'> & AsyncDisposable {
  const running = new AsyncDisposableStack()
  return {
    platformTokens: running.use(openServerlessTokens({ config, http, now, env: process.env })),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
