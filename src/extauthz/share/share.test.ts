import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serviceAccountOf } from '../../access/credentials/service-account/service-account.ts'
import type { ServiceAccountSource } from '../../access/ports.ts'
import { clientShareOf } from '../../config/keys/upstream/request-limits.ts'
import { makeServiceAccountToken } from '../../edge/service-account-token.ts'
import { loadProtos } from '../../gen/protos.ts'
import {
  ALICE,
  type Ask,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  type Fixture,
  KEYS,
  MapStore,
  STAFF_ROUTE,
} from '../authorizer.fixture.ts'
import { WireWriter } from '../wire.ts'

const RESPONSE = loadProtos('services').type('envoy.service.auth.v3.CheckResponse')

const PUBLIC_ROUTE = {
  from: 'https://app.example.com',
  to: 'http://127.0.0.1:1',
  allow_public_unauthenticated_access: true,
}
const shareOf = (thresholds: object | undefined, route: object = {}) => {
  const config = configOf([{ ...PUBLIC_ROUTE, ...route }], { circuit_breaker_thresholds: thresholds ?? {} })
  const [only] = config.routes
  assert.ok(only)
  return clientShareOf(only, config.settings)
}

describe('the share of one client', () => {
  for (const [thresholds, share] of [
    [undefined, 256],
    [{ max_requests: 1024 }, 256],
    [{ max_requests: 100 }, 32],
    [{ max_requests: 40 }, 30],
    [{ max_requests: 8 }, 6],
    [{ max_requests: 5 }, 3],
    [{ max_requests: 2 }, 1],
    // Of one place nobody can leave one to others.
    [{ max_requests: 1 }, undefined],
    [{ max_requests: 0 }, undefined],
    [{ max_connections: 8 }, 6],
    [{ max_connections: 8, max_requests: 4 }, 3],
    [{ max_requests_per_client: 7 }, 7],
    [{ max_requests_per_client: 1023 }, 1023],
    [{ max_requests_per_client: 1024 }, undefined],
    [{ max_requests: 8, max_requests_per_client: 8 }, undefined],
    [{ max_requests: 8, max_requests_per_client: 7 }, 7],
  ] as const)
    it(`is ${share ?? 'everything'} with ${JSON.stringify(thresholds)}`, () => {
      assert.equal(shareOf(thresholds), share)
    })

  it('is larger where upgrades are allowed', () => {
    assert.equal(shareOf(undefined, { allow_websockets: true }), 2500)
  })

  it('of connections matters only where each has one request', () => {
    assert.equal(shareOf({ max_connections: 1 }, { to: 'h2c://127.0.0.1:1' }), 256)
    assert.equal(shareOf({ max_connections: 8 }, { to: 'https://127.0.0.1:1' }), 256)
    // Envoy is told so many requests then.
    for (const to of ['https://127.0.0.1:1', 'h2c://127.0.0.1:1'])
      assert.equal(shareOf({ max_connections: 8 }, { to, timeout: '0s' }), 6)
    assert.equal(shareOf({ max_connections: 8 }, { to: 'https://127.0.0.1:1', allow_websockets: true }), 6)
  })

  it('of a route wins over that of all, number by number', () => {
    const route = { circuit_breaker_thresholds: { max_requests_per_client: 5 } }
    assert.equal(shareOf({ max_requests: 8, max_requests_per_client: 2 }, route), 5)
  })

  it('is not counted where there is no upstream', () => {
    assert.equal(shareOf(undefined, { to: undefined, redirect: { https_redirect: true } }), undefined)
  })
})

const LIMIT = { circuit_breaker_thresholds: { max_requests_per_client: 2 } }
const alice: Ask = { headers: { cookie: cookieOf(ALICE) } }
const bob: Ask = { headers: { cookie: cookieOf(BOB) } }

/** By which Envoy will report a request that was let pass. */
async function markOf(fixture: Fixture, ask: Ask): Promise<string> {
  const answer = RESPONSE.toObject(RESPONSE.decode(await fixture.bytes(ask))) as {
    readonly ok_response?: object
    readonly dynamic_metadata?: {
      readonly fields: Readonly<Record<string, { readonly stringValue: string }>>
    }
  }
  assert.ok(answer.ok_response)
  const { open_request: mark, ...others } = answer.dynamic_metadata?.fields ?? {}
  // Envoy puts the two together; the library of this test keeps the last part of a message alone.
  assert.ok(Object.keys(others).every((key) => key === 'permit'))
  return mark?.stringValue ?? ''
}

function end(fixture: Fixture, mark: string): void {
  const record = new WireWriter().message(5, new WireWriter().bytes(1, `DownstreamEnd ${mark}`))
  const resource = new WireWriter().message(2, new WireWriter().message(2, record))
  fixture.authorizer.report(new WireWriter().message(1, resource).finish())
}

describe('a request over the share', () => {
  it('is answered 429 with a time to come back, in the response format of who asks', async () => {
    using fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, ...LIMIT }]))
    for (let index = 0; index < 2; index++) assert.ok((await fixture.ask(alice)).isAllowed)
    const page = await fixture.ask({ headers: { ...alice.headers, accept: 'text/html' } })
    assert.equal(page.status, 429)
    assert.equal(page.headers['retry-after'], '5')
    assert.match(page.body, /Too much open at once/)
    assert.match(page.body, /decision-1/)
    const json = await fixture.ask({ headers: { ...alice.headers, accept: 'application/json' } })
    assert.deepEqual(
      [json.status, json.headers['retry-after'], (JSON.parse(json.body) as { error: string }).error],
      [429, '5', 'too_many_open_requests'],
    )
    const grpc = await fixture.ask({ headers: { ...alice.headers, 'content-type': 'application/grpc' } })
    assert.deepEqual([grpc.status, grpc.headers['retry-after']], [429, '5'])
    const line = fixture.lines.at(-1)
    assert.equal(line?.['outcome'], 'refuse')
    assert.match(JSON.stringify(line), /too-many-open-requests.*2 are open/)
  })

  it('passes when another has ended', async () => {
    using fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, ...LIMIT }]))
    const marks = [await markOf(fixture, alice), await markOf(fixture, alice)]
    assert.equal((await fixture.ask(alice)).status, 429)
    end(fixture, marks[1] ?? '')
    assert.ok((await fixture.ask(alice)).isAllowed)
  })

  it('passes when the end of another is reported while it waits', async () => {
    using fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, ...LIMIT }]))
    const marks = [await markOf(fixture, alice), await markOf(fixture, alice)]
    const late = fixture.ask(alice)
    end(fixture, marks[0] ?? '')
    assert.ok((await late).isAllowed)
  })

  it('is judged anew after the wait', async () => {
    using fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, ...LIMIT }]))
    const marks = [await markOf(fixture, alice), await markOf(fixture, alice)]
    const late = fixture.ask(alice)
    end(fixture, marks[0] ?? '')
    fixture.store.delete(ALICE.id)
    assert.equal((await late).status, 302)
  })
})

async function twice(fixture: Fixture, ask: Ask): Promise<void> {
  for (let index = 0; index < 2; index++) assert.ok((await fixture.ask(ask)).isAllowed)
  assert.equal((await fixture.ask(ask)).status, 429)
}

const from = (client: string): Ask => ({ headers: { 'x-forwarded-for': `203.0.113.9,${client},192.0.2.7` } })
const withToken = (token: string): Ask => ({ headers: { authorization: `Bearer ${token}` } })
const asAccount = (id: string): Ask => ({
  headers: { authorization: `Pomerium ${makeServiceAccountToken(id, KEYS.serviceAccount)}` },
})

describe('who is one client', () => {
  it('is a session, whatever address it comes from', async () => {
    using fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, ...LIMIT }]), {
      store: new MapStore(ALICE, { ...BOB, groups: ALICE.groups }),
    })
    await twice(fixture, alice)
    assert.equal((await fixture.ask({ ...alice, sourceAddress: '198.51.100.1' })).status, 429)
    assert.ok((await fixture.ask(bob)).isAllowed)
  })

  it('is an address where nobody has signed in', async () => {
    using fixture = authorizerFor(configOf([{ ...PUBLIC_ROUTE, ...LIMIT }]))
    await twice(fixture, { sourceAddress: '192.0.2.1' })
    assert.ok((await fixture.ask({ sourceAddress: '192.0.2.2' })).isAllowed)
    // Whatever else a stranger shows makes no other client of them.
    for (const headers of [
      { cookie: 'a=b' },
      { 'x-forwarded-for': '198.51.100.9' },
      { 'user-agent': 'other' },
    ])
      assert.equal((await fixture.ask({ sourceAddress: '192.0.2.1', headers })).status, 429)
  })

  it('is a network of IPv6', async () => {
    using fixture = authorizerFor(configOf([{ ...PUBLIC_ROUTE, ...LIMIT }]))
    await twice(fixture, { sourceAddress: '2001:db8:1:2::1' })
    assert.equal((await fixture.ask({ sourceAddress: '2001:db8:1:2:ffff::7' })).status, 429)
    assert.ok((await fixture.ask({ sourceAddress: '2001:db8:1:3::1' })).isAllowed)
  })

  it('is the address before trusted proxies', async () => {
    using fixture = authorizerFor(configOf([{ ...PUBLIC_ROUTE, ...LIMIT }], { xff_num_trusted_hops: 1 }))
    await twice(fixture, from('198.51.100.1'))
    assert.ok((await fixture.ask(from('198.51.100.2'))).isAllowed)
  })

  it('is an identity, however many tokens it brings', async () => {
    const session = { ...ALICE, kind: 'workload' as const, userId: 'ci/deploy' }
    using fixture = authorizerFor(
      configOf([{ ...PUBLIC_ROUTE, ...LIMIT, bearer_token_format: 'jwt' }], {
        identity_providers: { ci: { issuer: 'https://ci.example.com', audiences: ['app'] } },
      }),
      {
        ports: {
          bearer: { session: (_route, token) => ({ ...session, id: `id of ${token}` }) },
        },
      },
    )
    for (const token of ['one', 'two']) assert.ok((await fixture.ask(withToken(token))).isAllowed)
    assert.equal((await fixture.ask(withToken('three'))).status, 429)
  })

  it('is a service account', async () => {
    const [ci = '', cd = ''] = ['ci', 'cd'].map((name) => name.padEnd(22, 'x'))
    const accounts = [ci, cd].map((name) =>
      serviceAccountOf({
        id: name,
        version: 1,
        collection: 'service-account',
        changedAt: 1,
        value: { name, userId: 'service-account/same', groups: ['staff'], createdAt: 1 },
      }),
    )
    const source: ServiceAccountSource = {
      find: (id) => accounts.find((account) => account?.id === id),
      noteUse: () => undefined,
      onChange: () => ({ [Symbol.dispose]: () => undefined }),
    }
    using fixture = authorizerFor(configOf([{ ...PUBLIC_ROUTE, ...LIMIT }]), {
      ports: { serviceAccounts: source },
    })
    await twice(fixture, asAccount(ci))
    assert.ok((await fixture.ask(asAccount(cd))).isAllowed)
  })
})

describe('what does not pass', () => {
  it('takes no place', async () => {
    using fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, ...LIMIT }]))
    for (let index = 0; index < 5; index++) {
      assert.equal((await fixture.ask(bob)).status, 403)
      assert.equal((await fixture.ask({})).status, 302)
      assert.equal((await fixture.ask({ ...alice, method: 'TRACE' })).status, 405)
    }
    for (let index = 0; index < 2; index++) assert.ok((await fixture.ask(alice)).isAllowed)
  })

  it('takes no place when the answer could not be made', async () => {
    using fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, ...LIMIT, pass_identity_headers: true }]))
    const broken = {
      ...ALICE,
      get version(): number {
        throw new Error('not readable')
      },
    }
    fixture.store.sessions.set(ALICE.id, broken)
    for (let index = 0; index < 5; index++) assert.equal((await fixture.ask(alice)).status, 500)
    fixture.store.sessions.set(ALICE.id, ALICE)
    for (let index = 0; index < 2; index++) assert.ok((await fixture.ask(alice)).isAllowed)
  })
})

describe('an answer that is marked', () => {
  it('is the same as without, but for the mark', async () => {
    using plain = authorizerFor(configOf([STAFF_ROUTE]))
    using marked = authorizerFor(configOf([{ ...STAFF_ROUTE, ...LIMIT }]))
    const [one, other] = [await plain.ask(alice), await marked.ask(alice)]
    assert.deepEqual(
      { ...one, headers: Object.keys(one.headers) },
      { ...other, headers: Object.keys(other.headers) },
    )
    assert.match(await markOf(marked, alice), /^![0-9a-f]{8}\.\d+\.\d+\/[0-9a-f]{16}\/s:[\w-]+$/)
    assert.equal(await markOf(plain, alice), '')
  })
})
