/**
 * What every session store must do as time goes by, forwards or backwards; each driver runs it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  assertCount,
  HOUR,
  MINUTE,
  newSession,
  onTwoStores,
  START,
  type StoreUnderTest,
} from './store-under-test.fixture.ts'

export function describeStoreOverTime(driver: string, underTest: StoreUnderTest): void {
  const withStores = onTwoStores(underTest)
  const { place } = underTest

  describe(`the ${driver} session store, as time goes by,`, () => {
    it(
      'ends a session at the very millisecond of its expiry',
      withStores(async ({ store, other, clock }) => {
        const { id, expiresAt } = await store.save(newSession())
        clock.now = expiresAt - 1
        assert.ok(await store.find(id))
        assert.ok(await other.find(id))
        clock.now = expiresAt
        assert.equal(await store.find(id), undefined)
        assert.equal(await other.find(id), undefined)
        assert.deepEqual(await store.list(), [])
        assert.deepEqual(await store.dueForRefresh({ before: clock.now, limit: 10 }), [])
        await assertCount(store, 0)
      }),
    )

    it(
      'does not lengthen a session when the clock is set back',
      withStores(async ({ store, other, clock }) => {
        const { id } = await store.save(newSession({ expiresAt: START + HOUR }))
        for (let minute = 0; minute < 50; minute += 1) {
          clock.now += MINUTE
          assert.ok(await store.find(id))
          await other.find(id)
        }
        clock.now -= 30 * 24 * HOUR
        assert.ok(await store.find(id))
        assert.ok(await other.find(id))
        clock.now += 11 * MINUTE
        assert.equal(await store.find(id), undefined)
        assert.equal(await other.find(id), undefined)
      }),
    )

    it(
      'names the sessions whose tokens end, the most urgent first, and none that can not be refreshed',
      withStores(async ({ store }) => {
        const { tokens } = newSession()
        const ending = (minutes: number, change = {}) =>
          store.save(
            newSession({ tokens: { ...tokens, accessTokenExpiresAt: START + minutes * MINUTE, ...change } }),
          )
        const second = await ending(20)
        const first = await ending(10)
        await ending(60)
        await ending(5, { refreshToken: undefined })
        const byIdToken = await ending(60, { idTokenExpiresAt: START + 15 * MINUTE })
        const before = START + 20 * MINUTE
        const all = await store.dueForRefresh({ before, limit: 10 })
        assert.deepEqual(
          all.map(({ id, at }) => [id, at]),
          [
            [first.id, START + 10 * MINUTE],
            [byIdToken.id, START + 15 * MINUTE],
            [second.id, START + 20 * MINUTE],
          ],
        )
        assert.deepEqual(await store.dueForRefresh({ before, limit: 1 }), all.slice(0, 1))
        assert.deepEqual(await store.dueForRefresh({ before, after: all[0], limit: 10 }), all.slice(1))
        assert.deepEqual(await store.dueForRefresh({ before: START, limit: 10 }), [])
      }),
    )

    it(
      'names the sessions of which the provider has said nothing for long, while it can be asked',
      withStores(async ({ store, other, clock }) => {
        const { tokens } = newSession()
        const first = await store.save(newSession())
        clock.now += MINUTE
        const second = await other.save(newSession())
        const bare = { ...tokens, refreshToken: undefined }
        const byToken = await store.save(newSession({ tokens: bare }))
        await store.save(newSession({ tokens: { ...bare, accessToken: undefined } }))
        clock.now += 10 * MINUTE
        const page = (age: number) => ({ before: clock.now - age, limit: 10 })
        assert.deepEqual(
          (await store.withOldClaims(page(11 * MINUTE))).map(({ id, version }) => [id, version]),
          [[first.id, first.version]],
        )
        const old = await store.withOldClaims(page(10 * MINUTE))
        assert.deepEqual(await store.withOldClaims({ ...page(10 * MINUTE), after: old[0] }), old.slice(1))
        assert.deepEqual(
          new Set(old.map(({ id }) => id)),
          new Set([first, second, byToken].map(({ id }) => id)),
        )
        await other.save(first)
        assert.equal((await store.withOldClaims(page(10 * MINUTE))).length, 2)
        clock.now += HOUR
        assert.ok(!(await store.withOldClaims(page(0))).some(({ id }) => id === byToken.id))
      }),
    )

    it(
      'lets a key be claimed once, by one process, until its time is over',
      withStores(async ({ store, other, clock }) => {
        assert.equal(await store.claimOnce('state1', MINUTE), true)
        assert.equal(await store.claimOnce('state1', MINUTE), false)
        assert.equal(await other.claimOnce('state1', MINUTE), false)
        assert.equal(await other.claimOnce('state2', MINUTE), true)
        clock.now += MINUTE
        assert.equal(await other.claimOnce('state1', MINUTE), true)
        assert.equal(await store.claimOnce('state1', MINUTE), false)
      }),
    )

    it(
      'sweeps what has expired and says how many sessions went',
      withStores(async ({ store, clock }) => {
        await store.save(newSession({ expiresAt: START + MINUTE }))
        await store.save(newSession({ expiresAt: START + MINUTE }))
        const alive = await store.save(newSession())
        assert.equal(await store.sweep(), 0)
        clock.now += MINUTE
        assert.equal(await store.sweep(), 2)
        assert.equal(await store.sweep(), 0)
        assert.deepEqual(await store.find(alive.id), alive)
      }),
    )

    it('does not lengthen a session when the clock is set back while no process runs', async () => {
      const { open, remove } = place()
      const clock = { now: START }
      try {
        const before = await open(clock)
        const { id } = await before.save(newSession({ expiresAt: START + HOUR }))
        await before[Symbol.asyncDispose]()
        clock.now -= 24 * HOUR
        await using after = await open(clock)
        assert.ok(await after.find(id))
        clock.now += HOUR
        assert.equal(await after.find(id), undefined)
      } finally {
        remove()
      }
    })
  })
}
