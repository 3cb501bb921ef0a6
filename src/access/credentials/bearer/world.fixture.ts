/**
 * One issuer, a configuration that trusts it, and a clock that tests hold in their hands.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { Config } from '../../../config/config.ts'
import { parseConfig } from '../../../config/parse.ts'
import type { TokenProblem } from '../../../identity/provider.ts'
import { createMetrics } from '../../../telemetry/metrics.ts'
import type { BearerSession } from './bearer-session.ts'
import { type BearerTokens, openBearerTokens } from './bearer-tokens.ts'
import { AUDIENCE, startIssuer, type TestIssuer } from './issuer.fixture.ts'

const ROUTE = { from: 'https://app.example.com', to: 'http://127.0.0.1:1', bearer_token_format: 'jwt' }

export function configOf(providers: object, more: { route?: object; settings?: object } = {}): Config {
  const parsed = parseConfig(
    JSON.stringify({
      identity_providers: providers,
      ...more.settings,
      routes: [{ ...ROUTE, ...more.route }],
    }),
  )
  assert.ok('config' in parsed, JSON.stringify('problems' in parsed ? parsed.problems : []))
  return parsed.config
}

export interface World extends AsyncDisposable {
  readonly issuer: TestIssuer
  readonly clock: { now: number }
  readonly tokens: BearerTokens
  change(config: Config): void
  ask(token: string): Promise<BearerSession | TokenProblem>
  /** Why it is refused. */
  problem(token: string): Promise<string>
}

export async function openWorld(
  entryOf: (issuer: TestIssuer) => object = () => ({}),
  more: { route?: object; settings?: object; podFolder?: string; env?: Record<string, string> } = {},
): Promise<World> {
  const clock = { now: Date.now() }
  const issuer = await startIssuer(() => clock.now)
  const entry = { issuer: issuer.url, audiences: [AUDIENCE], ...entryOf(issuer) }
  let current = configOf({ ci: entry }, more)
  const listeners = new Set<(config: Config) => void>()
  const tokens = openBearerTokens({
    config: {
      get current() {
        return current
      },
      onGeneration(listener) {
        listeners.add(listener)
        return { [Symbol.dispose]: () => listeners.delete(listener) }
      },
    },
    trustedCa: [],
    now: () => clock.now,
    env: more.env ?? {},
    providersOf: () => [],
    meter: createMetrics().meter,
    ...(more.podFolder !== undefined && { podFolder: more.podFolder }),
  })
  const ask = async (token: string) => {
    const [route] = current.routes
    assert.ok(route)
    return await tokens.session(route, token, '192.0.2.7')
  }
  return {
    issuer,
    clock,
    tokens,
    change(config) {
      current = config
      for (const listener of listeners) listener(config)
    },
    ask,
    async problem(token) {
      const found = await ask(token)
      assert.ok('problem' in found, 'the token is accepted')
      return found.problem
    },
    async [Symbol.asyncDispose]() {
      await tokens[Symbol.asyncDispose]()
      await issuer[Symbol.asyncDispose]()
    },
  }
}
