import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { JSON_TYPE, type PlayedAnswer, type Script } from '../../../test/harness/played-provider.ts'
import { Fault, type FaultCode } from '../../errors.ts'
import { readClaim } from '../../flat-claims.ts'
import { testClient } from '../client.fixture.ts'
import { REDIRECT_URI, stage } from '../stage.fixture.ts'
import { openOpenIdProvider } from './openid-provider.ts'

const JWT_TYPE = { 'content-type': 'application/jwt' }
const USUAL: Script = { userInfo: {} }
const faultOf = (code: FaultCode) => (error: unknown) => error instanceof Fault && error.code === code

async function start(t: TestContext, provider: 'oidc' | 'azure' = 'oidc') {
  const warnings: string[] = []
  const logger = { info: () => undefined, warn: (_: object, message: string) => void warnings.push(message) }
  const staged = await stage(t, USUAL, { provider, scopes: ['openid'] }, { logger })
  return { ...staged, warnings }
}

/** Answers these paths so, and all others as usual. */
const answering = (answers: Readonly<Record<string, PlayedAnswer>>, more: Script = {}): Script => ({
  ...USUAL,
  ...more,
  answer: ({ path }) => answers[path],
})

const TROUBLES: Readonly<Record<string, PlayedAnswer>> = {
  '401': { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } },
  '401 without a challenge': { status: 401 },
  '403': { status: 403, body: { error: 'forbidden' } },
  '404': { status: 404 },
  '429': { status: 429 },
  '500': { status: 500 },
  'a redirect': { status: 302, headers: { location: '/elsewhere' } },
  'a page': { body: '<html>', headers: { 'content-type': 'text/html' } },
  'a list': { body: [] },
  'half an answer': { body: '{"sub":', headers: JSON_TYPE },
  'no subject': { body: { email: 'root@example.com' } },
  'no answer': { isCutOff: true },
  'a JWT that nobody has signed': {
    body: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImVtYWlsIjoicm9vdEBleGFtcGxlLmNvbSJ9.',
    headers: JWT_TYPE,
  },
}

describe('userinfo that does not tell of somebody', () => {
  for (const [what, answer] of Object.entries(TROUBLES))
    it(`(${what}) keeps nobody from signing in, and what only it says is not known`, async (t) => {
      const { played, signIn, provider, warnings } = await start(t)
      played.script = answering({ '/userinfo': answer })
      for (let times = 0; times < 2; times += 1) {
        const { userId, email, groups, withoutUserInfo } = await signIn()
        assert.deepEqual([userId, email, groups, withoutUserInfo], ['alice', undefined, 'unknown', true])
      }
      assert.equal(warnings.length, 1, 'it is told once')
      assert.match(provider.status.userInfo?.message ?? '', /userinfo/)
      played.script = USUAL
      const { groups, withoutUserInfo } = await signIn()
      assert.deepEqual([groups, withoutUserInfo], [[], undefined])
      assert.equal(provider.status.userInfo, undefined)
    })

  const refused = TROUBLES['401'] ?? assert.fail()

  it('leaves what the ID token says', async (t) => {
    const { played, signIn } = await start(t)
    played.script = answering(
      { '/userinfo': refused },
      { claims: { email: 'alice@example.com', groups: ['staff'] } },
    )
    const { email, groups, claims } = await signIn()
    assert.deepEqual([email, groups], ['alice@example.com', ['staff']])
    assert.deepEqual([readClaim(claims, 'groups'), readClaim(claims, 'department')], [['staff'], 'unknown'])
  })

  it('makes no groups unknown that it never tells', async (t) => {
    const { played, signIn } = await start(t, 'azure')
    played.script = answering({ '/userinfo': refused })
    assert.deepEqual((await signIn()).groups, [])
  })

  it('ends no session that began without it, and ends one of whom it has told', async (t) => {
    const { played, signIn, provider } = await start(t)
    const whole = await signIn()
    played.script = answering({ '/userinfo': refused })
    const partial = await signIn()
    for (const how of ['refresh', 'reread'] as const) {
      const again = await provider[how](partial)
      assert.deepEqual([again.userId, again.groups, again.withoutUserInfo], ['alice', 'unknown', true])
      await assert.rejects(provider[how](whole), faultOf('IDP_REFUSED'))
    }
    played.script = USUAL
    assert.equal((await provider.refresh(partial)).withoutUserInfo, undefined)
  })

  it('for the moment only loses nobody a refresh token', async (t) => {
    const { played, signIn, provider } = await start(t)
    const first = await signIn()
    for (const what of ['404', '429', '500', 'a page', 'no answer']) {
      played.script = answering(
        { '/userinfo': TROUBLES[what] ?? assert.fail() },
        { tokens: { refresh_token: 'new' } },
      )
      const { tokens, groups } = await provider.refresh(first)
      assert.deepEqual([tokens.refreshToken, groups], ['new', []], what)
    }
  })

  it('of the right person is refused as ever', async (t) => {
    const { played, signIn, provider } = await start(t)
    const first = await signIn()
    played.script = answering({ '/userinfo': { body: { sub: 'bob' } } })
    await assert.rejects(signIn(), faultOf('IDP_ANSWER_INVALID'))
    await assert.rejects(provider.refresh(first), faultOf('IDP_ANSWER_INVALID'))
    await assert.rejects(provider.reread(first), faultOf('IDP_ANSWER_INVALID'))
  })
})

describe('a provider that says of somebody only in the ID token', () => {
  const claims = { email: 'alice@example.com', groups: ['staff'] }

  it('is believed where userinfo answers without it', async (t) => {
    const { played, signIn, provider } = await start(t)
    played.script = { ...USUAL, claims }
    const first = await signIn()
    const again = await provider.refresh(first)
    for (const { email, groups } of [first, again])
      assert.deepEqual([email, groups], ['alice@example.com', ['staff']])
  })

  it('loses nobody a session where there is no userinfo and a refresh brings no ID token', async (t) => {
    const { played, signIn, provider } = await stage(t, { claims }, { provider: 'oidc', scopes: ['openid'] })
    const first = await signIn()
    played.script = { claims: { ...claims, groups: ['others'] }, tokens: { id_token: undefined } }
    const again = await provider.refresh(first)
    assert.deepEqual([again.userId, again.email, again.groups], ['alice', 'alice@example.com', ['staff']])
    assert.notEqual(again.tokens.accessToken, first.tokens.accessToken)
    assert.equal(again.tokens.idToken, first.tokens.idToken)
  })
})

async function signing() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: 'signer', alg: 'ES256', use: 'sig' } }
}

async function startSigned(t: TestContext, claims: (issuer: string) => Record<string, unknown>) {
  const started = await start(t)
  const { played } = started
  const { privateKey, jwk } = await signing()
  const jwt = await new SignJWT({ email: 'alice@example.com', ...claims(played.issuer) })
    .setProtectedHeader({ alg: 'ES256', kid: 'signer' })
    .sign(privateKey)
  played.script = answering({
    '/userinfo': { body: jwt, headers: JWT_TYPE },
    '/keys': { body: { keys: [await played.publicJwk(), jwk] } },
  })
  return started
}

describe('userinfo as a signed JWT', () => {
  it('is read, although the metadata name no algorithm for it', async (t) => {
    for (const more of [{}, { aud: 'sallyport' }]) {
      const { signIn } = await startSigned(t, (iss) => ({ sub: 'alice', iss, ...more }))
      assert.equal((await signIn()).email, 'alice@example.com')
    }
  })

  it('says nothing when it is for another client, by another issuer or has ended', async (t) => {
    for (const wrong of [{ aud: 'other' }, { iss: 'https://evil.example.com' }, { exp: 1 }]) {
      const { signIn } = await startSigned(t, (iss) => ({ sub: 'alice', iss, ...wrong }))
      const { email, withoutUserInfo } = await signIn()
      assert.deepEqual([email, withoutUserInfo], [undefined, true], JSON.stringify(wrong))
    }
  })

  it('about another person is refused', async (t) => {
    const { signIn } = await startSigned(t, (iss) => ({ sub: 'bob', iss }))
    await assert.rejects(signIn(), faultOf('IDP_ANSWER_INVALID'))
  })
})

describe('a token that a client brings, while the keys can not be had', () => {
  const answers: Readonly<Record<string, PlayedAnswer>> = {
    ...Object.fromEntries(
      [302, 400, 401, 403, 404, 410, 429, 500, 503].map((status) => [status, { status, body: '{}' }]),
    ),
    'a page': { body: '<html>', headers: { 'content-type': 'text/html' } },
    'half an answer': { body: '{"keys":', headers: JSON_TYPE },
    'no keys': { body: {} },
    'half a key': { body: { keys: [{ kty: 'RSA', kid: 'k1', alg: 'RS256', n: 'AQAB' }] } },
    'no answer': { isCutOff: true },
  }
  for (const [what, answer] of Object.entries(answers))
    it(`(${what}) is not called a bad one`, async (t) => {
      const { played, signIn } = await start(t)
      const { tokens } = await signIn()
      const unread = openOpenIdProvider({
        client: testClient({ provider_url: played.issuer, scopes: ['openid'] }),
        redirectUri: REDIRECT_URI,
      })
      t.after(() => unread[Symbol.asyncDispose]())
      played.script = answering({ '/keys': answer })
      await assert.rejects(
        unread.identify('id_token', tokens.idToken ?? ''),
        (error) => error instanceof Fault && [502, 503].includes(error.status),
        what,
      )
    })
})
