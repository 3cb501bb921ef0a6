import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLogger } from '../../telemetry/log.ts'
import { ProviderPauses } from './provider-pauses.ts'

const { logger } = createLogger({ level: 'error', destination: { write: () => undefined } })
const HOUR_MS = 3_600_000

/** The pauses of a provider that has just failed for the third time. */
function paused() {
  const clock = { now: 10 * HOUR_MS }
  const pauses = new ProviderPauses({ now: () => clock.now, logger })
  for (let n = 0; n < 3; n++) pauses.failed('idp', new Error('timeout'))
  return { clock, pauses }
}

describe('the pauses of a provider', () => {
  it('hold up that provider and no other, and allow one question at their end', () => {
    const { clock, pauses } = paused()
    assert.equal(pauses.mayAsk('idp'), false)
    assert.equal(pauses.mayAsk('other'), true)
    clock.now += 10_000
    assert.equal(pauses.begin('idp'), true)
    assert.equal(pauses.begin('idp'), false, 'a second question at once')
    assert.equal(pauses.begin('other'), true)
    pauses.answered('idp')
    assert.equal(pauses.begin('idp'), true)
  })

  it('grow, up to five minutes', () => {
    const { clock, pauses } = paused()
    const lengths: number[] = []
    for (let n = 0; n < 7; n++) {
      const from = clock.now
      while (!pauses.begin('idp')) clock.now += 1000
      lengths.push((clock.now - from) / 1000)
      pauses.failed('idp', new Error('timeout'))
    }
    assert.deepEqual(lengths, [10, 20, 40, 80, 160, 300, 300])
  })

  it('are no longer for a clock that is set back', () => {
    const { clock, pauses } = paused()
    clock.now -= HOUR_MS
    assert.equal(pauses.mayAsk('idp'), true)
  })

  it('do not wait for a question whose beginning lies ahead, since the clock was set back', () => {
    const { clock, pauses } = paused()
    clock.now += 10_000
    assert.equal(pauses.begin('idp'), true)
    clock.now -= HOUR_MS
    assert.equal(pauses.mayAsk('idp'), true)
  })

  it('allow another question when one was not asked after all, or does not come back in a minute', () => {
    const { clock, pauses } = paused()
    clock.now += 10_000
    pauses.begin('idp')
    pauses.release('idp')
    assert.equal(pauses.begin('idp'), true)
    clock.now += 59_999
    assert.equal(pauses.mayAsk('idp'), false)
    clock.now += 1
    assert.equal(pauses.mayAsk('idp'), true)
  })
})
