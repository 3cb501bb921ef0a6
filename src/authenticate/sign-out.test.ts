import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import type { Browser } from './browser.fixture.ts'
import { testConfig, World } from './world.fixture.ts'

async function signedIn(world: World, user = 'alice'): Promise<Browser> {
  const browser = world.browser(user)
  await browser.open(`${APP}/`)
  return browser
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** As long as one of Entra ID: a group is an id of 36 letters. */
function jwtOf(groups: number): string {
  const claims = {
    preferred_username: 'alice@example.com',
    groups: Array.from({ length: groups }, () => randomUUID()),
  }
  return `${part({ alg: 'RS256', kid: randomUUID() })}.${part(claims)}.${randomBytes(256).toString('base64url')}`
}

describe('signing out', () => {
  it('ends the session on every host with the first request, revokes, and goes over the provider', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    const elsewhere = browser.session('api.other.test')
    const first = await browser.ask(`${APP}/.pomerium/sign_out`)
    assert.equal(world.sessions.count, 0)
    assert.equal(await world.userAt('api.other.test', elsewhere), undefined)
    assert.deepEqual(world.provider.revoked, ['planted-refresh-token'])
    assert.match(first.setCookies.join(), /_pomerium=; Path=\/; Max-Age=0/)
    assert.match(
      first.headers['location'] ?? '',
      /^https:\/\/authenticate\.example\.com\/\.pomerium\/sign_out\?.*pomerium_signature=/,
    )
    const last = await browser.open(new URL(first.headers['location'] ?? ''))
    assert.equal(last.url.href, `${AUTHENTICATE}/.pomerium/signed_out`)
    assert.match(last.body, /You are signed out/)
    const end = browser.trail.find(({ host, pathname }) => host === 'idp.test' && pathname === '/end')
    assert.equal(end?.searchParams.get('id_token_hint'), 'planted-id-token')
    assert.equal(end.searchParams.get('post_logout_redirect_uri'), `${AUTHENTICATE}/.pomerium/signed_out`)
    assert.equal(browser.session('authenticate.example.com'), undefined)
  })

  it('makes no URL of more than 2,000 bytes for somebody in 200 groups, from any host and with other sessions', async () => {
    await using world = await World.open()
    for (const groups of [0, 8, 60, 200, 900]) {
      world.provider.idToken = jwtOf(groups)
      const browser = await signedIn(world)
      const before = browser.trail.length
      await browser.open(`${APP}/.pomerium/sign_out`)
      const urls = browser.trail.slice(before)
      for (const { href } of urls) assert.ok(href.length <= 2000, `${groups} groups: ${href.length} bytes`)
      const end = urls.find(({ host, pathname }) => host === 'idp.test' && pathname === '/end')
      const [idToken, hint] = ['id_token_hint', 'logout_hint'].map((name) => end?.searchParams.get(name))
      const isShort = world.provider.idToken.length <= 1400
      assert.deepEqual(
        [idToken, hint],
        isShort ? [world.provider.idToken, null] : [null, 'alice@example.com'],
        String(groups),
      )
    }
  })

  it('goes to signout_redirect_url, or to a page of ours, when the provider has no sign-out page', async () => {
    for (const [settings, end] of [
      ['signout_redirect_url: https://www.example.com/bye\n', 'https://www.example.com/bye'],
      ['', `${AUTHENTICATE}/.pomerium/signed_out`],
    ] as const) {
      await using world = await World.open({ config: testConfig(settings) })
      world.provider.hasEndSession = false
      const browser = await signedIn(world)
      assert.equal(
        (await browser.openUntil(`${APP}/.pomerium/sign_out`, new RegExp(end.replaceAll('.', '\\.')))).href,
        end,
      )
    }
  })

  it('is asked for on the authenticate host, and done by the button', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    const question = await browser.ask(`${AUTHENTICATE}/.pomerium/sign_out`)
    assert.match(question.body, /Sign out\?[^]*<form method="post" action="\/\.pomerium\/sign_out">/)
    assert.equal(world.sessions.count, 1)
    const headers = { origin: AUTHENTICATE, 'sec-fetch-site': 'same-origin' }
    const done = await browser.ask(`${AUTHENTICATE}/.pomerium/sign_out`, {
      method: 'POST',
      headers,
      form: {},
    })
    assert.equal(world.sessions.count, 0)
    // Not a redirect: form-action 'self' would hold it.
    assert.equal(done.status, 200)
    assert.match(done.headers['refresh'] ?? '', /^0;url=https:\/\/idp\.test\/end/)
  })

  it('by a post without an Origin of ours is refused', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    for (const headers of [
      {},
      { origin: 'null' },
      { origin: APP },
      { origin: AUTHENTICATE, 'sec-fetch-site': 'cross-site' },
    ]) {
      const reply = await browser.ask(`${AUTHENTICATE}/.pomerium/sign_out`, {
        method: 'POST',
        headers: { ...headers },
        form: {},
      })
      assert.equal(reply.status, 400)
    }
    assert.equal(world.sessions.count, 1)
  })

  it('works for whoever has no session any more', async () => {
    await using world = await World.open()
    const reply = await world.browser().open(`${APP}/.pomerium/sign_out`)
    assert.match(reply.body, /You are signed out/)
  })

  it('lets a link on a neighbouring host sign out, and asks when the link is on another site', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    const cross = await browser.open(`${APP}/.pomerium/sign_out`, {
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    assert.match(cross.body, /Sign out\?/)
    assert.equal(world.sessions.count, 1)
    await browser.open(`${APP}/.pomerium/sign_out`, { headers: { 'sec-fetch-site': 'same-site' } })
    assert.equal(world.sessions.count, 0)
  })

  it('never goes where a parameter of the link says', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    await browser.open(`${APP}/.pomerium/sign_out?pomerium_redirect_uri=https://evil.test/`)
    assert.ok(browser.trail.every(({ host }) => host !== 'evil.test'))
  })

  it('by a form that does not stand on this very host is asked about first, or refused', async () => {
    for (const headers of [
      {},
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { origin: 'https://admin.example.com' },
      { origin: `${APP}:8443` },
      { referer: 'https://evil.test/form' },
      { referer: `${APP}.evil.test/` },
      { referer: 'app.example.com' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-origin', origin: 'https://evil.test' },
      { 'sec-fetch-mode': 'cors', origin: 'https://evil.test' },
      { 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'same-site' },
    ]) {
      await using world = await World.open()
      const browser = await signedIn(world)
      await browser.ask(`${APP}/.pomerium/sign_out`, { method: 'POST', headers: { ...headers }, form: {} })
      assert.equal(world.sessions.count, 1, JSON.stringify(headers))
    }
  })

  it('by a form of the app itself is done', async () => {
    for (const headers of [
      { origin: APP },
      { referer: `${APP}/menu` },
      { 'sec-fetch-site': 'same-origin' },
    ]) {
      await using world = await World.open()
      const browser = await signedIn(world)
      await browser.ask(`${APP}/.pomerium/sign_out`, { method: 'POST', headers: { ...headers }, form: {} })
      assert.equal(world.sessions.count, 0, JSON.stringify(headers))
    }
  })

  it('by a link or an image of another site is not done, in a browser without fetch metadata either', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    for (const headers of [{ referer: 'https://evil.test/' }, { origin: 'https://evil.test' }])
      await browser.ask(`${APP}/.pomerium/sign_out`, { headers: { ...headers } })
    const head = await browser.ask(`${APP}/.pomerium/sign_out`, { method: 'HEAD' })
    assert.deepEqual([head.status, world.sessions.count], [405, 1])
    await browser.ask(`${APP}/.pomerium/sign_out`, { headers: { referer: `${APP}/menu` } })
    assert.equal(world.sessions.count, 0)
  })
})
