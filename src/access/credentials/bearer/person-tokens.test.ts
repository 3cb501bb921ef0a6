import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKeyPair } from 'jose'
import type { SignInProvider } from '../../../config/config.ts'
import { Fault } from '../../../errors.ts'
import { testClient } from '../../../identity/client.fixture.ts'
import { openProvider } from '../../../identity/open-provider.ts'
import { LONG_AGO } from '../../../identity/openid/sign-in-facts.ts'
import type { OpenProvider, PresentedKind, TokenProblem } from '../../../identity/provider.ts'
import type { BearerSession } from './bearer-session.ts'
import { startIssuer, type TestIssuer } from './issuer.fixture.ts'
import { PersonTokens } from './person-tokens.ts'

const CLIENT_ID = 'sallyport'
const HOUR = 3_600_000
const ALICE = { sub: 'alice', email: 'alice@example.com', name: 'Alice', groups: ['staff'] }

interface World extends AsyncDisposable {
  readonly issuer: TestIssuer
  readonly clock: { now: number }
  readonly provider: OpenProvider
  ask(
    kind: PresentedKind,
    token: string,
    more?: { audiences?: string[]; from?: string },
  ): Promise<BearerSession | TokenProblem>
  /** An ID token, or an access token that is a JWT, with these claims over correct ones. */
  jwt(claims?: Record<string, unknown>, header?: object): Promise<string>
  /** Everything that was seen is forgotten. */
  restart(): void
  questions(): number
}

async function openWorld(client: Partial<SignInProvider> = {}, alg = 'RS256'): Promise<World> {
  const clock = { now: Date.now() }
  const issuer = await startIssuer(() => clock.now, alg)
  const provider = openProvider({
    client: testClient({ provider_url: issuer.url, client_id: CLIENT_ID, ...client }),
    redirectUri: 'https://auth.example.com/oauth2/callback',
    now: () => clock.now,
  })
  let tokens = new PersonTokens(() => clock.now)
  issuer.userInfo = (accessToken) => (accessToken.startsWith('good') ? ALICE : undefined)
  return {
    issuer,
    clock,
    provider,
    ask: async (kind, token, { audiences, from = '192.0.2.7' } = {}) =>
      await tokens.session({ provider, kind, token, audiences, sourceAddress: from, lifetimeMs: 14 * HOUR }),
    jwt: (claims = {}, header = {}) => issuer.token({ aud: CLIENT_ID, ...ALICE, ...claims }, header),
    restart: () => {
      tokens = new PersonTokens(() => clock.now)
    },
    questions: () => issuer.asked.filter((path) => path === '/userinfo').length,
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]()
      await issuer[Symbol.asyncDispose]()
    },
  }
}

function sessionIn(found: BearerSession | TokenProblem): BearerSession {
  assert.ok(!('problem' in found), 'problem' in found ? found.problem : '')
  return found
}

function problemIn(found: BearerSession | TokenProblem): string {
  assert.ok('problem' in found, 'the token is accepted')
  return found.problem
}

const faultOf = (code: string) => (error: unknown) => error instanceof Fault && error.code === code

describe('an access token of the identity provider', () => {
  it('makes its bearer the person that userinfo names, as if they had signed in', async () => {
    await using world = await openWorld()
    const session = sessionIn(await world.ask('access_token', 'good-1'))
    assert.deepEqual(
      [session.kind, session.userId, session.email, session.groups, session.idpId],
      ['user', 'alice', 'alice@example.com', ['staff'], world.provider.id],
    )
    assert.equal(session.tokens.accessToken, 'good-1', 'for apps that are to be given it')
    assert.equal(session.tokens.refreshToken, undefined)
    assert.equal(session.expiresAt, world.clock.now + 14 * HOUR)
  })

  it('is asked about once in five minutes, and what was taken back is noticed then', async () => {
    await using world = await openWorld()
    const begunAt = world.clock.now
    const first = sessionIn(await world.ask('access_token', 'good-1'))
    for (let second = 0; second < 299; second += 23) {
      world.clock.now += 23_000
      if (world.clock.now - begunAt >= 300_000) break
      assert.equal(await world.ask('access_token', 'good-1'), first)
    }
    assert.equal(world.questions(), 1)
    world.clock.now = begunAt + 300_000
    const second = sessionIn(await world.ask('access_token', 'good-1'))
    assert.equal(world.questions(), 2)
    assert.deepEqual([second.id, second.issuedAt], [first.id, LONG_AGO])
    assert.ok(second.version > first.version)
    world.issuer.userInfo = () => undefined
    world.clock.now += 300_000
    assert.match(problemIn(await world.ask('access_token', 'good-1')), /does not accept it/)
  })

  it('goes on while the provider is down, until its session would have ended; a new one is a failure', async () => {
    await using world = await openWorld()
    const first = sessionIn(await world.ask('access_token', 'good-1'))
    world.issuer.failWith = 503
    world.clock.now += 301_000
    assert.equal(await world.ask('access_token', 'good-1'), first)
    await assert.rejects(world.ask('access_token', 'good-2'), faultOf('IDP_UNREACHABLE'))
    world.clock.now = first.expiresAt
    await assert.rejects(world.ask('access_token', 'good-1'), faultOf('IDP_UNREACHABLE'))
  })

  it('that says itself that it has expired is nobody’s, and nobody is asked', async () => {
    await using world = await openWorld()
    const seconds = Math.floor(world.clock.now / 1000)
    assert.equal(
      problemIn(await world.ask('access_token', await world.jwt({ exp: seconds - 100 }))),
      'it has expired',
    )
    assert.equal(world.issuer.asked.length, 0)
  })

  it('counts only for the audiences that are listed, and then only if it is a signed JWT', async () => {
    await using world = await openWorld()
    const audiences = ['api://orders', 'api://wiki']
    world.issuer.userInfo = () => ALICE
    for (const aud of ['api://orders', ['other', 'api://wiki']])
      sessionIn(await world.ask('access_token', await world.jwt({ aud }), { audiences }))
    assert.match(
      problemIn(await world.ask('access_token', await world.jwt({ aud: 'api://other' }), { audiences })),
      /another audience/,
    )
    assert.match(problemIn(await world.ask('access_token', 'good-opaque', { audiences })), /not verifiably/)
    const foreign = await generateKeyPair('RS256')
    const forged = await world.issuer.token({ aud: 'api://orders' }, {}, foreign)
    assert.match(problemIn(await world.ask('access_token', forged, { audiences })), /not verifiably/)
    sessionIn(await world.ask('access_token', await world.jwt({ aud: 'api://other' })))
  })

  it('in a thousand kinds of garbage asks the provider ten times, and good tokens go on', async () => {
    await using world = await openWorld()
    const good = sessionIn(await world.ask('access_token', 'good-1'))
    const before = world.questions()
    let tooMany = 0
    for (let n = 0; n < 1000; n++) {
      const found = await world.ask('access_token', `garbage-${n}`)
      assert.ok('problem' in found)
      if ('isTooMany' in found) tooMany++
    }
    assert.equal(world.questions() - before, 10)
    assert.equal(tooMany, 990)
    assert.equal(await world.ask('access_token', 'good-1'), good)
    sessionIn(await world.ask('access_token', 'good-2', { from: '192.0.2.8' }))
    world.clock.now += 6000
    sessionIn(await world.ask('access_token', 'good-3'))
  })

  it('in a thousand at once asks for some of them at a time', async () => {
    await using world = await openWorld()
    await Promise.all(Array.from({ length: 1000 }, (_, n) => world.ask('access_token', `garbage-${n}`)))
    assert.ok(world.questions() <= 64, `${world.questions()} questions`)
  })
})

const facts = ({ issuedAt, authenticatedAt, expiresAt, acr }: BearerSession) => [
  issuedAt,
  authenticatedAt,
  expiresAt,
  acr,
]

describe('the age of a person’s token', () => {
  for (const kind of ['id_token', 'access_token'] as const)
    it(`is the same before and after a restart: ${kind}`, async () => {
      await using world = await openWorld()
      world.issuer.userInfo = () => ALICE
      const seconds = Math.floor(world.clock.now / 1000)
      const times = { iat: seconds - 9 * 3600, auth_time: seconds - 12 * 3600, exp: seconds + 9 * 3600 }
      const token = await world.jwt({ ...times, acr: 'phr' })
      const reported = facts(sessionIn(await world.ask(kind, token)))
      assert.deepEqual(reported, [
        times.iat * 1000,
        times.auth_time * 1000,
        (times.iat + 14 * 3600) * 1000,
        'phr',
      ])
      world.clock.now += HOUR
      world.restart()
      assert.deepEqual(facts(sessionIn(await world.ask(kind, token))), reported)
      world.clock.now += 4 * HOUR
      world.restart()
      assert.match(problemIn(await world.ask(kind, token)), /longer ago than a session lasts/)
    })

  it('is unknown for an opaque access token, whatever userinfo says of times', async () => {
    await using world = await openWorld()
    const seconds = Math.floor(world.clock.now / 1000)
    world.issuer.userInfo = () => ({ ...ALICE, iat: seconds, auth_time: seconds, acr: 'phr' })
    const session = sessionIn(await world.ask('access_token', 'good-1'))
    assert.deepEqual(
      [session.issuedAt, session.authenticatedAt, session.acr],
      [LONG_AGO, LONG_AGO, undefined],
    )
  })

  it('is unknown for an access token that somebody else signed, or that is about somebody else', async () => {
    await using world = await openWorld()
    const seconds = Math.floor(world.clock.now / 1000)
    world.issuer.userInfo = () => ALICE
    const claims = { aud: CLIENT_ID, ...ALICE, auth_time: seconds }
    const forged = await world.issuer.token(claims, {}, await generateKeyPair('RS256'))
    for (const token of [forged, await world.jwt({ sub: 'bob', auth_time: seconds })])
      assert.equal(sessionIn(await world.ask('access_token', token)).authenticatedAt, LONG_AGO)
  })

  it('is unknown where the claim is no time', async () => {
    await using world = await openWorld()
    const seconds = Math.floor(world.clock.now / 1000)
    for (const auth_time of [seconds * 1000, seconds + 3600, String(seconds), 'now', {}]) {
      const session = sessionIn(await world.ask('id_token', await world.jwt({ auth_time })))
      assert.equal(session.authenticatedAt, LONG_AGO, JSON.stringify(auth_time))
    }
    assert.match(problemIn(await world.ask('id_token', await world.jwt({ iat: String(seconds) }))), /"iat"/)
  })
})

describe('an ID token', () => {
  it('makes its bearer the person whom it names', async () => {
    await using world = await openWorld()
    const seconds = Math.floor(world.clock.now / 1000)
    const token = await world.jwt({ auth_time: seconds - 30, acr: 'mfa' })
    const session = sessionIn(await world.ask('id_token', token))
    assert.deepEqual([session.kind, session.userId, session.groups], ['user', 'alice', ['staff']])
    assert.equal(session.tokens.idToken, token)
    assert.equal(session.acr, 'mfa')
    assert.equal(session.authenticatedAt, (seconds - 30) * 1000)
    assert.equal(session.issuedAt, seconds * 1000)
    assert.equal(session.expiresAt, (seconds + 360) * 1000)
    assert.equal(world.questions(), 0)
    assert.equal(await world.ask('id_token', token), session)
  })

  it('is held to what a relying party holds it to', async () => {
    await using world = await openWorld()
    const seconds = Math.floor(world.clock.now / 1000)
    for (const [claims, words] of [
      [{ aud: 'another-client' }, /another audience/],
      [{ aud: undefined }, /aud/],
      [{ aud: [CLIENT_ID, 'another-client'] }, /another client \(azp\)/],
      [{ aud: [CLIENT_ID, 'another-client'], azp: 'another-client' }, /another client \(azp\)/],
      [{ iss: 'https://evil.example' }, /issuer/],
      [{ iss: undefined }, /issuer/],
      [{ exp: seconds - 61 }, /expired/],
      [{ exp: undefined }, /"exp"/],
      [{ iat: undefined }, /"iat"/],
      [{ iat: 0 }, /"iat"/],
      [{ iat: -5 }, /"iat"/],
      [{ iat: 0.0005 }, /"iat"/],
      [{ iat: seconds + 100 }, /future/],
      [{ sub: undefined }, /"sub"/],
      [{ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }, /no ID token/],
    ] as const)
      assert.match(
        problemIn(await world.ask('id_token', await world.jwt(claims))),
        words,
        JSON.stringify(claims),
      )
    sessionIn(await world.ask('id_token', await world.jwt({ aud: [CLIENT_ID, 'x'], azp: CLIENT_ID })))
  })

  it('is no access token, no logout token, and nothing unsigned or signed by somebody else', async () => {
    await using world = await openWorld()
    for (const typ of [
      'at+jwt',
      'AT+JWT',
      'logout+jwt',
      'application/at+jwt',
      'dpop+jwt',
      'client-authentication+jwt',
      'token-introspection+jwt',
      'oauth-authz-req+jwt',
      ' at+jwt',
      '',
    ])
      assert.match(problemIn(await world.ask('id_token', await world.jwt({}, { typ }))), /no ID token/)
    for (const typ of ['JWT', 'jwt', 'application/jwt'])
      sessionIn(await world.ask('id_token', await world.jwt({}, { typ })))
    const foreign = await generateKeyPair('RS256', { extractable: true })
    const [, payload = ''] = (await world.jwt()).split('.')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const token of [
      `${none}.${payload}.`,
      await world.issuer.token({ aud: CLIENT_ID }, {}, foreign),
      await world.issuer.token({ aud: CLIENT_ID }, { kid: 'unknown' }, foreign),
      'opaque',
      'a.b.c',
    ])
      problemIn(await world.ask('id_token', token))
    assert.equal(world.issuer.asked.filter((path) => path === '/keys').length, 1)
  })

  it('that comes a thousand times in different bad forms asks nobody', async () => {
    await using world = await openWorld()
    await world.ask('id_token', await world.jwt())
    const before = world.issuer.asked.length
    for (let n = 0; n < 1000; n++) problemIn(await world.ask('id_token', `a.b.${n}`))
    assert.equal(world.issuer.asked.length, before)
  })
})

describe('an access token of Entra ID (a local server plays it)', () => {
  it('is verified by its signature, and is for our client unless the configuration says otherwise', async () => {
    await using world = await openWorld({ provider: 'azure' })
    const claims = { oid: 'oid-1', tid: 'tenant', scp: 'access_as_user' }
    const session = sessionIn(
      await world.ask('access_token', await world.jwt({ ...claims, aud: `api://${CLIENT_ID}` })),
    )
    assert.equal(session.userId, 'oid-1')
    sessionIn(await world.ask('access_token', await world.jwt({ ...claims, aud: CLIENT_ID })))
    assert.match(
      problemIn(await world.ask('access_token', await world.jwt({ ...claims, aud: 'api://another-app' }))),
      /another audience/,
    )
    const audiences = ['api://another-app']
    sessionIn(
      await world.ask('access_token', await world.jwt({ ...claims, aud: 'api://another-app' }), {
        audiences,
      }),
    )
    assert.equal(world.questions(), 0)
    assert.match(problemIn(await world.ask('access_token', 'good-opaque')), /well-formed/)
  })

  it('is shown at userinfo when its scope has openid', async () => {
    await using world = await openWorld({ provider: 'azure' })
    world.issuer.userInfo = () => ({ sub: 'alice', picture: 'a.png' })
    const session = sessionIn(await world.ask('access_token', await world.jwt({ scp: 'openid profile' })))
    assert.deepEqual(session.claims['picture'], ['a.png'])
    assert.equal(world.questions(), 1)
  })
})
