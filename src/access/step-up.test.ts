import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ALICE,
  type Ask,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  MapStore,
  NOW,
  objectOf,
  referenceOf,
  STAFF_ROUTE,
} from '../extauthz/authorizer.fixture.ts'
import type { Session } from '../session/session.ts'

const NAVIGATION = { 'sec-fetch-mode': 'navigate', accept: 'text/html' }
const MINUTE = 60_000

function open(route: object, change: Partial<Session> = {}, settings: object = {}) {
  const session = { ...ALICE, ...change }
  const fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, ...route }], settings), {
    store: new MapStore(session, BOB),
  })
  const ask = (more: Ask = {}) =>
    fixture.ask({ ...more, headers: { cookie: cookieOf(session), ...NAVIGATION, ...more.headers } })
  return { fixture, ask }
}

const query = (location: string | undefined) => Object.fromEntries(new URL(location ?? '').searchParams)

describe('a route with max_age', () => {
  const old = { issuedAt: NOW - 5 * MINUTE, authenticatedAt: NOW - 20 * MINUTE }

  it('lets in who showed who they are recently, to the millisecond', async () => {
    const { fixture, ask } = open({ max_age: '21m' }, old)
    assert.ok((await ask()).isAllowed)
    fixture.clock.now += MINUTE - 1
    assert.ok((await ask()).isAllowed)
    fixture.clock.now += 1
    assert.equal((await ask()).status, 302)
  })

  it('is not met by a sign-in of which nobody knows when it was, however recent the session is', async () => {
    const { ask } = open({ max_age: '6m' }, { issuedAt: NOW })
    assert.equal((await ask()).status, 302)
  })

  it('counts from the return of the provider where the sign-in is said to be later', async () => {
    const { fixture, ask } = open({ max_age: '6m' }, { issuedAt: NOW - 5 * MINUTE, authenticatedAt: NOW })
    assert.ok((await ask()).isAllowed)
    fixture.clock.now += MINUTE
    assert.equal((await ask()).status, 302)
  })

  it('sends a person to the sign-in page, which is told what to ask for', async () => {
    const { fixture, ask } = open({ max_age: '15m', acr_values: ['phr', 'phrh'] }, old)
    const answer = await ask({ path: '/admin?x=1' })
    const parameters = query(answer.headers['location'])
    assert.equal(answer.status, 302)
    assert.equal(parameters['pomerium_max_age'], '900')
    assert.equal(parameters['pomerium_acr_values'], 'phr phrh')
    assert.equal(parameters['pomerium_redirect_uri'], 'https://app.example.com/admin?x=1')
    const line = fixture.lines.at(-1)
    assert.deepEqual(
      [line?.['outcome'], line?.['allow'], line?.['allow-why-false'], line?.['status']],
      ['step-up', false, ['step-up-required'], 302],
    )
  })

  it('tells a program by RFC 9470, with an address for its user', async () => {
    const { ask } = open({ max_age: '15m', acr_values: ['phr', 'phrh'] }, old)
    const answer = await ask({ headers: { 'sec-fetch-mode': 'cors', accept: 'application/json' } })
    assert.equal(answer.status, 401)
    assert.equal(
      answer.headers['www-authenticate'],
      'Bearer realm="app.example.com", error="insufficient_user_authentication", error_description="A more recent or a stronger sign-in is required", acr_values="phr phrh", max_age="900"',
    )
    const body = objectOf(answer.body)
    assert.equal(body['error'], 'step_up_required')
    assert.equal(query(String(body['login_url']))['pomerium_max_age'], '900')
  })

  it('answers each other kind of requester in its own shape, and redirects none of them', async () => {
    const { ask } = open({ max_age: '15m' }, old)
    const asks: readonly Ask[] = [
      { method: 'POST' },
      { headers: { upgrade: 'websocket', connection: 'upgrade' } },
      { method: 'POST', headers: { 'content-type': 'application/grpc' } },
      { headers: { 'user-agent': 'kubectl kubernetes/1.34' } },
      { headers: { authorization: `Pomerium ${referenceOf({ ...ALICE, ...old })}`, cookie: '' } },
    ]
    for (const each of asks) {
      const answer = await ask(each)
      assert.equal(answer.status, 401, JSON.stringify(each))
      assert.match(answer.headers['www-authenticate'] ?? '', /insufficient_user_authentication/)
    }
    const grpcWeb = await ask({ method: 'POST', headers: { 'content-type': 'application/grpc-web' } })
    assert.equal(grpcWeb.headers['grpc-status'], '16')
  })

  it('asks only those who would pass', async () => {
    const { ask } = open({ max_age: '15m' }, old)
    assert.equal((await ask({ headers: { cookie: cookieOf(BOB) } })).status, 403)
  })

  it('asks a visitor without a session at once for what the route needs', async () => {
    const { ask } = open({ max_age: '15m' })
    const answer = await ask({ headers: { cookie: '' } })
    assert.equal(query(answer.headers['location'])['pomerium_max_age'], '900')
  })

  it('asks nobody for what its policy opens to all', async () => {
    const policy = [
      { allow: { or: [{ http_path: { starts_with: '/public' } }, { groups: { has: 'staff' } }] } },
    ]
    const { ask } = open({ max_age: '15m', policy }, old)
    assert.ok((await ask({ path: '/public/x' })).isAllowed)
    assert.ok((await ask({ path: '/public/x', headers: { cookie: '' } })).isAllowed)
    assert.equal((await ask({ path: '/private' })).status, 302)
  })

  it('lets preflight requests through, which never carry a session', async () => {
    const { ask } = open({ max_age: '15m', cors_allow_preflight: true }, old)
    const answer = await ask({
      method: 'OPTIONS',
      headers: { origin: 'https://x.test', 'access-control-request-method': 'GET', cookie: '' },
    })
    assert.ok(answer.isAllowed)
  })

  it('refuses machines, whatever their age, and sends none to a sign-in page', async () => {
    for (const kind of ['service-account', 'workload'] as const) {
      const { fixture, ask } = open({ max_age: '15m' }, { kind })
      const answer = await ask()
      assert.equal(answer.status, 403)
      assert.equal(answer.headers['location'], undefined)
      assert.match(answer.body, /For people only/)
      assert.deepEqual(fixture.lines.at(-1)?.['allow-why-false'], ['no-person-signs-in'])
    }
  })

  it('does not believe a session that says it was signed in after it began', async () => {
    const { ask } = open({ max_age: '4m' }, { issuedAt: NOW - 5 * MINUTE, authenticatedAt: NOW })
    assert.equal((await ask()).status, 302)
  })
})

describe('a route with acr_values', () => {
  it('takes each of them and no other', async () => {
    for (const [acr, status] of [
      ['phr', 0],
      ['phrh', 0],
      ['pwd', 302],
      ['phr phrh', 302],
      ['', 302],
      [undefined, 302],
    ] as const) {
      const { ask } = open({ acr_values: ['phr', 'phrh'] }, { acr })
      assert.equal((await ask()).status, status, String(acr))
    }
  })
})

describe('a route with session_lifetime', () => {
  it('takes a session for none once it is older, and asks for a younger sign-in', async () => {
    const { fixture, ask } = open({ session_lifetime: '10m' }, { issuedAt: NOW - 9 * MINUTE })
    assert.ok((await ask()).isAllowed)
    fixture.clock.now += MINUTE
    const answer = await ask()
    assert.equal(answer.status, 302)
    assert.equal(query(answer.headers['location'])['pomerium_max_age'], '600')
    assert.equal(fixture.lines.at(-1)?.['outcome'], 'sign-in')
  })

  it('asks for nothing special of a visitor without a session', async () => {
    const { ask } = open({ session_lifetime: '10m' })
    const answer = await ask({ headers: { cookie: '' } })
    assert.equal(query(answer.headers['location'])['pomerium_max_age'], undefined)
  })

  it('asks for the shorter of lifetime and max_age', async () => {
    const { ask } = open({ session_lifetime: '10m', max_age: '5m' }, { issuedAt: NOW - 11 * MINUTE })
    assert.equal(query((await ask()).headers['location'])['pomerium_max_age'], '300')
  })
})
