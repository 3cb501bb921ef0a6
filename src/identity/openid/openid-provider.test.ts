import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import type { Configuration } from 'oidc-provider'
import { Secret, type SignInProvider } from '../../config/config.ts'
import { openLocalCa } from '../../crypto/x509/local-ca.ts'
import { Fault, type FaultCode } from '../../errors.ts'
import { createHttpClient } from '../../outbound/http-client.ts'
import { testClient } from '../client.fixture.ts'
import type { Identity, IdentityProvider } from '../provider.ts'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  playUserAgent,
  REDIRECT_URI,
  SIGNED_OUT_URI,
  startRealProvider,
} from '../real-provider.fixture.ts'
import { identityProviderId, openOpenIdProvider } from './openid-provider.ts'

const SECRETS = { oauthState: 'state-1', idTokenNonce: 'nonce-1', codeVerifier: 'v'.repeat(43) }
const faultOf =
  (code: FaultCode, message = /./) =>
  (error: unknown) =>
    error instanceof Fault && error.code === code && message.test(error.message)

function open(t: TestContext, issuer: string, change: Partial<SignInProvider> = {}, options = {}) {
  const provider = openOpenIdProvider({
    client: testClient({
      provider_url: issuer,
      client_id: CLIENT_ID,
      client_secret: Secret.of(CLIENT_SECRET),
      scopes: ['openid', 'profile', 'email', 'groups', 'address', 'offline_access'],
      ...change,
    }),
    redirectUri: REDIRECT_URI,
    ...options,
  })
  t.after(() => provider[Symbol.asyncDispose]())
  return provider
}

async function startReal(t: TestContext, options: { port?: number; configuration?: Configuration } = {}) {
  const real = await startRealProvider(options)
  t.after(() => real[Symbol.asyncDispose]())
  return real
}

async function signIn(
  provider: IdentityProvider,
  login = 'alice',
  trustedCa: readonly string[] = [],
): Promise<Identity> {
  await using http = createHttpClient({ trustedCa })
  const callbackUrl = await playUserAgent(http, await provider.authorizationUrl(SECRETS), login)
  return provider.exchange({ ...SECRETS, callbackUrl })
}

describe('tokens of a real OpenID provider that a client brings', () => {
  it('name the person who signed in elsewhere', async (t) => {
    const real = await startReal(t)
    const { tokens } = await signIn(open(t, real.issuer))
    // Another instance, which has seen nothing of the sign-in.
    const provider = open(t, real.issuer)
    const byAccessToken = await provider.identify('access_token', tokens.accessToken ?? '')
    const byIdToken = await provider.identify('id_token', tokens.idToken ?? '')
    assert.ok(!('problem' in byAccessToken) && !('problem' in byIdToken))
    assert.deepEqual(
      [byAccessToken.identity.userId, byAccessToken.identity.email, byAccessToken.identity.groups],
      ['alice', 'alice@example.com', ['staff', 'admins']],
    )
    assert.equal(byAccessToken.audiences, undefined, 'it is opaque')
    assert.deepEqual([byIdToken.identity.userId, byIdToken.audiences], ['alice', [CLIENT_ID]])
    assert.ok((byIdToken.expiresAt ?? 0) > Date.now())
  })

  it('are refused when the provider does not know them, or when they are of the other kind', async (t) => {
    const real = await startReal(t)
    const provider = open(t, real.issuer)
    const { tokens } = await signIn(provider)
    for (const token of ['made-up', tokens.idToken ?? ''])
      await assert.rejects(provider.identify('access_token', token), faultOf('IDP_REFUSED'))
    assert.ok('problem' in (await provider.identify('id_token', tokens.accessToken ?? '')))
    await provider.revoke(tokens)
    await assert.rejects(provider.identify('access_token', tokens.accessToken ?? ''), faultOf('IDP_REFUSED'))
    real.failOn('/me')
    await assert.rejects(provider.identify('access_token', 'x'), faultOf('IDP_UNREACHABLE'))
  })
})

describe('signing in at a real OpenID provider', () => {
  it('brings user id, email, name, groups, claims and tokens', async (t) => {
    const before = Date.now()
    const { tokens, claims, ...identity } = await signIn(open(t, (await startReal(t)).issuer))
    assert.deepEqual(identity, {
      userId: 'alice',
      email: 'alice@example.com',
      name: 'Alice',
      groups: ['staff', 'admins'],
    })
    assert.deepEqual(claims['address/locality'], ['Ulm'])
    assert.deepEqual(claims['groups'], ['staff', 'admins'])
    assert.equal(decodeJwt(tokens.idToken ?? '').sub, 'alice')
    assert.ok(tokens.accessToken)
    assert.ok(tokens.refreshToken)
    assert.ok((tokens.accessTokenExpiresAt ?? 0) > before + 3_500_000)
    assert.ok((tokens.idTokenExpiresAt ?? 0) > before)
  })
  it('sends state, nonce and an S256 challenge, and lets no request parameter replace them', async (t) => {
    const { issuer } = await startReal(t)
    const url = await open(t, issuer, {
      request_params: {
        prompt: 'select_account',
        state: 'x',
        code_challenge_method: 'plain',
        redirect_uri: 'https://evil',
      },
    }).authorizationUrl(SECRETS)
    const { prompt, state, nonce, code_challenge_method, redirect_uri, scope, ...rest } = Object.fromEntries(
      url.searchParams,
    )
    assert.deepEqual(
      { prompt, state, nonce, code_challenge_method, redirect_uri },
      {
        prompt: 'select_account',
        state: 'state-1',
        nonce: 'nonce-1',
        code_challenge_method: 'S256',
        redirect_uri: REDIRECT_URI,
      },
    )
    assert.match(scope ?? '', /^openid /)
    assert.equal(rest['response_type'], 'code')
    assert.notEqual(rest['code_challenge'], SECRETS.codeVerifier)
  })
  it("works over TLS with a CA of one's own", async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-idp-'))
    t.after(() => rmSync(dir, { recursive: true }))
    const ca = await openLocalCa(dir)
    await using real = await startRealProvider({ tls: await ca.issue(['idp.localhost']) })
    const trustedCa = [ca.certificatePem]
    const identity = await signIn(open(t, real.issuer, {}, { trustedCa }), 'bob', trustedCa)
    assert.equal(identity.userId, 'bob')
    await assert.rejects(
      open(t, real.issuer).authorizationUrl(SECRETS),
      faultOf('IDP_UNREACHABLE', /not trusted/),
    )
  })
  it('works for a provider that takes the secret in the form only', async (t) => {
    const { issuer } = await startReal(t, {
      configuration: {
        clientAuthMethods: ['client_secret_post'],
        clients: [
          {
            client_id: CLIENT_ID,
            client_secret: CLIENT_SECRET,
            redirect_uris: [REDIRECT_URI],
            token_endpoint_auth_method: 'client_secret_post',
          },
        ],
      },
    })
    assert.equal((await signIn(open(t, issuer))).userId, 'alice')
  })
  it('is refused with a code that was used, and without its PKCE verifier', async (t) => {
    const provider = open(t, (await startReal(t)).issuer)
    await using http = createHttpClient()
    const callbackUrl = await playUserAgent(http, await provider.authorizationUrl(SECRETS), 'alice')
    const otherVerifier = { ...SECRETS, codeVerifier: 'w'.repeat(43), callbackUrl }
    await assert.rejects(provider.exchange(otherVerifier), faultOf('IDP_REFUSED', /invalid_grant/))
    await provider.exchange({ ...SECRETS, callbackUrl })
    await assert.rejects(
      provider.exchange({ ...SECRETS, callbackUrl }),
      faultOf('IDP_REFUSED', /invalid_grant/),
    )
  })
  it('is refused with another state or nonce than this browser was sent with', async (t) => {
    const provider = open(t, (await startReal(t)).issuer)
    await using http = createHttpClient()
    const callbackUrl = await playUserAgent(http, await provider.authorizationUrl(SECRETS), 'alice')
    await assert.rejects(
      provider.exchange({ ...SECRETS, callbackUrl, oauthState: 'other' }),
      faultOf('OAUTH_STATE_INVALID'),
    )
    await assert.rejects(
      provider.exchange({ ...SECRETS, callbackUrl, idTokenNonce: 'other' }),
      faultOf('IDP_ANSWER_INVALID', /nonce/),
    )
  })
  it('tells a refusal, a provider that asks to come later, and a wrong secret apart', async (t) => {
    const { issuer } = await startReal(t)
    const provider = open(t, issuer)
    const callback = (query: string) => ({
      ...SECRETS,
      callbackUrl: new URL(`${REDIRECT_URI}?state=state-1&iss=${issuer}&${query}`),
    })
    await assert.rejects(
      provider.exchange(callback('error=access_denied')),
      faultOf('IDP_REFUSED', /access_denied/),
    )
    await assert.rejects(
      provider.exchange(callback('error=temporarily_unavailable')),
      faultOf('IDP_UNREACHABLE'),
    )
    await assert.rejects(
      provider.exchange(callback('error=invalid_scope')),
      faultOf('IDP_NOT_CONFIGURED', /scopes/),
    )
    await assert.rejects(provider.exchange(callback('nothing=here')), faultOf('IDP_ANSWER_INVALID'))
    const mistyped = open(t, issuer, { client_secret: Secret.of('mistyped') })
    await assert.rejects(
      signIn(mistyped),
      faultOf('IDP_NOT_CONFIGURED', /client id or secret|invalid_client/),
    )
  })
})

describe('refreshing at a real OpenID provider', () => {
  it('brings new tokens, and what the provider says of the person today', async (t) => {
    const real = await startReal(t)
    const provider = open(t, real.issuer)
    const first = await signIn(provider)
    real.person['groups'] = ['guests']
    real.person['name'] = 'Alice B.'
    const second = await provider.refresh(first)
    assert.notEqual(second.tokens.accessToken, first.tokens.accessToken)
    assert.notEqual(second.tokens.refreshToken, first.tokens.refreshToken)
    assert.deepEqual(
      { name: second.name, groups: second.groups, userId: second.userId },
      { name: 'Alice B.', groups: ['guests'], userId: 'alice' },
    )
    delete real.person['groups']
    assert.deepEqual((await provider.refresh(second)).groups, [])
  })
  it('keeps the old refresh token where none is given', async (t) => {
    const provider = open(t, (await startReal(t, { configuration: { rotateRefreshToken: false } })).issuer)
    const first = await signIn(provider)
    const second = await provider.refresh(first)
    assert.equal(second.tokens.refreshToken, first.tokens.refreshToken)
    assert.ok(await provider.refresh(second))
  })
  it('is refused once the refresh token was used, revoked, or is not there', async (t) => {
    const provider = open(t, (await startReal(t)).issuer)
    const first = await signIn(provider)
    const second = await provider.refresh(first)
    await provider.revoke(second.tokens)
    await assert.rejects(provider.refresh(second), faultOf('IDP_REFUSED', /invalid_grant/))
    await assert.rejects(provider.refresh(first), faultOf('IDP_REFUSED', /invalid_grant/))
    const without = { ...first, tokens: { ...first.tokens, refreshToken: undefined } }
    await assert.rejects(provider.refresh(without), faultOf('IDP_REFUSED', /no refresh token/))
  })
  it('asks to try later while the provider is out of order', async (t) => {
    const real = await startReal(t)
    const provider = open(t, real.issuer)
    const identity = await signIn(provider)
    real.failOn('/token', 500)
    await assert.rejects(provider.refresh(identity), faultOf('IDP_UNREACHABLE', /500/))
    assert.equal(provider.status.state, 'unreachable')
    real.failOn('')
    assert.ok(await provider.refresh(identity))
    assert.equal(provider.status.state, 'ready')
  })
  it('does not lose a new refresh token when userinfo is out of order', async (t) => {
    const real = await startReal(t)
    const provider = open(t, real.issuer)
    const first = await signIn(provider)
    real.failOn('/me')
    const second = await provider.refresh(first)
    assert.notEqual(second.tokens.refreshToken, first.tokens.refreshToken)
    assert.deepEqual([second.groups, second.email, second.claims], [first.groups, first.email, first.claims])
    real.failOn('/me', 401)
    await assert.rejects(provider.refresh(second), faultOf('IDP_REFUSED', /userinfo/))
  })
})

describe('signing out at a real OpenID provider', () => {
  it('goes to its end-session page, with the ID token as hint', async (t) => {
    const real = await startReal(t)
    const provider = open(t, real.issuer)
    const { tokens } = await signIn(provider)
    const url = await provider.endSessionUrl({
      idTokenHint: tokens.idToken,
      postLogoutRedirectUri: SIGNED_OUT_URI,
    })
    assert.equal(url?.origin, real.issuer)
    assert.equal(url.searchParams.get('id_token_hint'), tokens.idToken)
    assert.equal(url.searchParams.get('post_logout_redirect_uri'), SIGNED_OUT_URI)
    await using http = createHttpClient()
    assert.equal((await http.fetch(url)).status, 200)
  })
  it('names the person where the ID token would make the URL too long, as far as the token tells a name', async (t) => {
    const real = await startReal(t)
    const provider = open(t, real.issuer)
    const groups = Array.from({ length: 200 }, (_, index) => `00000000-0000-4000-8000-${index + 1e11}`)
    const jwt = (claims: object) =>
      ['{}', JSON.stringify({ ...claims, groups }), 'x']
        .map((part) => Buffer.from(part).toString('base64url'))
        .join('.')
    const hintOf = async (idTokenHint: string) => {
      const url = await provider.endSessionUrl({ idTokenHint, postLogoutRedirectUri: SIGNED_OUT_URI })
      const asked = url?.searchParams
      assert.ok(url !== undefined && url.href.length < 2000)
      assert.deepEqual([asked?.get('client_id'), asked?.get('id_token_hint')], [CLIENT_ID, null])
      return asked?.get('logout_hint')
    }
    assert.equal(await hintOf(jwt({ login_hint: 'O.CiQ', preferred_username: 'a@b.example' })), 'O.CiQ')
    assert.equal(
      await hintOf(jwt({ preferred_username: 'a@b.example', email: 'c@d.example' })),
      'a@b.example',
    )
    assert.equal(await hintOf(jwt({ email: 'x'.repeat(2000) })), null)
    assert.equal(await hintOf('x'.repeat(3000)), null)
  })
  it('goes nowhere, and throws nothing, where there is no such page or no provider', async (t) => {
    const real = await startReal(t, {
      configuration: { features: { rpInitiatedLogout: { enabled: false } } },
    })
    const signOut = { postLogoutRedirectUri: SIGNED_OUT_URI }
    assert.equal(await open(t, real.issuer).endSessionUrl(signOut), undefined)
    const down = open(t, 'http://localhost:1')
    assert.equal(await down.endSessionUrl(signOut), undefined)
    await down.revoke({
      accessToken: 'a',
      refreshToken: 'r',
      accessTokenExpiresAt: undefined,
      idToken: undefined,
      idTokenExpiresAt: undefined,
    })
  })
})

describe('a provider that is down', () => {
  it('is not asked when Sallyport starts, and heals by itself when it comes up', async (t) => {
    const { port } = await using(await startRealProvider(), (real) => real)
    let now = Date.now()
    const provider = open(t, `http://idp.localhost:${port}`, {}, { now: () => now })
    assert.equal(provider.status.state, 'idle')
    await assert.rejects(provider.authorizationUrl(SECRETS), faultOf('IDP_UNREACHABLE', /ECONNREFUSED/))
    assert.equal(provider.status.state, 'unreachable')
    assert.match(provider.status.lastFault?.message ?? '', /idp\.localhost/)
    await startReal(t, { port })
    now += 2000
    assert.equal((await signIn(provider)).userId, 'alice')
    assert.equal(provider.status.state, 'ready')
  })
  it('is asked again after a pause that grows, not by every visitor', async (t) => {
    const real = await startReal(t)
    real.failOn('/.well-known')
    let now = Date.now()
    const provider = open(t, real.issuer, {}, { now: () => now })
    const visitors = (count: number) =>
      Promise.all(
        Array.from({ length: count }, () =>
          assert.rejects(provider.authorizationUrl(SECRETS), faultOf('IDP_UNREACHABLE', /503/)),
        ),
      )
    await visitors(20)
    assert.equal(real.requests.length, 1)
    now += 1000
    await visitors(20)
    assert.equal(real.requests.length, 2)
    now += 1000
    await visitors(20)
    assert.equal(real.requests.length, 2)
    now += 3_600_000
    real.failOn('')
    await provider.authorizationUrl(SECRETS)
    assert.equal(real.requests.length, 3)
  })
  it('hinders nobody whose sign-in needs nothing but what is known of it', async (t) => {
    const real = await startReal(t)
    let now = Date.now()
    const provider = open(t, real.issuer, {}, { now: () => now })
    await provider.authorizationUrl(SECRETS)
    real.failOn('/.well-known')
    now += 2 * 3_600_000
    assert.ok(await provider.authorizationUrl(SECRETS))
    assert.ok(await provider.authorizationUrl(SECRETS))
  })
})

describe('the settings of a provider', () => {
  it('give it an id that depends on provider and client alone', () => {
    const id = identityProviderId('https://idp.example.com', 'a')
    assert.equal(id, identityProviderId('https://idp.example.com/', 'a'))
    assert.notEqual(id, identityProviderId('https://idp.example.com', 'b'))
    assert.notEqual(id, identityProviderId('https://other.example.com', 'a'))
  })
  it('must be https off this machine', (t) => {
    assert.throws(() => open(t, 'http://idp.example.com'), faultOf('IDP_NOT_CONFIGURED', /must be https/))
  })
})

async function using<T extends AsyncDisposable, R>(resource: T, act: (resource: T) => R): Promise<R> {
  await using kept = resource
  return act(kept)
}
