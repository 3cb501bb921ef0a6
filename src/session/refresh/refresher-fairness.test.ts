import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { until } from '../../../test/harness/until.ts'
import { Fault } from '../../errors.ts'
import type { Identity } from '../../identity/provider.ts'
import { sessionOf, setUp } from './refresher.fixture.ts'

/** Sessions of one provider, and one session of another whose tokens end after all of theirs. */
async function twoProviders(count: number) {
  const world = await setUp({ count })
  await world.sessions.save({ ...sessionOf('last', 301_000), idpId: world.other.id })
  world.clock.now += 260_000
  return world
}

/** The monotonic clock, in the hands of the test. */
function monotonic(t: TestContext) {
  const clock = { now: 0 }
  t.mock.method(performance, 'now', () => clock.now)
  return clock
}

describe('the refresher among several providers', () => {
  it('refreshes the sessions of one while another does not answer', async () => {
    const { provider, other, timers } = await twoProviders(20)
    const { promise, reject } = Promise.withResolvers<Identity>()
    let asked = 0
    provider.refresh = () => {
      asked++
      return promise
    }
    const tick = timers.tick()
    await until(() => other.refreshes.length > 0, { what: 'the other to be asked' })
    assert.equal(asked, 8, 'and no more than that wait for the one that hangs')
    reject(new Fault('IDP_UNREACHABLE', 'timeout'))
    await tick
  })

  it('begins no more questions to a slow one after some seconds, so that the next look comes', async (t) => {
    const { provider, timers } = await twoProviders(20)
    const clock = monotonic(t)
    const refresh = provider.refresh.bind(provider)
    provider.refresh = async (known) => {
      clock.now += 6000
      return await refresh(known)
    }
    await timers.tick()
    assert.equal(provider.refreshes.length, 8)
    await timers.tick()
    await timers.tick()
    assert.equal(provider.refreshes.length, 20)
  })

  it('waits no longer after a failure when the clock is set back meanwhile', async () => {
    const { clock, sessions, provider, timers } = await setUp()
    provider.fault = new Fault('IDP_ANSWER_INVALID', 'planted')
    clock.now += 250_000
    await timers.tick()
    assert.equal(provider.refreshes.length, 1)
    provider.fault = undefined
    clock.now -= 120_000
    await timers.tick()
    assert.deepEqual((await sessions.find('s0'))?.groups, ['refreshed'])
  })
})
