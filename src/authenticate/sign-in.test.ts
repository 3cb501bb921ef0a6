import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildBeginUrl } from '../edge/sign-in-url.ts'
import { Fault } from '../errors.ts'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import { testConfig, World } from './world.fixture.ts'

const MINUTE = 60_000
const CALLBACK = /\/oauth2\/callback/
const HAND_OFF = /\/\.pomerium\/callback\//

describe('signing in', () => {
  it('goes from the app over the provider and the additional hosts back to the address that was asked for', async () => {
    await using world = await World.open()
    const browser = world.browser('alice')
    const reply = await browser.open(`${APP}/deep/page?x=1&y=%2F`)
    assert.equal(reply.url.href, `${APP}/deep/page?x=1&y=%2F`)
    assert.equal(reply.body, 'app sees alice')
    assert.deepEqual(
      browser.trail.map((url) => url.host + url.pathname),
      [
        'app.example.com/deep/page',
        'authenticate.example.com/.pomerium/sign_in',
        'idp.test/authorize',
        'authenticate.example.com/oauth2/callback',
        'app.example.com/.pomerium/callback/',
        'api.other.test/.pomerium/callback/flow',
        'app.example.com/.pomerium/callback/chain',
        'api.other.test/.pomerium/callback/',
        'app.example.com/deep/page',
      ],
    )
    // dead.example.com stands in depends_on, but no route serves it.
    assert.match(world.logLines.join(''), /dead\.example\.com.*additional login host left out/)
    assert.equal(await world.userAt('api.other.test', browser.session('api.other.test')), 'alice')
    assert.match(await world.metrics.render(), /sallyport_sign_ins_total\{[^}]*outcome="success"[^}]*\} 1/)
  })

  it('makes no URL that the provider would refuse of a long address: rather without its query, or at the root', async () => {
    for (const [asked, end] of [
      [`/deep/page?x=${'y'.repeat(2000)}`, `/deep/page?x=${'y'.repeat(2000)}`],
      [`/deep/page?x=${'y'.repeat(8000)}`, '/deep/page'],
      [`/${'deep/'.repeat(1600)}?x=1`, '/'],
    ] as const) {
      await using world = await World.open()
      const browser = world.browser('alice')
      const reply = await browser.open(APP + asked)
      assert.deepEqual([reply.url.href, reply.body], [APP + end, 'app sees alice'])
      const atProvider = browser.trail
        .filter(({ host }) => host === 'idp.test')
        .map(({ href }) => href.length)
      assert.ok(Math.max(...atProvider) <= 6000, String(atProvider))
    }
  })

  it('asks the provider once for all hosts', async () => {
    await using world = await World.open()
    const browser = world.browser()
    await browser.open(`${APP}/`)
    await browser.open('https://x.apps.example.com/')
    assert.equal(browser.trail.filter(({ host }) => host === 'idp.test').length, 1)
    assert.equal(world.sessions.count, 1)
  })

  it('makes a new session id each time, and never makes a planted one valid (attack 36)', async () => {
    await using world = await World.open()
    const mallory = world.browser('mallory')
    await mallory.open(`${APP}/`)
    const planted = mallory.session('app.example.com') ?? ''
    await mallory.open(`${APP}/.pomerium/sign_out`)
    const browser = world.browser('alice')
    browser.jar.set('app.example.com', '__Host-_pomerium', planted)
    await browser.open(`${APP}/`)
    assert.notEqual(browser.session('app.example.com'), planted)
    assert.equal(await world.userAt('app.example.com', planted), undefined)
  })

  it('ends with everybody signed in when the callback is answered twice (attack 37)', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const callback = await browser.openUntil(`${APP}/x`, CALLBACK)
    await browser.open(callback)
    const again = await browser.open(callback)
    assert.equal(again.body, 'app sees alice')
    assert.equal(world.sessions.count, 1)
  })

  it('lets twenty tabs sign in at once, in one session, with little in cookies (attack 37)', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const callbacks: URL[] = []
    for (let tab = 0; tab < 20; tab += 1) callbacks.push(await browser.openUntil(`${APP}/${tab}`, CALLBACK))
    assert.ok(browser.jar.header('authenticate.example.com').length < 1024)
    for (const [tab, callback] of callbacks.entries()) {
      const reply = await browser.open(callback)
      assert.equal(reply.url.pathname, `/${tab}`)
      assert.equal(reply.body, 'app sees alice')
    }
    assert.equal(world.sessions.count, 1)
    assert.ok(browser.jar.header('app.example.com').length < 1024)
  })

  it('lets twenty tabs that open at the same moment sign in too (attack 37)', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const tabs = Array.from({ length: 20 }, (_, tab) => `${APP}/${tab}`)
    const callbacks = await Promise.all(tabs.map((tab) => browser.openUntil(tab, CALLBACK)))
    assert.ok(browser.jar.header('authenticate.example.com').length < 1024)
    const replies = await Promise.all(callbacks.map((callback) => browser.open(callback)))
    assert.deepEqual(
      replies.map(({ url, body }) => [url.href, body]),
      tabs.map((tab) => [tab, 'app sees alice']),
    )
    assert.doesNotMatch(browser.jar.header('app.example.com'), /flow/)
  })

  it('takes the answer as a form post too, with a Lax cookie that comes on the next GET', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const callback = await browser.openUntil(`${APP}/`, CALLBACK)
    const user = '{"name":{"firstName":"Alice"}}'
    const form = { ...Object.fromEntries(callback.searchParams), planted: 'x', user }
    const turned = await browser.ask(callback.origin + callback.pathname, {
      method: 'POST',
      form,
      headers: { origin: 'null', cookie: '' },
    })
    assert.equal(turned.status, 303)
    assert.doesNotMatch(turned.headers['location'] ?? '', /planted/)
    assert.equal(
      new URL(turned.headers['location'] ?? '', APP).searchParams.get('user'),
      user,
      'as Apple posts it',
    )
    assert.equal(
      (await browser.open(new URL(turned.headers['location'] ?? '', turned.url))).body,
      'app sees alice',
    )
  })

  it('goes on by a page instead of a redirect where SameSite=Strict would hold the cookie back', async () => {
    await using world = await World.open({ config: testConfig('cookie_same_site: strict\n') })
    const browser = world.browser()
    const reply = await browser.open(`${APP}/x`)
    assert.equal(reply.body, 'app sees alice')
    // On the target's own host, after the additional ones.
    assert.deepEqual(
      browser.passed.map(({ url }) => url.origin + url.pathname),
      [`${APP}/.pomerium/callback/arrival`],
    )
    assert.equal(await world.userAt('api.other.test', browser.session('api.other.test')), 'alice')
    assert.doesNotMatch(browser.jar.header('app.example.com'), /flow/)
  })

  it('shares one cookie of the domain where cookie_domain is set', async () => {
    await using world = await World.open({ config: testConfig('cookie_domain: example.com\n') })
    const browser = world.browser()
    const handOff = await browser.openUntil(`${APP}/x`, HAND_OFF)
    const reply = await browser.ask(handOff)
    assert.match(
      reply.setCookies.join('\n'),
      /_pomerium=v1\.[^;]+; Path=\/; Max-Age=50400; Domain=example\.com; Secure; HttpOnly/,
    )
    const user = await browser.ask('https://admin.example.com/.pomerium/user')
    assert.equal(user.status, 200)
  })
})

const beginUrl = (world: World, target: string) =>
  buildBeginUrl({
    appOrigin: APP,
    redirectUri: target,
    idpIds: [world.idpId],
    additionalHosts: [],
    key: world.keys.url,
    nowMs: world.now,
  })

describe('the address that an answer to a script gives for signing in', () => {
  it('ties the browser that opens it to the sign-in, and leads to where the user was', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const url = beginUrl(world, `${APP}/board`)
    world.now += 50 * MINUTE
    const reply = await browser.ask(url)
    assert.match(reply.setCookies.join(), /^__Host-sallyport_flow=/)
    assert.match(reply.headers['location'] ?? '', /^https:\/\/authenticate\.example\.com\/.*pomerium_flow=/)
    assert.equal((await browser.open(reply.headers['location'] ?? '')).body, 'app sees alice')
    assert.equal(browser.trail.at(-1)?.pathname, '/board')
  })

  it('signs nobody in as whoever has read it: the hand-off is for the browser that began', async () => {
    await using world = await World.open()
    const victim = world.browser('alice')
    await victim.openUntil(`${APP}/`, /sign_in/)
    const handOff = await world.browser('mallory').openUntil(beginUrl(world, `${APP}/board`), HAND_OFF)
    await victim.ask(handOff)
    assert.equal(victim.session('app.example.com'), undefined)
  })

  it('can’t be changed, and is good on its own host alone', async () => {
    await using world = await World.open()
    const url = new URL(beginUrl(world, `${APP}/board`))
    url.searchParams.set('pomerium_redirect_uri', `${APP}/elsewhere`)
    assert.equal((await world.browser().ask(url)).status, 400)
    const elsewhere = new URL(beginUrl(world, `${APP}/board`))
    elsewhere.hostname = 'api.other.test'
    assert.equal((await world.browser().ask(elsewhere)).status, 400)
    assert.equal((await world.browser().ask(`${APP}/.pomerium/sign_in`)).status, 400)
  })
})

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

describe('the hand-off', () => {
  it('is useless to a second browser and on a second host, and works once', async () => {
    await using world = await World.open()
    const browser = world.browser('alice')
    const handOff = await browser.openUntil(`${APP}/`, HAND_OFF)
    const thief = world.browser('thief')
    assert.equal((await thief.ask(handOff)).headers['location'], `${APP}/`)
    assert.equal(thief.session('app.example.com'), undefined)
    assert.equal((await browser.open(handOff)).body, 'app sees alice')
    // The back button.
    assert.equal((await browser.open(handOff)).body, 'app sees alice')
  })

  it('never replaces somebody’s live session on an additional host', async () => {
    await using world = await World.open()
    const victim = world.browser('victim')
    await victim.open('https://api.other.test/')
    // Even where the same browser asks: on the additional host nobody wanted to be somebody else.
    victim.jar.restore('authenticate.example.com', '')
    victim.user = 'another'
    assert.equal((await victim.open(`${APP}/`)).body, 'app sees another')
    assert.equal(await world.userAt('api.other.test', victim.session('api.other.test')), 'victim')
  })

  it('refuses a cookie of one host on another, cut, altered, or after the sign-out (attacks 40, 41)', async () => {
    await using world = await World.open()
    const browser = world.browser()
    await browser.open(`${APP}/`)
    const cookie = browser.session('app.example.com') ?? ''
    const tryAt = async (host: string, value: string) => {
      const thief = world.browser()
      thief.jar.set(host, '__Host-_pomerium', value)
      const reply = await thief.ask(`https://${host}/.pomerium/user`, {
        headers: { 'sec-fetch-mode': 'cors' },
      })
      return reply.status
    }
    assert.equal(await tryAt('app.example.com', cookie), 200)
    assert.equal(await tryAt('api.other.test', cookie), 401)
    assert.equal(await tryAt('app.example.com', cookie.slice(0, -1)), 401)
    assert.equal(
      await tryAt(
        'app.example.com',
        cookie.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
      ),
      401,
    )
    await browser.open(`${APP}/.pomerium/sign_out`)
    assert.equal(await tryAt('app.example.com', cookie), 401)
  })

  it('holds no session longer than cookie_expire', async () => {
    await using world = await World.open({ config: testConfig('cookie_expire: 1h\n') })
    const browser = world.browser()
    await browser.open(`${APP}/`)
    world.now += 3_600_001
    assert.equal(await world.userAt('app.example.com', browser.session('app.example.com')), undefined)
  })
})
