import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import {
  ALICE,
  authorizerFor,
  configOf,
  cookieOf,
  NOW,
  objectOf,
  referenceOf,
  SIGNING_KEYS,
  STAFF_ROUTE,
} from './authorizer.fixture.ts'

const staff = () => authorizerFor(configOf([{ ...STAFF_ROUTE, pass_identity_headers: true }]))
const alice = { headers: { cookie: cookieOf(ALICE) } }

/** A header of the route, what is the same variable to many servers, and what is another one. */
const IMITATIONS: readonly (readonly [own: string, imitations: string[], others: string[]])[] = [
  ['X-Api-Key', ['x_api_key', 'x_api-key', 'x-api_key'], ['x-apikey', 'x-api--key', 'x_other']],
  ['X_Api_Key', ['x-api-key', 'x_api-key', 'x-api_key'], ['x-apikey', 'x--api-key', 'x-other']],
  ['X-User_Name', ['x-user-name', 'x_user_name', 'x_user-name'], ['x-username', 'x-user']],
  ['X.User.Name', ['x-user-name', 'x_user_name', 'x_user.name', 'x~user~name'], ['xusername', 'x-user']],
  ['App', [], ['app-', 'ap-p', 'x-app']],
]

describe('an allowed request', () => {
  it('carries an assertion that verifies against the JWKS', async () => {
    using authorizer = staff()
    const { isAllowed, headers } = await authorizer.ask(alice)
    assert.ok(isAllowed)
    const { payload } = await jwtVerify(
      headers['x-pomerium-jwt-assertion'] ?? '',
      createLocalJWKSet({ keys: [...SIGNING_KEYS.jwks.keys] }),
      { issuer: 'app.example.com', audience: 'app.example.com', currentDate: new Date(NOW) },
    )
    assert.equal(payload.sub, 'idp/alice')
    assert.equal(payload['email'], 'alice@example.com')
    assert.deepEqual(payload['groups'], ['staff', 'everyone'])
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 300)
  })

  it('carries claim headers, lists joined, a missing claim as an empty header', async () => {
    using authorizer = authorizerFor(
      configOf([STAFF_ROUTE], {
        pass_identity_headers: true,
        jwt_claims_headers: {
          'X-Email': 'email',
          'X-Groups': 'groups',
          'X-Dept': 'department',
          'X-None': 'none',
        },
      }),
    )
    const { headers } = await authorizer.ask(alice)
    assert.deepEqual(
      [headers['x-email'], headers['x-groups'], headers['x-dept'], headers['x-none']],
      ['alice@example.com', 'staff,everyone', 'harbour,tower', ''],
    )
  })

  it('carries no identity unless the route or the settings say so, and claim headers of the client go', async () => {
    using authorizer = authorizerFor(configOf([STAFF_ROUTE], { jwt_claims_headers: { 'X-Email': 'email' } }))
    const { isAllowed, headers, removed } = await authorizer.ask(alice)
    assert.ok(isAllowed)
    assert.equal(headers['x-pomerium-jwt-assertion'], undefined)
    assert.ok(removed.includes('x-email'))
  })

  it('lets the route overrule the settings on identity headers', async () => {
    using authorizer = authorizerFor(
      configOf([{ ...STAFF_ROUTE, pass_identity_headers: false }], { pass_identity_headers: true }),
    )
    assert.equal((await authorizer.ask(alice)).headers['x-pomerium-jwt-assertion'], undefined)
  })

  it('tells only the groups that the filters name, and the log how many were left out', async () => {
    using authorizer = authorizerFor(
      configOf([{ ...STAFF_ROUTE, jwt_groups_filter: ['staff'] }], {
        pass_identity_headers: true,
        jwt_claims_headers: { 'X-Groups': 'groups' },
      }),
    )
    assert.equal((await authorizer.ask(alice)).headers['x-groups'], 'staff')
    assert.equal(authorizer.lines[0]?.['removed-groups-count'], 1)
  })

  it('loses our cookies and keeps the others as they are', async () => {
    using authorizer = staff()
    const { headers } = await authorizer.ask({
      headers: { cookie: `a=1; ${cookieOf(ALICE)}; b="x y"; __Host-sallyport_flow=zzz;c=ü` },
    })
    assert.equal(headers['cookie'], 'a=1; b="x y";c=ü')
  })

  it('loses the whole cookie header when all of it was ours', async () => {
    using authorizer = staff()
    const { headers, removed } = await authorizer.ask(alice)
    assert.equal(headers['cookie'], undefined)
    assert.ok(removed.includes('cookie'))
  })

  it('keeps a cookie header without ours untouched', async () => {
    using authorizer = authorizerFor(
      configOf([{ ...STAFF_ROUTE, policy: undefined, allow_public_unauthenticated_access: true }]),
    )
    const { isAllowed, headers, removed } = await authorizer.ask({ headers: { cookie: 'a=1' } })
    assert.ok(isAllowed)
    assert.deepEqual([headers['cookie'], removed.includes('cookie')], [undefined, false])
  })

  for (const [name, value] of [
    ['authorization', `Pomerium ${referenceOf(ALICE)}`],
    ['authorization', `Bearer Pomerium-${referenceOf(ALICE)}`],
    ['authorization', `bearer pomerium-${referenceOf(ALICE)}`],
    ['x-pomerium-authorization', referenceOf(ALICE)],
  ] as const) {
    it(`takes a reference from "${name}: ${value.slice(0, 16)}…" and does not pass it on`, async () => {
      using authorizer = staff()
      const { isAllowed, removed } = await authorizer.ask({ headers: { [name]: value } })
      assert.ok(isAllowed)
      assert.ok(removed.includes(name))
    })
  }

  it('leaves an authorization that is not ours to the upstream', async () => {
    using authorizer = staff()
    const { removed } = await authorizer.ask({ headers: { ...alice.headers, authorization: 'Bearer abc' } })
    assert.ok(!removed.includes('authorization'))
  })

  it('fills in the references of set_request_headers, over everything else', async () => {
    using authorizer = authorizerFor(
      configOf([
        {
          ...STAFF_ROUTE,
          set_request_headers: {
            'X-Token': 'Bearer $pomerium.access_token',
            'X-Id': '${pomerium.id_token}',
            'X-Copy': '<$pomerium.request.headers["X-In"]>',
            'X-Price': '$$5',
            'X-Jwt': '$pomerium.jwt',
          },
        },
      ]),
    )
    const { headers } = await authorizer.ask({ headers: { ...alice.headers, 'x-in': 'value' } })
    assert.equal(headers['x-token'], 'Bearer planted-access-token')
    assert.equal(headers['x-id'], 'planted-id-token')
    assert.equal(headers['x-copy'], '<value>')
    assert.equal(headers['x-price'], '$5')
    assert.equal(headers['x-jwt']?.split('.').length, 3)
  })

  it('never copies our credentials or forged identity by a reference', async () => {
    using authorizer = authorizerFor(
      configOf([
        {
          ...STAFF_ROUTE,
          set_request_headers: {
            'X-Cookie': '$pomerium.request.headers["Cookie"]',
            'X-Auth': '$pomerium.request.headers["Authorization"]',
            'X-Claim': '$pomerium.request.headers["X-Pomerium-Claim-Email"]',
          },
        },
      ]),
    )
    const { headers } = await authorizer.ask({
      headers: {
        cookie: `a=1; ${cookieOf(ALICE)}`,
        authorization: `Pomerium ${referenceOf(ALICE)}`,
        'x-pomerium-claim-email': 'root@example.com',
      },
    })
    assert.deepEqual([headers['x-cookie'], headers['x-auth'], headers['x-claim']], ['a=1', '', ''])
  })

  it('carries a routing key where upstreams are chosen by hash, that does not tell the session', async () => {
    using authorizer = authorizerFor(configOf([{ ...STAFF_ROUTE, load_balancing_policy: 'MAGLEV' }]))
    const key = (await authorizer.ask(alice)).headers['x-pomerium-routing-key'] ?? ''
    assert.match(key, /^[0-9a-f]{64}$/)
    assert.ok(!key.includes(ALICE.id))
  })

  it('has an assertion with an empty subject for somebody unknown on a public route', async () => {
    using authorizer = authorizerFor(
      configOf(
        [
          {
            from: 'https://app.example.com',
            to: 'http://127.0.0.1:1',
            allow_public_unauthenticated_access: true,
          },
        ],
        { pass_identity_headers: true },
      ),
    )
    const { isAllowed, headers } = await authorizer.ask()
    assert.ok(isAllowed)
    const payload = objectOf(
      Buffer.from(headers['x-pomerium-jwt-assertion']?.split('.')[1] ?? '', 'base64url').toString(),
    )
    assert.deepEqual([payload['sub'], payload['groups']], ['', []])
  })

  it('takes identity headers of the client off, on public routes too', async () => {
    using authorizer = authorizerFor(
      configOf([
        {
          from: 'https://app.example.com',
          to: 'http://127.0.0.1:1',
          allow_public_unauthenticated_access: true,
        },
      ]),
    )
    const forged = [
      'x-pomerium-jwt-assertion',
      'x-pomerium-claim-anything',
      'x-forwarded-user',
      'remote-user',
      'remote.user',
      'x_authenticated~userid',
    ]
    const { removed } = await authorizer.ask({
      headers: Object.fromEntries([...forged, 'x-forwarded-for', 'accept'].map((name) => [name, 'forged'])),
    })
    assert.deepEqual(removed.toSorted(), [...forged, 'x-pomerium-authorization'].toSorted())
  })

  for (const [own, imitations, others] of IMITATIONS) {
    it(`cannot be imitated by other separators where the route has a header of its own: ${own}`, async () => {
      const sources: readonly (readonly [route: object, settings?: object])[] = [
        [{}, { jwt_claims_headers: { [own]: 'email' } }],
        [{ set_request_headers: { [own]: 'own' } }],
        [{ set_request_headers: { [own]: '$pomerium.id_token' } }],
        [{ remove_request_headers: [own] }],
      ]
      for (const [route, settings] of sources) {
        using authorizer = authorizerFor(configOf([{ ...STAFF_ROUTE, ...route }], settings))
        const names = [...imitations, ...others]
        const { removed } = await authorizer.ask({
          headers: { ...alice.headers, ...Object.fromEntries(names.map((name) => [name, 'forged'])) },
        })
        const said = JSON.stringify([route, settings])
        assert.deepEqual(
          names.filter((name) => removed.includes(name)),
          imitations,
          said,
        )
      }
    })
  }

  it('is not looked for among pseudo-headers', async () => {
    using authorizer = authorizerFor(configOf([{ ...STAFF_ROUTE, set_request_headers: { _Path: 'own' } }]))
    const { removed } = await authorizer.ask({
      headers: { ...alice.headers, ':path': '/', '-path': 'forged' },
    })
    assert.ok(removed.includes('-path') && !removed.includes(':path'))
  })

  it('cannot be split by a line break in a claim', async () => {
    using authorizer = authorizerFor(
      configOf([STAFF_ROUTE], { pass_identity_headers: true, jwt_claims_headers: { 'X-Name': 'name' } }),
    )
    authorizer.store.put({ ...ALICE, name: 'Alice\r\nX-Admin: 1\0', version: 2 })
    assert.equal((await authorizer.ask(alice)).headers['x-name'], 'Alice X-Admin: 1')
  })
})
