/**
 * What every session store must do with sessions that are saved, changed and deleted; each driver runs it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '../errors.ts'
import {
  assertCount,
  HOUR,
  MINUTE,
  newSession,
  onTwoStores,
  START,
  type StoreUnderTest,
} from './store-under-test.fixture.ts'

export function describeSessionStore(driver: string, underTest: StoreUnderTest): void {
  const withStores = onTwoStores(underTest)
  const { place } = underTest

  describe(`the ${driver} session store`, () => {
    it(
      'gives back what was saved, whole, also to another process',
      withStores(async ({ store, other }) => {
        const sessions = [
          newSession(),
          newSession({ groups: 'unknown', email: undefined, name: undefined, claims: {} }),
          newSession({
            groups: [],
            tokens: { ...newSession().tokens, accessToken: undefined, refreshToken: undefined },
          }),
        ]
        for (const session of sessions) {
          const saved = await store.save(session)
          const { version, ...rest } = saved
          assert.deepEqual(rest, session)
          assert.ok(version > 0)
          assert.deepEqual(await store.find(session.id), saved)
          assert.deepEqual(await other.find(session.id), saved)
        }
        assert.equal(await store.find('nobody'), undefined)
      }),
    )

    it(
      'gives a changed session a higher version, whichever process changes it',
      withStores(async ({ store, other, clock }) => {
        const session = newSession()
        const first = await store.save(session)
        const second = await other.save({ ...session, name: 'Alice B.' })
        assert.ok(second.version > first.version)
        clock.now += 1000
        assert.deepEqual(await store.find(session.id), second)
        assert.ok((await store.save(session)).version > second.version)
      }),
    )

    it(
      'finds no deleted session, at once here and within a second in another process',
      withStores(async ({ store, other, clock }) => {
        const { id } = await store.save(newSession())
        assert.ok(await other.find(id))
        assert.equal(await store.delete(id), true)
        assert.equal(await store.find(id), undefined)
        clock.now += 1000
        assert.equal(await other.find(id), undefined)
        assert.equal(await store.delete(id), false)
      }),
    )

    it(
      'does not bring a deleted session back when a late refresh saves it',
      withStores(async ({ store, other, clock }) => {
        const session = await store.save(newSession())
        await other.delete(session.id)
        await assert.rejects(
          async () => store.save(session),
          (error) => error instanceof Fault && error.code === 'SESSION_GONE',
        )
        clock.now += 1000
        assert.equal(await store.find(session.id), undefined)
      }),
    )

    it(
      'keeps a deleted session deleted for as long as it would have lived, however often it sweeps',
      withStores(async ({ store, clock }) => {
        const session = await store.save(newSession())
        await store.delete(session.id)
        clock.now = session.expiresAt - 1
        for (let round = 0; round < 2; round++) await store.sweep()
        await assert.rejects(
          async () => store.save(session),
          (error) => error instanceof Fault && error.code === 'SESSION_GONE',
        )
      }),
    )

    it(
      'sees all changes of another process, also when it writes in between itself',
      withStores(async ({ store, other, clock }) => {
        const a = await store.save(newSession())
        const b = await store.save(newSession())
        await other.delete(a.id)
        await store.save(newSession())
        const changed = await other.save({ ...b, name: 'B' })
        await store.save(newSession())
        clock.now += 1000
        assert.equal(await store.find(a.id), undefined)
        assert.deepEqual(await store.find(b.id), changed)
      }),
    )

    it(
      'lists the live sessions, of one user if asked',
      withStores(async ({ store, clock }) => {
        const alice = await store.save(newSession())
        const bob = await store.save(newSession({ userId: 'bob' }))
        await store.save(newSession({ expiresAt: START + MINUTE }))
        clock.now += MINUTE
        assert.deepEqual(new Set((await store.list()).map(({ id }) => id)), new Set([alice.id, bob.id]))
        assert.deepEqual(await store.list({ userId: 'bob' }), [bob])
        await assertCount(store, 2)
      }),
    )

    it(
      'tells of every change and end, also of those made by another process',
      withStores(async ({ store, other, clock }) => {
        const seen: string[] = []
        const kept = newSession()
        const ended = newSession()
        const expiring = newSession({ expiresAt: START + MINUTE })
        {
          using subscription = store.onChange((id) => seen.push(id))
          assert.ok(subscription)
          await store.save(kept)
          await store.save(ended)
          await store.save(expiring)
          assert.deepEqual(seen.splice(0), [kept.id, ended.id, expiring.id])
          await other.delete(ended.id)
          clock.now += 1000
          await store.find(kept.id)
          assert.ok(seen.splice(0).includes(ended.id))
          clock.now += MINUTE
          await store.sweep()
          assert.deepEqual(seen.splice(0), [expiring.id])
        }
        await store.delete(kept.id)
        assert.deepEqual(seen, [])
      }),
    )

    it('keeps sessions, claims and deletions across a restart', async () => {
      const { open, remove } = place()
      const clock = { now: START }
      try {
        const before = await open(clock)
        const kept = await before.save(newSession())
        const ended = await before.save(newSession())
        await before.delete(ended.id)
        await before.claimOnce('state1', HOUR)
        await before[Symbol.asyncDispose]()
        await using after = await open(clock)
        assert.deepEqual(await after.find(kept.id), kept)
        assert.equal(await after.find(ended.id), undefined)
        await assert.rejects(async () => after.save(ended))
        assert.equal(await after.claimOnce('state1', HOUR), false)
      } finally {
        remove()
      }
    })
  })
}
