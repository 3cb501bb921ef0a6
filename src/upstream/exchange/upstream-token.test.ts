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
  STAFF_ROUTE,
} from '../../extauthz/authorizer.fixture.ts'
import type { Session } from '../../session/session.ts'
import { answered, type PlayedIssuer, playIssuer } from './issuer.fixture.ts'

const TOKEN = { grant: 'token_exchange', audience: 'reports' }
const PUBLIC = { policy: undefined, allow_public_unauthenticated_access: true }
const HOUR = 3_600_000
const CAROL: Session = {
  ...ALICE,
  id: 'carol-session-000000000',
  userId: 'idp/carol',
  tokens: { ...ALICE.tokens, accessToken: 'planted-token-of-carol' },
}
const PREFLIGHT = { origin: 'https://x.test', 'access-control-request-method': 'GET' }

function open(
  token: object = TOKEN,
  {
    route = {},
    settings = {},
    session = {},
    refresh,
  }: {
    route?: object
    settings?: object
    session?: Partial<Session>
    refresh?: (store: MapStore, clock: { now: number }) => void
  } = {},
) {
  const alice: Session = { ...ALICE, expiresAt: NOW + 10 * HOUR, ...session }
  const store = new MapStore(
    alice,
    { ...BOB, groups: ['staff'], tokens: { ...BOB.tokens, accessToken: 'planted-token-of-bob' } },
    CAROL,
  )
  const clock = { now: NOW }
  const issuer: PlayedIssuer = playIssuer(clock)
  store.onChange((id) => issuer.change(id))
  const config = configOf([{ ...STAFF_ROUTE, ...route, upstream_token: token }], settings)
  const fixture = authorizerFor(config, {
    store,
    ports: {
      upstreamTokens: issuer.tokens,
      now: () => clock.now,
      refreshNow: async () => refresh?.(store, clock),
    },
  })
  const ask = (more: Ask = {}, as: Session | undefined = alice) =>
    fixture.ask({ ...more, headers: { ...(as && { cookie: cookieOf(as) }), ...more.headers } })
  const anonymously = (more: Ask = {}) => fixture.ask(more)
  return { ask, anonymously, fixture, issuer, clock, store, alice }
}

const errorOf = (body: string): unknown => objectOf(body)['error']
const JSON_ONLY = { accept: 'application/json' }

describe('a token for the upstream’s own audience', () => {
  it('stands in Authorization after "Bearer", over what the client sent, and the user’s own goes nowhere', async () => {
    const { ask } = open()
    for (const headers of [{}, { authorization: 'Bearer forged' }, { authorization: 'Basic x' }]) {
      const answer = await ask({ headers })
      assert.equal(answer.headers['authorization'], 'Bearer reports/for/planted-access-token/1')
      assert.ok(!answer.removed.includes('authorization'))
      assert.equal(Object.values(answer.headers).filter((value) => value.includes('planted')).length, 1)
    }
  })

  it('stands alone in a header of another name, which a client can’t set, and Authorization stays the client’s', async () => {
    const { ask } = open({ ...TOKEN, header: 'X-Up' })
    const answer = await ask({ headers: { 'x-up': 'forged', authorization: 'Basic x' } })
    assert.equal(answer.headers['x-up'], 'reports/for/planted-access-token/1')
    assert.equal(answer.headers['authorization'], undefined)
    assert.ok(!answer.removed.includes('authorization'))
    const imitated = await ask({ headers: { x_up: 'forged', 'X-UP': 'forged' } })
    assert.ok(imitated.removed.includes('x_up'))
  })

  it('is each one’s own, also in answers that are kept', async () => {
    const { ask } = open()
    const bob = { ...BOB, groups: ['staff'] }
    for (let n = 0; n < 3; n += 1) {
      assert.match((await ask()).headers['authorization'] ?? '', /for\/planted-access-token\//)
      assert.match((await ask({}, bob)).headers['authorization'] ?? '', /for\/planted-token-of-bob\//)
    }
  })

  it('is made of the ID token where the route says so', async () => {
    const { ask } = open({ ...TOKEN, subject_token: 'id_token' })
    assert.equal((await ask()).headers['authorization'], 'Bearer reports/for/planted-id-token/1')
  })

  it('is not asked for whom the policy refuses', async () => {
    const { ask, issuer } = open(TOKEN, { session: { groups: [] } })
    assert.equal((await ask()).status, 403)
    assert.equal(issuer.requests.length, 0)
  })

  it('goes in the next request as soon as it was renewed, and never beyond its end', async () => {
    const { ask, clock, issuer } = open()
    const token = async () => (await ask()).headers['authorization']
    assert.equal(await token(), 'Bearer reports/for/planted-access-token/1')
    clock.now += 240_000
    assert.equal(await token(), 'Bearer reports/for/planted-access-token/1')
    await new Promise(setImmediate)
    assert.equal(await token(), 'Bearer reports/for/planted-access-token/2')
    issuer.answer = () => answered({}, 503)
    clock.now += 300_000
    assert.equal((await ask()).status, 503)
  })

  it('is got anew after the session was renewed, and the new token of the session is what is exchanged', async () => {
    const { ask, store, alice } = open()
    await ask()
    store.put({ ...alice, version: 2, tokens: { ...alice.tokens, accessToken: 'planted-renewed' } })
    assert.equal((await ask()).headers['authorization'], 'Bearer reports/for/planted-renewed/2')
  })

  it('waits for the session’s token to be renewed first, where that has ended', async () => {
    const { ask, clock } = open(TOKEN, {
      session: { tokens: { ...ALICE.tokens, accessTokenExpiresAt: NOW + HOUR } },
      refresh: (store) =>
        store.put({
          ...ALICE,
          expiresAt: NOW + 10 * HOUR,
          tokens: { ...ALICE.tokens, accessToken: 'planted-fresh' },
        }),
    })
    clock.now += HOUR
    assert.equal((await ask()).headers['authorization'], 'Bearer reports/for/planted-fresh/1')
  })

  it('of the client itself is the same for all, also for machines and visitors', async () => {
    const own = { grant: 'client_credentials', audience: 'reports' }
    const { ask, anonymously } = open(own, { route: PUBLIC })
    assert.equal((await ask()).headers['authorization'], 'Bearer reports/for/all/1')
    assert.equal(
      (await anonymously({ headers: { authorization: 'Bearer forged' } })).headers['authorization'],
      'Bearer reports/for/all/1',
    )
    const machine = open(own, { session: { kind: 'workload' } })
    assert.equal((await machine.ask()).headers['authorization'], 'Bearer reports/for/all/1')
  })
})

describe('a preflight request', () => {
  it('goes without, for a user’s token and for a client’s own, before and after others go with one', async () => {
    const own = { grant: 'client_credentials', audience: 'reports' }
    for (const [token, route] of [
      [TOKEN, { cors_allow_preflight: true }],
      [own, { ...PUBLIC, cors_allow_preflight: true }],
    ] as const) {
      const { anonymously, ask, issuer } = open(token, { route })
      for (let n = 0; n < 2; n += 1) {
        const preflight = await anonymously({
          method: 'OPTIONS',
          headers: { ...PREFLIGHT, authorization: 'Bearer forged' },
        })
        assert.ok(preflight.isAllowed)
        assert.equal(preflight.headers['authorization'], undefined)
        assert.ok(preflight.removed.includes('authorization'))
        assert.equal(issuer.requests.length, n)
        assert.match((await ask()).headers['authorization'] ?? '', /^Bearer reports/)
      }
      if (token === own)
        assert.match((await anonymously()).headers['authorization'] ?? '', /^Bearer reports\/for\/all/)
    }
  })
})

describe('a token for an upstream that is not to be had', () => {
  it('is refused to visitors and machines in words, and nobody is asked', async () => {
    const { anonymously, issuer } = open({ ...TOKEN, optional: true }, { route: PUBLIC })
    const visitor = await anonymously({ headers: { authorization: 'Bearer forged' } })
    assert.ok(visitor.isAllowed && visitor.removed.includes('authorization'))
    assert.equal(visitor.headers['authorization'], undefined)
    assert.equal(issuer.requests.length, 0)
    for (const [session, why] of [
      [{ kind: 'workload' as const }, /credential of this program brings none/],
      [{}, /your identity provider gave none/],
    ] as const) {
      const without = {
        ...session,
        tokens: { ...ALICE.tokens, accessToken: undefined, refreshToken: undefined },
      }
      const { ask } = open(TOKEN, { session: without })
      const answer = await ask({ headers: JSON_ONLY })
      assert.equal(answer.status, 403)
      assert.equal(errorOf(answer.body), 'upstream_token_missing')
      assert.match(answer.body, why)
      const optional = open({ ...TOKEN, optional: true }, { session: without })
      assert.equal((await optional.ask()).headers['authorization'], undefined)
    }
  })

  for (const [name, answer, status, error] of [
    ['invalid_grant', () => answered({ error: 'invalid_grant' }, 400), 401, 'upstream_token_sign_in'],
    [
      'interaction_required',
      () => answered({ error: 'interaction_required' }, 400),
      401,
      'upstream_token_sign_in',
    ],
    ['access_denied', () => answered({ error: 'access_denied' }, 403), 403, 'upstream_token_refused'],
    ['invalid_target', () => answered({ error: 'invalid_target' }, 400), 502, 'upstream_token_invalid'],
    [
      'an empty token',
      () => answered({ access_token: '', token_type: 'Bearer' }),
      502,
      'upstream_token_invalid',
    ],
    [
      'a page',
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      502,
      'upstream_token_invalid',
    ],
    [
      'a redirect',
      () => new Response('', { status: 302, headers: { location: 'https://evil.example' } }),
      502,
      'upstream_token_invalid',
    ],
    [
      'an error of its own',
      () => answered({ error: 'server_error' }, 500),
      503,
      'upstream_token_unavailable',
    ],
  ] as const) {
    it(`is an answer, never an empty header or the user’s own token: ${name}`, async () => {
      for (const optional of [false, true]) {
        const { ask, issuer, fixture } = open({ ...TOKEN, optional })
        issuer.answer = answer
        const refused = await ask({ headers: JSON_ONLY })
        assert.equal(refused.status, status)
        assert.equal(errorOf(refused.body), error)
        assert.equal(refused.headers['retry-after'] !== undefined, status >= 500)
        assert.doesNotMatch(JSON.stringify([refused, fixture.lines, issuer.lines]), /planted/)
        assert.deepEqual(fixture.lines.at(-1)?.['allow-why-false'], [error.replaceAll('_', '-')])
      }
    })
  }

  it('tells a person where to sign in again, once and by a link: nobody goes round and round', async () => {
    const { ask, issuer } = open()
    issuer.answer = () => answered({ error: 'invalid_grant' }, 400)
    const page = await ask({ headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate' } })
    assert.equal(page.status, 401)
    assert.match(page.body, /Sign in again/)
    const href = /href="(https:\/\/app\.example\.com\/\.pomerium\/sign_in[^"]+)"/.exec(page.body)?.[1] ?? ''
    const link = new URL(href.replaceAll('&amp;', '&'))
    assert.equal(link.searchParams.get('pomerium_max_age'), '60')
    const soon = open(TOKEN, { session: { issuedAt: NOW - 5500, authenticatedAt: NOW - 5500 } })
    soon.issuer.answer = issuer.answer
    const login = String(objectOf((await soon.ask({ headers: JSON_ONLY })).body)['login_url'])
    assert.equal(
      new URL(login).searchParams.get('pomerium_max_age'),
      '5',
      'a sign-in of just now is not enough',
    )
    const program = await ask({ headers: JSON_ONLY })
    assert.match(String(objectOf(program.body)['login_url']), /sign_in/)
    assert.match(program.headers['www-authenticate'] ?? '', /insufficient_user_authentication.*max_age="60"/)
  })

  it('is no word in any log, whatever is logged and however it ends', async () => {
    const logged = { authorize_log_fields: ['headers', 'headers.X-Up', 'path', 'query'] }
    for (const answer of [
      undefined,
      () => answered({ error: 'invalid_grant', error_description: 'planted-access-token' }, 400),
    ]) {
      const { ask, issuer, fixture } = open(
        { ...TOKEN, header: 'X-Up' },
        { route: { show_error_details: true }, settings: logged },
      )
      if (answer !== undefined) issuer.answer = answer
      const found = await ask({ headers: { 'x-up': 'planted-by-a-proxy' } })
      assert.doesNotMatch(JSON.stringify([fixture.lines, issuer.lines]), /planted/)
      if (!found.isAllowed) assert.doesNotMatch(JSON.stringify(found), /planted/)
    }
  })
})

/** An answer that is held back until something has happened. */
async function meanwhile(happen: (world: ReturnType<typeof open>) => void, token: object = TOKEN) {
  const world = open(token)
  const gate = Promise.withResolvers<void>()
  const { answer } = world.issuer
  world.issuer.answer = async (request) => {
    await gate.promise
    return await answer(request)
  }
  const asked = world.ask({ headers: JSON_ONLY })
  await new Promise(setImmediate)
  happen(world)
  gate.resolve()
  return await asked
}

describe('while a token is being got', () => {
  it('a session may end: its request does not go out', async () => {
    const answer = await meanwhile(({ store, alice }) => store.delete(alice.id))
    assert.equal(answer.status, 401)
    assert.equal(errorOf(answer.body), 'sign_in_required')
  })

  it('somebody may lose their groups', async () => {
    const answer = await meanwhile(({ store, alice }) => store.put({ ...alice, version: 2, groups: [] }))
    assert.equal(answer.status, 403)
  })

  it('somebody else may come to sit behind the session: they do not get it', async () => {
    const answer = await meanwhile(({ store, alice }) =>
      store.put({ ...alice, version: 2, userId: 'idp/eve' }),
    )
    assert.equal(answer.status, 503)
    assert.equal(errorOf(answer.body), 'upstream_token_unavailable')
  })

  it('the configuration may change: a token for another audience does not go out', async () => {
    const answer = await meanwhile(({ fixture }) =>
      fixture.change(configOf([{ ...STAFF_ROUTE, upstream_token: { ...TOKEN, audience: 'other' } }])),
    )
    assert.equal(answer.status, 503)
    assert.equal(errorOf(answer.body), 'upstream_token_unavailable')
    const without = await meanwhile(({ fixture }) => fixture.change(configOf([STAFF_ROUTE])))
    assert.ok(without.isAllowed)
    assert.equal(without.headers['authorization'], undefined)
  })

  it('the session may be renewed: it is the same person’s still', async () => {
    const answer = await meanwhile(({ store, alice }) =>
      store.put({ ...alice, version: 2, tokens: { ...alice.tokens, accessToken: 'planted-renewed' } }),
    )
    assert.equal(answer.headers['authorization'], 'Bearer reports/for/planted-access-token/1')
  })

  it('it may end: nobody begins with it', async () => {
    const answer = await meanwhile(({ clock }) => {
      clock.now += 295_000
    })
    assert.equal(answer.status, 503)
  })
})
