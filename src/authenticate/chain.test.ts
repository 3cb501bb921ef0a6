import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Config } from '../config/config.ts'
import { signUrl } from '../crypto/signed-url.ts'
import { SESSION_ENCRYPTED_PARAMETER } from '../edge/sign-in-url.ts'
import { APP } from './addresses.fixture.ts'
import type { Browser } from './browser.fixture.ts'
import { testConfig, World } from './world.fixture.ts'

const host = (number: number) => `host-${number}.apps.example.com`
const TARGET = 'app.example.com'
const FLOW = /callback\/flow/
const CHAIN = /callback\/chain/
const ALL_COOKIES = ['__Host-_pomerium', '__Host-sallyport_flow', '__Host-sallyport_rounds']

function configOf(hosts: number, settings = ''): Config {
  const config = testConfig(settings)
  const depends_on = Array.from({ length: hosts }, (_, number) => host(number))
  const routes = config.routes.map((route) =>
    route.origin.host === TARGET ? { ...route, depends_on } : route,
  )
  return { ...config, routes }
}

const openWorld = (hosts: number, settings?: string) => World.open({ config: configOf(hosts, settings) })

async function usersOf(
  world: World,
  browser: Browser,
  hosts: number,
): Promise<readonly (string | undefined)[]> {
  const names = [TARGET, ...Array.from({ length: hosts }, (_, number) => host(number))]
  return await Promise.all(names.map((name) => world.userAt(name, browser.session(name))))
}

/**
 * The address that a browser would open after that many redirects; `undefined` when it is at the end by then.
 */
async function stopAfter(browser: Browser, redirects: number): Promise<URL | undefined> {
  let next: URL | undefined = new URL(`${APP}/page`)
  for (let count = 0; count < redirects && next !== undefined; count += 1) {
    const { headers, url } = await browser.ask(next)
    next = headers['location'] === undefined ? undefined : new URL(headers['location'], url)
  }
  return next
}

describe('the chain over additional hosts', () => {
  for (const settings of ['', 'cookie_same_site: strict\n']) {
    it(`gives no link that makes somebody somebody else: login CSRF and theft; ${settings.trim() || 'Lax'}`, async () => {
      for (const hasBegun of [false, true]) {
        for (let redirects = 1; ; redirects += 1) {
          await using world = await openWorld(2, settings)
          const owner = world.browser('owner')
          const link = await stopAfter(owner, redirects)
          if (link === undefined) {
            assert.ok(redirects > 9, `only ${redirects} redirects`)
            break
          }
          const other = world.browser('other')
          for (const name of hasBegun ? [TARGET, host(0), host(1)] : []) await other.ask(`https://${name}/`)
          await other.open(link)
          for (const name of [TARGET, host(0), host(1), 'authenticate.example.com'])
            assert.notEqual(await world.userAt(name, other.session(name)), 'owner', `${link.href} at ${name}`)
          // And whoever owns it is not held up by that.
          assert.equal((await owner.open(link)).body, 'app sees owner')
        }
      }
    })
  }

  it('is refused on the target’s host when somebody else’s browser has been past the hosts', async () => {
    await using world = await openWorld(2)
    const mallory = world.browser('mallory')
    const victim = world.browser('victim')
    const gathered = await victim.openUntil(await mallory.openUntil(`${APP}/`, FLOW), CHAIN)
    const reply = await victim.ask(gathered)
    assert.equal(reply.headers['location'], `${APP}/`)
    assert.deepEqual(reply.setCookies, [])
  })

  it('makes hand-offs of one round once, and not after a minute', async () => {
    await using world = await openWorld(1)
    const browser = world.browser()
    const chain = await browser.openUntil(`${APP}/`, CHAIN)
    const before = browser.jar.header(TARGET)
    const flow = browser.jar.header(host(0))
    world.now += 61_000
    assert.equal((await browser.ask(chain)).headers['location'], `${APP}/`)
    world.now -= 61_000
    assert.match((await browser.ask(chain)).headers['location'] ?? '', /host-0.*callback\/\?/)
    browser.jar.restore(TARGET, before)
    browser.jar.restore(host(0), flow)
    assert.equal((await browser.ask(chain)).headers['location'], `${APP}/`)
  })

  it('seals for each page what no other page takes', async () => {
    await using world = await openWorld(1)
    const browser = world.browser()
    const flow = await browser.openUntil(`${APP}/`, FLOW)
    const chain = await browser.openUntil(flow, CHAIN)
    const handOff = await browser.openUntil(chain, /callback\/\?/)
    const urls = [flow, chain, handOff]
    for (const page of urls) {
      for (const { searchParams, href } of urls.filter((url) => url !== page)) {
        const url = new URL(page)
        url.searchParams.set(SESSION_ENCRYPTED_PARAMETER, searchParams.get(SESSION_ENCRYPTED_PARAMETER) ?? '')
        const reply = await browser.ask(signUrl(url, world.keys.url, world.now))
        assert.equal(reply.status, 400, `${href} at ${page.href}`)
      }
    }
  })

  it('passes over a host that keeps no cookies, or is no route any more, and goes on', async () => {
    await using world = await openWorld(3)
    const browser = world.browser()
    for (const name of ALL_COOKIES) browser.jar.lost.add(`${host(0)} ${name}`)
    const chain = await browser.openUntil(`${APP}/`, CHAIN)
    const config = configOf(3)
    const kept = config.routes.filter(({ origin }) => !origin.wildcard)
    const [wild] = config.routes.filter(({ origin }) => origin.wildcard)
    assert.ok(wild)
    const routes = [0, 2].map((number) => ({
      ...wild,
      origin: { ...wild.origin, host: host(number), wildcard: false },
    }))
    world.config.current = { ...config, routes: [...kept, ...routes] }
    assert.equal((await browser.open(chain)).body, 'app sees alice')
    assert.deepEqual(await usersOf(world, browser, 3), ['alice', undefined, undefined, 'alice'])
  })

  it('lets tabs that begin at the same moment all end at their pages, and leaves no flow cookie', async () => {
    await using world = await openWorld(2)
    const browser = world.browser()
    const tabs = Array.from({ length: 10 }, (_, tab) => `${APP}/${tab}`)
    const callbacks = await Promise.all(tabs.map((tab) => browser.openUntil(tab, /oauth2\/callback/)))
    const replies = await Promise.all(callbacks.map((callback) => browser.open(callback)))
    assert.deepEqual(
      replies.map(({ url, body }) => [url.href, body]),
      tabs.map((tab) => [tab, 'app sees alice']),
    )
    assert.deepEqual(await usersOf(world, browser, 2), ['alice', 'alice', 'alice'])
    assert.doesNotMatch(browser.jar.header(TARGET), /flow/)
  })

  it('can be gone through again from any of its addresses: the back button', async () => {
    await using world = await openWorld(2)
    const browser = world.browser()
    await browser.open(`${APP}/page`)
    const { sessions } = world
    const addresses = [...browser.trail]
    for (const address of addresses) {
      if (address.host === 'idp.test') continue
      const reply = await browser.open(address)
      assert.equal(reply.body, 'app sees alice', address.href)
    }
    assert.equal(sessions.count, 1)
    assert.deepEqual(await usersOf(world, browser, 2), ['alice', 'alice', 'alice'])
  })
})

describe('five additional hosts', () => {
  it('cost 16 redirects of the 20 that browsers follow', async () => {
    await using world = await openWorld(5)
    const browser = world.browser()
    await browser.open(`${APP}/page`)
    assert.deepEqual(
      await usersOf(world, browser, 5),
      Array.from({ length: 6 }, () => 'alice'),
    )
    assert.equal(browser.trail.length - 1, 16)
  })

  it('do not keep a browser that loses cookies from our words about it', async () => {
    const lossy = [
      ALL_COOKIES.map((name) => `${TARGET} ${name}`),
      [`${TARGET} __Host-_pomerium`],
      [`${TARGET} __Host-_pomerium`, 'authenticate.example.com __Host-_pomerium'],
    ]
    for (const lost of lossy) {
      await using world = await openWorld(5)
      const browser = world.browser()
      for (const name of lost) browser.jar.lost.add(name)
      const reply = await browser.open(`${APP}/`)
      assert.equal(reply.status, 400, lost.join())
      assert.match(reply.body, /doesn’t keep the session cookie/)
    }
  })
})
