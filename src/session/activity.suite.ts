/**
 * What every session store must know of the use of sessions; each driver runs it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Session } from './session.ts'
import type { SessionStore } from './store.ts'
import { newSession, type StoreUnderTest, type TestClock } from './store-under-test.fixture.ts'

const MINUTE = 60_000
const IDLE = 15 * MINUTE
/** As the authorizer asks for: a tenth. */
const PRECISION = IDLE / 10

interface Stores {
  readonly store: SessionStore
  readonly other: SessionStore
  readonly clock: TestClock
  readonly session: Session
  /** Ends both and opens them anew. */
  restart(): Promise<void>
}

async function idle(store: SessionStore, before: number): Promise<readonly string[]> {
  const pages: string[] = []
  for await (const page of store.idleSince(before)) pages.push(...page)
  return pages
}

async function idleTime(store: SessionStore, session: Session, clock: TestClock): Promise<number> {
  return await store.idleTimeOf(session, clock.now, IDLE)
}

export function describeActivity(driver: string, { place }: StoreUnderTest): void {
  const withStores = (test: (stores: Stores) => Promise<void>) => async () => {
    const { open, remove } = place()
    const clock = { now: newSession().issuedAt }
    let [store, other] = [await open(clock), await open(clock)]
    try {
      const session = await store.save(newSession())
      await test({
        get store() {
          return store
        },
        get other() {
          return other
        },
        clock,
        session,
        async restart() {
          await store[Symbol.asyncDispose]()
          await other[Symbol.asyncDispose]()
          ;[store, other] = [await open(clock), await open(clock)]
        },
      })
    } finally {
      await store[Symbol.asyncDispose]()
      await other[Symbol.asyncDispose]()
      remove()
    }
  }
  describe(`the ${driver} session store knows of the use of a session`, () => {
    it(
      'how long nobody has used it, from its beginning on',
      withStores(async ({ store, session, clock }) => {
        clock.now += 5 * MINUTE
        assert.equal(await idleTime(store, session, clock), 5 * MINUTE)
        store.touch(session, clock.now, PRECISION)
        clock.now += MINUTE
        assert.equal(await idleTime(store, session, clock), 5 * MINUTE, 'the longest counts')
        clock.now += 9 * MINUTE
        assert.equal(await idleTime(store, session, clock), 10 * MINUTE)
      }),
    )

    it(
      'that it was silent once, however much it is used after that',
      withStores(async ({ store, session, clock }) => {
        clock.now += IDLE
        for (let minute = 0; minute < 30; minute += 1) {
          store.touch(session, clock.now, PRECISION)
          clock.now += MINUTE
        }
        assert.equal(await idleTime(store, session, clock), IDLE)
      }),
    )

    it(
      'afresh when the session was renewed, in another process too',
      withStores(async ({ store, other, session, clock }) => {
        clock.now += IDLE
        store.touch(session, clock.now, PRECISION)
        other.touch(session, clock.now, PRECISION)
        const renewed = await store.save({ ...session, issuedAt: clock.now })
        clock.now += MINUTE
        assert.equal(await idleTime(store, renewed, clock), MINUTE)
        assert.equal(await idleTime(other, renewed, clock), MINUTE)
        store.touch(renewed, clock.now, PRECISION)
        other.touch(renewed, clock.now, PRECISION)
        clock.now += MINUTE
        assert.equal(await idleTime(other, renewed, clock), MINUTE)
      }),
    )

    it(
      'of other processes, before it calls a session silent',
      withStores(async ({ store, other, session, clock }) => {
        for (let minute = 0; minute < 40; minute += 1) {
          clock.now += MINUTE
          other.touch(session, clock.now, PRECISION)
        }
        const seen = await idleTime(store, session, clock)
        assert.ok(seen < IDLE, String(seen))
        store.touch(session, clock.now, PRECISION)
        assert.ok((await idleTime(store, session, clock)) <= PRECISION + MINUTE)
      }),
    )

    it(
      'across a restart',
      withStores(async (stores) => {
        const { clock, session } = stores
        for (let minute = 0; minute < 20; minute += 1) {
          clock.now += MINUTE
          stores.store.touch(session, clock.now, PRECISION)
        }
        await stores.restart()
        assert.equal(await idleTime(stores.store, session, clock), MINUTE)
        clock.now += IDLE - 1
        assert.equal(await idleTime(stores.store, session, clock), IDLE - 1)
        await stores.restart()
        clock.now += 1
        assert.equal(await idleTime(stores.store, session, clock), IDLE)
      }),
    )

    it(
      'no shorter because the clock was set back',
      withStores(async ({ store, other, session, clock }) => {
        clock.now += 10 * MINUTE
        for (const each of [store, other]) {
          assert.ok(await each.find(session.id))
          assert.equal(await idleTime(each, session, clock), 10 * MINUTE)
        }
        for (const back of [3 * 60 * MINUTE, 5 * MINUTE]) {
          clock.now -= back
          for (const each of [store, other]) {
            const found = await each.find(session.id)
            assert.ok(found !== undefined)
            assert.ok((await idleTime(each, found, clock)) >= 10 * MINUTE)
          }
        }
        clock.now += 5 * MINUTE
        const found = await other.find(session.id)
        assert.ok(found !== undefined)
        assert.equal(await idleTime(other, found, clock), IDLE)
      }),
    )

    it(
      'in what order who was silent',
      withStores(async ({ store, session, clock }) => {
        const busy = await store.save(newSession())
        clock.now += IDLE
        store.touch(busy, clock.now, PRECISION)
        assert.deepEqual(await idle(store, clock.now - IDLE), [session.id])
        assert.deepEqual(await idle(store, clock.now - IDLE - 1), [])
        await store.delete(session.id)
        assert.deepEqual(await idle(store, clock.now - IDLE), [])
        assert.equal(await store.sweep(), 0)
      }),
    )
  })

  it(`the ${driver} session store moves back the time of a sign-in with the clock, so that it grows no younger`, async () => {
    const { open, remove } = place()
    const clock = { now: newSession().issuedAt }
    try {
      await using store = await open(clock)
      const at = clock.now - 10 * MINUTE
      const { id } = await store.save(newSession({ authenticatedAt: at, acr: 'phr' }))
      const { id: plain } = await store.save(newSession())
      clock.now -= 30 * MINUTE
      const found = await store.find(id)
      assert.deepEqual([found?.authenticatedAt, found?.acr], [at - 30 * MINUTE, 'phr'])
      assert.equal((await store.find(plain))?.authenticatedAt, undefined)
    } finally {
      remove()
    }
  })
}
