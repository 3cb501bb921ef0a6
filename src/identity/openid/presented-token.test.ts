import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault, type FaultCode } from '../../errors.ts'
import { openOurs, signIn, startReal } from './real-stage.fixture.ts'

const faultOf =
  (code: FaultCode, message = /./) =>
  (error: unknown) =>
    error instanceof Fault && error.code === code && message.test(error.message)

describe('tokens of a real OpenID provider that a client brings', () => {
  it('name the person who signed in elsewhere', async (t) => {
    const real = await startReal(t)
    const { tokens } = await signIn(openOurs(t, real.issuer))
    // Another instance, which has seen nothing of the sign-in.
    const provider = openOurs(t, real.issuer)
    const byAccessToken = await provider.identify('access_token', tokens.accessToken ?? '')
    const byIdToken = await provider.identify('id_token', tokens.idToken ?? '')
    assert.ok(!('problem' in byAccessToken) && !('problem' in byIdToken))
    assert.deepEqual(
      [byAccessToken.identity.userId, byAccessToken.identity.email, byAccessToken.identity.groups],
      ['alice', 'alice@example.com', ['staff', 'admins']],
    )
    assert.equal(byAccessToken.audiences, undefined, 'it is opaque')
    assert.deepEqual([byIdToken.identity.userId, byIdToken.audiences], ['alice', [real.clientId]])
    assert.ok((byIdToken.expiresAt ?? 0) > Date.now())
  })

  it('are refused when the provider does not know them, or when they are of the other kind', async (t) => {
    const real = await startReal(t)
    const provider = openOurs(t, real.issuer)
    const { tokens } = await signIn(provider)
    for (const token of ['made-up', tokens.idToken ?? ''])
      await assert.rejects(provider.identify('access_token', token), faultOf('IDP_REFUSED'))
    assert.ok('problem' in (await provider.identify('id_token', tokens.accessToken ?? '')))
    await provider.revoke(tokens)
    await assert.rejects(provider.identify('access_token', tokens.accessToken ?? ''), faultOf('IDP_REFUSED'))
    real.failing.set('userinfo', { status: 503 })
    await assert.rejects(provider.identify('access_token', 'x'), faultOf('IDP_UNREACHABLE'))
  })
})
