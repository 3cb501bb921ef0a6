/**
 * What a session store must do when its driver fails, is slow and comes back; each driver runs it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createSealer } from '../crypto/seal.ts'
import { Fault } from '../errors.ts'
import { type Trouble, troubled } from './failing-driver.fixture.ts'
import type { DriverUnderTest } from './rows.suite.ts'
import { openSessionStore, type Store } from './session-store.ts'
import { SignOutJournal } from './sign-out-journal.ts'
import { newSession } from './store-under-test.fixture.ts'

interface World {
  readonly trouble: Trouble
  readonly clock: { now: number }
  /** On one place and with one journal; `pollMs` 0 for a store that does nothing unasked. */
  readonly open: (pollMs?: number) => Promise<Store>
}

const isUnavailable = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'STORE_UNAVAILABLE'
const isGone = (error: unknown): boolean => error instanceof Fault && error.code === 'SESSION_GONE'

export function describeFaults(driver: string, { place }: DriverUnderTest): void {
  const withWorld = (test: (world: World) => Promise<void>) => async () => {
    const { open, remove } = place()
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-journal-'))
    const sealer = createSealer(randomBytes(32))
    const trouble: Trouble = { fails: 'nothing', held: undefined }
    const clock = { now: newSession().issuedAt }
    try {
      await test({
        trouble,
        clock,
        open: async (pollMs = 0) =>
          openSessionStore({
            driver: troubled(await open(), trouble),
            journal: new SignOutJournal(join(dir, 'sign-outs')),
            sealer,
            now: () => clock.now,
            pollMs,
          }),
      })
    } finally {
      remove()
      rmSync(dir, { recursive: true, force: true })
    }
  }

  describe(`a sign-out that the ${driver} driver can not take`, () => {
    it(
      'holds at once, is told in the health, and is written when that can be done',
      withWorld(async ({ open, trouble }) => {
        await using store = await open(5)
        const mine = await store.save(newSession())
        const other = await store.save(newSession())
        trouble.fails = 'writes'
        assert.equal(await store.delete(mine.id), true)
        assert.equal(await store.find(mine.id), undefined)
        assert.ok(await store.find(other.id))
        assert.match(store.problem ?? '', /1 sign-outs hold but are not in the database yet$/)
        assert.deepEqual(await store.list(), [other])
        trouble.fails = 'nothing'
        for (const until = performance.now() + 5000; store.problem !== undefined; await delay(5))
          assert.ok(performance.now() < until, store.problem)
        await assert.rejects(async () => store.save(mine), isGone)
        assert.equal(await store.find(mine.id), undefined)
      }),
    )

    it(
      'holds over a restart, although the driver still fails',
      withWorld(async ({ open, trouble }) => {
        const session = newSession()
        {
          await using store = await open()
          await store.save(session)
          trouble.fails = 'writes'
          await store.delete(session.id)
        }
        trouble.fails = 'nothing'
        {
          await using store = await open()
          assert.equal(await store.find(session.id), undefined)
          assert.equal(store.problem, undefined)
        }
        await using store = await open()
        assert.equal(await store.find(session.id), undefined)
      }),
    )

    it(
      'holds over a restart beside those of another process',
      withWorld(async ({ open, trouble }) => {
        const [mine, theirs] = [newSession(), newSession()]
        {
          await using store = await open()
          await using other = await open()
          await store.save(mine)
          await store.save(theirs)
          trouble.fails = 'writes'
          assert.equal(await store.delete(mine.id), true)
          assert.equal(await other.delete(theirs.id), true)
        }
        trouble.fails = 'nothing'
        await using store = await open()
        assert.equal(await store.find(mine.id), undefined)
        assert.equal(await store.find(theirs.id), undefined)
      }),
    )

    it(
      'brings nobody back by a refresh that was under way',
      withWorld(async ({ open, trouble }) => {
        await using store = await open()
        const session = await store.save(newSession())
        trouble.fails = 'everything'
        await store.delete(session.id)
        assert.equal(await store.find(session.id), undefined, 'known without the driver')
        trouble.fails = 'nothing'
        await assert.rejects(async () => store.save(session), isGone)
      }),
    )
  })

  describe(`a session store whose ${driver} driver`, () => {
    it(
      'fails lets known sessions go on until they expire, and begins nothing new',
      withWorld(async ({ open, trouble, clock }) => {
        await using store = await open()
        const known = await store.save(newSession())
        trouble.fails = 'everything'
        clock.now += 1000
        await assert.rejects(async () => store.claimOnce('x', 1), isUnavailable)
        await assert.rejects(async () => store.save(newSession()), isUnavailable)
        await assert.rejects(async () => store.find('unknown'), isUnavailable)
        assert.deepEqual(await store.find(known.id), known)
        store.touch(known, clock.now, 1)
        clock.now = known.expiresAt
        assert.equal(await store.find(known.id), undefined)
      }),
    )

    it(
      'comes back hears of all that others have changed meanwhile',
      withWorld(async ({ open, trouble, clock }) => {
        await using store = await open()
        await using other = await open()
        const ended = await store.save(newSession())
        await other.delete(ended.id)
        trouble.fails = 'everything'
        clock.now += 1000
        assert.ok(await store.find(ended.id), 'what was known goes on')
        trouble.fails = 'nothing'
        clock.now += 1000
        assert.equal(await store.find(ended.id), undefined)
      }),
    )

    it(
      'answers late keeps no copy of a session that was ended before the answer came',
      withWorld(async ({ open, trouble }) => {
        await using writer = await open()
        const { id } = await writer.save(newSession())
        await using store = await open()
        const { promise, resolve } = Promise.withResolvers<void>()
        trouble.held = { name: 'find', until: promise }
        const found = store.find(id)
        trouble.held = undefined
        await store.delete(id)
        resolve()
        await found
        assert.equal(await store.find(id), undefined)
      }),
    )

    it(
      'answers late keeps no copy of a session that was saved and ended before the answer came',
      withWorld(async ({ open, trouble }) => {
        await using store = await open()
        const session = newSession()
        const { promise, resolve } = Promise.withResolvers<void>()
        trouble.held = { name: 'save', until: promise }
        const saved = store.save(session)
        trouble.held = undefined
        // Behind the save, also where that takes a turn.
        await store.list()
        await store.delete(session.id)
        resolve()
        await saved
        assert.equal(await store.find(session.id), undefined)
      }),
    )

    it(
      'answers late hears of the end of a session while it reads it',
      withWorld(async ({ open, trouble, clock }) => {
        await using writer = await open()
        const { id } = await writer.save(newSession())
        await using store = await open()
        const { promise, resolve } = Promise.withResolvers<void>()
        trouble.held = { name: 'find', until: promise }
        const found = store.find(id)
        trouble.held = undefined
        await writer.delete(id)
        clock.now += 1000
        await store.find('another')
        resolve()
        await found
        assert.equal(await store.find(id), undefined)
      }),
    )
  })
}
