import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import type { Browser } from './browser.fixture.ts'
import { testConfig, World } from './world.fixture.ts'

const LOCAL = 'http://127.0.0.1:43210/'
const JSON_PLEASE = { 'sec-fetch-mode': 'cors', accept: 'application/json' }
const TOKEN = /[?&]pomerium_jwt=/

const loginAt = (address: string, host = APP) =>
  `${host}/.pomerium/api/v1/login?pomerium_redirect_uri=${encodeURIComponent(address)}`

/** What the program does, and then its user in the browser. */
async function tokenFor(world: World, browser: Browser, address = LOCAL, host = APP): Promise<string> {
  const { status, body } = await world.browser().ask(loginAt(address, host))
  assert.equal(status, 200)
  const arrival = await browser.openUntil(body, TOKEN)
  assert.ok(arrival.href.startsWith(address), arrival.href)
  return arrival.searchParams.get('pomerium_jwt') ?? ''
}

async function statusesWith(world: World, token: string): Promise<readonly number[]> {
  const forms = [
    { authorization: `Pomerium ${token}` },
    { authorization: `Bearer Pomerium-${token}` },
    { 'x-pomerium-authorization': token },
  ]
  const replies = forms.map((form) =>
    world.browser().ask(`${APP}/.pomerium/user`, { headers: { ...form, ...JSON_PLEASE } }),
  )
  return (await Promise.all(replies)).map(({ status }) => status)
}

describe('a program whose user signs in by a browser', () => {
  it('gets a token that names the user, in each of the headers', async () => {
    await using world = await World.open()
    const token = await tokenFor(world, world.browser('alice'))
    const headers = { authorization: `Pomerium ${token}` }
    const user = await world.browser().ask(`${APP}/.pomerium/user`, { headers })
    assert.equal(JSON.parse(user.body).sub, 'alice')
    const routes = await world.browser().ask(`${APP}/.pomerium/api/v1/routes`, { headers })
    assert.ok(JSON.parse(routes.body).routes.length > 0)
    assert.deepEqual(await statusesWith(world, token), [200, 200, 200])
  })
  it('reads in the token until when it is good, and nothing that opens the session elsewhere', async () => {
    await using world = await World.open()
    const token = await tokenFor(world, world.browser('alice'))
    const claims = decodeJwt(token)
    const session = await world.sessions.find(String(claims['sid']))
    assert.equal(claims.exp, Math.floor((session?.expiresAt ?? 0) / 1000))
    assert.deepEqual([claims.iss, claims.aud], [AUTHENTICATE, 'app.example.com'])
    const headers = { authorization: `Pomerium ${token}`, ...JSON_PLEASE }
    for (const host of ['https://api.other.test', AUTHENTICATE])
      assert.equal((await world.browser().ask(`${host}/.pomerium/user`, { headers })).status, 401, host)
    const cookie = { cookie: `__Host-_pomerium=${token}`, ...JSON_PLEASE }
    assert.equal((await world.browser().ask(`${APP}/.pomerium/user`, { headers: cookie })).status, 401)
  })
  it('is signed out with its user', async () => {
    await using world = await World.open()
    const browser = world.browser('alice')
    const token = await tokenFor(world, browser)
    await browser.open(`${APP}/.pomerium/sign_out`)
    assert.deepEqual(await statusesWith(world, token), [401, 401, 401])
  })
  it('is asked about where somebody is signed in already, and gets its token on yes', async () => {
    await using world = await World.open()
    const browser = world.browser('alice')
    await browser.open(`${APP}/`)
    world.now += 5000
    const { body: address } = await world.browser().ask(loginAt(`${LOCAL}?state=x`))
    const question = await browser.ask(address)
    assert.equal(question.status, 200)
    assert.match(question.body, /127\.0\.0\.1:43210/)
    assert.match(question.body, /alice@example\.com/)
    const [, yes = ''] = /href="([^"]*pomerium_consent[^"]*)"/.exec(question.body) ?? []
    const agreed = yes.replaceAll('&amp;', '&')
    const arrival = await browser.openUntil(agreed, TOKEN)
    assert.equal(arrival.searchParams.get('state'), 'x')
    assert.deepEqual(
      await statusesWith(world, arrival.searchParams.get('pomerium_jwt') ?? ''),
      [200, 200, 200],
    )
    // The yes of one person is none of another.
    const other = world.browser('bob')
    await other.open(`${APP}/`)
    assert.equal((await other.ask(agreed)).headers['location'], undefined)
  })
  it('is asked about where somebody has signed in meanwhile, for something else or in another browser', async () => {
    await using world = await World.open()
    const { body: address } = await world.browser().ask(loginAt(LOCAL))
    const signingIn = await world.browser('mallory').openUntil(address, /sign_in/)
    const target = signingIn.searchParams.get('pomerium_redirect_uri') ?? ''
    world.now += 5000
    const browser = world.browser('alice')
    await browser.open(`${APP}/`)
    for (const url of [address, target])
      assert.equal((await browser.ask(url)).headers['location'], undefined, url)
  })
  it('is no browser: a script that opens the page itself is told to sign in', async () => {
    await using world = await World.open()
    const { body: address } = await world.browser().ask(loginAt(LOCAL))
    assert.equal((await world.browser().ask(address, { headers: JSON_PLEASE })).status, 401)
  })
  it('is sent to no address that is not allowed, and none that browsers read otherwise', async () => {
    await using world = await World.open({
      config: testConfig('programmatic_redirect_domain_whitelist: [localhost, tools.example.com]\n'),
    })
    const good = [
      'http://localhost:1/',
      'http://localhost/cb?x=1',
      'http://app.localhost:8000/',
      'http://127.9.9.9:5/',
      'http://[::1]:5/',
      'https://tools.example.com/cb',
    ]
    for (const address of good)
      assert.equal((await world.browser().ask(loginAt(address))).status, 200, address)
    const bad = [
      'https://evil.test/',
      'http://tools.example.com/cb',
      'https://tools.example.com.evil.test/',
      'https://x.tools.example.com/',
      'http://localhost.evil.test/',
      'http://127.0.0.1.evil.test/',
      'http://user@localhost/',
      'http://localhost:80@evil.test/',
      String.raw`http://localhost\@evil.test/`,
      'http://localhost/#x',
      'javascript:alert(1)',
      'myapp://localhost/',
      '//localhost/',
      'http://localhost/\n',
      'http://l%C3%B6calhost/',
      `http://localhost/${'x'.repeat(2048)}`,
    ]
    for (const address of bad)
      assert.equal((await world.browser().ask(loginAt(address))).status, 400, address)
    assert.equal((await world.browser().ask(`${APP}/.pomerium/api/v1/login`)).status, 404)
    assert.equal((await world.browser().ask(loginAt(LOCAL), { method: 'POST' })).status, 405)
  })
  it('is nowhere allowed where the list is empty, also with an address from before', async () => {
    await using world = await World.open()
    const browser = world.browser('alice')
    const { body: address } = await world.browser().ask(loginAt(LOCAL))
    world.config.current = testConfig('programmatic_redirect_domain_whitelist: []\n')
    assert.equal((await world.browser().ask(loginAt(LOCAL))).status, 400)
    assert.equal((await browser.open(address)).status, 400)
  })
  it('gets nothing by an address that is altered or too old', async () => {
    await using world = await World.open()
    const browser = world.browser('alice')
    const { body } = await world.browser().ask(loginAt(LOCAL))
    const altered = new URL(body)
    altered.searchParams.set('pomerium_redirect_uri', 'http://localhost:1/')
    assert.equal((await browser.ask(altered)).status, 400)
    world.now += 3_700_000
    assert.equal((await browser.ask(body)).status, 400)
  })
  it('works on the host of the sign-in pages, for what is there', async () => {
    await using world = await World.open()
    const token = await tokenFor(world, world.browser('alice'), LOCAL, AUTHENTICATE)
    const headers = { authorization: `Pomerium ${token}` }
    assert.equal((await world.browser().ask(`${AUTHENTICATE}/.pomerium/user`, { headers })).status, 200)
    assert.deepEqual(await statusesWith(world, token), [401, 401, 401])
  })
})
