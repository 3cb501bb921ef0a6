import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../config/parse.ts'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import type { Browser } from './browser.fixture.ts'
import { testConfig, World } from './world.fixture.ts'

async function signedIn(world: World, user = 'alice'): Promise<Browser> {
  const browser = world.browser(user)
  await browser.open(`${APP}/`)
  return browser
}

const PATHS = [
  '/.pomerium/',
  '/.pomerium',
  '/.pomerium/user',
  '/.pomerium/routes',
  '/.pomerium/api/v1/routes',
]

describe('our own pages', () => {
  it('never show a token, are not stored, not framed, and escape what the provider says (attack 38)', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    for (const origin of [APP, AUTHENTICATE]) {
      for (const path of PATHS) {
        const reply = await browser.ask(origin + path)
        assert.equal(reply.status, 200, path)
        assert.doesNotMatch(reply.body, /planted-(access|refresh|id)-token/)
        assert.equal(reply.headers['cache-control'], 'no-store')
        assert.equal(reply.headers['x-frame-options'], 'DENY')
        assert.equal(reply.headers['access-control-allow-origin'], undefined)
        assert.doesNotMatch(
          reply.body,
          reply.headers['content-type']?.startsWith('text/html') ? /<script|<i>/ : /$^/,
        )
      }
    }
    assert.doesNotMatch(world.logLines.join(''), /planted-|v1\.[\w-]{22}\./)
  })

  it('say who I am', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    const reply = await browser.ask(`${APP}/.pomerium/`)
    assert.match(
      reply.body,
      /&lt;i&gt;alice&lt;\/i&gt;[^]*alice@example\.com[^]*staff[^]*14 h left[^]*sign_out/,
    )
    const { sub, email, groups, ...rest } = JSON.parse((await browser.ask(`${APP}/.pomerium/user`)).body)
    assert.deepEqual({ sub, email, groups }, { sub: 'alice', email: 'alice@example.com', groups: ['staff'] })
    for (const name of ['iss', 'aud', 'exp', 'iat', 'jti']) assert.equal(rest[name], undefined)
  })

  it('show times that the provider tells as dates', async () => {
    await using world = await World.open()
    const { body } = await (await signedIn(world)).ask(`${APP}/.pomerium/`)
    assert.match(body, /updated_at[^]{0,80}2030-01-01 00:00 UTC/)
    assert.match(body, /badge[^]{0,40}1893456000/)
  })

  it('tell the scripts of an app only the groups that the app is told', async () => {
    for (const [settings, groups] of [
      ['', ['staff']],
      ['jwt_groups_filter: []', []],
      ['jwt_groups_filter: { prefixes: [st] }', ['staff']],
      ['jwt_groups_filter: { mentioned: true }', []],
    ] as const) {
      await using world = await World.open({ config: testConfig(`${settings}\n`) })
      const browser = await signedIn(world)
      assert.deepEqual(JSON.parse((await browser.ask(`${APP}/.pomerium/user`)).body).groups, groups)
    }
  })

  it('show the groups that the directory knows', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    world.directory.set('alice', ['staff', 'directors'])
    assert.match((await browser.ask(`${APP}/.pomerium/`)).body, /directors/)
    const { groups } = JSON.parse((await browser.ask(`${APP}/.pomerium/user`)).body)
    assert.deepEqual(groups, ['staff', 'directors'])
  })

  it('say that I am not signed in, and where to do it', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const reply = await browser.ask(`${APP}/.pomerium/`)
    assert.match(reply.body, /You are not signed in[^]*href="\/\.pomerium\/routes"/)
    // Following that link signs in and comes back.
    const portal = await browser.open(`${APP}/.pomerium/routes`)
    assert.match(portal.body, /Your apps/)
    assert.equal(portal.url.href, `${APP}/.pomerium/routes`)
  })

  it('sign in on the authenticate host without a hand-off', async () => {
    await using world = await World.open()
    const reply = await world.browser().open(`${AUTHENTICATE}/.pomerium/routes`)
    assert.equal(reply.url.href, `${AUTHENTICATE}/.pomerium/routes`)
    assert.match(reply.body, /Your apps/)
  })

  it('list the routes that I may open, and no other', async () => {
    await using world = await World.open()
    const browser = await signedIn(world)
    const page = await browser.ask(`${APP}/.pomerium/routes`)
    assert.match(
      page.body,
      /<a href="https:\/\/app\.example\.com\/">[^]*<strong dir="auto">App &lt;1&gt;<\/strong>/,
    )
    assert.doesNotMatch(page.body, /admin\.example\.com/)
    assert.doesNotMatch(page.body, /href="[^"]*\*/)
    const api = JSON.parse((await browser.ask(`${APP}/.pomerium/api/v1/routes`)).body)
    assert.deepEqual(
      api.routes.map(({ from }: { from: string }) => from),
      [APP, 'https://api.other.test', 'https://*.apps.example.com'],
    )
    assert.deepEqual(Object.keys(api.routes[0]), [
      'id',
      'name',
      'type',
      'from',
      'description',
      'connect_command',
      'logo_url',
    ])
    const root = JSON.parse(
      (await (await signedIn(world, 'root')).ask(`${APP}/.pomerium/api/v1/routes`)).body,
    )
    assert.equal(root.routes.length, 4)
  })
})

/** The portal of somebody who may open these routes, and its answer to a search. */
async function portalOf(routes: readonly object[], query = '') {
  const config = testConfig()
  const document = {
    authenticate_service_url: AUTHENTICATE,
    idp_provider: 'oidc',
    idp_provider_url: 'https://idp.test',
    idp_client_id: 'client',
    idp_client_secret: 'secret',
    routes: routes.map((route, index) => ({
      from: `https://a${index}.example.com`,
      to: 'http://127.0.0.1:1',
      allow_any_authenticated_user: true,
      ...route,
    })),
  }
  const parsed = parseConfig(JSON.stringify(document), { file: 'config.yaml' })
  assert.ok('config' in parsed, JSON.stringify(parsed))
  await using world = await World.open({ config: { ...config, routes: parsed.config.routes } })
  const browser = world.browser()
  await browser.open(`${AUTHENTICATE}/.pomerium/routes`)
  const reply = await browser.ask(`${AUTHENTICATE}/.pomerium/routes${query}`)
  const found = [...reply.body.matchAll(/<(?:h2|strong) dir="auto">([^<]*)|<h2>(Other[^<]*)/g)]
  return { ...reply, named: found.map(([, one, other]) => one ?? other) }
}

const named = (...names: readonly string[]) => names.map((name) => ({ name }))

const logo = (logo_url: string) => ({ logo_url })

describe('the portal', () => {
  const TWELVE = named('Grafana', 'Wiki', 'Café', ...'A B C D E F G H I'.split(' '))

  it('is searched where there are many apps, by all words of what a tile says', async () => {
    assert.match((await portalOf(TWELVE)).body, /<form class="search" role="search" method="get"/)
    assert.doesNotMatch((await portalOf(named('A'))).body, /role="search"/)
    for (const [query, found] of [
      ['?q=graf', ['Grafana']],
      ['?q=+WIKI+', ['Wiki']],
      ['?q=cafe', ['Café']],
      ['?q=a1.example+wiki', ['Wiki']],
      ['?q=nothing', []],
    ] as const)
      assert.deepEqual((await portalOf(TWELVE, query)).named, found, query)
    const { body } = await portalOf(TWELVE, `?q=${encodeURIComponent('"><script>alert(1)</script>')}`)
    assert.doesNotMatch(body, /<script/)
    assert.match(body, /Show all/)
  })

  it('puts apps under their sections, and those without one last', async () => {
    const routes = [
      { name: 'Loose' },
      { name: 'Grafana', portal_section: 'Monitoring' },
      { name: 'Wiki', portal_section: 'Writing' },
      { name: 'Loki', portal_section: 'Monitoring' },
    ]
    assert.deepEqual((await portalOf(routes)).named, [
      'Monitoring',
      'Grafana',
      'Loki',
      'Writing',
      'Wiki',
      'Other apps',
      'Loose',
    ])
  })

  it('leaves out what is hidden, and the sign-in provider', async () => {
    const provider = { from: 'https://idp.test', name: 'Provider' }
    const routes = [...named('Shown'), { name: 'Hidden', portal_hidden: true }]
    assert.deepEqual((await portalOf([...routes, provider])).named, ['Shown'])
    assert.deepEqual((await portalOf([{ ...provider, portal_hidden: false }])).named, ['Provider'])
  })

  it('shows icons from their own addresses and from nowhere else', async () => {
    const { body, headers } = await portalOf([
      logo('https://cdn.example.com/a.svg'),
      logo('https://cdn.example.com/b.svg'),
      logo('data:image/svg+xml,<svg/>'),
      logo('data:text/html,<script>alert(1)</script>'),
      logo('http://plain.example.com/x.png'),
      logo('https://evil.test;script-src/x.png'),
    ])
    assert.match(headers['content-security-policy'] ?? '', /img-src data: https:\/\/cdn\.example\.com;/)
    assert.doesNotMatch(headers['content-security-policy'] ?? '', /script-src|plain|text/)
    assert.equal(body.match(/<img /g)?.length, 4)
    assert.doesNotMatch(body, /<script|text\/html|plain\.example\.com\/x/)
    const many = await portalOf(
      Array.from({ length: 61 }, (_, index) => logo(`https://h${index}.test/x.png`)),
    )
    assert.match(many.headers['content-security-policy'] ?? '', /img-src data: https:;/)
  })
})

describe('addresses', () => {
  it('lead from the root of the authenticate host to its page', async () => {
    await using world = await World.open()
    assert.equal((await world.browser().open(`${AUTHENTICATE}/`)).url.href, `${AUTHENTICATE}/.pomerium/`)
  })

  it('that are not ours are 404: unknown hosts, unknown pages, pages of the other kind of host', async () => {
    await using world = await World.open()
    const browser = world.browser()
    for (const [url, host] of [
      [`${APP}/.pomerium/`, 'unknown.test'],
      [`${APP}/.pomerium/`, '127.0.0.1'],
      [`${APP}/.pomerium/nothing`, ''],
      [`${APP}/.pomerium/jwt`, ''],
      [`${APP}/.pomerium/signed_out`, ''],
      [`${APP}/.pomerium/user/`, ''],
      [`${AUTHENTICATE}/.pomerium/callback/flow`, ''],
      [`${AUTHENTICATE}/anything`, ''],
      [`${AUTHENTICATE}/ping`, ''],
    ] as const) {
      const reply = await browser.ask(url, { headers: host === '' ? {} : { host } })
      assert.equal(reply.status, 404, `${url} ${host}`)
    }
  })

  it('answer other methods 405 with those they have, and HEAD as GET without a body', async () => {
    await using world = await World.open()
    const browser = world.browser()
    const refused = await browser.ask(`${APP}/.pomerium/`, { method: 'DELETE' })
    assert.equal(refused.status, 405)
    assert.equal(refused.headers['allow'], 'GET, HEAD')
    const head = await browser.ask(`${APP}/.pomerium/`, { method: 'HEAD' })
    assert.deepEqual([head.status, head.body], [200, ''])
    assert.equal((await browser.ask(`${APP}/.pomerium/sign_out`, { method: 'HEAD' })).status, 405)
  })

  it('answer other methods to the list of apps 405, signed in or not, whatever is sent along', async () => {
    await using world = await World.open()
    const program = { 'sec-fetch-mode': 'cors' }
    const json = { headers: { ...program, 'content-type': 'application/json' } }
    const longForm = { headers: program, form: { a: 'x'.repeat(100_000) } }
    for (const browser of [world.browser(), await signedIn(world)])
      for (const path of ['/.pomerium/api/v1/routes', '/.pomerium/routes'])
        for (const ask of [
          { method: 'POST', ...longForm },
          ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => ({ method, ...json })),
        ]) {
          const refused = await browser.ask(APP + path, ask)
          assert.deepEqual([refused.status, refused.headers['allow']], [405, 'GET, HEAD'], ask.method + path)
          assert.equal(JSON.parse(refused.body).request_id, 'request-1')
        }
  })

  it('answer addresses that there are not 404, whatever is sent along', async () => {
    await using world = await World.open()
    const headers = { 'content-type': 'application/json' }
    const reply = await world.browser().ask(`${APP}/.pomerium/nothing`, { method: 'POST', headers })
    assert.equal(reply.status, 404)
  })

  it('read no body but a form where they read one', async () => {
    await using world = await World.open()
    const headers = { 'content-type': 'application/json' }
    const browser = await signedIn(world)
    assert.equal((await browser.ask(`${APP}/.pomerium/sign_out`, { method: 'POST', headers })).status, 400)
    assert.equal(world.sessions.count, 1)
  })

  it('answer programs in JSON with the decision id', async () => {
    await using world = await World.open()
    const headers = { 'sec-fetch-mode': 'cors', accept: '*/*' }
    const reply = await world.browser().ask(`${APP}/.pomerium/user`, { headers })
    assert.equal(reply.status, 401)
    assert.equal(JSON.parse(reply.body).request_id, 'request-1')
  })
})

describe('documents for programs', () => {
  it('publish the keys to all, for a minute, with a strong ETag', async () => {
    await using world = await World.open()
    const url = `${APP}/.well-known/pomerium/jwks.json`
    const reply = await world.browser().ask(url)
    assert.equal(reply.headers['access-control-allow-origin'], '*')
    assert.match(reply.headers['cache-control'] ?? '', /max-age=60/)
    assert.match(reply.headers['etag'] ?? '', /^"[\w-]{43}"$/)
    const [key] = JSON.parse(reply.body).keys
    assert.deepEqual([key.kty, key.alg, key.use, key.d], ['EC', 'ES256', 'sig', undefined])
    const again = await world
      .browser()
      .ask(url, { headers: { 'if-none-match': reply.headers['etag'] ?? '' } })
    assert.deepEqual([again.status, again.body], [304, ''])
    assert.equal((await world.browser().ask(url, { method: 'OPTIONS' })).status, 204)
  })

  it('name the endpoints of the host that was asked', async () => {
    await using world = await World.open()
    const reply = await world.browser().ask(`${APP}/.well-known/pomerium`)
    assert.deepEqual(JSON.parse(reply.body), {
      issuer: `${APP}/`,
      authentication_callback_endpoint: `${AUTHENTICATE}/oauth2/callback`,
      jwks_uri: `${APP}/.well-known/pomerium/jwks.json`,
      frontchannel_logout_uri: `${APP}/.pomerium/sign_out`,
    })
  })
})
