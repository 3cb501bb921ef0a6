import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { verifySignedUrl } from '../../crypto/signed-url.ts'
import { flowHash } from '../../edge/flow.ts'
import {
  type Ask,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  KEYS,
  NOW,
  objectOf,
  STAFF_ROUTE,
} from '../authorizer.fixture.ts'
import { BROWSER, NAVIGATIONS, PROGRAMS, SCRIPT } from './response-format.fixture.ts'

const staff = (route: object = {}, settings: object = {}) =>
  authorizerFor(configOf([{ ...STAFF_ROUTE, ...route }], settings))
const asBob = (headers: Record<string, string>): Ask => ({ headers: { cookie: cookieOf(BOB), ...headers } })

describe('a request that needs a sign-in', () => {
  for (const [who, ask] of Object.entries(NAVIGATIONS)) {
    it(`is redirected for ${who}`, async () => {
      using fixture = staff()
      const { status, headers } = await fixture.ask(ask)
      assert.equal(status, 302)
      assert.equal(new URL(headers['location'] ?? '').origin, 'https://authenticate.example.com')
    })
  }

  for (const [who, [ask, type]] of Object.entries(PROGRAMS)) {
    it(`is 401 without a redirect for ${who}`, async () => {
      using fixture = staff()
      const { status, headers } = await fixture.ask(ask)
      assert.deepEqual([status, headers['location'], headers['content-type']], [401, undefined, type])
    })
  }

  it('is a signed URL that brings the browser back, with the flow that its cookie proves', async () => {
    using fixture = staff({ depends_on: ['api.example.com'] })
    const { headers } = await fixture.ask({ path: '/deep/page?x=1&y=%2F', headers: BROWSER })
    const url = new URL(headers['location'] ?? '')
    verifySignedUrl(url.href, KEYS.url, NOW)
    assert.equal(url.pathname, '/.pomerium/sign_in')
    assert.equal(url.searchParams.get('pomerium_redirect_uri'), 'https://app.example.com/deep/page?x=1&y=%2F')
    assert.equal(url.searchParams.get('pomerium_idp_id'), 'idp-1')
    assert.equal(url.searchParams.get('pomerium_additional_hosts'), 'api.example.com')
    const cookie = /^__Host-sallyport_flow=([\w-]{22}); (.*)$/.exec(headers['set-cookie'] ?? '')
    assert.equal(cookie?.[2], 'Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax')
    assert.equal(url.searchParams.get('pomerium_flow'), flowHash(cookie?.[1] ?? ''))
  })

  it('keeps the flow cookie that the browser has, and never one that is not ours in form', async () => {
    using fixture = staff()
    const flow = 'A'.repeat(22)
    const kept = await fixture.ask({ headers: { ...BROWSER, cookie: `__Host-sallyport_flow=${flow}` } })
    assert.ok(kept.headers['set-cookie']?.startsWith(`__Host-sallyport_flow=${flow};`))
    for (const cookie of [
      '__Host-sallyport_flow=x',
      `__Host-sallyport_flow=${flow}; __Host-sallyport_flow=${'B'.repeat(22)}`,
    ]) {
      const { headers } = await fixture.ask({ headers: { ...BROWSER, cookie } })
      assert.ok(!headers['set-cookie']?.includes(flow))
    }
  })

  it('is answered anew each time', async () => {
    using fixture = staff()
    const [one, other] = [await fixture.ask({ headers: BROWSER }), await fixture.ask({ headers: BROWSER })]
    assert.notEqual(one.headers['set-cookie'], other.headers['set-cookie'])
  })

  it('is a page with a way to sign in beside it when the address is too long to be carried: it stays in its tab', async () => {
    using fixture = staff()
    const { status, body } = await fixture.ask({ path: `/${'x'.repeat(5000)}`, headers: BROWSER })
    assert.equal(status, 401)
    assert.match(body, /load this page again/)
    assert.match(body, /target="_blank"/)
    const longest = `/${'x'.repeat(4000)}?a=%`
    const { headers } = await fixture.ask({ path: longest, headers: BROWSER })
    assert.equal(
      new URL(headers['location'] ?? '').searchParams.get('pomerium_redirect_uri'),
      `https://app.example.com${longest}`,
    )
  })

  it('tells whoever brings a credential what is wrong with it, and the request id', async () => {
    using fixture = staff()
    const shown: Readonly<Record<string, RegExp>> = {
      'Bearer x': /^The token in Authorization is not one that this route takes\.$/,
      'Basic eDp5': /^The credentials in Authorization are not ones that this route takes\.$/,
      'ApiKey x': /^The credentials in Authorization are not ones that this route takes\.$/,
      'Pomerium x': /^The session that the request names does not count here: it has expired/,
    }
    for (const [authorization, message] of Object.entries(shown)) {
      const { status, body } = await fixture.ask({ headers: { accept: '*/*', authorization } })
      const json = objectOf(body)
      assert.deepEqual([status, json['request_id']], [401, 'decision-1'])
      assert.match(String(json['message']), message)
    }
    const text = await fixture.ask({ headers: { accept: 'text/plain', authorization: 'Bearer x' } })
    assert.match(text.body, /not one that this route takes\.\nDecision id: decision-1\n$/)
  })

  it('tells a script the address, which leads back to the page that the script runs in', async () => {
    using fixture = staff()
    const ask = { path: '/api/data', headers: { ...SCRIPT, referer: 'https://app.example.com/board?id=7' } }
    const body = objectOf((await fixture.ask(ask)).body)
    assert.equal(body['error'], 'sign_in_required')
    assert.equal(body['request_id'], 'decision-1')
    const url = new URL(String(body['login_url']))
    verifySignedUrl(url.href, KEYS.url, NOW + 50 * 60_000)
    assert.equal(url.origin + url.pathname, 'https://app.example.com/.pomerium/sign_in')
    assert.equal(url.searchParams.get('pomerium_redirect_uri'), 'https://app.example.com/board?id=7')
  })

  it('never leads to the page of another host', async () => {
    using fixture = staff()
    for (const referer of [
      'https://evil.example/x',
      'https://app.example.com@evil.example/',
      'javascript:1',
      'https://u:p@app.example.com/',
    ]) {
      const ask = { method: 'POST', path: '/api', headers: { ...SCRIPT, referer } }
      const url = new URL(String(objectOf((await fixture.ask(ask)).body)['login_url']))
      assert.equal(url.searchParams.get('pomerium_redirect_uri'), 'https://app.example.com/')
    }
  })

  it('tells nobody who can read it how the browser is known: with that they could sign it in as themselves', async () => {
    const flow = 'A'.repeat(22)
    const readable: readonly Ask[] = [
      ...Object.values(PROGRAMS).map(([ask]) => ask),
      { path: `/${'x'.repeat(5000)}`, headers: BROWSER },
      asBob(BROWSER),
      asBob(SCRIPT),
    ]
    for (const route of [{}, { max_age: '1m' }])
      for (const ask of readable) {
        using fixture = staff(route)
        const cookie = [ask.headers?.['cookie'], `__Host-sallyport_flow=${flow}`].filter(Boolean).join('; ')
        const answer = await fixture.ask({
          ...ask,
          headers: { origin: 'https://app.example.com', ...ask.headers, cookie },
        })
        const whole = `${JSON.stringify(answer.headers)}${answer.body}`
        assert.ok(answer.status >= 200 && !answer.isAllowed)
        assert.doesNotMatch(whole, /pomerium_flow|__Host-sallyport_flow/, JSON.stringify(ask))
        assert.ok(!whole.includes(flow) && !whole.includes(flowHash(flow)))
      }
  })

  it('may be read by a page of ours on another host, and by no other', async () => {
    using fixture = authorizerFor(
      configOf([
        STAFF_ROUTE,
        { ...STAFF_ROUTE, from: 'https://*.apps.example.com' },
        { ...STAFF_ROUTE, from: 'https://p.example.com:8443' },
      ]),
    )
    const allowedOrigin = async (origin: string) => {
      const { headers } = await fixture.ask({ headers: { ...SCRIPT, origin } })
      assert.equal(headers['vary'], 'Origin')
      assert.equal(
        headers['access-control-allow-credentials'] === 'true',
        'access-control-allow-origin' in headers,
      )
      return headers['access-control-allow-origin']
    }
    for (const ours of [
      'https://app.example.com',
      'https://one.apps.example.com',
      'https://p.example.com:8443',
    ])
      assert.equal(await allowedOrigin(ours), ours)
    for (const other of [
      'https://evil.example',
      'http://app.example.com',
      'null',
      'https://app.example.com.evil',
      'https://apps.example.com.evil',
      'https://p.example.com',
      'https://app.example.com:8443',
      'https://app.example.com:3000',
      'https://one.apps.example.com:3000',
      'https://app.example.com:443',
      'https://app.example.com/',
      '',
    ])
      assert.equal(await allowedOrigin(other), undefined, other)
  })

  it('may be read on the port that routes without one are served on, and on no other', async () => {
    const served: readonly (readonly [settings: object, port: string, isOurs: boolean])[] = [
      [{ authenticate_service_url: 'https://authenticate.example.com:8443' }, ':8443', true],
      [{ authenticate_service_url: 'https://authenticate.example.com:8443' }, '', false],
      [{ address: ':8443' }, ':8443', false],
      [{ address: ':8443' }, '', true],
    ]
    for (const [settings, port, isOurs] of served) {
      using fixture = staff({}, settings)
      const origin = `https://app.example.com${port}`
      const { headers } = await fixture.ask({ headers: { ...SCRIPT, origin } })
      assert.equal('access-control-allow-origin' in headers, isOurs, JSON.stringify([settings, port]))
    }
  })

  it('says in a posted form’s page that nothing was passed on', async () => {
    using fixture = staff()
    const { body } = await fixture.ask({
      method: 'POST',
      headers: { ...BROWSER, referer: 'https://app.example.com/form' },
    })
    assert.match(body, /was not passed on/)
    assert.match(body, /target="_blank"/)
  })

  it('is a failure when there is nowhere to sign in', async () => {
    const config = configOf([STAFF_ROUTE])
    using fixture = authorizerFor({
      ...config,
      settings: { ...config.settings, authenticate_service_url: undefined },
    })
    assert.equal((await fixture.ask({ headers: BROWSER })).status, 500)
  })
})
