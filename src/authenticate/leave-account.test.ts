import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildBeginUrl } from '../edge/sign-in-url.ts'
import { Fault } from '../errors.ts'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import type { Browser, Reply } from './browser.fixture.ts'
import { World } from './world.fixture.ts'

const PAGE = `${APP}/deep?x=1`

async function signedIn(world: World, user = 'alice'): Promise<Browser> {
  const browser = world.browser(user)
  await browser.open(`${APP}/`)
  return browser
}

/** What "Use another account" on the page of a denial leads to, for the session of a browser. */
async function switchUrl(world: World, browser: Browser, redirectUri = PAGE): Promise<string> {
  const session = await world.sessionAt('app.example.com', browser.session('app.example.com'))
  assert.ok(session)
  return buildBeginUrl({
    appOrigin: APP,
    redirectUri,
    idpIds: [world.idpId],
    additionalHosts: [],
    leaves: session.id,
    key: world.keys.url,
    nowMs: world.now,
  })
}

const placesOf = ({ trail }: Browser) => trail.map(({ host, pathname }) => host + pathname)

describe('using another account', () => {
  it('leads over the sign-out of the provider to its sign-in, and back to the page, by one link', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    const before = browser.session('app.example.com')
    const link = await switchUrl(world, browser)
    browser.user = 'root'
    browser.trail.length = 0
    const reply = await browser.open(link)
    assert.deepEqual([reply.body, reply.url.href], ['app sees root', PAGE])
    assert.deepEqual(placesOf(browser), [
      'app.example.com/.pomerium/sign_in',
      'authenticate.example.com/.pomerium/sign_in',
      'idp.test/end',
      'authenticate.example.com/.pomerium/signed_out',
      'app.example.com/.pomerium/sign_in',
      'authenticate.example.com/.pomerium/sign_in',
      'idp.test/authorize',
      'authenticate.example.com/oauth2/callback',
      'app.example.com/.pomerium/callback/',
      'app.example.com/deep',
    ])
    assert.equal(
      await world.userAt('app.example.com', before),
      undefined,
      'the session that was left has ended',
    )
    assert.equal(world.sessions.count, 1)
  })

  it('signs nobody out where the provider lets people choose, before somebody else has signed in', async () => {
    await using world = await World.open()
    world.provider.hasAccountChoice = true
    const browser = await signedIn(world)
    const left = browser.session('app.example.com')
    const atProvider = await browser.openUntil(await switchUrl(world, browser), /idp\.test/)
    assert.equal(atProvider.pathname, '/authorize')
    assert.equal(world.provider.demands.at(-1)?.isSwitch, true)
    assert.equal(await world.userAt('app.example.com', left), 'alice', 'who turns back is still signed in')
    browser.user = 'root'
    assert.equal((await browser.open(atProvider)).body, 'app sees root')
    assert.equal(await world.userAt('app.example.com', left), undefined)
  })

  it('asks a provider without a sign-out for a sign-in of somebody else', async () => {
    await using world = await World.open()
    world.provider.hasEndSession = false
    const browser = await signedIn(world)
    const link = await switchUrl(world, browser)
    browser.user = 'root'
    assert.equal((await browser.open(link)).url.href, PAGE)
    assert.equal(world.provider.demands.at(-1)?.isSwitch, true)
  })

  it('signs nobody out by a link that was made for somebody else, nor ahead of time', async () => {
    await using world = await World.open()
    const link = await switchUrl(world, await signedIn(world, 'mallory'))
    const browser = await signedIn(world)
    await browser.openUntil(link, /idp\.test/)
    assert.equal(await world.userAt('app.example.com', browser.session('app.example.com')), 'alice')
    const own = await browser.ask(await switchUrl(world, browser))
    const ahead = await browser.ask(own.headers['location'] ?? '', { headers: { 'sec-purpose': 'prefetch' } })
    assert.equal(ahead.status, 400)
    assert.equal(await world.userAt('app.example.com', browser.session('app.example.com')), 'alice')
  })

  it('leads to no address but the one that it was made for', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    const link = new URL(await switchUrl(world, browser))
    link.searchParams.set('pomerium_redirect_uri', 'https://evil.test/')
    assert.equal((await browser.ask(link)).status, 400)
    const foreign = await switchUrl(world, browser, 'https://evil.test/')
    assert.equal((await browser.ask(foreign)).status, 400)
  })

  it('takes no address to go on from a cookie that it has not sealed, or that is an hour old', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    await browser.openUntil(await switchUrl(world, browser), /\/signed_out/)
    const kept = browser.jar.get('authenticate.example.com', '__Host-sallyport_return')
    assert.ok(kept)
    for (const value of [
      'https://evil.test/',
      world.sealer.seal(`${APP}/`, 'return'),
      world.sealer.seal(`${APP}/`, 'x'),
      `${kept}x`,
    ]) {
      browser.jar.keep('authenticate.example.com', [`__Host-sallyport_return=${value}; Path=/; Secure`])
      const reply = await browser.ask(`${AUTHENTICATE}/.pomerium/signed_out`)
      assert.deepEqual([reply.status, reply.headers['location']], [200, undefined], value)
      assert.equal(browser.jar.get('authenticate.example.com', '__Host-sallyport_return'), undefined)
    }
    browser.jar.keep('authenticate.example.com', [`__Host-sallyport_return=${kept}; Path=/; Secure`])
    world.now += 70 * 60_000
    assert.match((await browser.ask(`${AUTHENTICATE}/.pomerium/signed_out`)).body, /You are signed out/)
  })

  it('is open to an account that is deactivated, which its pages are not by the same parameter', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    const link = await switchUrl(world, browser)
    world.directory.set('alice', 'deactivated')
    for (const path of ['routes', 'user', ''])
      assert.equal((await browser.ask(`${APP}/.pomerium/${path}?pomerium_choose=true`)).status, 403)
    browser.user = 'root'
    assert.equal((await browser.open(link)).body, 'app sees root')
  })

  it('is offered when the provider refuses an account, and comes back', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const callback = await browser.openUntil(PAGE, /\/oauth2\/callback/)
    callback.searchParams.delete('code')
    callback.searchParams.set('error', 'access_denied')
    const refused = await browser.ask(callback)
    assert.match(refused.body, /app\.example\.com/)
    browser.user = 'root'
    const reply = await browser.open(linkOf(refused, 'Use another account'))
    assert.deepEqual([reply.body, reply.url.href], ['app sees root', PAGE])
  })
})

function linkOf(reply: Reply, label: string): URL {
  const [, href = ''] = new RegExp(`href="([^"]*)">${label}<`).exec(reply.body) ?? []
  return new URL(href.replaceAll('&amp;', '&'), reply.url)
}

describe('a page of a fault', () => {
  it('is no dead end: it leads to another try, to the apps, or to the sign-in', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    const stranger = world.browser()
    world.provider.fault = new Fault('IDP_UNREACHABLE', 'down')
    const pages = [
      [await browser.ask(`${APP}/.pomerium/nothing`), 'Your apps'],
      [await browser.ask(`${AUTHENTICATE}/nothing`), 'Your apps'],
      [await browser.ask(`${APP}/.pomerium/`, { headers: { host: 'unknown.test' } }), 'Your apps'],
      [await browser.ask(`${APP}/.pomerium/sign_in?pomerium_redirect_uri=${APP}/`), 'Try again'],
      [await stranger.ask(`${AUTHENTICATE}/oauth2/callback?state=x`), 'Sign in'],
      [await stranger.open(PAGE), 'Try again'],
    ] as const
    for (const [reply, label] of pages) {
      assert.ok(reply.status >= 400, label)
      assert.notEqual(linkOf(reply, label).href, reply.url.href, reply.url.href)
      assert.match(reply.body, /Request id <code>request-1/)
      assert.doesNotMatch(reply.body, /Decision id/i)
    }
  })
})
