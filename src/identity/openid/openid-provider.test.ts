import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { signInThere } from '../../../test/harness/real-provider.ts'
import { Secret } from '../../config/config.ts'
import { openLocalCa } from '../../crypto/x509/local-ca.ts'
import { Fault, type FaultCode } from '../../errors.ts'
import { identityProviderId } from '../provider-address.ts'
import { REDIRECT_URI, SECRETS } from '../stage.fixture.ts'
import { openOurs, signIn, startReal } from './real-stage.fixture.ts'

const faultOf =
  (code: FaultCode, message = /./) =>
  (error: unknown) =>
    error instanceof Fault && error.code === code && message.test(error.message)

describe('signing in at a real OpenID provider', () => {
  it('brings user id, email, name, groups, claims and tokens', async (t) => {
    const before = Date.now()
    const { tokens, claims, ...identity } = await signIn(openOurs(t, (await startReal(t)).issuer))
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
    const url = await openOurs(t, issuer, {
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
    const real = await startReal(t, { tls: await ca.issue(['idp.localhost']) })
    const provider = openOurs(t, real.issuer, {}, { trustedCa: [ca.certificatePem] })
    const identity = await signIn(provider, { login: 'bob', ca: ca.certificatePem })
    assert.equal(identity.userId, 'bob')
    await assert.rejects(
      openOurs(t, real.issuer).authorizationUrl(SECRETS),
      faultOf('IDP_UNREACHABLE', /not trusted/),
    )
  })
  it('works for a provider that takes the secret in the form only', async (t) => {
    const { issuer } = await startReal(t, {
      client: { token_endpoint_auth_method: 'client_secret_post' },
      configuration: { clientAuthMethods: ['client_secret_post'] },
    })
    assert.equal((await signIn(openOurs(t, issuer))).userId, 'alice')
  })
  it('is refused with a code that was used, and without its PKCE verifier', async (t) => {
    const provider = openOurs(t, (await startReal(t)).issuer)
    const callbackUrl = await signInThere(await provider.authorizationUrl(SECRETS), 'alice')
    const otherVerifier = { ...SECRETS, codeVerifier: 'w'.repeat(43), callbackUrl }
    await assert.rejects(provider.exchange(otherVerifier), faultOf('IDP_REFUSED', /invalid_grant/))
    await provider.exchange({ ...SECRETS, callbackUrl })
    await assert.rejects(
      provider.exchange({ ...SECRETS, callbackUrl }),
      faultOf('IDP_REFUSED', /invalid_grant/),
    )
  })
  it('is refused with another state or nonce than this browser was sent with', async (t) => {
    const provider = openOurs(t, (await startReal(t)).issuer)
    const callbackUrl = await signInThere(await provider.authorizationUrl(SECRETS), 'alice')
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
    const provider = openOurs(t, issuer)
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
    const mistyped = openOurs(t, issuer, { client_secret: Secret.of('mistyped') })
    await assert.rejects(
      signIn(mistyped),
      faultOf('IDP_NOT_CONFIGURED', /client id or secret|invalid_client/),
    )
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
    assert.throws(() => openOurs(t, 'http://idp.example.com'), faultOf('IDP_NOT_CONFIGURED', /must be https/))
  })
})
