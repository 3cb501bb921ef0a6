import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compilePolicy } from '../../policy/compile.ts'
import type { ClientCertificateFacts, RequestFacts, Subject } from '../../policy/decision.ts'
import {
  ALICE,
  type Ask,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  objectOf,
  referenceOf,
  STAFF_ROUTE,
} from '../authorizer.fixture.ts'
import { BROWSER, PROGRAMS, SCRIPT } from './response-format.fixture.ts'

const staff = (route: object = {}, settings: object = {}) =>
  authorizerFor(configOf([{ ...STAFF_ROUTE, ...route }], settings))
const asBob = (headers: Record<string, string>): Ask => ({ headers: { cookie: cookieOf(BOB), ...headers } })

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

/** The page for somebody who is refused by a policy. */
async function shown(policy: unknown): Promise<string> {
  using fixture = staff({ policy })
  return (await fixture.ask(asBob(BROWSER))).body
}

/** Whether page and JSON show the criteria. */
async function criteriaShown(route: object): Promise<readonly boolean[]> {
  using fixture = staff(route)
  const page = (await fixture.ask(asBob(BROWSER))).body
  const json = objectOf((await fixture.ask(asBob(SCRIPT))).body)
  return [page.includes('groups-unauthorized'), 'trace' in json]
}

describe('a request whose cookies are too large', () => {
  it('is answered with a way to clear them', async () => {
    using fixture = staff()
    const headers = { ...BROWSER, cookie: `a=${'v'.repeat(49 * 1024)}` }
    const { status, body } = await fixture.ask({ headers })
    assert.equal(status, 431)
    assert.match(body, /href="\/\.pomerium\/clear_cookies"/)
  })
})

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
      'app.example.com',
      '/.pomerium/sign_in?pomerium_choose=',
      '/.pomerium/routes',
      'Decision id <code>decision-1',
    ])
      assert.ok(body.includes(part), part)
    assert.ok(!body.includes('staff'), 'names no group of the policy')
  })

  it('shows each criterion only when the route says so', async () => {
    assert.deepEqual(await criteriaShown({}), [false, false])
    assert.deepEqual(await criteriaShown({ show_error_details: true }), [true, true])
  })

  it('says whether one of several things is enough', async () => {
    const criteria = [{ groups: 'x' }, { domain: 'corp.test' }]
    assert.match(
      await shown({ allow: { or: criteria } }),
      /need one of these:<\/p><ul><li>to be a member[^]*<li>an acc/,
    )
    assert.match(
      await shown({ allow: { and: criteria } }),
      /need all of these:<\/p><ul><li>to be a member[^]*<li>an acc/,
    )
    assert.match(
      await shown({ allow: { or: criteria.slice(1) } }),
      /To open this page you need<\/p><ul><li>an account/,
    )
    const mixed = [{ allow: { and: criteria } }, { allow: { or: [{ email: 'x@y.test' }] } }]
    assert.match(
      await shown(mixed),
      /one of these:[^]*<li>an account with[^]*<li>to be a member[^<]*, and an account of/,
    )
  })

  it('leads back to the very page by "Use another account", and never elsewhere', async () => {
    using fixture = staff()
    const back = async (ask: Ask) => {
      const { body } = await fixture.ask(ask)
      const [, href = ''] = /href="([^"]+)">Use another account/.exec(body) ?? []
      return new URL(href.replaceAll('&amp;', '&')).searchParams.get('pomerium_redirect_uri')
    }
    const referer = 'https://app.example.com/form?id=1'
    assert.equal(
      await back({ ...asBob({ ...BROWSER, referer }), path: '/deep?x=1' }),
      'https://app.example.com/deep?x=1',
    )
    assert.equal(await back({ ...asBob({ ...BROWSER, referer }), path: '/send', method: 'POST' }), referer)
    const odd = { ...asBob({ ...BROWSER, referer: 'https://evil.test/' }), path: '/send', method: 'POST' }
    assert.equal(await back(odd), 'https://app.example.com/')
  })

  it('is no dead end for a stranger, nor after a failure', async () => {
    using fixture = staff({
      policy: [{ allow: { and: [{ accept: true }] }, deny: { and: [{ http_path: '/x' }] } }],
    })
    assert.match(
      (await fixture.ask({ path: '/x', headers: BROWSER })).body,
      /href="\/\.pomerium\/routes">Sign in</,
    )
    const config = configOf([STAFF_ROUTE])
    const ports = { policyOf: () => assert.fail('a bug') }
    using broken = authorizerFor(config, { ports })
    const { status, body } = await broken.ask(asBob(BROWSER))
    assert.equal(status, 500)
    assert.match(body, /href="">Try again</)
    assert.match(body, /Request id <code>decision-1/)
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

describe('a reference in a header that names nobody', () => {
  it('is not passed on to the upstream of a public route', async () => {
    using fixture = staff({ policy: undefined, allow_public_unauthenticated_access: true })
    const { isAllowed, removed } = await fixture.ask({
      headers: { 'x-pomerium-authorization': `${referenceOf(ALICE)}x`, authorization: 'Bearer Pomerium-zzz' },
    })
    assert.ok(isAllowed)
    assert.deepEqual(removed.toSorted(), ['authorization', 'x-pomerium-authorization'])
  })
})
