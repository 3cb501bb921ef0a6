import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '../../errors.ts'
import type { DuePage, SessionStore } from '../store.ts'
import { START, sessionNow, setUp } from './refresher.fixture.ts'

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

  it('leaves alone what another replica has refreshed since it was found due', async () => {
    const { clock, sessions, provider, open } = await setUp()
    const behind: SessionStore = Object.create(sessions, {
      dueForRefresh: {
        value: async (page: DuePage) => {
          const due = await sessions.dueForRefresh(page)
          await sessions.save({ ...(await sessionNow(sessions)), groups: ['by the other'] })
          return due
        },
      },
    })
    const { timers } = open(behind)
    clock.now += 250_000
    await timers.tick()
    assert.deepEqual(provider.refreshes, [])
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

  it('asks a provider that is down one question at a time, for all of its sessions', async () => {
    const { clock, provider, timers, outcomes } = await setUp({ count: 600 })
    provider.fault = new Fault('IDP_UNREACHABLE', 'timeout')
    clock.now += 250_000
    for (let second = 0; second < 120; second += 2) {
      await timers.tick()
      clock.now += 2000
    }
    assert.ok(provider.refreshes.length <= 20, String(provider.refreshes.length))
    assert.ok(outcomes.length <= 20)
    provider.fault = undefined
    provider.refreshes.length = 0
    for (let second = 0; second < 300; second += 2) {
      await timers.tick()
      clock.now += 2000
    }
    assert.equal(new Set(provider.refreshes).size, 600, 'then all are refreshed')
  })

  it('does not count one session in trouble for a provider that is down', async () => {
    const { clock, provider, timers } = await setUp({ count: 40 })
    const refresh = provider.refresh.bind(provider)
    provider.refresh = async (known) => {
      if (known.userId === 'user-s0') throw new Fault('IDP_UNREACHABLE', 'timeout')
      return await refresh(known)
    }
    clock.now += 250_000
    await timers.tick()
    assert.equal(provider.refreshes.length, 39)
  })

  it('ends the session when the provider refuses (attack 44)', async () => {
    const { clock, sessions, provider, timers, outcomes } = await setUp()
    provider.fault = new Fault('IDP_REFUSED', 'invalid_grant')
    clock.now += 250_000
    await timers.tick()
    assert.equal(await sessions.find('s0'), undefined)
    assert.deepEqual(outcomes, ['refused'])
  })

  it('leaves a session that another replica has refreshed meanwhile, whose old token is then refused', async () => {
    const { clock, sessions, provider, timers } = await setUp()
    clock.now += 250_000
    provider.refresh = async () => {
      const session = await sessions.find('s0')
      if (session !== undefined) await sessions.save({ ...session, groups: ['by the other'] })
      throw new Fault('IDP_REFUSED', 'invalid_grant')
    }
    await timers.tick()
    assert.deepEqual((await sessions.find('s0'))?.groups, ['by the other'])
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
