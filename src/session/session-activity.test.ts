import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ActivityRow, ActivityRows } from './driver.ts'
import { SessionActivity } from './session-activity.ts'
import { run } from './steps.ts'
import { StoreClock } from './store-clock.ts'

const START = Date.UTC(2026, 8, 1)

function activityOf(limit: number) {
  const written = new Map<string, ActivityRow>()
  const rows: ActivityRows = {
    find: (id) => written.get(id),
    note: (all) => {
      for (const row of all) written.set(row.id, row)
    },
    page: () => [],
  }
  const clock = new StoreClock(
    () => START,
    () => 0,
  )
  return { written, activity: new SessionActivity(rows, clock, limit) }
}

const session = (at: number) => ({ id: `s${at}`, issuedAt: START })

describe('the activity of sessions, of which more are used than fit in memory', () => {
  it('is written of one that is forgotten, however many others wait to be written before it', async () => {
    const { written, activity } = activityOf(1500)
    for (let at = 0; at < 1500; at++) activity.touch(session(at), START + 1, 0)
    activity.touch(session(0), START + 2, 0)
    activity.touch(session(1500), START + 3, 0)
    await run(activity.flushAll())
    assert.equal(written.get('s0')?.seenAt, START + 2)
    assert.equal(written.size, 1501)
  })

  it('is written of one that is forgotten before it is due', () => {
    const { written, activity } = activityOf(1)
    activity.touch(session(0), START + 1, 60_000)
    assert.equal(written.size, 0)
    activity.touch(session(1), START + 2, 60_000)
    assert.equal(written.get('s0')?.seenAt, START + 1)
  })

  it('is known of one that was forgotten and is not written yet', async () => {
    const { written, activity } = activityOf(1500)
    for (let at = 0; at < 1500; at++) activity.touch(session(at), START + 1, 0)
    activity.touch(session(0), START + 400, 0)
    activity.touch(session(1500), START + 400, 0)
    assert.equal(written.get('s0')?.seenAt, START + 1)
    assert.equal(await activity.idleTimeOf(session(0), START + 410, 60_000), 399)
  })
})
