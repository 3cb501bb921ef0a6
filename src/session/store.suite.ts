/**
 * What every session store must do; each driver runs it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Fault } from '../errors.ts'
import type { Session } from './session.ts'
import type { SessionStore } from './store.ts'

/** A clock that tests move by hand. */
export interface TestClock {
  now: number
}

export interface StoreUnderTest {
  /** A fresh and empty place for sessions; `open` may be called several times, as several processes would. */
  readonly place: () => {
    readonly open: (clock: TestClock) => Promise<SessionStore>
    readonly remove: () => void
  }
}

const START = Date.UTC(2026, 10, 23, 12)
const HOUR = 3_600_000
const MINUTE = 60_000

export function newSession(change: Partial<Session> = {}): Omit<Session, 'version'> {
  return {
    id: randomBytes(16).toString('base64url'),
    idpId: 'idp1',
    userId: 'alice',
    email: 'alice@example.com',
    name: 'Alice',
    claims: { department: ['sales', 'eu'] },
    groups: ['staff'],
    issuedAt: START,
    expiresAt: START + 14 * HOUR,
    tokens: {
      accessToken: 'at',
      accessTokenExpiresAt: START + HOUR,
      refreshToken: 'rt',
      idToken: 'it',
      idTokenExpiresAt: undefined,
    },
    ...change,
  }
}

/** A driver that answers later is counted by the last answer that has come. */
async function assertCount(store: SessionStore, expected: number): Promise<void> {
  const until = performance.now() + 2000
  while (store.count !== expected && performance.now() < until) await nextTurn()
  assert.equal(store.count, expected)
}

interface Stores {
  readonly store: SessionStore
  /** On the same place, as in another process. */
  readonly other: SessionStore
  readonly clock: TestClock
}

export function describeSessionStore(driver: string, { place }: StoreUnderTest): void {
  const withStores = (test: (stores: Stores) => Promise<void>) => async () => {
    const { open, remove } = place()
    const clock = { now: START }
    try {
      await using store = await open(clock)
      await using other = await open(clock)
      await test({ store, other, clock })
    } finally {
      remove()
    }
  }

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
