import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '../errors.ts'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import { World } from './world.fixture.ts'

const MINUTE = 60_000
const CALLBACK = /\/oauth2\/callback/

describe('a sign-in that does not work', () => {
  it('may take as long as the app’s host knows the browser: people have lunch before they send a form', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const callback = await browser.openUntil(`${APP}/where-i-was`, CALLBACK)
    world.now += 59 * MINUTE
    assert.equal((await browser.open(callback)).body, 'app sees alice')
    assert.equal(browser.trail.at(-1)?.pathname, '/where-i-was')
  })

  it('begins anew by itself when it took longer, and comes back to where it was to go', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const callback = await browser.openUntil(`${APP}/where-i-was`, CALLBACK)
    world.now += 90 * MINUTE
    const reply = await browser.ask(callback)
    assert.deepEqual([reply.status, world.sessions.count], [302, 0])
    assert.match(reply.headers['location'] ?? '', /idp\.test\/authorize/)
    assert.equal((await browser.open(reply.headers['location'] ?? '')).body, 'app sees alice')
    assert.equal(browser.trail.at(-1)?.pathname, '/where-i-was')
  })

  it('begins anew once: where it is too old again, the person is told', async () => {
    await using world = await World.open()
    const browser = world.browser()
    let callback = await browser.openUntil(`${APP}/where-i-was`, CALLBACK)
    world.now += 90 * MINUTE
    callback = await browser.openUntil(callback, CALLBACK)
    world.now += 90 * MINUTE
    const reply = await browser.ask(callback)
    assert.equal(reply.status, 400)
    assert.match(reply.body, /took too long[^]*href="https:\/\/app\.example\.com\/where-i-was"/)
  })

  it('is one as somebody whose id begins like that of a machine', async () => {
    await using world = await World.open()
    const browser = world.browser('service-account/deploy')
    const callback = await browser.openUntil(`${APP}/`, CALLBACK)
    const reply = await browser.ask(callback)
    assert.equal(reply.status, 502)
    assert.match(reply.body, /begins like that of a machine/)
  })

  it('does not begin anew in another browser, nor without the login cookie (attack 30)', async () => {
    await using world = await World.open()
    const callback = await world.browser('mallory').openUntil(`${APP}/where-i-was`, CALLBACK)
    world.now += 90 * MINUTE
    const victim = world.browser()
    await victim.openUntil(`${APP}/`, CALLBACK)
    assert.equal((await victim.ask(callback)).status, 400)
  })

  it('begins anew once where the provider says that its own form was left open for too long', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const gone = async () => {
      const callback = await browser.openUntil(`${APP}/where-i-was`, CALLBACK)
      callback.searchParams.delete('code')
      callback.searchParams.set('error', 'temporarily_unavailable')
      callback.searchParams.set('error_description', 'authentication_expired')
      return callback
    }
    assert.equal((await browser.open(await gone())).body, 'app sees alice')
    assert.equal(browser.trail.at(-1)?.pathname, '/where-i-was')
    const expired = browser.trail.find(({ search }) => search.includes('authentication_expired'))
    assert.equal((await world.browser('mallory').ask(expired ?? APP)).status, 400)
  })

  it('goes on with a dead state for whoever is signed in here, and for them alone', async () => {
    await using world = await World.open()
    const browser = world.browser('alice')
    const callback = await browser.openUntil(`${APP}/`, CALLBACK)
    await browser.open(callback)
    world.now += 400_000
    assert.equal((await browser.open(callback)).body, 'app sees alice')
    // Mallory's state in Alice's browser: she goes on as Alice.
    const foreign = await world.browser('mallory').openUntil(`${APP}/`, CALLBACK)
    assert.equal((await browser.open(foreign)).body, 'app sees alice')
  })

  it('says that cookies are needed to a browser that keeps none, instead of going round', async () => {
    await using world = await World.open()
    const browser = world.browser()
    browser.jar.isBlocked = true
    const reply = await browser.open(`${APP}/`)
    assert.equal(reply.status, 400)
    assert.match(reply.body, /allow cookies/)
  })

  it('stops after a few rounds when an app’s host keeps no cookie, or loses only the session’s', async () => {
    const all = ['__Host-_pomerium', '__Host-sallyport_flow', '__Host-sallyport_rounds']
    for (const lost of [
      all.map((name) => `app.example.com ${name}`),
      [...all.map((name) => `app.example.com ${name}`), 'authenticate.example.com __Host-_pomerium'],
      ['app.example.com __Host-_pomerium'],
      ['app.example.com __Host-_pomerium', 'authenticate.example.com __Host-_pomerium'],
    ]) {
      await using world = await World.open()
      const browser = world.browser()
      for (const name of lost) browser.jar.lost.add(name)
      const reply = await browser.open(`${APP}/`)
      assert.equal(reply.status, 400, lost.join())
      assert.match(reply.body, /doesn’t keep the session cookie/)
    }
  })

  it('shows the provider’s refusal as text: 401 for access_denied, 400 for the rest', async () => {
    await using world = await World.open()
    const browser = world.browser()
    for (const [error, status] of [
      ['access_denied', 401],
      ['login_required', 400],
    ] as const) {
      const callback = await browser.openUntil(`${APP}/`, CALLBACK)
      callback.searchParams.delete('code')
      callback.searchParams.set('error', error)
      callback.searchParams.set('error_description', '<img src=x onerror=alert(1)>')
      const reply = await browser.ask(callback)
      assert.equal(reply.status, status)
      assert.match(reply.body, new RegExp(`${error}, &lt;img`))
      assert.doesNotMatch(reply.body, /<img/)
      assert.equal(reply.body.includes('Use another account'), error === 'access_denied')
    }
    assert.equal(world.sessions.count, 0)
  })

  it('says who can mend it when the provider is down, at the start or in the middle', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const callback = await browser.openUntil(`${APP}/`, CALLBACK)
    world.provider.fault = new Fault('IDP_UNREACHABLE', 'connect ECONNREFUSED 10.0.0.7')
    for (const reply of [await browser.ask(callback), await browser.open(`${APP}/`)]) {
      assert.equal(reply.status, 503)
      assert.match(reply.body, /identity provider[^]*request-1/)
      assert.doesNotMatch(reply.body, /10\.0\.0\.7/)
    }
    assert.match(await world.metrics.render(), /outcome="failed"/)
  })

  it('has a friendly page for an old or altered address of the sign-in page', async () => {
    await using world = await World.open()
    const signIn = await world.browser().openUntil(`${APP}/x`, /sign_in/)
    world.now += 400_000
    const old = await world.browser().ask(signIn)
    assert.equal(old.status, 400)
    assert.match(old.body, /too old[^]*href="https:\/\/app\.example\.com\/x"/)
    const bare = await world.browser().ask(`${AUTHENTICATE}/.pomerium/sign_in`)
    assert.equal(bare.status, 400)
  })

  it('names no provider that is not configured', async () => {
    await using world = await World.open()
    const signIn = await world.browser().openUntil(`${APP}/x`, /sign_in/)
    const { buildSignInUrl } = await import('../edge/sign-in-url.ts')
    const other = buildSignInUrl({
      authenticateUrl: AUTHENTICATE,
      redirectUri: APP,
      idpIds: ['other'],
      additionalHosts: [],
      flow: signIn.searchParams.get('pomerium_flow') ?? '',
      key: world.keys.url,
      nowMs: world.now,
    })
    assert.equal((await world.browser().ask(other)).status, 500)
  })
})
