/**
 * Whom contributors to an upstream's request ask, apart from the session's own provider.
 *
 * @module
 */
import type { ConfigSource } from '../config/file/watch.ts'
import type { HttpClient } from '../outbound/http-client.ts'
import type { UpstreamPorts } from '../upstream/contributors.ts'
import { openServerlessTokens } from '../upstream/serverless-tokens.ts'

export interface UpstreamSources {
  readonly config: ConfigSource
  readonly http: HttpClient
  readonly now: () => number
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
