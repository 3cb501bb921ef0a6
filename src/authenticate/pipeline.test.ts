import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { signUrl } from '../crypto/signed-url.ts'
import { SESSION_ENCRYPTED_PARAMETER } from '../edge/sign-in-url.ts'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import type { Browser } from './browser.fixture.ts'
import { STATE_LIFETIME_MS } from './oauth-state.ts'
import { PIPELINE, type Row } from './pipeline.ts'
import { testConfig, World } from './world.fixture.ts'

const PREFETCHES = [
  ['sec-purpose', 'prefetch'],
  ['sec-purpose', 'prefetch;prerender'],
  ['sec-purpose', 'prefetch;anonymous-client-ip'],
  ['purpose', 'prefetch'],
  ['x-purpose', 'preview'],
  ['x-moz', 'prefetch'],
] as const

type Attack = (world: World) => Promise<void>

const OTHER = 'https://api.other.test'
const FETCH = { 'sec-fetch-mode': 'cors', accept: 'application/json' }
const HAND_OFF = /\/\.pomerium\/callback\//
const CALLBACK = /\/oauth2\/callback/

async function signedIn(world: World, user = 'alice'): Promise<Browser> {
  const browser = world.browser(user)
  await browser.open(`${APP}/`)
  return browser
}

async function isSignedIn(world: World, browser: Browser, host = 'app.example.com'): Promise<boolean> {
  return (await world.userAt(host, browser.session(host))) !== undefined
}

/** For each line that protects: asserts that the attack it stands against fails. */
const ATTACKS: Readonly<Record<string, Attack>> = {
  async checkMethod(world) {
    const reply = await world.browser().ask(`${APP}/.pomerium/user`, { method: 'PUT' })
    assert.equal(reply.status, 405)
  },
  async refuseServiceWorker(world) {
    const browser = await signedIn(world)
    for (const headers of [
      { 'service-worker': 'script' },
      { 'service-worker': '' },
      { 'sec-fetch-dest': 'serviceworker' },
    ])
      for (const path of ['/.pomerium/', '/.pomerium/user', '/.pomerium/routes', '/.well-known/pomerium'])
        assert.equal((await browser.ask(`${APP}${path}`, { headers })).status, 400, path)
  },
  async checkParameters(world) {
    const browser = world.browser()
    const callback = await browser.openUntil(`${APP}/`, CALLBACK)
    callback.searchParams.append('code', 'another')
    assert.equal((await browser.ask(callback)).status, 400)
  },
  async checkSameOrigin(world) {
    const browser = await signedIn(world)
    const headers = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
    await browser.ask(`${AUTHENTICATE}/.pomerium/sign_out`, { method: 'POST', headers, form: {} })
    assert.ok(await isSignedIn(world, browser))
  },
  async askCrossSite(world) {
    const browser = await signedIn(world)
    for (const mode of ['no-cors', 'navigate']) {
      const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': mode }
      await browser.open(`${APP}/.pomerium/sign_out`, { headers })
    }
    assert.ok(await isSignedIn(world, browser))
  },
  async refusePrefetch(world) {
    const browser = await signedIn(world)
    for (const [name, value] of PREFETCHES) {
      const reply = await browser.ask(`${APP}/.pomerium/sign_out`, { headers: { [name]: value } })
      assert.equal(reply.status, 400, name)
    }
    assert.ok(await isSignedIn(world, browser))
  },
  async checkSignedUrl(world) {
    const browser = world.browser()
    const signIn = await browser.openUntil(`${APP}/`, /sign_in/)
    signIn.searchParams.set('pomerium_redirect_uri', `${APP}/chosen-by-somebody-else`)
    assert.equal((await browser.ask(signIn)).status, 400)
  },
  async readTarget(world) {
    const browser = await signedIn(world)
    const signIn = await world.browser().openUntil('https://x.apps.example.com/', /sign_in/)
    // The route is taken away while its signed address is still good.
    const config = testConfig()
    world.config.current = { ...config, routes: config.routes.filter(({ origin }) => !origin.wildcard) }
    assert.equal((await browser.ask(signIn)).status, 400)
  },
  async refuseSeveralSessions(world) {
    const alice = (await signedIn(world)).session('app.example.com')
    const mallory = (await signedIn(world, 'mallory')).session('app.example.com')
    for (const [first, second] of [[alice, mallory] as const, [mallory, alice] as const]) {
      const headers = { ...FETCH, cookie: `__Host-_pomerium=${first}; __Host-_pomerium=${second}` }
      assert.equal((await world.browser().ask(`${APP}/.pomerium/user`, { headers })).status, 400)
    }
  },
  async consultDirectory(world) {
    const browser = await signedIn(world)
    world.directory.set('alice', 'deactivated')
    for (const path of ['user', 'routes', 'api/v1/routes', ''])
      assert.equal((await browser.ask(`${APP}/.pomerium/${path}`)).status, 403, path)
    const signIn = await browser.openUntil('https://x.apps.example.com/', /sign_in/)
    assert.equal((await browser.ask(signIn)).status, 403)
  },
  async readReturnAddress(world) {
    const browser = await signedIn(world)
    for (const address of [
      'https://evil.test/',
      'http://localhost.evil.test/',
      'http://localhost@evil.test/',
    ]) {
      const asked = `${APP}/.pomerium/api/v1/login?pomerium_redirect_uri=${encodeURIComponent(address)}`
      assert.equal((await browser.ask(asked)).status, 400, address)
    }
  },
  async askUnlessJustSignedIn(world) {
    const browser = await signedIn(world)
    world.now += 1000
    const asked = `${APP}/.pomerium/api/v1/login?pomerium_redirect_uri=http://localhost:5000/`
    const page = await browser.ask((await world.browser('mallory').ask(asked)).body)
    assert.deepEqual([page.status, page.headers['location']], [200, undefined])
  },
  async requireSession(world) {
    for (const path of ['user', 'routes', 'api/v1/routes']) {
      const reply = await world.browser().ask(`${APP}/.pomerium/${path}`, { headers: FETCH })
      assert.equal(reply.status, 401, path)
    }
  },
  async refusePrograms(world) {
    const signIn = await world.browser().openUntil(`${APP}/`, /sign_in/)
    assert.equal((await world.browser().ask(signIn, { headers: FETCH })).status, 401)
  },
  async readState(world) {
    const browser = world.browser()
    const callback = await browser.openUntil(`${APP}/`, CALLBACK)
    callback.searchParams.set('state', 's1.AAAA')
    assert.equal((await browser.ask(callback)).status, 400)
  },
  async checkStateBrowser(world) {
    const callback = await world.browser('mallory').openUntil(`${APP}/`, CALLBACK)
    const victim = world.browser('victim')
    await victim.openUntil(`${APP}/`, CALLBACK)
    assert.equal((await victim.open(callback)).status, 400)
    assert.equal(world.sessions.count, 0)
  },
  async checkStateAge(world) {
    const browser = world.browser()
    const callback = await browser.openUntil(`${APP}/`, CALLBACK)
    world.now += STATE_LIFETIME_MS + 1000
    await browser.ask(callback)
    assert.equal(world.sessions.count, 0)
  },
  async claimState(world) {
    const browser = world.browser()
    const authorize = await browser.openUntil(`${APP}/`, /idp\.test\/authorize/)
    const before = browser.jar.header('authenticate.example.com')
    await browser.ask(world.provider.approve(authorize, 'alice'))
    browser.jar.restore('authenticate.example.com', before)
    assert.equal((await browser.ask(world.provider.approve(authorize, 'mallory'))).status, 400)
    assert.equal(world.sessions.count, 1)
  },
  async exchangeCode(world) {
    const browser = world.browser()
    const callback = await browser.openUntil(`${APP}/`, CALLBACK)
    callback.searchParams.set('code', 'stolen')
    assert.equal((await browser.ask(callback)).status, 401)
  },
  async checkDemand(world) {
    const browser = world.browser()
    world.demand = { maxAge: 60_000, acrValues: [] }
    world.provider.signInFacts = () => ({ authenticatedAt: world.now - 3_600_000 })
    await browser.ask(await browser.openUntil(`${APP}/`, CALLBACK))
    assert.equal(world.sessions.count, 0)
  },
  async readHandOff(world) {
    const browser = world.browser()
    const handOff = await browser.openUntil(`${APP}/`, HAND_OFF)
    handOff.searchParams.set(SESSION_ENCRYPTED_PARAMETER, 's1.AAAA')
    assert.equal((await browser.ask(signUrl(handOff, world.keys.url, world.now))).status, 400)
  },
  async checkHandOffHost(world) {
    const browser = world.browser()
    const handOff = await browser.openUntil(`${APP}/`, HAND_OFF)
    handOff.host = new URL(OTHER).host
    browser.jar.set(
      handOff.host,
      '__Host-sallyport_flow',
      browser.jar.get('app.example.com', '__Host-sallyport_flow') ?? '',
    )
    await browser.ask(signUrl(handOff, world.keys.url, world.now))
    assert.equal(await isSignedIn(world, browser, 'api.other.test'), false)
  },
  async checkHandOffAge(world) {
    const browser = world.browser()
    const handOff = await browser.openUntil(`${APP}/`, HAND_OFF)
    world.now += 61_000
    await browser.ask(handOff)
    assert.equal(await isSignedIn(world, browser), false)
  },
  async checkFlow(world) {
    const handOff = await world.browser('mallory').openUntil(`${APP}/`, HAND_OFF)
    const victim = world.browser('victim')
    await victim.openUntil(`${APP}/`, /sign_in/)
    await victim.ask(handOff)
    assert.equal(await isSignedIn(world, victim), false)
  },
  async claimHandOff(world) {
    const browser = world.browser()
    const handOff = await browser.openUntil(`${APP}/`, HAND_OFF)
    const before = browser.jar.header('app.example.com')
    await browser.ask(handOff)
    assert.ok(await isSignedIn(world, browser))
    browser.jar.restore('app.example.com', before)
    await browser.ask(handOff)
    assert.equal(await isSignedIn(world, browser), false)
  },
  async askUnlessOrdered(world) {
    const browser = await signedIn(world)
    await browser.open(`${AUTHENTICATE}/.pomerium/sign_out`)
    assert.ok(await isSignedIn(world, browser))
    // Mallory's own order, sent to somebody else.
    const order = await (await signedIn(world, 'mallory')).openUntil(
      `${APP}/.pomerium/sign_out`,
      /sign_out\?/,
    )
    await browser.open(order)
    assert.ok(await isSignedIn(world, browser))
  },
}

describe('each protecting line of the pipeline', () => {
  const lines = PIPELINE.filter((row) => row.isProtection)

  it('has an attack, and each attack a line', () => {
    assert.deepEqual(lines.map(({ step }) => step.name).toSorted(), Object.keys(ATTACKS).toSorted())
  })

  for (const line of lines) {
    const attack = ATTACKS[line.step.name]
    if (attack === undefined) continue
    it(`${line.step.name}: its attack fails, and would not without it`, async () => {
      await inWorld(PIPELINE, attack)
      const without = PIPELINE.filter((row) => row !== line)
      await assert.rejects(inWorld(without, attack), assert.AssertionError)
    })
  }
})

async function inWorld(pipeline: readonly Row[], attack: Attack): Promise<void> {
  await using world = await World.open({ pipeline })
  await attack(world)
}
