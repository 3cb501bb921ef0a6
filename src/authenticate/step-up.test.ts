import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import type { Browser } from './browser.fixture.ts'
import { testConfig, World } from './world.fixture.ts'

const OTHER = 'https://api.other.test'
const MINUTE = 60_000

const askedAtProvider = (browser: Browser) =>
  browser.trail.filter(({ hostname }) => hostname === 'idp.test').length

/** A provider that asks anew whoever showed longer ago who they are than it is told. */
function honest(world: World): void {
  let last = 0
  world.provider.signInFacts = ({ maxAge, isForced }) => {
    if (last === 0 || isForced === true || (maxAge !== undefined && world.now - last >= maxAge))
      last = world.now
    return { authenticatedAt: last }
  }
}

async function signedIn(world: World, user = 'alice'): Promise<Browser> {
  const browser = world.browser(user)
  assert.equal((await browser.open(`${APP}/`)).status, 200)
  return browser
}

describe('a route with max_age', () => {
  it('sends somebody who signed in too long ago to the provider once, and keeps the session under its id', async () => {
    await using world = await World.open()
    honest(world)
    const browser = await signedIn(world)
    await browser.open(`${OTHER}/`)
    const before = await world.sessionAt('app.example.com', browser.session('app.example.com'))
    world.now += 20 * MINUTE
    world.demand = { maxAge: 15 * MINUTE, acrValues: [] }
    assert.equal((await browser.open(`${APP}/admin`)).status, 200)
    const after = await world.sessionAt('app.example.com', browser.session('app.example.com'))
    assert.equal(after?.id, before?.id)
    assert.deepEqual([after?.authenticatedAt, after?.issuedAt], [world.now, world.now])
    assert.ok((after?.expiresAt ?? 0) > (before?.expiresAt ?? 0))
    assert.equal(askedAtProvider(browser), 2)
    assert.deepEqual(world.provider.demands.at(-1), {
      maxAge: 15 * MINUTE,
      acrValues: [],
      isForced: false,
      isSwitch: false,
    })
    // The other host has the same session, and asks for nothing more.
    assert.equal((await browser.open(`${OTHER}/`)).status, 200)
    assert.equal(askedAtProvider(browser), 2)
    assert.equal(world.sessions.count, 1)
  })

  it('lets a recent session of the sign-in page’s host in without asking the provider', async () => {
    await using world = await World.open()
    honest(world)
    const browser = await signedIn(world)
    world.now += 10 * MINUTE
    world.demand = { maxAge: 15 * MINUTE, acrValues: [] }
    assert.equal((await browser.open('https://x.apps.example.com/')).status, 200)
    assert.equal(askedAtProvider(browser), 1)
  })

  it('does not go round when the provider, which counts in seconds, takes for recent what is just too old', async () => {
    await using world = await World.open()
    const old = world.now
    world.provider.signInFacts = ({ isForced }) => ({
      authenticatedAt: isForced === true ? world.now : old + 900,
    })
    const browser = await signedIn(world)
    world.now += 15 * MINUTE
    world.demand = { maxAge: 15 * MINUTE, acrValues: [] }
    assert.equal((await browser.open(`${APP}/`)).status, 200)
    assert.equal(askedAtProvider(browser), 3)
  })

  it('ends in a page when the provider lets in by an old sign-in even when told not to', async () => {
    await using world = await World.open()
    const old = world.now
    world.provider.signInFacts = () => ({ authenticatedAt: old })
    const browser = await signedIn(world)
    world.now += 20 * MINUTE
    world.demand = { maxAge: 15 * MINUTE, acrValues: [] }
    const reply = await browser.open(`${APP}/`)
    assert.equal(reply.status, 403)
    assert.match(reply.body, /This app needs another sign-in/)
    assert.match(reply.body, /Try again/)
    assert.deepEqual(
      world.provider.demands.map(({ isForced }) => isForced),
      [false, false, true],
    )
    world.demand = { acrValues: [] }
    assert.equal((await browser.open(`${APP}/`)).status, 200, 'and the session goes on')
  })

  it('asks again in terms that leave no choice where the provider has passed over max_age', async () => {
    await using world = await World.open()
    const old = world.now
    world.provider.signInFacts = ({ isForced }) => ({ authenticatedAt: isForced === true ? world.now : old })
    const browser = await signedIn(world)
    world.now += 20 * MINUTE
    world.demand = { maxAge: 15 * MINUTE, acrValues: [] }
    assert.equal((await browser.open(`${APP}/`)).status, 200)
  })

  it('takes the time of the return for the sign-in where the provider never says when it was', async () => {
    await using world = await World.open()
    world.demand = { maxAge: 15 * MINUTE, acrValues: [] }
    const browser = await signedIn(world)
    world.now += 20 * MINUTE
    assert.equal((await browser.open(`${APP}/`)).status, 200)
    assert.deepEqual(
      world.provider.demands.map(({ isForced }) => isForced),
      [false, true, false, true],
      'but only after it was told to ask, in one more round',
    )
    const hosts = browser.trail.map(({ hostname }) => hostname)
    const [first, second] = hosts.flatMap((host, at) => (host === 'idp.test' ? [at] : []))
    assert.ok(!hosts.slice(first, second).includes('app.example.com'), 'which begins before the app is asked')
  })

  it('is opened by nobody whom such a provider knew from before, with whatever cookies they come', async () => {
    await using world = await World.open()
    const first = await signedIn(world)
    world.demand = { maxAge: 15 * MINUTE, acrValues: [] }
    for (const browser of [first, world.browser('alice')]) {
      const before = world.provider.demands.length
      assert.equal((await browser.open(`${OTHER}/admin`)).status, 200)
      const asked = world.provider.demands.slice(before)
      assert.ok(asked.length <= 2, 'in one more round at most')
      assert.equal(asked.at(-1)?.isForced, true)
    }
  })

  it('gives somebody else a session of their own, and ends the one that was to be renewed', async () => {
    await using world = await World.open()
    honest(world)
    const browser = await signedIn(world)
    const alices = await world.sessionAt('app.example.com', browser.session('app.example.com'))
    world.now += 20 * MINUTE
    world.demand = { maxAge: 15 * MINUTE, acrValues: [] }
    browser.user = 'bob'
    assert.match((await browser.open(`${APP}/`)).body, /app sees bob/)
    assert.equal(await world.sessions.find(alices?.id ?? ''), undefined)
    assert.equal(world.sessions.count, 1)
  })

  it('makes a new session when the old one was signed out while the provider was asked', async () => {
    await using world = await World.open()
    honest(world)
    const browser = await signedIn(world)
    const before = await world.sessionAt('app.example.com', browser.session('app.example.com'))
    world.now += 20 * MINUTE
    world.demand = { maxAge: 15 * MINUTE, acrValues: [] }
    const callback = await browser.openUntil(`${APP}/`, /oauth2\/callback/)
    await world.sessions.delete(before?.id ?? '')
    assert.equal((await browser.open(callback)).status, 200)
    const after = await world.sessionAt('app.example.com', browser.session('app.example.com'))
    assert.notEqual(after?.id, before?.id)
  })

  it('does not take the demand from an address that was altered', async () => {
    await using world = await World.open()
    honest(world)
    const browser = await signedIn(world)
    world.now += 20 * MINUTE
    world.demand = { maxAge: 15 * MINUTE, acrValues: ['phr'] }
    const changes: readonly ((url: URL) => void)[] = [
      (url) => url.searchParams.delete('pomerium_max_age'),
      (url) => url.searchParams.set('pomerium_max_age', '999999'),
      (url) => url.searchParams.append('pomerium_max_age', '999999'),
      (url) => url.searchParams.delete('pomerium_acr_values'),
      (url) => url.searchParams.set('pomerium_acr_values', 'pwd phr'),
    ]
    for (const change of changes) {
      const signIn = await browser.openUntil(`${APP}/`, /sign_in/)
      change(signIn)
      assert.equal((await browser.ask(signIn)).status, 400, change.toString())
    }
  })

  it('is not satisfied by an answer that comes twice', async () => {
    await using world = await World.open()
    honest(world)
    const browser = await signedIn(world)
    world.now += 20 * MINUTE
    world.demand = { maxAge: 15 * MINUTE, acrValues: [] }
    const before = browser.jar.header('authenticate.example.com')
    const callback = await browser.openUntil(`${APP}/`, /oauth2\/callback/)
    await browser.ask(callback)
    world.now += 16 * MINUTE
    browser.jar.restore('authenticate.example.com', before)
    assert.equal((await browser.open(callback)).status, 400)
  })
})

describe('a route with acr_values', () => {
  it('takes each of them, and sends those who signed in otherwise to the provider', async () => {
    await using world = await World.open()
    world.provider.signInFacts = ({ acrValues = [] }) => ({
      authenticatedAt: world.now,
      acr: acrValues.includes('phr') ? 'phr' : 'pwd',
    })
    const browser = await signedIn(world)
    world.demand = { acrValues: ['phrh', 'phr'] }
    assert.equal((await browser.open(`${APP}/`)).status, 200)
    assert.deepEqual(world.provider.demands.at(-1)?.acrValues, ['phrh', 'phr'])
    const session = await world.sessionAt('app.example.com', browser.session('app.example.com'))
    assert.equal(session?.acr, 'phr')
  })

  it('opens where the provider tells of a strong sign-in only when somebody has just signed in', async () => {
    await using world = await World.open()
    world.provider.signInFacts = ({ isForced }) => ({ acr: isForced === true ? '1' : '0' })
    const browser = await signedIn(world)
    world.demand = { acrValues: ['1'] }
    assert.equal((await browser.open(`${APP}/`)).status, 200)
  })

  it('ends in a page when the provider brings another or none', async () => {
    for (const acr of ['pwd', undefined]) {
      await using world = await World.open()
      world.provider.signInFacts = () => (acr === undefined ? {} : { acr })
      world.demand = { acrValues: ['phr'] }
      const reply = await world.browser().open(`${APP}/`)
      assert.equal(reply.status, 403)
      assert.match(reply.body, /stronger way of signing in/)
      assert.equal(world.sessions.count, 0)
      assert.deepEqual(
        world.provider.demands.map(({ isForced }) => isForced),
        [false, true],
      )
    }
  })

  it('ends in a page when the provider says that it can not be met', async () => {
    await using world = await World.open()
    world.demand = { acrValues: ['phr'] }
    const browser = world.browser()
    const callback = await browser.openUntil(`${APP}/`, /oauth2\/callback/)
    callback.searchParams.delete('code')
    callback.searchParams.set('error', 'unmet_authentication_requirements')
    const reply = await browser.open(callback)
    assert.deepEqual([reply.status, reply.url.origin], [403, AUTHENTICATE])
    assert.match(reply.body, /stronger way of signing in than your account has/)
  })
})

describe('a session that nobody has used for longer than `session_idle_timeout`', () => {
  it('is nobody’s on our own pages, and is not handed on', async () => {
    await using world = await World.open({ config: testConfig('session_idle_timeout: 15m\n') })
    honest(world)
    const browser = await signedIn(world)
    const user = () =>
      browser.ask(`${APP}/.pomerium/user`, {
        headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' },
      })
    world.now += 15 * MINUTE - 1
    assert.equal((await user()).status, 200)
    world.now += 1
    assert.equal((await user()).status, 401)
    const before = askedAtProvider(browser)
    await browser.open('https://x.apps.example.com/')
    assert.equal(askedAtProvider(browser), before + 1)
  })
})
