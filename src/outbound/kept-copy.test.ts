import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CopyTimers, type KeptCopyOptions, keepCopy, SourceFailure } from './kept-copy.ts'

const START = Date.UTC(2026, 10, 25, 9)
const MINUTE = 60_000

/** A source, a clock and timers that the test holds in its hands. */
function world(options: Partial<KeptCopyOptions<string>> = {}) {
  const clock = { now: START }
  const answers: (string | Error)[] = []
  const waits: number[] = []
  const lines: string[] = []
  const changes: string[] = []
  let due: (() => void) | undefined
  const timers: CopyTimers = {
    after(ms, work) {
      waits.push(ms)
      due = work
      return {
        [Symbol.dispose]: () => {
          due = undefined
        },
      }
    },
  }
  const copy = () =>
    keepCopy<string>({
      name: 'the list',
      fetch: () => {
        const answer = answers.shift() ?? new Error('not expected')
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
      },
      intervalMs: 10 * MINUTE,
      now: () => clock.now,
      random: () => 0,
      timers,
      logger: {
        info: (_, message) => void lines.push(message),
        warn: (fields, message) => void lines.push(`${message}: ${JSON.stringify(fields)}`),
      },
      onChange: (value) => void changes.push(value),
      ...options,
    })
  return { clock, answers, waits, lines, changes, copy, hasTimer: () => due !== undefined }
}

describe('a kept copy', () => {
  it('is fetched at once, and again after its interval', async () => {
    const { answers, waits, changes, copy } = world()
    answers.push('one', 'two')
    await using kept = copy()
    assert.equal(kept.current, undefined)
    assert.equal(kept.status.state, 'waiting')
    await kept.settled()
    assert.equal(kept.current, 'one')
    assert.deepEqual(kept.status, { state: 'ready', asOf: START, isTooOld: false, lastFailure: undefined })
    await kept.refresh()
    assert.equal(kept.current, 'two')
    assert.deepEqual(waits, [10 * MINUTE, 10 * MINUTE])
    assert.deepEqual(changes, ['one', 'two'])
  })

  it('is fetched once more when it is asked for meanwhile', async () => {
    const { answers, copy } = world()
    answers.push('before the change', 'after the change')
    await using kept = copy()
    await Promise.all([kept.refresh(), kept.refresh()])
    assert.equal(kept.current, 'after the change')
    assert.equal(answers.length, 0)
  })

  it('stays when the source fails, which is told once', async () => {
    const { answers, waits, lines, copy } = world()
    answers.push('one', new Error('it answered 500'), new Error('it answered 500'), 'two')
    await using kept = copy()
    await kept.settled()
    for (let attempt = 1; attempt < 3; attempt += 1) await kept.refresh()
    assert.equal(kept.current, 'one')
    assert.equal(kept.status.state, 'failing')
    assert.equal(kept.status.lastFailure?.message, 'it answered 500')
    assert.deepEqual(waits, [10 * MINUTE, 2000, 4000])
    await kept.refresh()
    assert.equal(kept.current, 'two')
    assert.deepEqual(lines, [
      'the list can not be had, the last good copy stays: {"source":"the list","err":"it answered 500"}',
      'the list can be had again',
    ])
  })

  it('counts as unknown once it is too old, by a clock set forward or back', async () => {
    const { answers, clock, copy } = world({ maxAgeMs: 60 * MINUTE })
    answers.push('one')
    await using kept = copy()
    await kept.settled()
    clock.now += 60 * MINUTE
    assert.equal(kept.current, 'one')
    clock.now += 1
    assert.equal(kept.current, undefined)
    assert.equal(kept.status.isTooOld, true)
    clock.now = START - 60 * MINUTE - 1
    assert.equal(kept.current, undefined)
  })

  it('waits as long as the source asks for', async () => {
    const { answers, waits, copy } = world()
    answers.push(new SourceFailure('too many requests', 90_000))
    await using kept = copy()
    await kept.settled()
    assert.deepEqual(waits, [90_000])
  })

  it('does not wait longer and longer without end', async () => {
    const { answers, waits, copy } = world({ intervalMs: undefined })
    answers.push(...Array.from({ length: 12 }, () => new Error('down')))
    await using kept = copy()
    await kept.settled()
    for (let attempt = 1; attempt < 12; attempt += 1) await kept.refresh()
    assert.equal(waits.at(-1), 300_000)
  })

  it('begins with the copy from before a restart, at its true age', async () => {
    const { answers, copy } = world({
      initial: { value: 'old', asOf: START - 2 * MINUTE },
      maxAgeMs: 3 * MINUTE,
    })
    answers.push(new Error('down'))
    await using kept = copy()
    assert.equal(kept.current, 'old')
    await kept.settled()
    assert.equal(kept.current, 'old')
    assert.equal(kept.status.asOf, START - 2 * MINUTE)
  })

  it('is left alone once it is not wanted any more', async () => {
    const { answers, copy, hasTimer, changes } = world()
    answers.push('one')
    const kept = copy()
    await kept[Symbol.asyncDispose]()
    assert.equal(hasTimer(), false)
    assert.deepEqual(changes, [])
  })
})
