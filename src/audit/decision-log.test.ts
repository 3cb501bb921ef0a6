import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ALICE,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  referenceOf,
  STAFF_ROUTE,
} from '../extauthz/authorizer.fixture.ts'

const staff = (settings: object = {}, route: object = {}) =>
  authorizerFor(configOf([{ ...STAFF_ROUTE, pass_identity_headers: true, ...route }], settings))
const alice = { headers: { cookie: cookieOf(ALICE) } }

describe('the decision log', () => {
  it('has one line per check with who, what and why', async () => {
    using fixture = staff()
    await fixture.ask({ ...alice, path: '/page?secret=1' })
    const { time, 'route-checksum': checksum, subject, ...line } = fixture.lines[0] ?? {}
    assert.match(String(subject), /^[0-9a-f]{16}$/)
    assert.equal(typeof time, 'string')
    assert.match(String(checksum), /^[0-9a-f]{16}$/)
    assert.deepEqual(line, {
      level: 'info',
      service: 'authorize',
      'request-id': 'decision-1',
      'check-request-id': '42',
      method: 'GET',
      path: '/page',
      host: 'app.example.com',
      ip: '192.0.2.7',
      'session-id': ALICE.id,
      user: 'idp/alice',
      email: 'alice@example.com',
      'envoy-route-id': fixture.config.routes[0]?.id,
      'route-id': fixture.config.routes[0]?.id,
      'config-checksum': fixture.config.checksum.slice(0, 16),
      outcome: 'allow',
      allow: true,
      'allow-why-true': ['groups-ok'],
      deny: false,
      'deny-why-false': [],
      msg: 'authorize check',
    })
    assert.equal(fixture.lines.length, 1)
  })

  it('says why somebody was not let in, and what became of the request', async () => {
    using fixture = staff()
    await fixture.ask({ headers: { cookie: cookieOf(BOB) } })
    await fixture.ask()
    await fixture.ask({ path: '/#' })
    const seen = fixture.lines.map((line) => [line['outcome'], line['status'], line['allow-why-false']])
    assert.deepEqual(seen, [
      ['deny', 403, ['groups-unauthorized']],
      ['sign-in', 302, ['user-unauthenticated']],
      ['refuse', 400, ['ambiguous-target', 'the path holds characters that must be escaped']],
    ])
  })

  it('tells of rules that are only watched where they would make a difference', async () => {
    using fixture = staff(
      {},
      {
        policy: [
          { allow: { and: [{ authenticated_user: true }] } },
          { deny: { and: [{ http_method: 'DELETE' }] }, mode: 'observe' },
        ],
      },
    )
    await fixture.ask(alice)
    await fixture.ask({ ...alice, method: 'DELETE' })
    const seen = fixture.lines.map((line) => [
      line['outcome'],
      line['deny'],
      line['observed'],
      line['observed-why'],
    ])
    assert.deepEqual(seen, [
      ['allow', false, undefined, undefined],
      ['allow', false, 'deny', ['http-method-ok']],
    ])
  })

  it('does not take what is only watched for the reason of a denial', async () => {
    using fixture = staff(
      {},
      {
        policy: [
          { allow: { and: [{ groups: 'nobody' }] } },
          { deny: { not: [{ groups: 'nobody' }] }, mode: 'observe' },
        ],
      },
    )
    await fixture.ask(alice)
    const line = fixture.lines[0] ?? {}
    assert.deepEqual([line['deny'], line['allow-why-false']], [false, ['groups-unauthorized']])
  })

  it('tells a deny rule from a missing allow rule', async () => {
    using fixture = staff(
      {},
      { policy: [{ allow: { and: [{ accept: true }] }, deny: { and: [{ http_method: 'DELETE' }] } }] },
    )
    await fixture.ask({ ...alice, method: 'DELETE' })
    const line = fixture.lines[0] ?? {}
    assert.deepEqual([line['allow'], line['deny'], line['deny-why-true']], [false, true, ['http-method-ok']])
  })

  it('has the code of a failure, and its message in a line of its own', async () => {
    using fixture = staff()
    await fixture.ask({ ...alice, routeId: 'gone' })
    assert.deepEqual(
      fixture.lines.map((line) => [line['msg'], line['code'] ?? line['allow-why-false']]),
      [
        ['check failed', 'ROUTE_UNKNOWN'],
        ['authorize check', ['ROUTE_UNKNOWN']],
      ],
    )
  })

  it('has the query and headers when they are asked for, but never a credential', async () => {
    using fixture = staff({
      authorize_log_fields: ['query', 'headers', 'headers.Cookie', 'headers.User-Agent'],
    })
    await fixture.ask({
      path: '/?a=1',
      headers: {
        ...alice.headers,
        'user-agent': 'ua',
        authorization: 'Bearer planted',
        'x-api-key': 'planted',
      },
    })
    const line = fixture.lines[0] ?? {}
    assert.deepEqual(
      [line['query'], line['headers.User-Agent'], line['headers.Cookie']],
      ['a=1', 'ua', '[secret]'],
    )
    assert.ok(!JSON.stringify(line).includes('planted'))
  })

  it('never has a cookie, reference, token or assertion', async () => {
    using fixture = staff({ authorize_log_fields: undefined })
    const assertion = (await fixture.ask(alice)).headers['x-pomerium-jwt-assertion'] ?? ''
    await fixture.ask({ headers: { authorization: `Pomerium ${referenceOf(ALICE)}` } })
    await fixture.ask({ headers: { cookie: `${cookieOf(ALICE)}; ${cookieOf(BOB)}` } })
    fixture.store.error = new Error('store')
    await fixture.ask(alice)
    const log = JSON.stringify(fixture.lines)
    for (const secret of [referenceOf(ALICE), referenceOf(BOB), 'planted-', assertion])
      assert.ok(!log.includes(secret))
  })

  it('stays one line of JSON and of bounded length, whatever the request holds', async () => {
    using fixture = staff()
    await fixture.ask({
      path: `/${'x'.repeat(60_000)}\n{"level":"error"}`,
      method: 'GET\r\n',
      headers: { 'x-request-id': `a\n${'b'.repeat(8192)}` },
    })
    assert.equal(fixture.lines.length, 1)
    assert.ok(JSON.stringify(fixture.lines[0]).length < 4000)
  })
})
