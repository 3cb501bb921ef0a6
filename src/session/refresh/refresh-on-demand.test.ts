import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createSealer } from '../../crypto/seal.ts'
import { Fault } from '../../errors.ts'
import { openSqliteStore } from '../file-store.ts'
import type { SessionStore } from '../store.ts'
import { START, sessionNow, sessionOf, setUp } from './refresher.fixture.ts'

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

  it('is one over two processes that share a file, and each sees what it brought', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'refresher-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const { clock, provider, open } = await setUp()
    const openStore = () =>
      openSqliteStore({
        file: join(folder, 'sallyport.db'),
        sealer: createSealer(Buffer.alloc(32, 2)),
        // The stores look at each other's changes by the time that passes.
        now: () => clock.now + Math.floor(performance.now()),
        pollMs: 0,
      })
    await using one = await openStore()
    await using other = await openStore()
    const session = await one.save(sessionOf('s0', 300_000))
    assert.ok(await other.find('s0'))
    clock.now += 300_000
    const processes = [one, other].map((store) => ({ store, ...open(store) }))
    const seen = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const { store, refresher } = processes[index % 2] ?? processes[0]!
        await refresher.refreshNow(session)
        return (await sessionNow(store)).groups
      }),
    )
    assert.deepEqual([...new Set(seen.flat())], ['refreshed'])
    assert.equal(provider.refreshes.length, 1)
  })

  it('is tried again a second after one that failed, so that a passing trouble is one', async () => {
    const { clock, sessions, provider, refresher } = await setUp()
    provider.fault = new Fault('IDP_UNREACHABLE', 'timeout')
    clock.now += 300_000
    await refresher.refreshNow(await sessionNow(sessions))
    provider.fault = undefined
    clock.now += 999
    await refresher.refreshNow(await sessionNow(sessions))
    assert.equal(provider.refreshes.length, 1)
    const { version } = await sessionNow(sessions)
    clock.now += 1
    await refresher.refreshNow(await sessionNow(sessions))
    assert.equal(provider.refreshes.length, 2)
    assert.notEqual((await sessionNow(sessions)).version, version)
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
