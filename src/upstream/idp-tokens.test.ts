import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import {
  ALICE,
  type Ask,
  authorizerFor,
  configOf,
  cookieOf,
  type Fixture,
  MapStore,
  NOW,
  objectOf,
  STAFF_ROUTE,
} from '../extauthz/authorizer.fixture.ts'
import type { Session, SessionTokens } from '../session/session.ts'

const PUBLIC_ROUTE = {
  from: 'https://app.example.com',
  to: 'http://127.0.0.1:1',
  allow_public_unauthenticated_access: true,
}
const HOUR = 3_600_000
const TOKENS: SessionTokens = {
  ...ALICE.tokens,
  accessTokenExpiresAt: NOW + HOUR,
  idTokenExpiresAt: NOW + HOUR,
}

type Renew = (fixture: Fixture, session: Session) => void | Promise<void>

function open(
  route: object,
  {
    tokens = {},
    renew,
    base = STAFF_ROUTE,
    session: change = {},
  }: {
    tokens?: Partial<SessionTokens>
    renew?: Renew
    base?: object
    session?: Partial<Session>
  } = {},
) {
  const session: Session = {
    ...ALICE,
    expiresAt: NOW + 10 * HOUR,
    ...change,
    tokens: { ...TOKENS, ...tokens },
  }
  const asked: string[] = []
  const fixture: Fixture = authorizerFor(configOf([{ ...base, ...route }]), {
    store: new MapStore(session),
    ports: {
      refreshNow: async ({ id }) => {
        asked.push(id)
        await renew?.(fixture, session)
      },
    },
  })
  const ask = (more: Ask = {}) =>
    fixture.ask({ ...more, headers: { cookie: cookieOf(session), ...more.headers } })
  return { fixture, ask, asked, session }
}

const renewed: Renew = ({ store, clock }, session) =>
  store.put({
    ...session,
    version: session.version + 1,
    tokens: {
      ...session.tokens,
      accessToken: 'renewed-access-token',
      accessTokenExpiresAt: clock.now + HOUR,
      idToken: 'renewed-id-token',
      idTokenExpiresAt: clock.now + HOUR,
    },
  })

describe('a token for the upstream', () => {
  it('stands in Authorization after "Bearer", over what the client sent', async () => {
    for (const [token, value] of [
      ['access_token', 'planted-access-token'],
      ['id_token', 'planted-id-token'],
    ] as const) {
      const { ask } = open({ pass_idp_token: token })
      for (const headers of [{}, { authorization: 'Bearer forged' }, { authorization: 'Basic x' }]) {
        const answer = await ask({ headers })
        assert.equal(answer.headers['authorization'], `Bearer ${value}`)
        assert.ok(!answer.removed.includes('authorization'))
      }
    }
  })

  it('stands alone in a header of another name, and Authorization stays the client’s', async () => {
    const { ask } = open({ pass_idp_token: { token: 'access_token', header: 'X-Up' } })
    const answer = await ask({ headers: { 'x-up': 'forged', authorization: 'Basic x' } })
    assert.equal(answer.headers['x-up'], 'planted-access-token')
    assert.equal(answer.headers['authorization'], undefined)
    assert.ok(!answer.removed.includes('authorization'))
  })

  it('goes nowhere on a route that did not ask, where the client’s Authorization passes', async () => {
    const { ask } = open({})
    const answer = await ask({ headers: { authorization: 'Bearer of-the-client' } })
    assert.doesNotMatch(JSON.stringify(answer), /planted/)
    assert.ok(!answer.removed.includes('authorization'))
  })

  it('is not given to those whom the policy refuses, nor told to them', async () => {
    const { ask, fixture } = open({ pass_idp_token: 'access_token' }, { session: { groups: [] } })
    const answer = await ask()
    assert.equal(answer.status, 403)
    assert.doesNotMatch(JSON.stringify([answer, fixture.lines]), /planted/)
  })

  it('goes with a WebSocket, with gRPC and with a CONNECT just so', async () => {
    const { ask } = open({ pass_idp_token: 'access_token' })
    for (const each of [
      { headers: { upgrade: 'websocket', connection: 'upgrade' } },
      { method: 'POST', headers: { 'content-type': 'application/grpc' } },
      { method: 'CONNECT', path: '' },
    ])
      assert.equal((await ask(each)).headers['authorization'], 'Bearer planted-access-token')
  })
})

describe('a token that is not there', () => {
  const missing = { pass_idp_token: 'access_token' }

  it('is a refusal in words, never an empty header', async () => {
    const { ask, fixture } = open(missing, { tokens: { accessToken: undefined } })
    const answer = await ask({ headers: { accept: 'application/json' } })
    assert.equal(answer.status, 403)
    assert.equal(objectOf(answer.body)['error'], 'idp_token_missing')
    assert.match(answer.body, /your identity provider gave none/)
    assert.deepEqual(fixture.lines.at(-1)?.['allow-why-false'], [
      'idp-token-missing',
      'your identity provider gave none when you signed in',
    ])
  })

  it('is refused for an empty token and in templates alike', async () => {
    const templates = { set_request_headers: { 'X-T': 'Bearer $pomerium.id_token' } }
    for (const [route, tokens] of [
      [missing, { accessToken: '' }],
      [templates, { idToken: undefined }],
    ] as const) {
      const { ask } = open(route, { tokens })
      assert.equal((await ask()).status, 403)
    }
  })

  it('is refused to machines and to anonymous visitors', async () => {
    const machine = open(missing, {
      session: { kind: 'workload' },
      tokens: { accessToken: undefined, refreshToken: undefined },
    })
    assert.match((await machine.ask()).body, /credential of this program brings none/)
    const visitor = open(missing, { base: PUBLIC_ROUTE })
    const answer = await visitor.ask({ headers: { cookie: '' } })
    assert.equal(answer.status, 403)
    assert.match(answer.body, /nobody is signed in/)
  })

  it('is no hindrance where it is optional: the header is absent, also the client’s', async () => {
    const route = { pass_idp_token: { token: 'access_token', optional: true } }
    const { ask } = open(route, { base: PUBLIC_ROUTE })
    const anonymous = await ask({ headers: { cookie: '', authorization: 'Bearer forged' } })
    assert.ok(anonymous.isAllowed)
    assert.equal(anonymous.headers['authorization'], undefined)
    assert.ok(anonymous.removed.includes('authorization'))
    assert.equal((await ask()).headers['authorization'], 'Bearer planted-access-token')
  })

  it('does not stop a preflight request, which never carries a session', async () => {
    const route = {
      ...missing,
      cors_allow_preflight: true,
      set_request_headers: { 'X-T': 'Bearer $pomerium.id_token' },
    }
    const { ask } = open(route)
    const headers = { cookie: '', origin: 'https://x.test', 'access-control-request-method': 'GET' }
    const answer = await ask({ method: 'OPTIONS', headers })
    assert.ok(answer.isAllowed)
    assert.deepEqual([answer.headers['authorization'], answer.headers['x-t']], [undefined, undefined])
    assert.ok(answer.removed.includes('authorization') && answer.removed.includes('x-t'))
  })
})

describe('a token that ends', () => {
  const route = { pass_idp_token: 'access_token' }

  it('is renewed in the background a minute before, and the request goes on with the old one', async () => {
    const { ask, asked, fixture } = open(route)
    fixture.clock.now = NOW + HOUR - 60_001
    await ask()
    assert.equal(asked.length, 0)
    fixture.clock.now += 1
    assert.equal((await ask()).headers['authorization'], 'Bearer planted-access-token')
    assert.equal(asked.length, 1)
  })

  it('is waited for when it has all but ended, and the new one goes', async () => {
    const { ask, fixture } = open(route, { renew: renewed })
    for (const left of [10_000, 0, -5 * HOUR]) {
      fixture.clock.now = NOW + HOUR - left
      assert.equal((await ask()).headers['authorization'], 'Bearer renewed-access-token', String(left))
    }
  })

  it('is refused once it has ended and could not be renewed', async () => {
    const { ask, fixture } = open(route)
    fixture.clock.now = NOW + HOUR - 1
    assert.equal((await ask()).headers['authorization'], 'Bearer planted-access-token')
    fixture.clock.now += 1
    const answer = await ask({ headers: { accept: 'application/json' } })
    assert.equal(answer.status, 503)
    assert.equal(objectOf(answer.body)['error'], 'idp_token_expired')
    assert.match(
      (await ask({ headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate' } })).body,
      /Sign out/,
    )
  })

  it('is left out, not refused, where it is optional', async () => {
    const { ask, fixture } = open({ pass_idp_token: { token: 'access_token', optional: true } })
    fixture.clock.now = NOW + HOUR
    const answer = await ask()
    assert.ok(answer.isAllowed)
    assert.ok(answer.removed.includes('authorization'))
  })

  it('sends to the sign-in whose session the provider has ended', async () => {
    const { ask, fixture } = open(route, { renew: ({ store }, { id }) => void store.delete(id) })
    fixture.clock.now = NOW + HOUR
    assert.equal((await ask({ headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate' } })).status, 302)
  })

  it('is judged by the groups that came with the new one', async () => {
    const { ask, fixture } = open(route, {
      renew: ({ store }, session) => store.put({ ...session, version: 9, groups: [], tokens: TOKENS }),
    })
    fixture.clock.now = NOW + HOUR
    assert.equal((await ask()).status, 403)
  })

  it('is waited for four seconds at most, and judged by the time that it is then', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      const { ask, fixture } = open(route, { renew: () => new Promise(() => undefined) })
      fixture.clock.now = NOW + HOUR - 2000
      const answer = ask()
      fixture.clock.now += 4000
      mock.timers.tick(4000)
      assert.equal((await answer).status, 503)
    } finally {
      mock.timers.reset()
    }
  })

  it('does not stay in a ready answer beyond its end', async () => {
    const { ask, fixture, asked } = open(route, { tokens: { refreshToken: undefined } })
    fixture.clock.now = NOW + HOUR - 1000
    assert.ok((await ask()).isAllowed)
    fixture.clock.now += 999
    assert.ok((await ask()).isAllowed)
    fixture.clock.now += 1
    assert.equal((await ask()).status, 503)
    assert.equal(asked.length, 0, 'nothing can be renewed without a refresh token')
  })

  it('is no matter on a route that does not pass it on', async () => {
    const { ask, fixture, asked } = open({})
    fixture.clock.now = NOW + HOUR - 1
    assert.ok((await ask()).isAllowed)
    assert.equal(asked.length, 0)
  })

  it('is believed to be good where the provider does not say when it ends', async () => {
    const { ask } = open(route, { tokens: { accessTokenExpiresAt: undefined } })
    assert.equal((await ask()).headers['authorization'], 'Bearer planted-access-token')
  })
})

describe('no log', () => {
  it('has a token, whatever is logged of the request and however it ends', async () => {
    const route = {
      pass_idp_token: { token: 'access_token', header: 'X-Up' },
      set_request_headers: { 'X-Other': 'id $pomerium.id_token' },
    }
    for (const tokens of [{}, { accessToken: undefined }, { idTokenExpiresAt: NOW }]) {
      const session = { ...ALICE, tokens: { ...TOKENS, ...tokens } }
      const config = configOf([{ ...STAFF_ROUTE, ...route, show_error_details: true }], {
        authorize_log_fields: ['headers', 'headers.X-Up', 'headers.X-Other', 'path', 'query'],
      })
      using fixture = authorizerFor(config, { store: new MapStore(session) })
      const answer = await fixture.ask({
        headers: { cookie: cookieOf(session), 'x-up': 'planted-by-a-proxy', 'x-other': 'planted-too' },
      })
      assert.doesNotMatch(JSON.stringify(fixture.lines), /planted/)
      if (!answer.isAllowed) assert.doesNotMatch(JSON.stringify(answer), /planted/)
    }
  })

  it('misses a word when a token is larger than many apps take, once for each route', async () => {
    const { ask, fixture } = open(
      { pass_idp_token: 'id_token' },
      { tokens: { idToken: `planted-${'x'.repeat(9000)}` } },
    )
    await ask()
    await ask()
    const warnings = fixture.lines.filter(({ level }) => level === 'warn')
    assert.equal(warnings.length, 1)
    assert.equal(warnings[0]?.['longest-header-bytes'], 9015)
    assert.doesNotMatch(JSON.stringify(fixture.lines), /planted/)
  })
})
