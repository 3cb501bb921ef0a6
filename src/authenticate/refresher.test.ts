import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSealer } from '../crypto/seal.ts'
import { Fault } from '../errors.ts'
import type { Identity } from '../identity/provider.ts'
import type { Session } from '../session/session.ts'
import { openSqliteStore } from '../session/sqlite-store.ts'
import type { SessionStore } from '../session/store.ts'
import { createLogger } from '../telemetry/log.ts'
import type { RefreshOutcome } from './metrics.ts'
import { openRefresher, type Timers } from './refresher.ts'
import { FakeProvider } from './world.fixture.ts'

const START = Date.UTC(2026, 8, 1)

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

class Provider extends FakeProvider {
  lifetimeMs = 3_600_000
  atOnce = 0
  most = 0
  now = () => START
  meanwhile: (() => void) | undefined

  override async refresh(known: Identity): Promise<Identity> {
    this.atOnce += 1
    this.most = Math.max(this.most, this.atOnce)
    try {
      const identity = await super.refresh(known)
      this.meanwhile?.()
      return {
        ...identity,
        tokens: { ...identity.tokens, accessTokenExpiresAt: this.now() + this.lifetimeMs },
      }
    } finally {
      this.atOnce -= 1
    }
  }
}

async function setUp({ count = 1, tokenMs = 300_000 } = {}) {
  const clock = { now: START }
  const sessions: SessionStore = await openSqliteStore({
    file: ':memory:',
    sealer: createSealer(Buffer.alloc(32, 2)),
    now: () => clock.now,
    pollMs: 0,
  })
  for (let index = 0; index < count; index += 1) await sessions.save(sessionOf(`s${index}`, tokenMs))
  const provider = new Provider()
  provider.now = () => clock.now
  const outcomes: RefreshOutcome[] = []
  const limits: { idle?: number; claims?: number } = {}
  const open = (store = sessions) => {
    const timers = new HandTimers()
    const refresher = openRefresher({
      sessions: store,
      provider: (idpId) => (idpId === provider.id ? provider : undefined),
      now: () => clock.now,
      logger: createLogger({ level: 'error', destination: { write: () => undefined } }).logger,
      metrics: {
        signIn: () => undefined,
        signOut: () => undefined,
        refresh: (outcome) => outcomes.push(outcome),
      },
      claimsInterval: () => limits.claims ?? Infinity,
      idleTimeout: () => limits.idle,
      timers,
      random: () => 0,
    })
    return { timers, refresher }
  }
  return { clock, sessions, provider, outcomes, limits, open, ...open() }
}

function sessionOf(id: string, tokenMs: number): Omit<Session, 'version'> {
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

describe('the refresher', () => {
  it('gets new tokens and groups a minute before the old tokens expire, and not earlier', async () => {
    const { clock, sessions, provider, timers, outcomes } = await setUp()
    clock.now += 239_000
    await timers.tick()
    assert.deepEqual(provider.refreshes, [])
    clock.now += 2000
    await timers.tick()
    await timers.tick()
    assert.deepEqual(provider.refreshes, ['user-s0'])
    assert.deepEqual((await sessions.find('s0'))?.groups, ['refreshed'])
    assert.equal((await sessions.find('s0'))?.expiresAt, START + 10 * 3_600_000)
    assert.deepEqual(outcomes, ['success'])
  })

  it('refreshes once when two replicas see the same session due (attack 43)', async () => {
    const { clock, provider, timers, open } = await setUp()
    const second = open()
    clock.now += 250_000
    await Promise.all([timers.tick(), second.timers.tick()])
    assert.equal(provider.refreshes.length, 1)
  })

  it('asks for few at once, however many are due', async () => {
    const { clock, provider, timers } = await setUp({ count: 50 })
    clock.now += 250_000
    await timers.tick()
    assert.equal(provider.refreshes.length, 50)
    assert.ok(provider.most <= 8, String(provider.most))
  })

  it('keeps the session while the provider is down, and asks less and less often', async () => {
    const { clock, sessions, provider, timers, outcomes } = await setUp()
    provider.fault = new Fault('IDP_UNREACHABLE', 'timeout')
    clock.now += 250_000
    for (let second = 0; second < 600; second += 2) {
      await timers.tick()
      clock.now += 2000
    }
    assert.ok(await sessions.find('s0'))
    assert.ok(
      provider.refreshes.length >= 3 && provider.refreshes.length <= 6,
      String(provider.refreshes.length),
    )
    assert.ok(outcomes.every((outcome) => outcome === 'postponed'))
    provider.fault = undefined
    clock.now += 300_000
    await timers.tick()
    assert.deepEqual((await sessions.find('s0'))?.groups, ['refreshed'])
  })

  it('ends the session when the provider refuses (attack 44)', async () => {
    const { clock, sessions, provider, timers, outcomes } = await setUp()
    provider.fault = new Fault('IDP_REFUSED', 'invalid_grant')
    clock.now += 250_000
    await timers.tick()
    assert.equal(await sessions.find('s0'), undefined)
    assert.deepEqual(outcomes, ['refused'])
  })

  it('does not bring back a session that was signed out while it was being refreshed', async () => {
    const { clock, sessions, provider, timers } = await setUp()
    provider.meanwhile = () => void sessions.delete('s0')
    clock.now += 250_000
    await timers.tick()
    assert.equal(provider.refreshes.length, 1)
    assert.equal(await sessions.find('s0'), undefined)
  })

  it('does not press a provider whose tokens live for less than a minute', async () => {
    const { clock, provider, timers } = await setUp({ tokenMs: 30_000 })
    provider.lifetimeMs = 30_000
    for (let second = 0; second < 120; second += 1) {
      await timers.tick()
      clock.now += 1000
    }
    assert.ok(
      provider.refreshes.length >= 7 && provider.refreshes.length <= 10,
      String(provider.refreshes.length),
    )
  })

  it('sweeps sessions that have ended, and goes on after the store has failed', async () => {
    const { clock, sessions, timers } = await setUp({ count: 2 })
    clock.now += 11 * 3_600_000
    await timers.tick()
    assert.equal(sessions.count, 0)
    const { open } = await setUp()
    const broken: SessionStore = Object.create(sessions, {
      dueForRefresh: { value: () => Promise.reject(new Fault('STORE_UNAVAILABLE', 'disk')) },
    })
    const { timers: other } = open(broken)
    await other.tick()
  })

  it('reads claims anew long before tokens of hours end', async () => {
    const { clock, sessions, provider, timers, limits } = await setUp({ tokenMs: 8 * 3_600_000 })
    provider.lifetimeMs = 8 * 3_600_000
    limits.claims = 600_000
    for (let minute = 0; minute < 60; minute += 1) {
      clock.now += 60_000
      await timers.tick()
    }
    assert.equal(provider.refreshes.length, 6)
    assert.deepEqual((await sessionNow(sessions)).groups, ['refreshed'])
  })

  it('reads claims by the access token while it is good, where there is nothing to refresh', async () => {
    const { clock, sessions, provider, timers, limits } = await setUp()
    limits.claims = 600_000
    const { version: _, ...session } = await sessionNow(sessions)
    await sessions.save({
      ...session,
      tokens: {
        ...session.tokens,
        refreshToken: undefined,
        accessTokenExpiresAt: START + 1_800_000,
      },
    })
    for (let minute = 0; minute < 60; minute += 1) {
      clock.now += 60_000
      await timers.tick()
    }
    assert.deepEqual([provider.refreshes.length, provider.rereads.length], [0, 2])
    assert.deepEqual((await sessionNow(sessions)).groups, ['reread'])
  })

  it('ends the session whose access token the provider accepts no more', async () => {
    const { clock, sessions, provider, timers, limits } = await setUp()
    limits.claims = 600_000
    const { version: _, ...session } = await sessionNow(sessions)
    const tokens = { ...session.tokens, refreshToken: undefined, accessTokenExpiresAt: undefined }
    await sessions.save({ ...session, tokens })
    provider.fault = new Fault('IDP_UNREACHABLE', 'timeout')
    clock.now += 600_000
    await timers.tick()
    assert.ok(await sessions.find('s0'))
    provider.fault = new Fault('IDP_REFUSED', '401 to a token of its own')
    clock.now += 600_000
    await timers.tick()
    assert.equal(await sessions.find('s0'), undefined)
  })

  it('asks a provider that does not like it no more often than it says', async () => {
    const { clock, provider, timers, limits } = await setUp({ tokenMs: 8 * 3_600_000, count: 300 })
    limits.claims = 600_000
    provider.refreshEveryMs = 86_400_000
    for (let minute = 0; minute < 30; minute += 1) {
      clock.now += 60_000
      await timers.tick()
    }
    assert.equal(provider.refreshes.length, 0)
  })

  it('ends sessions that nobody uses, somewhat later than a request would', async () => {
    const { clock, sessions, timers, limits } = await setUp({ count: 2 })
    limits.idle = 600_000
    const used = await sessions.find('s0')
    assert.ok(used !== undefined)
    for (let minute = 0; minute < 12; minute += 1) {
      clock.now += 60_000
      sessions.touch(used, clock.now, 60_000)
      await timers.tick()
      if (minute < 11) assert.equal(sessions.count, 2)
    }
    assert.deepEqual(
      (await sessions.list()).map(({ id }) => id),
      ['s0'],
    )
  })

  it('stops its timers when disposed', async () => {
    const { refresher, timers } = await setUp()
    await refresher[Symbol.asyncDispose]()
    assert.equal(timers.disposed, 2)
  })
})

async function sessionNow(sessions: SessionStore): Promise<Session> {
  const session = await sessions.find('s0')
  assert.ok(session !== undefined)
  return session
}

describe('a refresh that is asked for', () => {
  it('happens at once, and once for all who ask at the same time', async () => {
    const { clock, sessions, provider, refresher } = await setUp()
    clock.now += 300_000
    const session = await sessionNow(sessions)
    await Promise.all(Array.from({ length: 50 }, () => refresher.refreshNow(session)))
    assert.equal(provider.refreshes.length, 1)
    assert.equal((await sessionNow(sessions)).tokens.accessTokenExpiresAt, clock.now + provider.lifetimeMs)
  })

  it('is shared with the one that is under way by itself', async () => {
    const { clock, sessions, provider, refresher, timers } = await setUp()
    clock.now += 250_000
    const session = await sessionNow(sessions)
    await Promise.all([timers.tick(), refresher.refreshNow(session), refresher.refreshNow(session)])
    assert.equal(provider.refreshes.length, 1)
  })

  it('is one over two replicas, and the other waits for what it brings', async () => {
    const { clock, sessions, provider, refresher, open } = await setUp()
    const other = open()
    clock.now += 300_000
    const session = await sessionNow(sessions)
    const seen = await Promise.all(
      [refresher, other.refresher].map(async (each) => {
        await each.refreshNow(session)
        return (await sessionNow(sessions)).groups
      }),
    )
    assert.deepEqual(seen, [['refreshed'], ['refreshed']])
    assert.equal(provider.refreshes.length, 1)
  })

  it('does not press a provider that is down', async () => {
    const { clock, sessions, provider, refresher } = await setUp()
    provider.fault = new Fault('IDP_UNREACHABLE', 'timeout')
    clock.now += 300_000
    const session = await sessionNow(sessions)
    for (let second = 0; second < 60; second += 1) {
      await refresher.refreshNow(session)
      clock.now += 1000
    }
    assert.ok(provider.refreshes.length <= 4, String(provider.refreshes.length))
    assert.ok(await sessions.find('s0'))
  })

  it('does not press a provider that brings no new ID token', async () => {
    const { clock, sessions, provider, refresher } = await setUp()
    for (let second = 0; second < 60; second += 1) {
      await refresher.refreshNow(await sessionNow(sessions))
      clock.now += 1000
    }
    assert.equal(provider.refreshes.length, 1)
  })

  it('happens again when a token of seconds has ended, and not more often than once in a second', async () => {
    const { clock, sessions, provider, refresher } = await setUp({ tokenMs: 5000 })
    provider.lifetimeMs = 5000
    for (let tenth = 0; tenth < 200; tenth += 1) {
      await refresher.refreshNow(await sessionNow(sessions))
      clock.now += 100
    }
    assert.equal(provider.refreshes.length, 4)
    provider.lifetimeMs = 0
    clock.now += 60_000
    for (let tenth = 0; tenth < 50; tenth += 1) {
      await refresher.refreshNow(await sessionNow(sessions))
      clock.now += 100
    }
    assert.ok(provider.refreshes.length <= 10, String(provider.refreshes.length))
  })

  it('ends a session that the provider refuses to refresh, and rejects for nobody', async () => {
    const { clock, sessions, provider, refresher } = await setUp()
    provider.fault = new Fault('IDP_REFUSED', 'invalid_grant')
    clock.now += 300_000
    await refresher.refreshNow(await sessionNow(sessions))
    assert.equal(await sessions.find('s0'), undefined)
    provider.fault = undefined
    const broken: SessionStore = Object.create(sessions, {
      claimOnce: { value: () => Promise.reject(new Error('a bug')) },
    })
    const { open } = await setUp()
    await open(broken).refresher.refreshNow({ ...sessionOf('s1', 0), version: 1 })
  })

  it('does not undo a sign-in that came meanwhile', async () => {
    const { clock, sessions, provider, refresher } = await setUp()
    clock.now += 300_000
    const session = await sessionNow(sessions)
    const renewed = {
      ...session,
      issuedAt: clock.now,
      authenticatedAt: clock.now,
      tokens: { ...session.tokens, refreshToken: 'of the new sign-in' },
    }
    provider.meanwhile = () => void sessions.save(renewed)
    await refresher.refreshNow(session)
    const after = await sessionNow(sessions)
    assert.deepEqual({ ...after, version: 0 }, { ...renewed, version: 0 })
  })

  it('leaves alone when and how the person signed in', async () => {
    const { clock, sessions, provider, refresher } = await setUp()
    const session = await sessionNow(sessions)
    await sessions.save({ ...session, authenticatedAt: START - 1000, acr: 'phr' })
    clock.now += 300_000
    await refresher.refreshNow(await sessionNow(sessions))
    assert.equal(provider.refreshes.length, 1)
    const { authenticatedAt, acr, issuedAt } = await sessionNow(sessions)
    assert.deepEqual([authenticatedAt, acr, issuedAt], [START - 1000, 'phr', START])
  })
})
