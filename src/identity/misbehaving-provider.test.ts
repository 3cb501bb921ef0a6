import assert from 'node:assert/strict'
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { Fault, type FaultCode } from '../errors.ts'
import { testClient } from './client.fixture.ts'
import {
  CLIENT_ID,
  type MisbehavingProvider,
  type Misbehaviour,
  startMisbehavingProvider,
} from './misbehaving-provider.fixture.ts'
import { openOpenIdProvider } from './openid/openid-provider.ts'
import type { Identity } from './provider.ts'

const REDIRECT_URI = 'https://auth.example.com/oauth2/callback'
const CALLBACK = {
  oauthState: 'state-1',
  idTokenNonce: 'nonce-1',
  codeVerifier: 'v'.repeat(43),
  callbackUrl: new URL(`${REDIRECT_URI}?code=c&state=state-1`),
}
const DAY_SECONDS = 86_400
const nowSeconds = () => Math.floor(Date.now() / 1000)

const faultOf =
  (code: FaultCode, message = /./) =>
  (error: unknown) =>
    error instanceof Fault && error.code === code && message.test(error.message)

async function start(t: TestContext, now: () => number = () => Date.now()) {
  const server = await startMisbehavingProvider()
  const provider = openOpenIdProvider({
    client: testClient({ provider_url: server.issuer, client_id: CLIENT_ID, scopes: ['openid'] }),
    redirectUri: REDIRECT_URI,
    now,
  })
  t.after(async () => {
    await provider[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  return { server, provider }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part = ''): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString())

/** The token with another header, signed by the function. */
function resigned(good: string, header: object, signer: (content: string) => string): string {
  const content = `${encode(header)}.${good.split('.')[1]}`
  return `${content}.${signer(content)}`
}

const hmacUnder = (key: string) => (content: string) =>
  createHmac('sha256', key).update(content).digest('base64url')

const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 })
const signAsAttacker = (content: string) =>
  sign('sha256', Buffer.from(content), attacker.privateKey).toString('base64url')

describe('an ID token', () => {
  it('is accepted when nothing is wrong with it', async (t) => {
    const { provider } = await start(t)
    assert.equal((await provider.exchange(CALLBACK)).userId, 'alice')
  })

  const forgeries: Record<string, (server: MisbehavingProvider) => Misbehaviour> = {
    'with alg none': () => ({ idToken: (good) => resigned(good, { alg: 'none' }, () => '') }),
    'with its signature cut off': () => ({ idToken: (good) => good.slice(0, good.lastIndexOf('.') + 1) }),
    'with HS256 under the public key': (server) => {
      const pem = createPublicKey({ key: { ...server.publicJwk }, format: 'jwk' }).export({
        type: 'spki',
        format: 'pem',
      })
      return { idToken: (good) => resigned(good, { alg: 'HS256', kid: 'key-0' }, hmacUnder(pem)) }
    },
    'with HS256 under the client secret': () => ({
      idToken: (good) => resigned(good, { alg: 'HS256' }, hmacUnder('secret')),
    }),
    'signed by somebody else under a known kid': () => ({
      idToken: (good) => resigned(good, { alg: 'RS256', kid: 'key-0' }, signAsAttacker),
    }),
    'that brings its own key': () => ({
      idToken: (good) => {
        const jwk = attacker.publicKey.export({ format: 'jwk' })
        return resigned(good, { alg: 'RS256', jwk }, signAsAttacker)
      },
    }),
    'whose claims were changed after signing': () => ({
      idToken: (good) => {
        const [header, payload, signature] = good.split('.')
        return `${header}.${encode({ ...decode(payload), sub: 'admin' })}.${signature}`
      },
    }),
    'with a kid that is a path': () => ({
      idToken: (good) => resigned(good, { alg: 'RS256', kid: '../../etc/passwd' }, signAsAttacker),
    }),
    'with critical header parameters that we do not know': () => ({
      idToken: (good) => resigned(good, { alg: 'RS256', kid: 'key-0', crit: ['x'], x: 1 }, signAsAttacker),
    }),
    'that is no JWT': () => ({ idToken: () => 'hello' }),
    'for another client': () => ({ claims: { aud: 'other' } }),
    'for several clients, without azp': () => ({ claims: { aud: [CLIENT_ID, 'other'] } }),
    'for several clients, made for another': () => ({ claims: { aud: [CLIENT_ID, 'other'], azp: 'other' } }),
    'from another issuer': () => ({ claims: { iss: 'https://evil.example.com' } }),
    'with another nonce': () => ({ claims: { nonce: 'replayed' } }),
    'without a nonce': () => ({ claims: { nonce: undefined } }),
    'without a subject': () => ({ claims: { sub: undefined } }),
    'without an end': () => ({ claims: { exp: undefined } }),
    'that has ended': () => ({ claims: { exp: nowSeconds() - 61 } }),
    'that is issued years ahead': () => ({
      claims: { iat: nowSeconds() + 400 * DAY_SECONDS, exp: nowSeconds() + 500 * DAY_SECONDS },
    }),
    'that is missing': () => ({ tokens: { id_token: undefined } }),
  }
  for (const [what, misbehave] of Object.entries(forgeries))
    it(`${what} is refused`, async (t) => {
      const { server, provider } = await start(t)
      server.misbehave(misbehave(server))
      await assert.rejects(provider.exchange(CALLBACK), faultOf('IDP_ANSWER_INVALID'))
    })

  it('that points to keys elsewhere makes us fetch nothing', async (t) => {
    const { server, provider } = await start(t)
    const header = { alg: 'RS256', kid: 'key-0', jku: `${server.issuer}/evil`, x5u: `${server.issuer}/evil` }
    server.misbehave({ idToken: (good) => resigned(good, header, signAsAttacker) })
    await assert.rejects(provider.exchange(CALLBACK), faultOf('IDP_ANSWER_INVALID'))
    assert.equal(server.asked('/evil'), 0)
  })
  it('is accepted for several clients when it was made for us', async (t) => {
    const { server, provider } = await start(t)
    server.misbehave({ claims: { aud: [CLIENT_ID, 'other'], azp: CLIENT_ID } })
    assert.equal((await provider.exchange(CALLBACK)).userId, 'alice')
  })
  it('signed by keys we have not seen makes us fetch the JWKS at most once a minute', async (t) => {
    const { server, provider } = await start(t)
    await provider.exchange(CALLBACK)
    assert.equal(server.asked('/jwks'), 1)
    server.misbehave({ header: { kid: 'unknown' } })
    for (let i = 0; i < 5; i += 1)
      await assert.rejects(provider.exchange(CALLBACK), faultOf('IDP_ANSWER_INVALID'))
    assert.equal(server.asked('/jwks'), 1)
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 })
    server.misbehave({})
    await server.rotateKey()
    assert.equal((await provider.exchange(CALLBACK)).userId, 'alice')
    assert.equal(server.asked('/jwks'), 2)
  })
})

describe('keys that are known', () => {
  it('serve on while the provider can not give them, also when its metadata was read anew', async (t) => {
    const { server, provider } = await start(t)
    await provider.exchange(CALLBACK)
    server.misbehave({
      answer: (path, response) => {
        if (path === '/jwks') response.writeHead(503).end()
        return path === '/jwks'
      },
    })
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 7_200_000 })
    for (let times = 0; times < 3; times += 1)
      assert.equal((await provider.exchange(CALLBACK)).userId, 'alice')
    assert.equal(server.asked('/.well-known/openid-configuration'), 2)
    assert.ok(server.asked('/jwks') <= 3, 'and it is not asked by every visitor')
  })
})

describe('clocks that differ', () => {
  it('by less than a minute hinder nobody', async (t) => {
    const { server, provider } = await start(t)
    for (const shift of [-50, 50]) {
      server.misbehave({ claims: { iat: nowSeconds() + shift, exp: nowSeconds() + shift + 30 } })
      assert.equal((await provider.exchange(CALLBACK)).userId, 'alice')
    }
  })
  it('by minutes are named, both of them, and which is behind', async (t) => {
    for (const [shift, words] of [
      [-600, /our clock \(2.*Z\) is (599|60\d) s ahead of the identity provider's \(2.*Z\): synchronise/],
      [600, /our clock \(2.*Z\) is (599|600) s behind the identity provider's/],
    ] as const) {
      const { server, provider } = await start(t)
      server.misbehave({ claims: { iat: nowSeconds() + shift, exp: nowSeconds() + shift + 300 } })
      await assert.rejects(provider.exchange(CALLBACK), faultOf('CLOCK_SKEW', words))
    }
  })
  it('are noticed when it is ours that is wrong', async (t) => {
    const { provider } = await start(t, () => Date.now() + 600_000)
    await assert.rejects(provider.exchange(CALLBACK), faultOf('CLOCK_SKEW', /ahead of/))
  })
})

describe('a provider that misbehaves otherwise', () => {
  const known: Identity = {
    userId: 'alice',
    email: undefined,
    name: undefined,
    claims: {},
    groups: [],
    tokens: {
      accessToken: 'a',
      accessTokenExpiresAt: 1,
      refreshToken: 'old',
      idToken: undefined,
      idTokenExpiresAt: undefined,
    },
  }

  it('may not answer userinfo of another person', async (t) => {
    const { server, provider } = await start(t)
    server.misbehave({ userInfo: { sub: 'bob' } })
    await assert.rejects(provider.exchange(CALLBACK), faultOf('IDP_ANSWER_INVALID'))
  })
  it('may write null or nothing for what it does not give', async (t) => {
    const { server, provider } = await start(t)
    for (const nothing of [null, '']) {
      server.misbehave({ tokens: { refresh_token: nothing, scope: nothing, expires_in: nothing } })
      const { tokens } = await provider.exchange(CALLBACK)
      assert.deepEqual([tokens.refreshToken, tokens.accessTokenExpiresAt], [undefined, undefined])
      server.misbehave({ tokens: { refresh_token: nothing, id_token: nothing } })
      assert.equal((await provider.refresh(known)).tokens.refreshToken, 'old')
      server.misbehave({ tokens: { id_token: nothing } })
      await assert.rejects(provider.exchange(CALLBACK), faultOf('IDP_ANSWER_INVALID'))
    }
  })
  it('may not turn one person into another on refresh', async (t) => {
    const { server, provider } = await start(t)
    server.misbehave({ claims: { sub: 'bob' }, userInfo: { sub: 'bob' } })
    await assert.rejects(provider.refresh(known), faultOf('IDP_REFUSED', /another person/))
  })
  it('may not hand a forged ID token to a refresh', async (t) => {
    const { server, provider } = await start(t)
    server.misbehave({ idToken: (good) => resigned(good, { alg: 'RS256', kid: 'key-0' }, signAsAttacker) })
    await assert.rejects(provider.refresh(known), faultOf('IDP_ANSWER_INVALID'))
  })
  it('loses nobody a refresh token while its keys can not be had', async (t) => {
    const { server, provider } = await start(t)
    server.misbehave({
      answer: (path, response) => {
        if (path === '/jwks') response.writeHead(503).end()
        return path === '/jwks'
      },
    })
    const { tokens } = await provider.refresh(known)
    assert.deepEqual([tokens.refreshToken, tokens.idToken], ['rt', undefined])
  })
  it('keeps the ID token and refresh token we had, when it gives no new ones', async (t) => {
    const { server, provider } = await start(t)
    const first = await provider.exchange(CALLBACK)
    server.misbehave({ tokens: { id_token: undefined, refresh_token: undefined, access_token: 'at2' } })
    const { tokens, userId } = await provider.refresh(first)
    assert.deepEqual(tokens, {
      ...first.tokens,
      accessToken: 'at2',
      accessTokenExpiresAt: tokens.accessTokenExpiresAt,
    })
    assert.equal(userId, 'alice')
  })
  it('that calls itself by another name is told from the one that was configured', async (t) => {
    const { server, provider } = await start(t)
    server.misbehave({ metadata: { issuer: 'https://other.example.com' } })
    await assert.rejects(
      provider.authorizationUrl(CALLBACK),
      faultOf(
        'IDP_ISSUER_DIFFERS',
        /Expected issuer: http:\/\/127.*Found: https:\/\/other.example.com\. Write idp_provider_url as/,
      ),
    )
  })
  it('whose name differs in a slash is told so, with both names, in the log and on the page', async (t) => {
    const server = await startMisbehavingProvider()
    const provider = openOpenIdProvider({
      client: testClient({ provider_url: `${server.issuer}/realms/one`, client_id: CLIENT_ID }),
      redirectUri: REDIRECT_URI,
    })
    t.after(async () => {
      await provider[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    })
    server.misbehave({
      answer: (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ issuer: `${server.issuer}/realms/one/`, jwks_uri: server.issuer }))
        return true
      },
    })
    const both = `Expected issuer: ${server.issuer}/realms/one (idp_provider_url). Found: ${server.issuer}/realms/one/.`
    await assert.rejects(provider.authorizationUrl(CALLBACK), (error) => {
      assert.ok(error instanceof Fault && error.code === 'IDP_ISSUER_DIFFERS')
      assert.equal(error.told, `${both} They differ in the slash at the end.`)
      return error.message.includes(error.told)
    })
  })
  it('that gives tokens of another issuer is told with both names', async (t) => {
    const { server, provider } = await start(t)
    server.misbehave({ claims: { iss: `${server.issuer}/` } })
    const both = `should be ${server.issuer}, and is ${server.issuer}/`
    await assert.rejects(provider.exchange(CALLBACK), (error) => {
      assert.ok(error instanceof Fault && error.code === 'IDP_ANSWER_INVALID')
      return error.message.includes(both) && error.told?.includes(both) === true
    })
  })
  it('that answers with a page is told so', async (t) => {
    const { server, provider } = await start(t)
    server.misbehave({
      answer: (_, response) => {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>')
        return true
      },
    })
    await assert.rejects(
      provider.check(),
      faultOf('IDP_ANSWER_INVALID', /answered with text\/html, not a discovery document/),
    )
    assert.equal(provider.status.state, 'invalid')
    server.misbehave({})
    await provider.check()
    assert.equal(provider.status.state, 'ready')
  })
  it('that answers pages, floods or redirects instead of JSON is reported, and not followed', async (t) => {
    const answers: [FaultCode, (response: ServerResponseLike) => void][] = [
      [
        'IDP_ANSWER_INVALID',
        (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      ],
      [
        'IDP_ANSWER_INVALID',
        (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{'),
      ],
      ['IDP_ANSWER_INVALID', (response) => response.writeHead(302, { location: '/elsewhere' }).end()],
      ['IDP_ANSWER_INVALID', (response) => response.writeHead(404).end()],
      ['IDP_UNREACHABLE', (response) => response.writeHead(503).end()],
      ['IDP_UNREACHABLE', (response) => response.end('x'.repeat(2_000_000))],
    ]
    for (const [code, answer] of answers) {
      const { server, provider } = await start(t)
      server.misbehave({
        answer: (_, response) => {
          answer(response)
          return true
        },
      })
      await assert.rejects(provider.authorizationUrl(CALLBACK), faultOf(code))
      assert.equal(server.asked('/elsewhere'), 0)
    }
  })
  it('never gets a token into a fault', async (t) => {
    const { server, provider } = await start(t)
    server.misbehave({ claims: { aud: 'other' }, tokens: { access_token: 'TOP-SECRET' } })
    await assert.rejects(provider.exchange(CALLBACK), (error: Error) => {
      assert.doesNotMatch(error.message, /TOP-SECRET|eyJ/)
      return error.cause === undefined
    })
  })
  it('that sends groups in odd forms makes them unknown', async (t) => {
    const { server, provider } = await start(t)
    server.misbehave({
      claims: { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://x' } } },
    })
    assert.equal((await provider.exchange(CALLBACK)).groups, 'unknown')
    server.misbehave({ userInfo: { groups: { staff: true } } })
    assert.equal((await provider.exchange(CALLBACK)).groups, 'unknown')
  })
})

type ServerResponseLike = Parameters<NonNullable<Misbehaviour['answer']>>[1]
