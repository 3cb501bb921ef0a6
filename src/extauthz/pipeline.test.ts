import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makeServiceAccountToken } from '../edge/service-account-token.ts'
import { Fault } from '../errors.ts'
import type { Session } from '../session/session.ts'
import {
  ALICE,
  type Answer,
  type Ask,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  encodeAsk,
  type Fixture,
  KEYS,
  MapStore,
  NOW,
  referenceOf,
  STAFF_ROUTE,
} from './authorizer.fixture.ts'
import { CLIENTS } from './client-certificate.fixture.ts'
import { PIPELINE, type Step } from './pipeline.ts'
import type { Ports } from './ports.ts'

const PUBLIC_ROUTE = {
  from: 'https://app.example.com',
  to: 'http://127.0.0.1:1',
  allow_public_unauthenticated_access: true,
}
const alice: Ask = { headers: { cookie: cookieOf(ALICE) } }

interface Row {
  /** What goes wrong when the step is missing. */
  readonly without: string
  readonly route?: object
  readonly settings?: object
  readonly store?: MapStore
  readonly directory?: Pick<NonNullable<Ports['directory']>, 'apply' | 'isDeactivated'>
  /** What a refresh brings. */
  readonly renewed?: Session
  readonly bearer?: Ports['bearer']
  readonly platformTokens?: Ports['platformTokens']
  readonly prepare?: (fixture: Fixture) => void
  readonly ask: Ask
  /** The status with the step, and without it; 0 is "allowed". */
  readonly status: readonly [withStep: number, withoutStep: number]
}

/** One row for each step, in the order of the pipeline; several where it looks after several things. */
const ROWS: readonly (Row | readonly Row[])[] = [
  {
    without: 'a clock without time allows, and mints assertions that never end',
    route: { ...PUBLIC_ROUTE, pass_identity_headers: true },
    prepare: ({ clock }) => {
      clock.now = Number.NaN
    },
    ask: {},
    status: [500, 0],
  },
  {
    without: 'an unknown route is a failure instead of "not found"',
    ask: { ...alice, routeId: 'no-such-route' },
    status: [404, 500],
  },
  {
    without: 'headers that no app takes are passed on',
    ask: { headers: { ...alice.headers, 'x-large': 'x'.repeat(49 * 1024) } },
    status: [431, 0],
  },
  {
    without: 'an assertion is made out to a host of the client’s choice',
    route: { ...PUBLIC_ROUTE, pass_identity_headers: true },
    ask: { host: 'app.example.com:443.evil.com' },
    status: [400, 0],
  },
  {
    without: 'an upstream sends back what was meant for it alone',
    ask: { ...alice, method: 'TRACE' },
    status: [405, 0],
  },
  {
    without: 'a rule on DELETE does not meet the `delete` that many apps take for it',
    route: { ...PUBLIC_ROUTE, policy: [{ deny: { and: [{ http_path: '/never' }] } }] },
    ask: { ...alice, method: 'delete' },
    status: [400, 0],
  },
  {
    without: 'a fragment in the path reaches the upstream',
    ask: { ...alice, path: '/admin#/public/' },
    status: [400, 0],
  },
  {
    without: 'a request with our and a foreign authorization in one header passes',
    ask: { headers: { ...alice.headers, authorization: `Bearer other, Pomerium ${referenceOf(BOB)}` } },
    status: [400, 0],
  },
  {
    without: 'nobody can tell whether a certificate was shown, and so nobody passes where one is demanded',
    settings: CLIENTS.settings,
    route: PUBLIC_ROUTE,
    ask: { headers: { 'x-forwarded-client-cert': CLIENTS.good } },
    status: [0, 403],
  },
  { without: 'nobody is recognised', ask: alice, status: [0, 302] },
  { without: 'nobody has a session', ask: alice, status: [0, 302] },
  {
    without: 'a token that was revoked passes for no token',
    route: PUBLIC_ROUTE,
    ask: { headers: { authorization: `Pomerium ${makeServiceAccountToken('gone', KEYS.serviceAccount)}` } },
    status: [401, 0],
  },
  {
    without: 'a bearer token that nobody vouches for reaches the upstream',
    route: { ...PUBLIC_ROUTE, bearer_token_format: 'jwt' },
    settings: { identity_providers: { ci: { issuer: 'https://ci.example.com', audiences: ['app'] } } },
    bearer: { session: () => ({ problem: 'it is forged' }) },
    ask: { headers: { authorization: 'Bearer forged' } },
    status: [401, 0],
  },
  {
    without: 'a session that has expired still counts until the store sweeps',
    store: new MapStore({ ...ALICE, expiresAt: ALICE.issuedAt + 1 }),
    ask: alice,
    status: [302, 0],
  },
  {
    without: 'a session that nobody has used for an hour opens the app to whoever finds the browser',
    route: { ...STAFF_ROUTE, session_idle_timeout: '15m' },
    prepare: ({ store }) => store.idleTimes.set(ALICE.id, 3_600_000),
    ask: alice,
    status: [302, 0],
  },
  {
    without: 'a token of yesterday opens a route that takes a sign-in for an hour',
    route: { ...STAFF_ROUTE, bearer_token_format: 'idp_access_token', session_lifetime: '1h' },
    bearer: {
      session: () => ({ ...ALICE, kind: 'user', issuedAt: NOW - 3_600_000, expiresAt: NOW + 3_600_000 }),
    },
    ask: { headers: { authorization: 'Bearer old' } },
    status: [401, 0],
  },
  {
    without: 'a session of another identity provider opens the route',
    store: new MapStore({ ...ALICE, idpId: 'another' }),
    ask: alice,
    status: [302, 0],
  },
  {
    without: 'somebody who has left still comes in',
    directory: { apply: (session) => session, isDeactivated: ({ userId }) => userId === ALICE.userId },
    ask: alice,
    status: [403, 0],
  },
  {
    without: 'a token that has ended is not renewed, and nobody gets on',
    route: { ...STAFF_ROUTE, pass_idp_token: 'access_token' },
    prepare: ({ store }) => store.put({ ...ALICE, tokens: { ...ALICE.tokens, accessTokenExpiresAt: 1 } }),
    renewed: { ...ALICE, version: 2 },
    ask: alice,
    status: [0, 503],
  },
  {
    without: 'groups that the directory gives open nothing',
    directory: { apply: (session) => ({ ...session, groups: ['staff'] }), isDeactivated: () => false },
    ask: { headers: { cookie: cookieOf(BOB) } },
    status: [0, 403],
  },
  {
    without: 'chance decides between two identities',
    ask: { headers: { cookie: `${cookieOf(ALICE)}; ${cookieOf(BOB)}` } },
    status: [400, 0],
  },
  { without: 'nothing is ever allowed', ask: alice, status: [0, 500] },
  {
    without: 'a sign-in of yesterday opens a route that asks for one of today',
    route: { ...STAFF_ROUTE, max_age: '30s' },
    ask: alice,
    status: [302, 0],
  },
  [
    {
      without: 'an upstream that needs a token gets a request without one',
      route: { ...STAFF_ROUTE, pass_idp_token: 'access_token' },
      store: new MapStore({ ...ALICE, tokens: { ...ALICE.tokens, accessToken: undefined } }),
      ask: alice,
      status: [403, 0],
    },
    {
      without:
        'a stranger would have the power of the service account of a cluster, were it not for a second look',
      route: {
        ...STAFF_ROUTE,
        policy: [{ allow: { and: [{ accept: true }] } }],
        kubernetes_service_account_token: 'service-account',
      },
      ask: {},
      status: [401, 500],
    },
  ],
  {
    without: 'a token that could not be had is a bug of ours',
    route: { ...STAFF_ROUTE, enable_google_cloud_serverless_authentication: true },
    platformTokens: {
      tokenFor: () =>
        Promise.reject(new Fault('SERVERLESS_TOKEN_UNAVAILABLE', 'the metadata server is down')),
    },
    ask: alice,
    status: [502, 500],
  },
  {
    without: 'one client takes all places of an app',
    route: { ...STAFF_ROUTE, circuit_breaker_thresholds: { max_requests_per_client: 1 } },
    prepare: ({ authorizer, config }) => {
      void authorizer.check(encodeAsk(alice, config.routes[0]?.id ?? ''))
    },
    ask: alice,
    status: [429, 0],
  },
  { without: 'nothing ever passes', ask: alice, status: [0, 500] },
]

const NOTHING: Disposable = { [Symbol.dispose]: () => undefined }

async function outcome(row: Row, steps: readonly Step[]): Promise<Answer> {
  const { store = new MapStore(ALICE, BOB), directory, bearer, platformTokens, renewed } = row
  using fixture = authorizerFor(configOf([row.route ?? STAFF_ROUTE], row.settings), {
    steps,
    store,
    ports: {
      ...(directory && { directory: { ...directory, onChange: () => NOTHING } }),
      ...(renewed && { refreshNow: async () => store.put(renewed) }),
      ...(bearer && { bearer }),
      ...(platformTokens && { platformTokens }),
    },
  })
  row.prepare?.(fixture)
  return fixture.ask(row.ask)
}

describe('the pipeline', () => {
  it('has a row in this test for each of its steps', () => {
    assert.equal(ROWS.length, PIPELINE.length)
  })

  for (const [index, step] of PIPELINE.entries()) {
    for (const row of [ROWS[index] ?? []].flat())
      it(`needs "${step.name}": without it ${row.without}`, async () => {
        assert.equal((await outcome(row, PIPELINE)).status, row.status[0])
        assert.equal((await outcome(row, PIPELINE.toSpliced(index, 1))).status, row.status[1])
      })
  }

  it('allows nothing when it is empty', async () => {
    using fixture = authorizerFor(configOf([PUBLIC_ROUTE]), { steps: [] })
    assert.equal((await fixture.ask()).status, 500)
  })
})

describe('a path that two programs could read in two ways', () => {
  const paths = [
    '/a#b',
    '/a b',
    '/a\\b',
    '/a%00',
    '/a\tb',
    '/a\u007f',
    'no-slash',
    '',
    '/a/../b',
    '/a/%2e%2E/b',
    '/a/.',
  ]
  for (const path of paths) {
    it(`is refused: ${JSON.stringify(path)}`, async () => {
      using fixture = authorizerFor(configOf([PUBLIC_ROUTE]))
      assert.equal((await fixture.ask({ path })).status, 400)
    })
  }

  it('is not refused for what only looks so', async () => {
    using fixture = authorizerFor(configOf([PUBLIC_ROUTE]))
    const queries = ['/a?x=\\d+', '/a?q={a|b}^"<>`', '/a?x=%00', '/a?x=%2F..%2F', '/a?x=//y;z']
    for (const path of ['/a%23b', '/a..b/', '/.well-known/x', '/...', '/a?x=/../y', '/%E2%9C%93', ...queries])
      assert.ok((await fixture.ask({ path })).isAllowed, path)
    assert.ok((await fixture.ask({ method: 'OPTIONS', path: '*' })).isAllowed)
    assert.equal((await fixture.ask({ path: '*' })).status, 400)
  })

  it('is told what is wrong with it', async () => {
    using fixture = authorizerFor(configOf([PUBLIC_ROUTE]))
    const { body } = await fixture.ask({ path: '/a/..;/b', headers: { accept: 'application/json' } })
    assert.match(body, /"ambiguous_target".*not passed on: the path hides a dot segment\./)
  })

  it('is the operator’s affair when normalising is switched off', async () => {
    using fixture = authorizerFor(configOf([PUBLIC_ROUTE], { normalize_path: false }))
    assert.ok((await fixture.ask({ path: '/a/../b' })).isAllowed)
  })

  it('includes a host that is none', async () => {
    using fixture = authorizerFor(configOf([PUBLIC_ROUTE]))
    for (const host of ['', 'a b', 'evil@app.example.com', 'app.example.com/x', 'a\nb'])
      assert.equal((await fixture.ask({ host })).status, 400, host)
    assert.ok((await fixture.ask({ host: '[2001:db8::1]:8443' })).isAllowed)
  })
})

describe('a route that is gone', () => {
  it('stays known for five seconds, so that requests under way are not lost', async () => {
    const before = configOf([STAFF_ROUTE])
    using fixture = authorizerFor(before)
    const routeId = before.routes[0]?.id ?? ''
    fixture.change(configOf([{ ...STAFF_ROUTE, prefix: '/new' }]))
    fixture.clock.now += 4999
    assert.ok((await fixture.ask({ ...alice, routeId })).isAllowed)
    assert.equal((await fixture.ask({ headers: { cookie: cookieOf(BOB) }, routeId })).status, 403)
    fixture.clock.now += 1
    assert.equal((await fixture.ask({ ...alice, routeId })).status, 404)
  })

  it('is not known for longer because the clock went back', async () => {
    const before = configOf([STAFF_ROUTE])
    using fixture = authorizerFor(before)
    fixture.change(configOf([{ ...STAFF_ROUTE, prefix: '/new' }]))
    fixture.clock.now -= 60_000
    assert.equal((await fixture.ask({ ...alice, routeId: before.routes[0]?.id ?? '' })).status, 404)
  })

  it('is judged by its new policy at once when it is only changed', async () => {
    using fixture = authorizerFor(configOf([STAFF_ROUTE]))
    assert.ok((await fixture.ask(alice)).isAllowed)
    fixture.change(
      configOf([{ ...STAFF_ROUTE, policy: [{ allow: { and: [{ groups: { has: 'guests' } }] } }] }]),
    )
    assert.equal((await fixture.ask(alice)).status, 403)
  })
})

describe('a host that no URL can have', () => {
  it('is refused for what it is, and is no bug', async () => {
    using fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, from: 'https://*.example.com' }]))
    for (const host of ['app.example.com:99999', 'app.example.com:65536'])
      assert.equal((await fixture.ask({ host })).status, 400, host)
    assert.equal((await fixture.ask({ host: 'app.example.com:65535' })).status, 302)
  })
})

it('cookies of the same name that are no references hide none that is one', async () => {
  using fixture = authorizerFor(configOf([STAFF_ROUTE]))
  const junk = Array.from({ length: 50 }, (_, index) => `__Host-_pomerium=junk${index}`)
  assert.ok((await fixture.ask({ headers: { cookie: [...junk, cookieOf(ALICE)].join('; ') } })).isAllowed)
})
