/**
 * All that a driver must do, alone and under a store. A new driver calls this once.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { createSealer } from '../crypto/seal.ts'
import { describeActivity } from './activity.suite.ts'
import { describeFaults } from './faults.suite.ts'
import { describeRecordStore } from './records.suite.ts'
import { type DriverUnderTest, describeRows } from './rows.suite.ts'
import { openSessionStore } from './session-store.ts'
import { describeSessionStore, type TestClock } from './store.suite.ts'

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
  describeActivity(name, { place })
  describeRecordStore(name, { place })
  describeRows(name, driver)
  describeFaults(name, driver)
}
