/**
 * The refresher over a real store, with a provider, a clock and timers that tests hold in their hands.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createSealer } from '../../crypto/seal.ts'
import { createLogger } from '../../telemetry/log.ts'
import { openSqliteStore } from '../file-store.ts'
import type { Session } from '../session.ts'
import type { SessionStore } from '../store.ts'
import type { RefreshOutcome } from './refresh-metrics.ts'
import { openRefresher } from './refresher.ts'
import { FakeRefreshingProvider } from './refreshing-provider.fixture.ts'
import type { Timers } from './timers.ts'

export const START = Date.UTC(2026, 8, 1)

/** Runs what is due when the test says so. */
class HandTimers implements Timers {
  readonly #works: (() => Promise<void>)[] = []
  disposed = 0

  every(_intervalMs: number, work: () => Promise<void>): AsyncDisposable {
    this.#works.push(work)
    return {
      [Symbol.asyncDispose]: () => {
        this.disposed += 1
        return Promise.resolve()
      },
    }
  }

  async tick(): Promise<void> {
    for (const work of this.#works) await work()
  }
}

export async function setUp({ count = 1, tokenMs = 300_000 } = {}) {
  const clock = { now: START }
  const sessions: SessionStore = await openSqliteStore({
    file: ':memory:',
    sealer: createSealer(Buffer.alloc(32, 2)),
    now: () => clock.now,
    pollMs: 0,
  })
  for (let index = 0; index < count; index += 1) await sessions.save(sessionOf(`s${index}`, tokenMs))
  const provider = new FakeRefreshingProvider('fake', () => clock.now)
  const other = new FakeRefreshingProvider('other', () => clock.now)
  const providers = new Map([provider, other].map((one) => [one.id, one]))
  const outcomes: RefreshOutcome[] = []
  const limits: { idle?: number; claims?: number } = {}
  const open = (store = sessions) => {
    const timers = new HandTimers()
    const refresher = openRefresher({
      sessions: store,
      provider: (idpId) => providers.get(idpId),
      now: () => clock.now,
      logger: createLogger({ level: 'error', destination: { write: () => undefined } }).logger,
      metrics: { refresh: (outcome) => outcomes.push(outcome) },
      claimsInterval: () => limits.claims ?? Infinity,
      idleTimeout: () => limits.idle,
      timers,
      random: () => 0,
    })
    return { timers, refresher }
  }
  return { clock, sessions, provider, other, outcomes, limits, open, ...open() }
}

export function sessionOf(id: string, tokenMs: number): Omit<Session, 'version'> {
  return {
    id,
    idpId: 'fake',
    userId: `user-${id}`,
    email: undefined,
    name: undefined,
    claims: {},
    groups: ['old'],
    issuedAt: START,
    expiresAt: START + 10 * 3_600_000,
    tokens: {
      accessToken: 'a',
      accessTokenExpiresAt: START + tokenMs,
      refreshToken: 'r',
      idToken: undefined,
      idTokenExpiresAt: undefined,
    },
  }
}

export async function sessionNow(sessions: SessionStore): Promise<Session> {
  const session = await sessions.find('s0')
  assert.ok(session !== undefined)
  return session
}
