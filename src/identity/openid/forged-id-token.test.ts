import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import type { JWK } from 'jose'
import {
  attacker,
  byAttacker,
  hmacUnder,
  resigned,
  type Signer,
  unsigned,
  withClaims,
} from '../../../test/harness/forged-token.ts'
import type { Script } from '../../../test/harness/played-provider.ts'
import { Fault, type FaultCode } from '../../errors.ts'
import { stage } from '../stage.fixture.ts'

const DAY_SECONDS = 86_400
const nowSeconds = () => Math.floor(Date.now() / 1000)

const faultOf =
  (code: FaultCode, message = /./) =>
  (error: unknown) =>
    error instanceof Fault && error.code === code && message.test(error.message)

/** It offers what must never be accepted. */
const CARELESS: Script = {
  metadata: () => ({ id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'] }),
  userInfo: {},
}

const start = (t: TestContext, now = () => Date.now()) =>
  stage(t, CARELESS, { provider: 'oidc', scopes: ['openid'] }, { now })

const as = (header: object, signer: Signer): Script => ({
  idToken: (good) => resigned(good, header, signer),
})

describe('an ID token', () => {
  it('is accepted when nothing is wrong with it', async (t) => {
    const { signIn } = await start(t)
    assert.equal((await signIn()).userId, 'alice')
  })

  const forgeries: Record<string, (publicJwk: JWK) => Script> = {
    'with alg none': () => as({ alg: 'none' }, unsigned),
    'with its signature cut off': () => ({ idToken: (good) => good.slice(0, good.lastIndexOf('.') + 1) }),
    'with HS256 under the public key': (publicJwk) => {
      const key = createPublicKey({ key: { ...publicJwk }, format: 'jwk' })
      return as({ alg: 'HS256', kid: 'k1' }, hmacUnder(key.export({ type: 'spki', format: 'pem' })))
    },
    'with HS256 under the client secret': () => as({ alg: 'HS256' }, hmacUnder('secret')),
    'signed by somebody else under a known kid': () => as({ alg: 'RS256', kid: 'k1' }, byAttacker),
    'that brings its own key': () =>
      as({ alg: 'RS256', jwk: attacker.publicKey.export({ format: 'jwk' }) }, byAttacker),
    'whose claims were changed after signing': () => ({
      idToken: (good) => withClaims(good, { sub: 'admin' }),
    }),
    'with a kid that is a path': () => as({ alg: 'RS256', kid: '../../etc/passwd' }, byAttacker),
    'with critical header parameters that we do not know': () =>
      as({ alg: 'RS256', kid: 'k1', crit: ['x'], x: 1 }, byAttacker),
    'that is no JWT': () => ({ idToken: () => 'hello' }),
    'for another client': () => ({ claims: { aud: 'other' } }),
    'for several clients, without azp': () => ({ claims: { aud: ['sallyport', 'other'] } }),
    'for several clients, made for another': () => ({
      claims: { aud: ['sallyport', 'other'], azp: 'other' },
    }),
    'from another issuer': () => ({ claims: { iss: 'https://evil.example.com' } }),
    'with another nonce': () => ({ claims: { nonce: 'replayed' } }),
    'without a nonce': () => ({ claims: { nonce: undefined } }),
    'without a subject': () => ({ claims: { sub: undefined } }),
    'without an end': () => ({ claims: { exp: undefined } }),
    'that has ended': () => ({ claims: { exp: nowSeconds() - 61 } }),
    'that is issued years ahead': () => ({
      claims: { iat: nowSeconds() + 400 * DAY_SECONDS, exp: nowSeconds() + 500 * DAY_SECONDS },
    }),
    'that is missing': () => ({ tokens: { id_token: undefined } }),
  }
  for (const [what, misbehave] of Object.entries(forgeries))
    it(`${what} is refused`, async (t) => {
      const { played, signIn } = await start(t)
      played.script = { ...CARELESS, ...misbehave(await played.publicJwk()) }
      await assert.rejects(signIn(), faultOf('IDP_ANSWER_INVALID'))
    })

  it('that points to keys elsewhere makes us fetch nothing', async (t) => {
    const { played, signIn } = await start(t)
    const header = { alg: 'RS256', kid: 'k1', jku: `${played.issuer}/evil`, x5u: `${played.issuer}/evil` }
    played.script = { ...CARELESS, idToken: (good) => resigned(good, header, byAttacker) }
    await assert.rejects(signIn(), faultOf('IDP_ANSWER_INVALID'))
    assert.equal(played.asked('/evil').length, 0)
  })
  it('is accepted for several clients when it was made for us', async (t) => {
    const { played, signIn } = await start(t)
    played.script = { ...CARELESS, claims: { aud: ['sallyport', 'other'], azp: 'sallyport' } }
    assert.equal((await signIn()).userId, 'alice')
  })
  it('signed by keys we have not seen makes us fetch the JWKS at most once a minute', async (t) => {
    const { played, signIn } = await start(t)
    await signIn()
    assert.equal(played.asked('/keys').length, 1)
    played.script = { ...CARELESS, header: { kid: 'unknown' } }
    for (let i = 0; i < 5; i += 1) await assert.rejects(signIn(), faultOf('IDP_ANSWER_INVALID'))
    assert.equal(played.asked('/keys').length, 1)
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 })
    played.script = CARELESS
    await played.rotateKey()
    assert.equal((await signIn()).userId, 'alice')
    assert.equal(played.asked('/keys').length, 2)
  })
})

describe('keys that are known', () => {
  it('serve on while the provider can not give them, also when its metadata was read anew', async (t) => {
    const { played, signIn } = await start(t)
    await signIn()
    played.script = { ...CARELESS, answer: ({ path }) => (path === '/keys' ? { status: 503 } : undefined) }
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 7_200_000 })
    for (let times = 0; times < 3; times += 1) assert.equal((await signIn()).userId, 'alice')
    assert.equal(played.asked('/.well-known/openid-configuration').length, 2)
    assert.ok(played.asked('/keys').length <= 3, 'and it is not asked by every visitor')
  })
})

describe('clocks that differ', () => {
  it('by less than a minute hinder nobody', async (t) => {
    const { played, signIn } = await start(t)
    for (const shift of [-50, 50]) {
      played.script = { ...CARELESS, claims: { iat: nowSeconds() + shift, exp: nowSeconds() + shift + 30 } }
      assert.equal((await signIn()).userId, 'alice')
    }
  })
  it('by minutes are named, both of them, and which is behind', async (t) => {
    for (const [shift, words] of [
      [-600, /our clock \(2.*Z\) is (599|60\d) s ahead of the identity provider's \(2.*Z\): synchronise/],
      [600, /our clock \(2.*Z\) is (599|600) s behind the identity provider's/],
    ] as const) {
      const { played, signIn } = await start(t)
      played.script = { ...CARELESS, claims: { iat: nowSeconds() + shift, exp: nowSeconds() + shift + 300 } }
      await assert.rejects(signIn(), faultOf('CLOCK_SKEW', words))
    }
  })
  it('are noticed when it is ours that is wrong', async (t) => {
    const { signIn } = await start(t, () => Date.now() + 600_000)
    await assert.rejects(signIn(), faultOf('CLOCK_SKEW', /ahead of/))
  })
})
