/**
 * What the store relies on without its users seeing it; each driver runs it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Driver, SessionRow } from './driver.ts'

export interface DriverUnderTest {
  /** A fresh and empty place; `open` may be called several times, as several processes would. */
  readonly place: () => {
    readonly open: () => Driver | Promise<Driver>
    readonly remove: () => void
  }
}

const NOW = 1_000_000

function rowOf(change: Partial<SessionRow> = {}): Omit<SessionRow, 'version'> {
  return {
    id: 'one',
    idpId: 'idp',
    userId: 'alice',
    profile: '{}',
    tokens: 'sealed',
    issuedAt: NOW,
    expiresAt: NOW + 1000,
    refreshAt: undefined,
    claimsAt: NOW,
    askableUntil: NOW + 1000,
    ...change,
  }
}

export function describeRows(name: string, { place }: DriverUnderTest): void {
  const withDrivers = (test: (one: Driver, other: Driver) => Promise<void>) => async () => {
    const { open, remove } = place()
    try {
      await using one = await open()
      await using other = await open()
      await test(one, other)
    } finally {
      remove()
    }
  }

  describe(`the ${name} driver`, () => {
    it(
      'writes by version, and never over what another has written meanwhile',
      withDrivers(async (one, other) => {
        const first = await one.sessions.save(rowOf())
        const second = await other.sessions.save(rowOf({ profile: 'theirs' }))
        assert.ok(first !== undefined && second !== undefined && second > first)
        assert.equal(await one.sessions.save(rowOf({ profile: 'mine' }), first), undefined)
        assert.equal((await one.sessions.find('one'))?.profile, 'theirs')
        assert.equal(await one.sessions.save(rowOf({ id: 'none' }), first), undefined)
        assert.equal(await one.sessions.find('none'), undefined)
        const third = await one.sessions.save(rowOf({ profile: 'mine' }), second)
        assert.ok(third !== undefined && third > second)
      }),
    )

    it(
      'lets one process alone begin a place with a seal of its own',
      withDrivers(async (one, other) => {
        const before = await one.notes.seal()
        assert.equal(await one.notes.dropSessions(before, 'mine'), true)
        await one.sessions.save(rowOf())
        assert.equal(await other.notes.dropSessions(before, 'theirs'), false)
        assert.equal(await other.notes.seal(), 'mine')
        assert.ok(await other.sessions.find('one'))
        assert.equal(await other.notes.dropSessions('mine', 'theirs'), true)
        assert.equal(await one.sessions.find('one'), undefined)
      }),
    )

    it(
      'merges the activity that several have noted, and begins afresh with a session that was renewed',
      withDrivers(async (one, other) => {
        await one.sessions.save(rowOf())
        await one.activity.note([{ id: 'one', issuedAt: NOW, seenAt: NOW + 50, idleTime: 10 }])
        await other.activity.note([
          { id: 'one', issuedAt: NOW, seenAt: NOW + 40, idleTime: 30 },
          { id: 'none', issuedAt: NOW, seenAt: NOW, idleTime: 0 },
        ])
        const merged = { id: 'one', issuedAt: NOW, seenAt: NOW + 50, idleTime: 30 }
        assert.deepEqual(await one.activity.find('one'), merged)
        assert.equal(await one.activity.find('none'), undefined)
        const renewed = { id: 'one', issuedAt: NOW + 60, seenAt: NOW + 60, idleTime: 0 }
        await other.activity.note([renewed])
        await one.activity.note([{ ...merged, seenAt: NOW + 90 }])
        assert.deepEqual(await one.activity.find('one'), renewed)
        await one.sessions.delete(['one'])
        assert.equal(await other.activity.find('one'), undefined)
      }),
    )

    it(
      'notes the clock for one process at a time',
      withDrivers(async (one, other) => {
        const from = await one.notes.clock()
        const [mine, theirs] = [
          { seenAt: NOW, setBack: 5 },
          { seenAt: NOW, setBack: 7 },
        ]
        assert.equal(await one.notes.noteClock(from, mine), true)
        assert.equal(await other.notes.noteClock(from, theirs), false)
        assert.deepEqual(await other.notes.clock(), mine)
      }),
    )

    it(
      'tells another process of changes after a version, and that there are more than were asked for',
      withDrivers(async (one, other) => {
        const [since, pulse] = [await one.version(), await one.pulse()]
        await other.sessions.save(rowOf({ id: 'kept' }))
        await other.sessions.save(rowOf({ id: 'gone' }))
        await other.sessions.delete(['gone'])
        await other.records.put({ collection: 'things', id: 'it', value: '1', changedAt: NOW })
        assert.notEqual(await one.pulse(), pulse)
        const changes = await one.changesSince(since, 10)
        assert.deepEqual(changes.sessions?.toSorted(), ['gone', 'kept'])
        assert.deepEqual(changes.records, [{ collection: 'things', id: 'it' }])
        assert.equal(changes.version, await other.version())
        assert.deepEqual((await one.changesSince(changes.version, 10)).sessions, [])
        for (const id of ['a', 'b', 'c']) await other.sessions.save(rowOf({ id }))
        assert.equal((await one.changesSince(changes.version, 2)).sessions, undefined)
      }),
    )

    it(
      'forgets the ids of deleted sessions only when these would have expired',
      withDrivers(async (one) => {
        await one.sessions.save(rowOf())
        await one.sessions.delete(['one'])
        await one.sweepRest(NOW + 999, 0, 10)
        assert.equal(await one.sessions.save(rowOf()), undefined)
        await one.sweepRest(NOW + 1000, 0, 10)
        assert.notEqual(await one.sessions.save(rowOf()), undefined)
      }),
    )
  })
}
