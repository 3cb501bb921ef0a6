import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { flowHash } from '../edge/flow.ts'
import { buildSignInUrl } from '../edge/sign-in-url.ts'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import type { Browser, Reply } from './browser.fixture.ts'
import { FakeProvider } from './fake-provider.fixture.ts'
import { World } from './world.fixture.ts'

const OTHER = 'https://api.other.test'
const PARTNERS = 'https://partners.test'

/** Two providers; `app.example.com` takes both, `api.other.test` those of `idsAt`. */
async function twoProviders({ other = ['fake', 'partners'] } = {}): Promise<World> {
  const world = await World.open()
  world.others.push(
    new FakeProvider({ id: 'partners', name: 'partners', label: 'Partner <account>', origin: PARTNERS }),
  )
  world.idsAt = (host) => (host === 'api.other.test' ? other : ['fake', 'partners'])
  return world
}

const linksOf = ({ body }: Reply) =>
  [...body.matchAll(/<a class="button[^"]*" href="([^"]+)">([^<]*)/g)].map(([, href = '', label = '']) => ({
    href: href.replaceAll('&amp;', '&'),
    label,
  }))

async function choose(browser: Browser, page: Reply, label: string): Promise<Reply> {
  const link = linksOf(page).find((one) => one.label.startsWith(label))
  assert.ok(link, `no ${label} in ${JSON.stringify(linksOf(page))}`)
  return browser.open(link.href)
}

describe('where several providers may be used', () => {
  it('a page asks at which, and goes on there to the address that was asked for', async () => {
    await using world = await twoProviders()
    const browser = world.browser()
    const page = await browser.open(`${APP}/deep?x=1`)
    assert.deepEqual([page.status, page.url.origin], [200, AUTHENTICATE])
    assert.match(page.body, /<strong>app\.example\.com<\/strong>/)
    assert.deepEqual(
      linksOf(page).map(({ label }) => label),
      ['Fake', 'Partner &lt;account&gt;'],
    )
    assert.match(page.headers['content-security-policy'] ?? '', /default-src 'none'/)
    assert.doesNotMatch(page.body, /<script|planted/)
    const reply = await choose(browser, page, 'Partner')
    assert.deepEqual([reply.url.href, reply.body], [`${APP}/deep?x=1`, 'app sees alice'])
    assert.equal(
      (await world.sessionAt('app.example.com', browser.session('app.example.com')))?.idpId,
      'partners',
    )
  })

  it('the same user id at two of them is two people', async () => {
    await using world = await twoProviders()
    const sessions = await Promise.all(
      ['Fake', 'Partner'].map(async (label) => {
        const browser = world.browser('alice')
        await choose(browser, await browser.open(`${APP}/`), label)
        return world.sessionAt('app.example.com', browser.session('app.example.com'))
      }),
    )
    assert.deepEqual(
      sessions.map((session) => [session?.userId, session?.idpId]),
      [
        ['alice', 'fake'],
        ['alice', 'partners'],
      ],
    )
  })

  it('the one that was taken last stands first the next time, and the others stay', async () => {
    await using world = await twoProviders()
    const browser = world.browser()
    await choose(browser, await browser.open(`${APP}/`), 'Partner')
    await browser.open(`${APP}/.pomerium/sign_out`)
    const page = await browser.open(`${APP}/`)
    assert.deepEqual(
      linksOf(page).map(({ label }) => label.trim()),
      ['Partner &lt;account&gt;', 'Fake'],
    )
    assert.match(page.body, /used last/)
    browser.jar.keep('authenticate.example.com', ['__Host-sallyport_provider="><script>; Path=/; Secure'])
    assert.doesNotMatch((await browser.open(`${APP}/`)).body, /<script|used last/)
  })

  it('whoever is signed in at one of them is not asked', async () => {
    await using world = await twoProviders()
    const browser = world.browser()
    await choose(browser, await browser.open(`${APP}/`), 'Fake')
    assert.equal((await browser.open(`${OTHER}/`)).body, 'app sees alice')
  })

  it('a route of one provider goes straight there', async () => {
    await using world = await twoProviders({ other: ['partners'] })
    const browser = world.browser()
    assert.equal((await browser.open(`${OTHER}/`)).body, 'app sees alice')
    assert.ok(browser.trail.some(({ origin }) => origin === PARTNERS))
  })

  it('programs are told to sign in, not to choose', async () => {
    await using world = await twoProviders()
    const signIn = await world.browser().openUntil(`${APP}/`, /sign_in/)
    const headers = { 'sec-fetch-mode': 'cors', accept: 'application/json' }
    assert.equal((await world.browser().ask(signIn, { headers })).status, 401)
  })

  it('pages of Sallyport’s own ask too', async () => {
    await using world = await twoProviders()
    const page = await world.browser().open(`${AUTHENTICATE}/.pomerium/routes`)
    assert.equal(linksOf(page).length, 2)
    world.idsAt = () => ['partners']
    const browser = world.browser()
    assert.equal((await browser.open(`${APP}/.pomerium/user`)).status, 200)
    assert.ok(
      browser.trail.some(({ origin }) => origin === PARTNERS),
      'on an app’s host those of its routes',
    )
  })
})

describe('pages about somebody who has signed in at one of several providers', () => {
  it('say where, and list no app that takes only people of another one', async () => {
    await using world = await twoProviders({ other: ['fake'] })
    const browser = world.browser()
    await choose(browser, await browser.open(`${APP}/`), 'Partner')
    assert.match(
      (await browser.ask(`${APP}/.pomerium/`)).body,
      /At<\/dt><dd dir="auto">Partner &lt;account&gt;</,
    )
    const { routes } = JSON.parse((await browser.ask(`${APP}/.pomerium/api/v1/routes`)).body)
    const listed: readonly { from: string }[] = routes
    assert.ok(listed.some(({ from }) => from === APP))
    assert.ok(listed.every(({ from }) => from !== OTHER))
  })
})

describe('a choice', () => {
  it('can be changed by nobody: another provider, target or browser is refused', async () => {
    await using world = await twoProviders({ other: ['fake'] })
    const browser = world.browser()
    const page = await browser.open(`${APP}/`)
    const [link] = linksOf(page)
    for (const [name, value] of [
      ['pomerium_idp_id', 'partners'],
      ['pomerium_idp_id', 'fake,partners'],
      ['pomerium_redirect_uri', 'https://evil.test/'],
      ['pomerium_flow', 'x'],
      ['pomerium_choose', 'true'],
    ] as const) {
      const changed = new URL(link?.href ?? '')
      changed.searchParams.set(name, value)
      assert.equal((await browser.ask(changed)).status, 400, name)
    }
    // Followed in another browser it is a way to sign in, as whoever sits there and with that host's own
    // cookie.
    const restarts = () => world.logLines.filter((line) => line.includes('begun in another browser')).length
    assert.equal((await world.browser('bob').open(link?.href ?? '')).body, 'app sees bob')
    assert.equal(restarts(), 1)
  })

  it('of one provider is not answered by another: neither code nor state can be swapped (mix-up)', async () => {
    await using world = await twoProviders()
    const browser = world.browser()
    const page = await browser.open(`${APP}/`)
    const [own, foreign] = await Promise.all(
      ['Fake', 'Partner'].map(async (label) => {
        const link = linksOf(page).find((one) => one.label.startsWith(label))
        const authorize = await browser.openUntil(link?.href ?? '', /\/authorize/)
        const provider = label === 'Fake' ? world.provider : world.others[0]
        return provider?.approve(authorize, 'alice')
      }),
    )
    const swapped = new URL(own ?? '')
    swapped.searchParams.set('code', foreign?.searchParams.get('code') ?? '')
    assert.equal((await browser.open(swapped)).status, 401)
    assert.equal(browser.session('authenticate.example.com'), undefined)
    assert.equal((await browser.open(foreign ?? '')).body, 'app sees alice', 'the right pair still works')
  })

  it('of a provider that was taken out of the configuration meanwhile is none; of those left one needs no page', async () => {
    await using world = await twoProviders()
    const browser = world.browser()
    const signIn = await browser.openUntil(`${APP}/`, /sign_in/)
    const page = await browser.ask(signIn)
    world.others.pop()
    assert.equal((await choose(browser, page, 'Partner')).status, 500)
    assert.equal((await browser.open(signIn)).body, 'app sees alice')
  })

  it('lasts as long as a lunch', async () => {
    await using world = await twoProviders()
    const browser = world.browser()
    const page = await browser.open(`${APP}/`)
    world.now += 50 * 60_000
    assert.equal((await choose(browser, page, 'Partner')).body, 'app sees alice')
  })

  it('is asked of somebody who wants to be somebody else, although they are signed in', async () => {
    await using world = await twoProviders()
    const browser = world.browser()
    await choose(browser, await browser.open(`${APP}/`), 'Fake')
    const again = signInUrl(world, browser)
    const page = await browser.open(again)
    assert.equal(linksOf(page).length, 2)
    assert.match(page.body, /signed in as alice@example\.com/)
    browser.user = 'bob'
    assert.equal((await choose(browser, page, 'Partner')).body, 'app sees bob')
    assert.equal(
      (await world.sessionAt('app.example.com', browser.session('app.example.com')))?.idpId,
      'partners',
    )
  })
})

/** What the denial page links to. */
function signInUrl(world: World, browser: Browser): string {
  const flow = 'f'.repeat(22)
  browser.jar.keep('app.example.com', [`__Host-sallyport_flow=${flow}; Path=/; Secure`])
  return buildSignInUrl({
    authenticateUrl: AUTHENTICATE,
    redirectUri: `${APP}/`,
    idpIds: ['fake', 'partners'],
    additionalHosts: [],
    flow: flowHash(flow),
    leaves: 'the session that the page was made for',
    key: world.keys.url,
    nowMs: world.now,
  })
}

const visitsTo = (browser: Browser, origin: string) =>
  browser.trail.filter((url) => url.origin === origin && url.pathname === '/authorize').length

describe('going from an app of one provider to an app of another', () => {
  it('asks for a sign-in at each once, and keeps both sessions', async () => {
    await using world = await twoProviders({ other: ['partners'] })
    world.idsAt = (host) => (host === 'api.other.test' ? ['partners'] : ['fake'])
    const browser = world.browser()
    for (const host of [APP, OTHER, APP, 'https://x.apps.example.com', OTHER, 'https://y.apps.example.com'])
      assert.equal((await browser.open(`${host}/`)).body, 'app sees alice', host)
    assert.deepEqual([visitsTo(browser, 'https://idp.test'), visitsTo(browser, PARTNERS)], [1, 1])
    assert.equal(world.sessions.count, 2)
  })

  it('goes round and round on one host whose paths want different ones, but each time arrives', async () => {
    await using world = await twoProviders()
    const browser = world.browser()
    for (const ids of [['fake'], ['partners'], ['fake'], ['partners']]) {
      world.idsAt = () => ids
      assert.equal((await browser.open(`${APP}/`)).body, 'app sees alice')
    }
    assert.deepEqual([visitsTo(browser, 'https://idp.test'), visitsTo(browser, PARTNERS)], [1, 1])
  })

  it('arrives at a page of this very host, too, when the session of the last sign-in has ended', async () => {
    await using world = await twoProviders({ other: ['partners'] })
    world.idsAt = (host) => (host === 'api.other.test' ? ['partners'] : ['fake'])
    const browser = world.browser()
    for (const host of [APP, OTHER]) assert.equal((await browser.open(`${host}/`)).body, 'app sees alice')
    const last = await world.sessionAt(
      'authenticate.example.com',
      browser.session('authenticate.example.com'),
    )
    assert.equal(last?.idpId, 'partners')
    await world.sessions.delete(last?.id ?? '')
    world.idsAt = () => ['fake']
    const page = await browser.open(`${AUTHENTICATE}/.pomerium/routes`)
    assert.deepEqual([page.status, page.url.pathname], [200, '/.pomerium/routes'])
    assert.equal(visitsTo(browser, 'https://idp.test'), 1, 'nobody was asked again')
  })

  it('is no session cookie by another name: what remembers a session opens no page', async () => {
    await using world = await twoProviders()
    const browser = world.browser()
    await choose(browser, await browser.open(`${APP}/`), 'Partner')
    const kept = browser.jar.get('authenticate.example.com', '__Host-sallyport_at_partners')
    assert.ok(kept)
    const thief = world.browser()
    const headers = {
      cookie: `__Host-_pomerium=${kept}`,
      accept: 'application/json',
      'sec-fetch-mode': 'cors',
    }
    assert.equal((await thief.ask(`${AUTHENTICATE}/.pomerium/user`, { headers })).status, 401)
    assert.equal((await thief.ask(`${APP}/.pomerium/user`, { headers })).status, 401)
    // Nor does it pass for a session at another provider, or come twice.
    const signIn = await thief.openUntil(`${APP}/`, /sign_in/)
    for (const cookie of [
      `__Host-sallyport_at_fake=${kept}`,
      `__Host-sallyport_at_partners=${kept}; __Host-sallyport_at_partners=${kept}`,
    ])
      assert.equal(linksOf(await thief.ask(signIn, { headers: { cookie } })).length, 2, cookie)
  })

  it('ends with one sign-out for both, and nobody is signed out by somebody else’s order', async () => {
    await using world = await twoProviders({ other: ['partners'] })
    world.idsAt = (host) => (host === 'api.other.test' ? ['partners'] : ['fake'])
    const browser = world.browser()
    await browser.open(`${APP}/`)
    await browser.open(`${OTHER}/`)
    const stranger = world.browser('mallory')
    await stranger.open(`${APP}/`)
    const order = await stranger.openUntil(`${APP}/.pomerium/sign_out`, /authenticate.*sign_out/)
    assert.match((await browser.open(order)).body, /Sign out\?/)
    assert.equal(world.sessions.count, 2)
    const reply = await browser.open(`${APP}/.pomerium/sign_out`)
    assert.match(reply.body, /You are signed out/)
    assert.ok(
      browser.trail.some(({ origin, pathname }) => origin === 'https://idp.test' && pathname === '/end'),
    )
    assert.equal(world.sessions.count, 0)
    assert.equal(browser.jar.get('authenticate.example.com', '__Host-sallyport_at_partners'), undefined)
  })
})
