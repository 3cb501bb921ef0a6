import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { signInThere, startRealProvider } from '../../test/harness/real-provider.ts'
import { Secret } from '../config/config.ts'
import { testClient } from '../identity/client.fixture.ts'
import { openOpenIdProvider } from '../identity/openid/openid-provider.ts'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import { World } from './world.fixture.ts'

const CALLBACK = `${AUTHENTICATE}/oauth2/callback`

async function setUp() {
  const stack = new AsyncDisposableStack()
  const real = stack.use(
    await startRealProvider({
      redirectUris: [CALLBACK],
      postLogoutRedirectUris: [`${AUTHENTICATE}/.pomerium/signed_out`],
      host: 'idp.localhost',
    }),
  )
  const provider = stack.use(
    openOpenIdProvider({
      client: testClient({
        provider_url: real.issuer,
        client_secret: Secret.of(real.clientSecret),
        scopes: ['openid', 'profile', 'email', 'groups'],
      }),
      redirectUri: CALLBACK,
    }),
  )
  const world = stack.use(await World.open({ realProvider: provider }))
  world.now = Date.now()
  return { stack, real, world, atProvider: new RegExp(`^${real.issuer}`) }
}

describe('with a real OpenID provider', () => {
  it('signs in, says who it is, and signs out over the provider', async () => {
    const { stack, world, atProvider } = await setUp()
    await using running = stack
    assert.ok(running)
    const browser = world.browser()
    const authorize = await browser.openUntil(`${APP}/x`, atProvider)
    assert.equal(authorize.searchParams.get('code_challenge_method'), 'S256')
    const reply = await browser.open(await signInThere(authorize, 'alice'))
    assert.deepEqual([reply.url.href, reply.body], [`${APP}/x`, 'app sees alice'])
    const user = JSON.parse((await browser.ask(`${APP}/.pomerium/user`)).body)
    assert.deepEqual([user.email, user.groups], ['alice@example.com', ['staff', 'everyone']])
    const end = await browser.openUntil(`${APP}/.pomerium/sign_out`, atProvider)
    assert.ok(end.searchParams.get('id_token_hint'))
    assert.equal(world.sessions.count, 0)
  })

  it('refuses a code that was got for another sign-in: PKCE and nonce are of the browser (attack 32)', async () => {
    const { stack, world, atProvider } = await setUp()
    await using running = stack
    assert.ok(running)
    const stolen = await signInThere(await world.browser().openUntil(`${APP}/`, atProvider), 'alice')
    const thief = world.browser()
    const own = await signInThere(await thief.openUntil(`${APP}/`, atProvider), 'bob')
    own.searchParams.set('code', stolen.searchParams.get('code') ?? '')
    assert.equal((await thief.ask(own)).status, 401)
    assert.equal(world.sessions.count, 0)
  })

  it('lets nobody in while the provider is out of order, and everybody after', async () => {
    const { stack, world, atProvider, real } = await setUp()
    await using running = stack
    assert.ok(running)
    const browser = world.browser()
    const callback = await signInThere(await browser.openUntil(`${APP}/`, atProvider), 'alice')
    real.failing.set('token', { status: 503 })
    assert.equal((await browser.ask(callback)).status, 503)
    real.failing.clear()
    const again = await signInThere(await browser.openUntil(`${APP}/`, atProvider), 'alice')
    assert.equal((await browser.open(again)).body, 'app sees alice')
  })
})
