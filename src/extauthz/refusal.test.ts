import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { flowHash } from '../crypto/flow.ts'
import { verifySignedUrl } from '../crypto/signed-url.ts'
import { compilePolicy } from '../policy/compile.ts'
import type { ClientCertificateFacts, RequestFacts, Subject } from '../policy/decision.ts'
import {
  ALICE,
  type Ask,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  handleOf,
  KEYS,
  NOW,
  objectOf,
  STAFF_ROUTE,
} from './authorizer.fixture.ts'

const BROWSER = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}
const SCRIPT = { accept: '*/*', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }

const staff = (route: object = {}, settings: object = {}) =>
  authorizerFor(configOf([{ ...STAFF_ROUTE, ...route }], settings))
const asBob = (headers: Record<string, string>): Ask => ({ headers: { cookie: cookieOf(BOB), ...headers } })

const NAVIGATIONS: Readonly<Record<string, Ask>> = {
  'a browser’s navigation': { headers: BROWSER },
  'a HEAD of it': { method: 'HEAD', headers: BROWSER },
  'a frame': { headers: { ...BROWSER, 'sec-fetch-dest': 'iframe' } },
  'an old browser without fetch metadata': { headers: { accept: 'text/html,*/*' } },
  'a client that accepts anything': { headers: { accept: '*/*' } },
  'a client that says nothing': {},
}

/** What gets 401 and no redirect, with the content type of its answer. */
const PROGRAMS: Readonly<Record<string, readonly [Ask, string | undefined]>> = {
  fetch: [{ headers: SCRIPT }, 'application/json'],
  'fetch that asks for HTML': [{ headers: { ...SCRIPT, accept: 'text/html' } }, 'application/json'],
  'an image': [{ headers: { 'sec-fetch-mode': 'no-cors', accept: 'image/*' } }, 'application/json'],
  XMLHttpRequest: [{ headers: { 'x-requested-with': 'XMLHttpRequest' } }, 'application/json'],
  'a program that wants JSON': [{ headers: { accept: 'application/json' } }, 'application/json'],
  'a program that wants text': [{ headers: { accept: 'text/plain' } }, 'text/plain; charset=utf-8'],
  'a WebSocket': [
    { headers: { upgrade: 'websocket', 'sec-fetch-mode': 'websocket' } },
    'text/plain; charset=utf-8',
  ],
  'an old WebSocket client': [{ headers: { upgrade: 'websocket' } }, 'text/plain; charset=utf-8'],
  gRPC: [{ method: 'POST', headers: { 'content-type': 'application/grpc' } }, 'text/plain; charset=utf-8'],
  kubectl: [{ headers: { 'user-agent': 'kubectl/v1.30 kubernetes/abc' } }, 'application/json'],
  'a CORS preflight': [
    {
      method: 'OPTIONS',
      headers: {
        origin: 'https://x.example',
        'access-control-request-method': 'PUT',
        'sec-fetch-mode': 'cors',
      },
    },
    'application/json',
  ],
  'a posted form': [{ method: 'POST', headers: BROWSER }, 'text/html; charset=utf-8'],
  'a handle that is not valid': [
    { headers: { ...BROWSER, authorization: 'Pomerium x' } },
    'text/html; charset=utf-8',
  ],
}

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

  it('comes back to the front page when the address is too long or can’t be parsed', async () => {
    using fixture = staff()
    for (const path of [`/${'x'.repeat(5000)}`, '/ok?%']) {
      const { headers } = await fixture.ask({ path, headers: BROWSER })
      const target = new URL(headers['location'] ?? '').searchParams.get('pomerium_redirect_uri') ?? ''
      assert.ok(target.length < 100 && target.startsWith('https://app.example.com/'))
    }
  })

  it('tells a script the address, which leads back to the page that the script runs in', async () => {
    using fixture = staff()
    const ask = { path: '/api/data', headers: { ...SCRIPT, referer: 'https://app.example.com/board?id=7' } }
    const body = objectOf((await fixture.ask(ask)).body)
    assert.equal(body['error'], 'sign_in_required')
    assert.equal(body['request_id'], 'decision-1')
    const url = new URL(String(body['login_url']))
    verifySignedUrl(url.href, KEYS.url, NOW)
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
      'https://app.example.com/',
      '',
    ])
      assert.equal(await allowedOrigin(other), undefined, other)
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

const SUB_POLICIES = [
  {
    name: 'no deletions',
    policy: { deny: { or: [{ http_method: 'DELETE' }] } },
    explanation: 'No deletions here.',
  },
]

const FORGED: ClientCertificateFacts = {
  presented: true,
  validity: 'invalid',
  fingerprint: '00'.repeat(32),
  spkiHash: '',
  sanDns: [],
  sanEmail: [],
  sanUri: [],
}

/** Whether page and JSON show the criteria. */
async function criteriaShown(route: object): Promise<readonly boolean[]> {
  using fixture = staff(route)
  const page = (await fixture.ask(asBob(BROWSER))).body
  const json = objectOf((await fixture.ask(asBob(SCRIPT))).body)
  return [page.includes('groups-unauthorized'), 'trace' in json]
}

describe('a denied request', () => {
  it('is a page that says who you are, what is missing, how to change it, and the decision id', async () => {
    using fixture = staff()
    const { status, headers, body } = await fixture.ask(asBob(BROWSER))
    assert.equal(status, 403)
    assert.match(headers['content-security-policy'] ?? '', /default-src 'none'/)
    assert.equal(headers['cache-control'], 'no-store')
    for (const part of [
      'bob@example.com',
      'a member of a required group',
      '/.pomerium/sign_out',
      'decision-1',
    ])
      assert.ok(body.includes(part), part)
    assert.ok(!body.includes('staff'), 'names no group of the policy')
  })

  it('shows each criterion only when the route says so', async () => {
    assert.deepEqual(await criteriaShown({}), [false, false])
    assert.deepEqual(await criteriaShown({ show_error_details: true }), [true, true])
  })

  it('says why and what to do about it in the words of the policy that refuses', async () => {
    const remediation =
      'Ask the [desk](https://desk.example.com/?a=1&b=2) for **staff**.\n\n<script>x</script>'
    using fixture = authorizerFor(
      configOf([{ ...STAFF_ROUTE, policy: undefined, policies: ['staff'], sub_policies: SUB_POLICIES }], {
        policies: { staff: { policy: STAFF_ROUTE.policy, explanation: 'Staff only.', remediation } },
      }),
    )
    const page = (await fixture.ask(asBob(BROWSER))).body
    for (const part of [
      '<p>Staff only.</p>',
      '<a href="https://desk.example.com/?a=1&amp;b=2">desk</a> for <strong>staff</strong>',
      '&lt;script&gt;',
    ])
      assert.ok(page.includes(part), part)
    assert.doesNotMatch(page, /No deletions|<script>/)
    assert.deepEqual(objectOf((await fixture.ask(asBob(SCRIPT))).body)['policies'], [
      { explanation: 'Staff only.', remediation },
    ])

    const deletion = { method: 'DELETE', headers: { ...SCRIPT, cookie: cookieOf(ALICE) } }
    assert.deepEqual(objectOf((await fixture.ask(deletion)).body)['policies'], [
      { explanation: 'No deletions here.' },
    ])
  })

  it('says of a client certificate that it is what is wrong', async () => {
    const compilation = compilePolicy({ policy: [{ deny: { or: [{ invalid_client_certificate: 1 }] } }] })
    const answerTo = async (certificate: ClientCertificateFacts) => {
      const decide = (subject: Subject, request: RequestFacts) => {
        const { policy } = compilation
        assert.ok(policy)
        return policy.decide(subject, { ...request, clientCertificate: certificate })
      }
      const { policy = assert.fail() } = compilation
      using fixture = authorizerFor(configOf([STAFF_ROUTE]), {
        ports: { policyOf: () => ({ policy: { ...policy, decide } }) },
      })
      const { status, body } = await fixture.ask({ headers: SCRIPT })
      return [status, objectOf(body)['error']]
    }
    assert.deepEqual(await answerTo({ presented: false }), [495, 'client_certificate_required'])
    assert.deepEqual(await answerTo(FORGED), [495, 'invalid_client_certificate'])
  })

  it('is JSON for a script, with CORS for pages of ours', async () => {
    using fixture = staff()
    const { status, headers, body } = await fixture.ask(
      asBob({ ...SCRIPT, origin: 'https://app.example.com' }),
    )
    assert.deepEqual([status, headers['access-control-allow-origin']], [403, 'https://app.example.com'])
    assert.deepEqual(objectOf(body), {
      error: 'access_denied',
      status: 403,
      message: 'Your account is not allowed to open this page.',
      missing: ['group'],
      request_id: 'decision-1',
    })
  })

  it('is a Status object for Kubernetes clients', async () => {
    using fixture = staff()
    const body = objectOf((await fixture.ask(asBob({ 'user-agent': 'kubectl kubernetes/1' }))).body)
    assert.deepEqual([body['kind'], body['code'], body['reason']], ['Status', 403, 'Forbidden'])
  })

  it('is a plain sentence for gRPC, whose status Envoy makes of 403', async () => {
    using fixture = staff()
    const { status, body } = await fixture.ask(asBob({ 'content-type': 'application/grpc+proto' }))
    assert.deepEqual([status, body], [403, 'Your account is not allowed to open this page.'])
  })

  it('is 200 with a grpc-status for gRPC-Web', async () => {
    using fixture = staff()
    const { status, headers, body } = await fixture.ask(
      asBob({ 'content-type': 'application/grpc-web-text' }),
    )
    assert.deepEqual([status, headers['grpc-status'], body], [200, '7', ''])
    assert.equal(headers['grpc-message'], 'Your account is not allowed to open this page.')
  })

  it('lets crawlers know that they may not enter, and nobody else in', async () => {
    using fixture = staff()
    for (const ask of [{}, asBob({})]) {
      const { status, body, isAllowed } = await fixture.ask({ ...ask, path: '/robots.txt' })
      assert.deepEqual([status, body, isAllowed], [200, 'User-agent: *\nDisallow: /\n', false])
    }
    assert.ok((await fixture.ask({ path: '/robots.txt', headers: { cookie: cookieOf(ALICE) } })).isAllowed)
  })

  it('can’t carry markup or script from an account into the page', async () => {
    using fixture = staff()
    fixture.store.put({ ...BOB, email: '<script>alert(1)</script>"\'@x', version: 2 })
    assert.ok(
      !(await fixture.ask(asBob({ ...BROWSER, 'x-request-id': '"><script>' }))).body.includes('<script'),
    )
  })

  it('is marked as ours and kept by no cache, in every shape', async () => {
    using fixture = staff()
    for (const [ask] of [[{ headers: BROWSER }], ...Object.values(PROGRAMS)] as readonly (readonly [Ask])[]) {
      const { headers } = await fixture.ask(ask)
      assert.deepEqual(
        [
          headers['cache-control'],
          headers['x-pomerium-intercepted-response'],
          headers['x-content-type-options'],
        ],
        ['no-store', 'true', 'nosniff'],
      )
    }
  })
})

describe('a public route with a rule against somebody', () => {
  it('does not ask strangers to sign in', async () => {
    using fixture = staff({
      policy: [
        { allow: { and: [{ accept: true }] }, deny: { and: [{ http_path: { starts_with: '/admin' } }] } },
      ],
    })
    assert.ok((await fixture.ask({ headers: BROWSER })).isAllowed)
    assert.equal((await fixture.ask({ path: '/admin', headers: BROWSER })).status, 403)
  })
})

describe('a handle in a header that names nobody', () => {
  it('is not passed on to the upstream of a public route', async () => {
    using fixture = staff({ policy: undefined, allow_public_unauthenticated_access: true })
    const { isAllowed, removed } = await fixture.ask({
      headers: { 'x-pomerium-authorization': `${handleOf(ALICE)}x`, authorization: 'Bearer Pomerium-zzz' },
    })
    assert.ok(isAllowed)
    assert.deepEqual(removed.toSorted(), ['authorization', 'x-pomerium-authorization'])
  })
})
