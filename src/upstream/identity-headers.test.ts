import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import {
  ALICE,
  authorizerFor,
  configOf,
  cookieOf,
  type Fixture,
  objectOf,
  STAFF_ROUTE,
} from '../extauthz/authorizer.fixture.ts'
import { createMetrics } from '../telemetry/metrics.ts'

const ASSERTION = 'x-pomerium-jwt-assertion'
const alice = { headers: { cookie: cookieOf(ALICE) } }
const PUBLIC_ROUTE = { ...STAFF_ROUTE, policy: undefined, allow_public_unauthenticated_access: true }

/** 36 characters each, as the ids of many directories: 2,000 of them are 72 KB. */
const idOf = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
const MANY = ['staff', ...Array.from({ length: 2000 }, (_, index) => idOf(index))]

function withGroups(groups: readonly string[], route: object = {}, settings: object = {}): Fixture {
  const fixture = authorizerFor(
    configOf([{ ...STAFF_ROUTE, pass_identity_headers: true, ...route }], {
      jwt_claims_headers: ['email', 'groups'],
      ...settings,
    }),
  )
  fixture.store.put({ ...ALICE, groups, version: 2 })
  return fixture
}

async function claimsOf(fixture: Fixture): Promise<Record<string, unknown>> {
  return decodeJwt((await fixture.ask(alice)).headers[ASSERTION] ?? '')
}

const warnings = ({ lines }: Fixture) => lines.filter(({ level }) => level === 'warn')

describe('the groups in identity headers', () => {
  it('are cut by every form of the filter, alike in the assertion and in the claim header', async () => {
    const groups = ['staff', 'team-a', 'team-b']
    for (const [filter, kept] of [
      [undefined, groups],
      [['team-a'], ['team-a']],
      [{ prefixes: ['team-'] }, ['team-a', 'team-b']],
      [{ patterns: ['.*-b'] }, ['team-b']],
      [{ mentioned: true }, ['staff']],
      [{}, []],
    ] as const) {
      using fixture = withGroups(groups, filter && { jwt_groups_filter: filter })
      const { headers } = await fixture.ask(alice)
      assert.deepEqual(decodeJwt(headers[ASSERTION] ?? '')['groups'], kept)
      assert.equal(headers['x-pomerium-claim-groups'], kept.join(','))
      const removed = groups.length - kept.length
      assert.equal(fixture.lines[0]?.['removed-groups-count'], removed === 0 ? undefined : removed)
    }
  })

  it('are cut in a claim of another name that holds them too, and in no other claim', async () => {
    using fixture = withGroups(
      ['staff', 'team-a'],
      { jwt_groups_filter: ['team-a'] },
      { idp_provider: 'cognito', jwt_claims_headers: { 'X-G': 'cognito:groups', 'X-D': 'department' } },
    )
    const claims = { 'cognito:groups': ['staff', 'team-a'], department: ['staff'] }
    fixture.store.put({ ...ALICE, groups: ['staff', 'team-a'], claims, version: 3 })
    const found = await claimsOf(fixture)
    assert.deepEqual([found['cognito:groups'], found['department']], ['team-a', 'staff'])
    using wide = withGroups(
      MANY,
      {},
      { idp_provider: 'cognito', jwt_claims_headers: { 'X-G': 'cognito:groups' } },
    )
    wide.store.put({ ...ALICE, groups: MANY, claims: { 'cognito:groups': MANY }, version: 4 })
    assert.equal((await wide.ask(alice)).headers['x-g'], 'staff')
  })

  it('are cut and told by whatever spelling of a nested claim, none of them as two', async () => {
    for (const claim of ['realm_access/roles', 'realm_access.roles']) {
      const providers = {
        idp: {
          provider: 'oidc',
          provider_url: 'https://idp.example.com',
          client_id: 'x',
          client_secret: 'y',
          groups_claim: 'realm_access.roles',
        },
      }
      using fixture = withGroups(
        ['staff', 'team-a', 'team-a,x'],
        { jwt_groups_filter: { prefixes: ['team-'] } },
        { sign_in_providers: providers, jwt_claims_headers: { 'X-Roles': claim } },
      )
      const claims = { 'realm_access/roles': ['staff', 'team-a', 'team-a,x'] }
      fixture.store.put({ ...ALICE, groups: ['staff', 'team-a', 'team-a,x'], claims, version: 3 })
      assert.equal((await fixture.ask(alice)).headers['x-roles'], 'team-a,team-a%2Cx')
    }
  })

  it('are a list even when nothing is known of them', async () => {
    using fixture = withGroups([], PUBLIC_ROUTE)
    fixture.store.put({ ...ALICE, groups: 'unknown', version: 3 })
    assert.deepEqual((await claimsOf(fixture))['groups'], [])
    const anonymous = decodeJwt((await fixture.ask()).headers[ASSERTION] ?? '')
    assert.deepEqual([anonymous['groups'], anonymous.sub], [[], ''])
  })
})

describe('more groups than an app takes', () => {
  it('are told as those that the policies of the route name, and the assertion says so', async () => {
    using fixture = withGroups(MANY)
    const { headers } = await fixture.ask(alice)
    const { groups, groups_truncated } = decodeJwt(headers[ASSERTION] ?? '')
    assert.deepEqual([groups, groups_truncated], [['staff'], true])
    assert.equal(headers['x-pomerium-claim-groups'], 'staff')
    assert.equal(fixture.lines.at(-1)?.['removed-groups-count'], 2000)
  })

  it('are told as none when even those are too many, or there are none', async () => {
    const policy = [{ allow: { or: MANY.map((group) => ({ groups: group })) } }]
    for (const route of [{ policy }, PUBLIC_ROUTE]) {
      using fixture = withGroups(MANY, route)
      const { groups, groups_truncated } = await claimsOf(fixture)
      assert.deepEqual([groups, groups_truncated], [[], true])
      assert.equal(fixture.lines.at(-1)?.['removed-groups-count'], 2001)
    }
  })

  it('are no trouble where the filter has left few', async () => {
    using fixture = withGroups(MANY, { jwt_groups_filter: [idOf(7)] })
    const { groups, groups_truncated } = await claimsOf(fixture)
    assert.deepEqual([groups, groups_truncated], [[idOf(7)], undefined])
    assert.deepEqual(warnings(fixture), [])
  })

  it('are told where the operator says that the app takes them', async () => {
    const some = MANY.slice(0, 300)
    using fixture = withGroups(some, { identity_headers_limit: 36_000 })
    assert.deepEqual((await claimsOf(fixture))['groups'], some)
    using tight = withGroups(some, {}, { identity_headers_limit: 36_000, jwt_claims_headers: [] })
    assert.deepEqual((await claimsOf(tight))['groups'], some)
  })

  it('never make the headers larger than the limit, whatever their number', async () => {
    for (const count of [0, 60, 90, 100, 120, 150, 200, 2000]) {
      using fixture = withGroups(
        MANY.slice(0, 1 + count),
        {},
        { authorize_log_fields: ['identity-header-bytes'] },
      )
      const { headers } = await fixture.ask(alice)
      const lines = Object.entries(headers).filter(([name]) => name.startsWith('x-pomerium-'))
      const lengths = lines.map(([name, value]) => `${name}: ${value}\r\n`.length)
      const together = lengths.reduce((sum, length) => sum + length, 0)
      assert.ok(Math.max(...lengths) <= 8000 && together <= 12_000, `${count} groups: ${lengths.join()}`)
      assert.equal(fixture.lines.at(-1)?.['identity-header-bytes'], together)
    }
  })

  it('are not counted again for a header that a template puts the assertion in, but its size is', async () => {
    using fixture = withGroups(MANY.slice(0, 80), {
      set_request_headers: { 'X-One': '$pomerium.jwt', 'X-Two': 'Bearer $pomerium.jwt' },
    })
    assert.deepEqual((await claimsOf(fixture))['groups'], ['staff'])
  })
})

describe('copied claims that are longer than an app takes', () => {
  it('are left out, the longest first, and named', async () => {
    using fixture = withGroups(['staff'], {}, { jwt_claims_headers: ['roles', 'department', 'email'] })
    const claims = { ...ALICE.claims, roles: MANY }
    fixture.store.put({ ...ALICE, claims, version: 3 })
    const { headers } = await fixture.ask(alice)
    const found = decodeJwt(headers[ASSERTION] ?? '')
    assert.deepEqual(
      [found['roles'], found['department'], found['claims_truncated']],
      [undefined, 'harbour,tower', ['roles']],
    )
    assert.equal(headers['x-pomerium-claim-roles'], '')
    assert.equal(headers['x-pomerium-claim-email'], 'alice@example.com')
  })
})

describe('the minimal assertion', () => {
  const KEYS = ['aud', 'exp', 'iat', 'iss', 'jti', 'sub']

  it('says that the request came through the proxy, and whose it is, and nothing more', async () => {
    using fixture = withGroups(MANY, { ...PUBLIC_ROUTE, pass_identity_headers: 'minimal' })
    for (const [ask, sub] of [
      [alice, ALICE.userId],
      [{}, ''],
    ] as const) {
      const { headers, removed } = await fixture.ask(ask)
      const claims = decodeJwt(headers[ASSERTION] ?? '')
      assert.deepEqual(Object.keys(claims).toSorted(), KEYS)
      assert.deepEqual([claims.sub, claims.aud], [sub, 'app.example.com'])
      assert.equal(headers['x-pomerium-claim-email'], undefined)
      assert.ok(removed.includes('x-pomerium-claim-email'))
    }
    assert.deepEqual(warnings(fixture), [])
  })

  it('may be asked for globally, and refused by a route', async () => {
    using fixture = withGroups(
      [],
      { ...PUBLIC_ROUTE, pass_identity_headers: false },
      { pass_identity_headers: 'minimal' },
    )
    assert.equal((await fixture.ask()).headers[ASSERTION], undefined)
    using global = withGroups(
      [],
      { ...PUBLIC_ROUTE, pass_identity_headers: undefined },
      { pass_identity_headers: 'minimal' },
    )
    assert.deepEqual(Object.keys(decodeJwt((await global.ask()).headers[ASSERTION] ?? '')).toSorted(), KEYS)
  })
})

describe('the size of identity headers', () => {
  it('is told once per route and generation when it comes near the limit, and once when groups are left out', async () => {
    using fixture = withGroups(MANY.slice(0, 120), {}, { jwt_claims_headers: [] })
    await fixture.ask(alice)
    for (const groups of [MANY.slice(0, 100), MANY, MANY.slice(0, 999)]) {
      fixture.store.put({ ...ALICE, groups, version: groups.length })
      await fixture.ask(alice)
    }
    const found = warnings(fixture)
    assert.deepEqual(
      found.map((line) => [line['groups'], line['removed-groups-count']]),
      [
        [120, 0],
        [2001, 2000],
      ],
    )
    assert.match(String(found[0]?.['msg']), /jwt_groups_filter/)
    assert.match(String(found[1]?.['msg']), /left out.*jwt_groups_filter.*identity_headers_limit/)
    assert.ok(Number(found[1]?.['identity-header-bytes']) > 72_000)
    assert.equal(found[1]?.['from'], 'https://app.example.com')

    fixture.change(configOf([{ ...STAFF_ROUTE, pass_identity_headers: true }]))
    await fixture.ask(alice)
    assert.equal(warnings(fixture).length, 3)
  })

  it('is measured per route, the largest of the generation', async () => {
    const metrics = createMetrics()
    const fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, pass_identity_headers: true }]), {
      ports: { meter: metrics.meter },
    })
    const largest = async () =>
      /sallyport_identity_header_bytes\{route_id="\w{16}",from="https:\/\/app\.example\.com".*\} (\d+)/.exec(
        await metrics.render(),
      )?.[1]
    assert.equal(await largest(), undefined)
    await fixture.ask(alice)
    const small = Number(await largest())
    assert.ok(small > 300 && small < 1000, String(small))
    fixture.store.put({ ...ALICE, groups: MANY.slice(0, 50), version: 2 })
    await fixture.ask(alice)
    const large = Number(await largest())
    assert.ok(large > 2500, String(large))
    fixture.store.put({ ...ALICE, version: 3 })
    await fixture.ask(alice)
    assert.equal(Number(await largest()), large)
    fixture.change(fixture.config)
    assert.equal(await largest(), '0')
    fixture[Symbol.dispose]()
    await metrics[Symbol.asyncDispose]()
  })

  it('costs one signature per minute, session and route where everything fits', async () => {
    using fixture = withGroups(['staff'])
    const { headers } = await fixture.ask(alice)
    assert.equal((await fixture.ask(alice)).headers[ASSERTION], headers[ASSERTION])
    assert.equal(objectOf(JSON.stringify(decodeJwt(headers[ASSERTION] ?? '')))['groups_truncated'], undefined)
  })
})
