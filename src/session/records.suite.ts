/**
 * What every record store must do; each driver runs it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RecordStore } from './records.ts'
import type { TestClock } from './store-under-test.fixture.ts'

export interface RecordsUnderTest {
  /** A fresh and empty place; `open` may be called several times, as several processes would. */
  readonly place: () => {
    readonly open: (clock: TestClock) => Promise<AsyncDisposable & { readonly records: RecordStore }>
    readonly remove: () => void
  }
}

const START = Date.UTC(2026, 10, 25, 9)

export function describeRecordStore(driver: string, { place }: RecordsUnderTest): void {
  const withRecords =
    (test: (one: RecordStore, other: RecordStore, clock: TestClock) => Promise<void>) => async () => {
      const { open, remove } = place()
      const clock = { now: START }
      try {
        await using one = await open(clock)
        await using other = await open(clock)
        await test(one.records, other.records, clock)
      } finally {
        remove()
      }
    }

  describe(`the ${driver} record store`, () => {
    it(
      'gives a long collection in pages, in the order of ids',
      withRecords(async (one) => {
        for (const id of ['a/3', 'a/1', 'b/1', 'a/2', 'a/9']) await one.put('machine', id, id)
        await one.put('other', 'a/4', 1)
        await one.delete('machine', 'a/9')
        const idsOf = async (after: string, limit: number) =>
          (await one.page('machine', after, 'a0', limit)).map(({ id }) => id)
        assert.deepEqual(await idsOf('a/', 2), ['a/1', 'a/2'])
        assert.deepEqual(await idsOf('a/2', 2), ['a/3'])
        assert.deepEqual(await idsOf('a/3', 2), [])
      }),
    )

    it(
      'gives back what was put, also to another process, and lists a collection by id',
      withRecords(async (one, other) => {
        const b = await one.put('machine', 'b', { name: 'B', list: [1, null] })
        const a = await other.put('machine', 'a', 'text')
        await one.put('group', 'a', {})
        assert.deepEqual(await other.get('machine', 'b'), b)
        assert.deepEqual(await one.list('machine'), [a, b])
        assert.equal(await one.get('machine', 'c'), undefined)
        assert.deepEqual(await one.list('nothing'), [])
        assert.ok(a.version > b.version)
        assert.equal(a.changedAt, START)
      }),
    )

    it(
      'replaces under a higher version',
      withRecords(async (one, other) => {
        const first = await one.put('machine', 'a', 1)
        const second = await other.put('machine', 'a', 2)
        assert.ok(second.version > first.version)
        assert.deepEqual(await one.get('machine', 'a'), second)
      }),
    )

    it(
      'has no deleted record, and lets it be put again',
      withRecords(async (one, other) => {
        await one.put('machine', 'a', 1)
        assert.equal(await other.delete('machine', 'a'), true)
        assert.equal(await other.delete('machine', 'a'), false)
        assert.equal(await one.get('machine', 'a'), undefined)
        assert.deepEqual(await one.list('machine'), [])
        assert.equal((await one.put('machine', 'a', 2)).value, 2)
      }),
    )

    it(
      'tells of each change once, those of another process within a second',
      withRecords(async (one, other, clock) => {
        const seen: string[] = []
        {
          using subscription = one.onChange((collection, id) => seen.push(`${collection}/${id}`))
          assert.ok(subscription)
          await one.put('machine', 'own', 1)
          assert.deepEqual(seen.splice(0), ['machine/own'])
          await other.put('machine', 'theirs', 1)
          await other.put('machine', 'gone', 1)
          await other.delete('machine', 'gone')
          clock.now += 1000
          await one.get('machine', 'theirs')
          assert.deepEqual(seen.splice(0).toSorted(), ['machine/gone', 'machine/theirs'])
        }
        await one.put('machine', 'own', 2)
        assert.deepEqual(seen, [])
      }),
    )

    it('keeps records and deletions across a restart', async () => {
      const { open, remove } = place()
      const clock = { now: START }
      try {
        const before = await open(clock)
        await before.records.put('machine', 'kept', 1)
        await before.records.put('machine', 'gone', 1)
        await before.records.delete('machine', 'gone')
        await before[Symbol.asyncDispose]()
        await using after = await open(clock)
        assert.deepEqual(
          (await after.records.list('machine')).map(({ id }) => id),
          ['kept'],
        )
      } finally {
        remove()
      }
    })
  })
}
