import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StoreClock } from './store-clock.ts'

const START = Date.UTC(2026, 8, 1)
const MINUTE = 60_000

/** A wall clock that can be set, beside one that only runs. */
function clocks() {
  const at = { wall: START, monotonic: 5000 }
  const clock = new StoreClock(
    () => at.wall,
    () => at.monotonic,
  )
  let stored = { seenAt: START, setBack: 0 }
  return {
    at,
    clock,
    pass: (ms: number): void => {
      at.wall += ms
      at.monotonic += ms
      clock.now()
    },
    follow: () => {
      const plan = clock.plan(stored)
      clock.adopt(plan)
      const { isShifted, isUndone: _, ...next } = plan
      stored = next
      return { ...next, isShifted }
    },
    restarted: () => {
      const again = new StoreClock(
        () => at.wall,
        () => at.monotonic,
      )
      again.adopt(again.plan(stored))
      return again
    },
  }
}

describe('the clock of the store', () => {
  it('keeps times so that a clock that is set back gives no time away', () => {
    const { at, clock, pass, follow } = clocks()
    pass(MINUTE)
    const expiry = clock.toKept(at.wall + 10 * MINUTE)
    at.wall -= 60 * MINUTE
    assert.deepEqual(follow(), { seenAt: at.wall, setBack: 60 * MINUTE, isShifted: true })
    assert.equal(clock.toWall(expiry) - at.wall, 10 * MINUTE)
    assert.equal(follow().isShifted, false)
  })

  it('counts a few seconds back since the last note too', () => {
    const { at, clock, pass, follow } = clocks()
    follow()
    pass(50_000)
    const expiry = clock.toKept(at.wall + MINUTE)
    at.wall -= 30_000
    assert.equal(follow().setBack, 30_000)
    assert.equal(clock.toWall(expiry) - at.wall, MINUTE)
  })

  it('bears the small steps of a clock that is being disciplined', () => {
    const { at, pass, follow } = clocks()
    pass(MINUTE)
    at.wall -= 900
    assert.equal(follow().isShifted, false)
  })

  it('is in doubt after a leap, and takes its correction for no setting back', () => {
    const { at, clock, pass, follow } = clocks()
    pass(MINUTE)
    follow()
    const expiry = clock.toKept(at.wall + 10 * MINUTE)
    at.wall += 365 * 24 * 60 * MINUTE
    clock.now()
    assert.ok(clock.isInDoubt)
    assert.ok(clock.toWall(expiry) < at.wall, 'while it lasts, what it ends has ended')
    follow()
    at.wall -= 365 * 24 * 60 * MINUTE
    pass(3000)
    assert.equal(follow().setBack, 0)
    assert.equal(clock.isInDoubt, false)
    assert.equal(clock.toWall(expiry) - at.wall, 10 * MINUTE - 3000)
  })

  it('does not let a restart in the middle turn a leap into time that has passed', () => {
    const { at, clock, pass, follow, restarted } = clocks()
    pass(MINUTE)
    follow()
    at.wall += 24 * 60 * MINUTE
    clock.now()
    follow()
    at.wall -= 24 * 60 * MINUTE
    const kept = clock.toKept(at.wall)
    assert.equal(restarted().toWall(kept), at.wall)
  })

  it('believes a leap that stays', () => {
    const { at, clock, pass, follow } = clocks()
    at.wall += 60 * MINUTE
    clock.now()
    for (let minute = 0; minute < 10; minute++) pass(MINUTE)
    assert.equal(clock.isInDoubt, false)
    at.wall -= 60 * MINUTE
    assert.equal(follow().setBack, 60 * MINUTE)
  })

  it('counts a setting back that another process has noted once', () => {
    const { at, clock, pass } = clocks()
    pass(MINUTE)
    const expiry = clock.toKept(at.wall + MINUTE)
    at.wall -= 5 * MINUTE
    const plan = clock.plan({ seenAt: at.wall, setBack: 5 * MINUTE })
    clock.adopt(plan)
    const { setBack, isShifted } = plan
    assert.deepEqual([setBack, isShifted], [5 * MINUTE, true])
    assert.equal(clock.toWall(expiry) - at.wall, MINUTE)
  })
})
