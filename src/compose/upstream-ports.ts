/**
 * Whom contributors to an upstream's request ask, apart from the session's own provider.
 *
 * @module
 */
import type { ConfigSource } from '../config/file/watch.ts'
import type { Providers } from '../identity/providers.ts'
import { followHttpClient } from '../outbound/current-http-client.ts'
import type { HttpClient } from '../outbound/http-client.ts'
import type { SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Meter } from '../telemetry/metrics.ts'
import type { UpstreamPorts } from '../upstream/contributors.ts'
import { openUpstreamTokens } from '../upstream/exchange/tokens.ts'
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

/** Of a token endpoint: whatever is larger is none of its answers. */
const LARGEST_TOKEN_ANSWER = 256 * 1024

/** Whoever answers requests has these beside `refreshNow`. */
export function openUpstreamPorts(
  options: UpstreamSources,
): Omit<UpstreamPorts, 'refreshNow'> & AsyncDisposable {
  const { config, http, now, trustedCa } = options
  const running = new AsyncDisposableStack()
  const toIssuers = running.use(
    followHttpClient({ config, trustedCa, maxResponseBytes: LARGEST_TOKEN_ANSWER }),
  )
  return {
    upstreamTokens: running.use(openUpstreamTokens({ ...options, http: toIssuers })),
    platformTokens: running.use(openServerlessTokens({ config, http, now, env: process.env })),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
