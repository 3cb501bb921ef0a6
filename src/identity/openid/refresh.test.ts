import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault, type FaultCode } from '../../errors.ts'
import { openOurs, sayOfAlice, signIn, startReal } from './real-stage.fixture.ts'

const faultOf =
  (code: FaultCode, message = /./) =>
  (error: unknown) =>
    error instanceof Fault && error.code === code && message.test(error.message)

describe('refreshing at a real OpenID provider', () => {
  it('brings new tokens, and what the provider says of the person today', async (t) => {
    const real = await startReal(t)
    const provider = openOurs(t, real.issuer)
    const first = await signIn(provider)
    sayOfAlice(real, { groups: ['guests'], name: 'Alice B.' })
    const second = await provider.refresh(first)
    assert.notEqual(second.tokens.accessToken, first.tokens.accessToken)
    assert.notEqual(second.tokens.refreshToken, first.tokens.refreshToken)
    assert.deepEqual(
      { name: second.name, groups: second.groups, userId: second.userId },
      { name: 'Alice B.', groups: ['guests'], userId: 'alice' },
    )
    sayOfAlice(real, { claims: { groups: undefined } })
    assert.deepEqual((await provider.refresh(second)).groups, [])
  })
  it('keeps the old refresh token where none is given', async (t) => {
    const provider = openOurs(
      t,
      (await startReal(t, { configuration: { rotateRefreshToken: false } })).issuer,
    )
    const first = await signIn(provider)
    const second = await provider.refresh(first)
    assert.equal(second.tokens.refreshToken, first.tokens.refreshToken)
    assert.ok(await provider.refresh(second))
  })
  it('is refused once the refresh token was used, revoked, or is not there', async (t) => {
    const provider = openOurs(t, (await startReal(t)).issuer)
    const first = await signIn(provider)
    const second = await provider.refresh(first)
    await provider.revoke(second.tokens)
    await assert.rejects(provider.refresh(second), faultOf('IDP_REFUSED', /invalid_grant/))
    await assert.rejects(provider.refresh(first), faultOf('IDP_REFUSED', /invalid_grant/))
    const without = { ...first, tokens: { ...first.tokens, refreshToken: undefined } }
    await assert.rejects(provider.refresh(without), faultOf('IDP_REFUSED', /no refresh token/))
  })
  it('asks to try later while the provider is out of order', async (t) => {
    const real = await startReal(t)
    const provider = openOurs(t, real.issuer)
    const identity = await signIn(provider)
    real.failing.set('token', { status: 500 })
    await assert.rejects(provider.refresh(identity), faultOf('IDP_UNREACHABLE', /500/))
    assert.equal(provider.status.state, 'unreachable')
    real.failing.clear()
    assert.ok(await provider.refresh(identity))
    assert.equal(provider.status.state, 'ready')
  })
  it('does not lose a new refresh token when userinfo is out of order', async (t) => {
    const real = await startReal(t)
    const provider = openOurs(t, real.issuer)
    const first = await signIn(provider)
    real.failing.set('userinfo', { status: 503 })
    const second = await provider.refresh(first)
    assert.notEqual(second.tokens.refreshToken, first.tokens.refreshToken)
    assert.deepEqual([second.groups, second.email, second.claims], [first.groups, first.email, first.claims])
    real.failing.set('userinfo', { status: 401 })
    await assert.rejects(provider.refresh(second), faultOf('IDP_REFUSED', /userinfo/))
  })
})
