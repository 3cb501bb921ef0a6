import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Fault, type FaultCode } from '../../errors.ts'
import { readClaim } from '../../flat-claims.ts'
import { testClient } from '../client.fixture.ts'
import {
  CLIENT_ID,
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../misbehaving-provider.fixture.ts'
import { openOpenIdProvider } from './openid-provider.ts'

const REDIRECT_URI = 'https://auth.example.com/oauth2/callback'
const CALLBACK = {
  oauthState: 'state-1',
  idTokenNonce: 'nonce-1',
  codeVerifier: 'v'.repeat(43),
  callbackUrl: new URL(`${REDIRECT_URI}?code=c&state=state-1`),
}
const JSON_TYPE = { 'content-type': 'application/json' }
const JWT_TYPE = { 'content-type': 'application/jwt' }
const faultOf = (code: FaultCode) => (error: unknown) => error instanceof Fault && error.code === code

async function start(t: TestContext, provider: 'oidc' | 'azure' = 'oidc') {
  const server = await startMisbehavingProvider()
  const warnings: string[] = []
  const opened = openOpenIdProvider({
    client: testClient({ provider, provider_url: server.issuer, client_id: CLIENT_ID, scopes: ['openid'] }),
    redirectUri: REDIRECT_URI,
    logger: { info: () => undefined, warn: (_, message) => void warnings.push(message) },
  })
  t.after(async () => {
    await opened[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  return { server, provider: opened, warnings }
}

/** Answers at the UserInfo endpoint only. */
function userInfo(server: MisbehavingProvider, answer: (response: ServerResponse) => void, more = {}): void {
  server.misbehave({
    ...more,
    answer: (path, response) => {
      if (path === '/userinfo') answer(response)
      return path === '/userinfo'
    },
  })
}

const TROUBLES: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '401': (response) => response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end(),
  '401 without a challenge': (response) => response.writeHead(401).end(),
  '403': (response) => response.writeHead(403, JSON_TYPE).end('{"error":"forbidden"}'),
  '404': (response) => response.writeHead(404).end(),
  '429': (response) => response.writeHead(429).end(),
  '500': (response) => response.writeHead(500).end(),
  'a redirect': (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  'a page': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  'a list': (response) => response.writeHead(200, JSON_TYPE).end('[]'),
  'half an answer': (response) => response.writeHead(200, JSON_TYPE).end('{"sub":'),
  'no subject': (response) => response.writeHead(200, JSON_TYPE).end('{"email":"root@example.com"}'),
  'no answer': (response) => response.destroy(),
  'a JWT that nobody has signed': (response) =>
    response
      .writeHead(200, JWT_TYPE)
      .end('eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImVtYWlsIjoicm9vdEBleGFtcGxlLmNvbSJ9.'),
}

describe('userinfo that does not tell of somebody', () => {
  for (const [what, answer] of Object.entries(TROUBLES))
    it(`(${what}) keeps nobody from signing in, and what only it says is not known`, async (t) => {
      const { server, provider, warnings } = await start(t)
      userInfo(server, answer)
      for (let times = 0; times < 2; times += 1) {
        const { userId, email, groups, withoutUserInfo } = await provider.exchange(CALLBACK)
        assert.deepEqual([userId, email, groups, withoutUserInfo], ['alice', undefined, 'unknown', true])
      }
      assert.equal(warnings.length, 1, 'it is told once')
      assert.match(provider.status.userInfo?.message ?? '', /userinfo/)
      server.misbehave({})
      const { groups, withoutUserInfo } = await provider.exchange(CALLBACK)
      assert.deepEqual([groups, withoutUserInfo], [[], undefined])
      assert.equal(provider.status.userInfo, undefined)
    })

  const refused = TROUBLES['401'] ?? assert.fail()

  it('leaves what the ID token says', async (t) => {
    const { server, provider } = await start(t)
    userInfo(server, refused, { claims: { email: 'alice@example.com', groups: ['staff'] } })
    const { email, groups, claims } = await provider.exchange(CALLBACK)
    assert.deepEqual([email, groups], ['alice@example.com', ['staff']])
    assert.deepEqual([readClaim(claims, 'groups'), readClaim(claims, 'department')], [['staff'], 'unknown'])
  })

  it('makes no groups unknown that it never tells', async (t) => {
    const { server, provider } = await start(t, 'azure')
    userInfo(server, refused)
    assert.deepEqual((await provider.exchange(CALLBACK)).groups, [])
  })

  it('ends no session that began without it, and ends one of whom it has told', async (t) => {
    const { server, provider } = await start(t)
    const told = await provider.exchange(CALLBACK)
    userInfo(server, refused)
    const untold = await provider.exchange(CALLBACK)
    for (const how of ['refresh', 'reread'] as const) {
      const again = await provider[how](untold)
      assert.deepEqual([again.userId, again.groups, again.withoutUserInfo], ['alice', 'unknown', true])
      await assert.rejects(provider[how](told), faultOf('IDP_REFUSED'))
    }
    server.misbehave({})
    assert.equal((await provider.refresh(untold)).withoutUserInfo, undefined)
  })

  it('for the moment only loses nobody a refresh token', async (t) => {
    const { server, provider } = await start(t)
    const first = await provider.exchange(CALLBACK)
    for (const what of ['404', '429', '500', 'a page', 'no answer']) {
      userInfo(server, TROUBLES[what] ?? assert.fail(), { tokens: { refresh_token: 'new' } })
      const { tokens, groups } = await provider.refresh(first)
      assert.deepEqual([tokens.refreshToken, groups], ['new', []], what)
    }
  })

  it('of the right person is refused as ever', async (t) => {
    const { server, provider } = await start(t)
    const first = await provider.exchange(CALLBACK)
    userInfo(server, (response) => response.writeHead(200, JSON_TYPE).end('{"sub":"bob"}'))
    await assert.rejects(provider.exchange(CALLBACK), faultOf('IDP_ANSWER_INVALID'))
    await assert.rejects(provider.refresh(first), faultOf('IDP_ANSWER_INVALID'))
    await assert.rejects(provider.reread(first), faultOf('IDP_ANSWER_INVALID'))
  })
})

async function signing() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: 'signer', alg: 'ES256', use: 'sig' } }
}

async function startSigned(t: TestContext, claims: (issuer: string) => Record<string, unknown>) {
  const stage = await start(t)
  const { server } = stage
  const { privateKey, jwk } = await signing()
  const jwt = await new SignJWT({ email: 'alice@example.com', ...claims(server.issuer) })
    .setProtectedHeader({ alg: 'ES256', kid: 'signer' })
    .sign(privateKey)
  server.misbehave({
    answer: (path, response) => {
      if (path === '/userinfo') response.writeHead(200, JWT_TYPE).end(jwt)
      if (path === '/jwks')
        response.writeHead(200, JSON_TYPE).end(JSON.stringify({ keys: [server.publicJwk, jwk] }))
      return path === '/userinfo' || path === '/jwks'
    },
  })
  return stage
}

describe('userinfo as a signed JWT', () => {
  it('is read, although the metadata name no algorithm for it', async (t) => {
    for (const more of [{}, { aud: CLIENT_ID }]) {
      const { provider } = await startSigned(t, (iss) => ({ sub: 'alice', iss, ...more }))
      assert.equal((await provider.exchange(CALLBACK)).email, 'alice@example.com')
    }
  })

  it('says nothing when it is for another client, by another issuer or has ended', async (t) => {
    for (const wrong of [{ aud: 'other' }, { iss: 'https://evil.example.com' }, { exp: 1 }]) {
      const { provider } = await startSigned(t, (iss) => ({ sub: 'alice', iss, ...wrong }))
      const { email, withoutUserInfo } = await provider.exchange(CALLBACK)
      assert.deepEqual([email, withoutUserInfo], [undefined, true], JSON.stringify(wrong))
    }
  })

  it('about another person is refused', async (t) => {
    const { provider } = await startSigned(t, (iss) => ({ sub: 'bob', iss }))
    await assert.rejects(provider.exchange(CALLBACK), faultOf('IDP_ANSWER_INVALID'))
  })
})

describe('a token that a client brings, while the keys can not be had', () => {
  const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
    ...Object.fromEntries(
      [302, 400, 401, 403, 404, 410, 429, 500, 503].map((status) => [
        status,
        (response: ServerResponse) => response.writeHead(status).end('{}'),
      ]),
    ),
    'a page': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    'half an answer': (response) => response.writeHead(200, JSON_TYPE).end('{"keys":'),
    'no keys': (response) => response.writeHead(200, JSON_TYPE).end('{}'),
    'half a key': (response) =>
      response
        .writeHead(200, JSON_TYPE)
        .end('{"keys":[{"kty":"RSA","kid":"key-0","alg":"RS256","n":"AQAB"}]}'),
    'no answer': (response) => response.destroy(),
  }
  for (const [what, answer] of Object.entries(answers))
    it(`(${what}) is not called a bad one`, async (t) => {
      const good = await start(t)
      const { tokens } = await good.provider.exchange(CALLBACK)
      const unread = openOpenIdProvider({
        client: testClient({ provider_url: good.server.issuer, client_id: CLIENT_ID, scopes: ['openid'] }),
        redirectUri: REDIRECT_URI,
      })
      t.after(() => unread[Symbol.asyncDispose]())
      good.server.misbehave({
        answer: (path, response) => {
          if (path === '/jwks') answer(response)
          return path === '/jwks'
        },
      })
      await assert.rejects(
        unread.identify('id_token', tokens.idToken ?? ''),
        (error) => error instanceof Fault && [502, 503].includes(error.status),
        what,
      )
    })
})
