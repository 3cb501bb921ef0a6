/**
 * An issuer of tokens for upstreams in the place of the HTTP client: tests say what it answers, and when.
 *
 * @module
 */

import type { Config } from '../../config/config.ts'
import { parseConfig } from '../../config/parse.ts'
import { Fault } from '../../errors.ts'
import type { TokenEndpoint } from '../../identity/provider.ts'
import { HttpFailure } from '../../outbound/http-client.ts'
import { createLogger } from '../../telemetry/log.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { openUpstreamTokens, type UpstreamTokens } from './tokens.ts'

export interface TokenRequest {
  readonly url: string
  readonly form: URLSearchParams
  readonly headers: Headers
}

export type Answering = (request: TokenRequest) => Response | Promise<Response>

export const answered = (body: object, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })

export interface PlayedIssuer extends Disposable {
  readonly tokens: UpstreamTokens
  readonly requests: TokenRequest[]
  readonly lines: string[]
  /** Unless a test says otherwise, tokens are `<audience>/for/<token that was exchanged>/<number>`. */
  answer: Answering
  lifetimeSeconds: number
  /** Provider ids that have no token endpoint, or whose discovery fails. */
  readonly withoutEndpoint: Set<string>
  readonly unreachable: Set<string>
  /** How the provider itself is asked, where it is asked in a way of its own. */
  ownFetch: TokenEndpoint['fetch']
  /** A session has changed or gone. */
  change(sessionId: string): void
  /** There is another configuration. */
  reload(): void
}

const endpoint = (id: string): TokenEndpoint => ({
  url: `https://${id}.example/token`,
  authenticate: (_, headers) => headers.set('authorization', `Basic client-at-${id}`),
})

export function playIssuer(clock: { now: number }, options: { answerWithinMs?: number } = {}): PlayedIssuer {
  const lines: string[] = []
  const listeners = new Set<(id: string) => void>()
  const generations = new Set<(config: Config) => void>()
  const { logger } = createLogger({ level: 'info', destination: { write: (text) => void lines.push(text) } })
  let issued = 0
  const parsed = parseConfig('routes: []')
  if (!('config' in parsed)) throw new Error('no configuration')
  const { config } = parsed

  const opened = openUpstreamTokens({
    config: {
      onGeneration(listener) {
        generations.add(listener)
        return { [Symbol.dispose]: () => generations.delete(listener) }
      },
    },
    providers: {
      find: (id) =>
        issuer.withoutEndpoint.has(id)
          ? {}
          : {
              tokenEndpoint: async () => {
                if (issuer.unreachable.has(id)) throw new Fault('IDP_UNREACHABLE', `${id} does not answer`)
                return { ...endpoint(id), ...(issuer.ownFetch && { fetch: issuer.ownFetch }) }
              },
            },
      idsFor: (route) => (route.name ?? 'idp-1').split(','),
    },
    sessions: {
      onChange(listener) {
        listeners.add(listener)
        return { [Symbol.dispose]: () => listeners.delete(listener) }
      },
    },
    http: {
      async fetch(url, init = {}) {
        const request = {
          url: String(url),
          form: init.body instanceof URLSearchParams ? init.body : new URLSearchParams(),
          headers: new Headers(init.headers),
        }
        issuer.requests.push(request)
        const { promise, reject } = Promise.withResolvers<never>()
        init.signal?.addEventListener('abort', () => reject(new HttpFailure(`POST ${String(url)}: aborted`)))
        return Promise.race([issuer.answer(request), promise])
      },
      async [Symbol.asyncDispose]() {},
    },
    now: () => clock.now,
    logger,
    meter: createMetrics().meter,
    ...options,
  })
  const issuer: PlayedIssuer = {
    tokens: opened,
    requests: [],
    lines,
    lifetimeSeconds: 300,
    withoutEndpoint: new Set(),
    unreachable: new Set(),
    ownFetch: undefined,
    answer: ({ form }) =>
      answered({
        access_token: `${form.getAll('audience').join('+')}/for/${form.get('subject_token') ?? form.get('assertion') ?? 'all'}/${(issued += 1)}`,
        token_type: 'Bearer',
        expires_in: issuer.lifetimeSeconds,
      }),
    change(id) {
      for (const listener of listeners) listener(id)
    },
    reload() {
      for (const listener of generations) listener(config)
    },
    [Symbol.dispose]: () => opened[Symbol.dispose](),
  }
  return issuer
}
