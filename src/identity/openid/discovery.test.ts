import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault, type FaultCode } from '../../errors.ts'
import { SECRETS } from '../stage.fixture.ts'
import { openOurs, signIn, startReal } from './real-stage.fixture.ts'

const faultOf =
  (code: FaultCode, message = /./) =>
  (error: unknown) =>
    error instanceof Fault && error.code === code && message.test(error.message)

describe('a provider that is down', () => {
  it('is not asked when Sallyport starts, and heals by itself when it comes up', async (t) => {
    const real = await startReal(t)
    await real.stop()
    let now = Date.now()
    const provider = openOurs(t, real.issuer, {}, { now: () => now })
    assert.equal(provider.status.state, 'idle')
    await assert.rejects(provider.authorizationUrl(SECRETS), faultOf('IDP_UNREACHABLE', /ECONNREFUSED/))
    assert.equal(provider.status.state, 'unreachable')
    assert.match(provider.status.lastFault?.message ?? '', /idp\.localhost/)
    await real.start()
    now += 2000
    assert.equal((await signIn(provider)).userId, 'alice')
    assert.equal(provider.status.state, 'ready')
  })
  it('is asked again after a pause that grows, not by every visitor', async (t) => {
    const real = await startReal(t)
    real.failing.set('discovery', { status: 503 })
    let now = Date.now()
    const provider = openOurs(t, real.issuer, {}, { now: () => now })
    const asked = () => Object.values(real.asked).reduce((sum, count) => sum + count)
    const visitors = (count: number) =>
      Promise.all(
        Array.from({ length: count }, () =>
          assert.rejects(provider.authorizationUrl(SECRETS), faultOf('IDP_UNREACHABLE', /503/)),
        ),
      )
    await visitors(20)
    assert.equal(asked(), 1)
    now += 1000
    await visitors(20)
    assert.equal(asked(), 2)
    now += 1000
    await visitors(20)
    assert.equal(asked(), 2)
    now += 3_600_000
    real.failing.clear()
    await provider.authorizationUrl(SECRETS)
    assert.equal(asked(), 3)
  })
  it('hinders nobody whose sign-in needs nothing but what is known of it', async (t) => {
    const real = await startReal(t)
    let now = Date.now()
    const provider = openOurs(t, real.issuer, {}, { now: () => now })
    await provider.authorizationUrl(SECRETS)
    real.failing.set('discovery', { status: 503 })
    now += 2 * 3_600_000
    assert.ok(await provider.authorizationUrl(SECRETS))
    assert.ok(await provider.authorizationUrl(SECRETS))
  })
})
