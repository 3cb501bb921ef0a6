import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildBeginUrl } from '../edge/sign-in-url.ts'
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

  it('gives the host of the sign-in pages a cookie that no script reads, whatever the apps get', async () => {
    await using world = await World.open({ config: testConfig('cookie_http_only: false\n') })
    const browser = world.browser('alice')
    const isHttpOnly = async (page: RegExp) => {
      const { setCookies } = await browser.ask(await browser.openUntil(`${APP}/`, page))
      return setCookies.find((line) => line.startsWith('__Host-_pomerium='))?.includes('; HttpOnly')
    }
    assert.equal(await isHttpOnly(CALLBACK), true)
    assert.equal(await isHttpOnly(HAND_OFF), false)
  })

  it('to a page of the sign-in host ends there by a page where a Strict cookie would not come by a redirect', async () => {
    for (const [settings, pages] of [
      ['cookie_same_site: strict\n', 1],
      ['', 0],
    ] as const) {
      await using world = await World.open({ config: testConfig(settings) })
      const browser = world.browser('alice')
      assert.equal((await browser.open(`${AUTHENTICATE}/.pomerium/user`)).status, 200)
      assert.equal(browser.passed.length, pages)
    }
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
