import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Fault } from '../../errors.ts'
import type { Identity, RequestedAuthentication } from '../provider.ts'
import { SECRETS } from '../stage.fixture.ts'
import { openOurs, sayOfAlice, signIn, startReal } from './real-stage.fixture.ts'

async function open(t: TestContext) {
  const real = await startReal(t)
  const provider = openOurs(t, real.issuer, {
    scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
    request_params: { prompt: 'consent', max_age: '1', audience: 'x' },
  })
  return { provider, real }
}

describe('a sign-in that must be recent or strong', () => {
  it('is asked for in the words of OpenID Connect, over what the configuration adds', async (t) => {
    const { provider } = await open(t)
    const parameters = async (demand: RequestedAuthentication) =>
      Object.fromEntries((await provider.authorizationUrl(SECRETS, demand)).searchParams)
    const { max_age, acr_values, prompt, audience } = await parameters({
      maxAge: 90_900,
      acrValues: ['phr', 'phrh'],
      isForced: true,
    })
    assert.deepEqual([max_age, acr_values, prompt, audience], ['90', 'phr phrh', 'login consent', 'x'])
    const plain = await parameters({})
    assert.deepEqual([plain['max_age'], plain['acr_values'], plain['prompt']], ['1', undefined, 'consent'])
  })

  it('tells when it was, where it was asked to', async (t) => {
    const { provider } = await open(t)
    const before = Date.now()
    const { authenticatedAt = 0 } = await signIn(provider, { demand: { maxAge: 60_000 } })
    assert.ok(authenticatedAt >= before - 2000 && authenticatedAt <= Date.now(), String(authenticatedAt))
  })

  it('is not made younger by a refresh', async (t) => {
    const { provider } = await open(t)
    const identity = await signIn(provider, { demand: { maxAge: 60_000 } })
    const { authenticatedAt, acr } = await provider.refresh(identity)
    assert.deepEqual([authenticatedAt, acr], [undefined, undefined])
  })
})

describe('reading a person anew by the access token', () => {
  it('brings what the provider says today, and leaves the tokens as they are', async (t) => {
    const { provider, real } = await open(t)
    const identity = await signIn(provider)
    sayOfAlice(real, { groups: ['guests'] })
    const reread = await provider.reread(identity)
    assert.deepEqual(reread.groups, ['guests'])
    assert.deepEqual(reread.tokens, identity.tokens)
  })

  it('tells a provider that is out of order from one that does not know the token any more', async (t) => {
    const { provider, real } = await open(t)
    const identity = await signIn(provider)
    const codeOf = async (current: Identity) =>
      await provider.reread(current).then(
        () => 'none',
        (error: unknown) => (error instanceof Fault ? error.code : String(error)),
      )
    for (const status of [500, 503, 429]) {
      real.failing.set('userinfo', { status })
      assert.equal(await codeOf(identity), 'IDP_UNREACHABLE', String(status))
    }
    real.failing.clear()
    const revoked = { ...identity, tokens: { ...identity.tokens, accessToken: 'unknown-here' } }
    assert.equal(await codeOf(revoked), 'IDP_REFUSED')
    const none = { ...identity, tokens: { ...identity.tokens, accessToken: undefined } }
    assert.equal(await provider.reread(none), none)
  })
})
