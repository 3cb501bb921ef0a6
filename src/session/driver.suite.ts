/**
 * All that a driver must do, alone and under a store. A new driver calls this once.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { createSealer } from '../crypto/seal.ts'
import { describeActivity } from './activity.suite.ts'
import { describeFaults } from './faults.suite.ts'
import { describeRecordStore } from './records.suite.ts'
import { type DriverUnderTest, describeRows } from './rows.suite.ts'
import type { Session } from './session.ts'
import { openSessionStore } from './session-store.ts'
import { describeSessionStore } from './store.suite.ts'
import { describeManySessions } from './store-many.suite.ts'
import { describeStoreOverTime } from './store-time.suite.ts'
import { newSession, type TestClock } from './store-under-test.fixture.ts'

export function describeDriver(name: string, driver: DriverUnderTest): void {
  const sealer = createSealer(randomBytes(32))
  const place = () => {
    const { open, remove } = driver.place()
    return {
      open: async (clock: TestClock) =>
        openSessionStore({ driver: await open(), sealer, now: () => clock.now, pollMs: 0 }),
      remove,
    }
  }
  describeSessionStore(name, { place })
  describeStoreOverTime(name, { place })
  describeManySessions(name, { place })
  describeActivity(name, { place })
  describeRecordStore(name, { place })
  describeRows(name, driver)
  describeFaults(name, driver)
  describe(`a ${name} store that two processes open for the first time`, () => {
    it('keeps what the faster one has saved before the other had its turn', async () => {
      const { open, remove } = driver.place()
      const options = { sealer, now: () => 1_000_000, pollMs: 0 }
      await using faster = new AsyncDisposableStack()
      faster.defer(remove)
      const slow = await open()
      let saved: Session | undefined
      const seal = async () => {
        const read = await slow.notes.seal()
        if (saved === undefined) {
          const store = faster.use(await openSessionStore({ ...options, driver: await open() }))
          saved = await store.save({ ...newSession(), expiresAt: 2_000_000 })
        }
        return read
      }
      const notes = { ...slow.notes, seal }
      const late = new Proxy(slow, {
        get(target, key): unknown {
          if (key === 'notes') return notes
          const value: unknown = Reflect.get(target, key)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      await using store = await openSessionStore({ ...options, driver: late })
      assert.ok(await store.find(saved?.id ?? ''))
    })
  })
}
