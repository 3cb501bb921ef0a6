/**
 * What the suites of session stores share: a clock, sessions to save, and two processes on one place.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
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

export const START = Date.UTC(2026, 10, 23, 12)
export const HOUR = 3_600_000
export const MINUTE = 60_000

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
export async function assertCount(store: SessionStore, expected: number): Promise<void> {
  const until = performance.now() + 2000
  while (store.count !== expected && performance.now() < until) await nextTurn()
  assert.equal(store.count, expected)
}

export interface Stores {
  readonly store: SessionStore
  /** On the same place, as in another process. */
  readonly other: SessionStore
  readonly clock: TestClock
}

/** Runs a test on two stores of a fresh place. */
export const onTwoStores =
  ({ place }: StoreUnderTest) =>
  (test: (stores: Stores) => Promise<void>) =>
  async () => {
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
