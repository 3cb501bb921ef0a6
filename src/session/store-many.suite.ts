/**
 * What every session store must do with many sessions at once; each driver runs it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MINUTE, newSession, onTwoStores, START, type StoreUnderTest } from './store-under-test.fixture.ts'

export function describeManySessions(driver: string, underTest: StoreUnderTest): void {
  const withStores = onTwoStores(underTest)

  describe(`the ${driver} session store, with many sessions,`, () => {
    it(
      'ends several at once, and none of them comes back',
      withStores(async ({ store, other, clock }) => {
        const sessions = Array.from({ length: 450 }, () => newSession())
        for (const session of sessions) await store.save(session)
        const alive = await store.save(newSession())
        assert.equal(await store.deleteAll(['unknown', ...sessions.map(({ id }) => id)]), 450)
        clock.now += 1000
        assert.equal(await other.find(sessions[449]?.id ?? ''), undefined)
        await assert.rejects(async () => other.save(sessions[0] ?? newSession()))
        assert.deepEqual(await other.find(alive.id), alive)
      }),
    )

    it(
      'sweeps thousands in turns, so that others get their turn between',
      withStores(async ({ store, clock }) => {
        for (let i = 0; i < 1000; i++) await store.save(newSession({ expiresAt: START + MINUTE }))
        clock.now += MINUTE
        let inThisTurn = 0
        let most = 0
        using _ = store.onChange(() => {
          most = Math.max(most, ++inThisTurn)
        })
        const done = new AbortController()
        const turns = (async () => {
          for (; !done.signal.aborted; inThisTurn = 0) await nextTurn()
        })()
        assert.equal(await store.sweep(), 1000)
        done.abort()
        await turns
        assert.ok(most > 0 && most <= 400, String(most))
      }),
    )

    it(
      'follows thousands of changes of another process',
      withStores(async ({ store, other, clock }) => {
        const sessions = Array.from({ length: 1500 }, () => newSession())
        for (const session of sessions) await store.save(session)
        await other.deleteAll(sessions.slice(1).map(({ id }) => id))
        clock.now += 1000
        for (const { id } of sessions.slice(1)) assert.equal(await store.find(id), undefined)
        assert.ok(await store.find(sessions[0]?.id ?? ''))
      }),
    )
  })
}
