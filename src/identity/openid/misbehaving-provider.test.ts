import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { byAttacker, resigned } from '../../../test/harness/forged-token.ts'
import { JSON_TYPE, type PlayedAnswer, type Script } from '../../../test/harness/played-provider.ts'
import { Fault, type FaultCode } from '../../errors.ts'
import type { Identity } from '../provider.ts'
import { SECRETS, stage } from '../stage.fixture.ts'

const faultOf =
  (code: FaultCode, message = /./) =>
  (error: unknown) =>
    error instanceof Fault && error.code === code && message.test(error.message)

const USUAL: Script = { userInfo: {} }

const start = (t: TestContext) => stage(t, USUAL, { provider: 'oidc', scopes: ['openid'] })

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
    const { played, signIn } = await start(t)
    played.script = { ...USUAL, userInfo: { sub: 'bob' } }
    await assert.rejects(signIn(), faultOf('IDP_ANSWER_INVALID'))
  })
  it('may write null or nothing for what it does not give', async (t) => {
    const { played, provider, signIn } = await start(t)
    for (const nothing of [null, '']) {
      played.script = { ...USUAL, tokens: { refresh_token: nothing, scope: nothing, expires_in: nothing } }
      const { tokens } = await signIn()
      assert.deepEqual([tokens.refreshToken, tokens.accessTokenExpiresAt], [undefined, undefined])
      played.script = { ...USUAL, tokens: { refresh_token: nothing, id_token: nothing } }
      assert.equal((await provider.refresh(known)).tokens.refreshToken, 'old')
      played.script = { ...USUAL, tokens: { id_token: nothing } }
      await assert.rejects(signIn(), faultOf('IDP_ANSWER_INVALID'))
    }
  })
  it('may not turn one person into another on refresh', async (t) => {
    const { played, provider } = await start(t)
    played.script = { ...USUAL, claims: { sub: 'bob' }, userInfo: { sub: 'bob' } }
    await assert.rejects(provider.refresh(known), faultOf('IDP_REFUSED', /another person/))
  })
  it('may not hand a forged ID token to a refresh', async (t) => {
    const { played, provider } = await start(t)
    played.script = { ...USUAL, idToken: (good) => resigned(good, { alg: 'RS256', kid: 'k1' }, byAttacker) }
    await assert.rejects(provider.refresh(known), faultOf('IDP_ANSWER_INVALID'))
  })
  it('loses nobody a refresh token while its keys can not be had', async (t) => {
    const { played, provider } = await start(t)
    played.script = {
      ...USUAL,
      tokens: { refresh_token: 'rt' },
      answer: ({ path }) => (path === '/keys' ? { status: 503 } : undefined),
    }
    const { tokens } = await provider.refresh(known)
    assert.deepEqual([tokens.refreshToken, tokens.idToken], ['rt', undefined])
  })
  it('keeps the ID token and refresh token we had, when it gives no new ones', async (t) => {
    const { played, provider, signIn } = await start(t)
    const first = await signIn()
    played.script = {
      ...USUAL,
      tokens: { id_token: undefined, refresh_token: undefined, access_token: 'at2' },
    }
    const { tokens, userId } = await provider.refresh(first)
    assert.deepEqual(tokens, {
      ...first.tokens,
      accessToken: 'at2',
      accessTokenExpiresAt: tokens.accessTokenExpiresAt,
    })
    assert.equal(userId, 'alice')
  })
  it('that calls itself by another name is told from the one that was configured', async (t) => {
    const { played, provider } = await start(t)
    played.script = { ...USUAL, metadata: () => ({ issuer: 'https://other.example.com' }) }
    await assert.rejects(
      provider.authorizationUrl(SECRETS),
      faultOf(
        'IDP_ISSUER_DIFFERS',
        /Expected issuer: http:\/\/127.*Found: https:\/\/other.example.com\. Write idp_provider_url as/,
      ),
    )
  })
  it('whose name differs in a slash is told so, with both names, in the log and on the page', async (t) => {
    const { played, provider } = await stage(
      t,
      { path: '/realms/one', metadata: (origin) => ({ issuer: `${origin}/realms/one/` }) },
      { provider: 'oidc' },
    )
    const both = `Expected issuer: ${played.issuer} (idp_provider_url). Found: ${played.issuer}/.`
    await assert.rejects(provider.authorizationUrl(SECRETS), (error) => {
      assert.ok(error instanceof Fault && error.code === 'IDP_ISSUER_DIFFERS')
      assert.equal(error.publicDetail, `${both} They differ in the slash at the end.`)
      return error.message.includes(error.publicDetail)
    })
  })
  it('that gives tokens of another issuer is told with both names', async (t) => {
    const { played, signIn } = await start(t)
    played.script = { ...USUAL, claims: { iss: `${played.issuer}/` } }
    const both = `should be ${played.issuer}, and is ${played.issuer}/`
    await assert.rejects(signIn(), (error) => {
      assert.ok(error instanceof Fault && error.code === 'IDP_ANSWER_INVALID')
      return error.message.includes(both) && error.publicDetail?.includes(both) === true
    })
  })
  it('that answers with a page is told so', async (t) => {
    const { played, provider } = await start(t)
    played.script = {
      ...USUAL,
      answer: () => ({ body: '<html>', headers: { 'content-type': 'text/html; charset=utf-8' } }),
    }
    await assert.rejects(
      provider.check(),
      faultOf('IDP_ANSWER_INVALID', /answered with text\/html, not a discovery document/),
    )
    assert.equal(provider.status.state, 'invalid')
    played.script = USUAL
    await provider.check()
    assert.equal(provider.status.state, 'ready')
  })
  it('that answers pages, floods or redirects instead of JSON is reported, and not followed', async (t) => {
    const answers: [FaultCode, PlayedAnswer][] = [
      ['IDP_ANSWER_INVALID', { body: '<html>', headers: { 'content-type': 'text/html' } }],
      ['IDP_ANSWER_INVALID', { body: '{', headers: JSON_TYPE }],
      ['IDP_ANSWER_INVALID', { status: 302, headers: { location: '/elsewhere' } }],
      ['IDP_ANSWER_INVALID', { status: 404 }],
      ['IDP_UNREACHABLE', { status: 503 }],
      ['IDP_UNREACHABLE', { body: 'x'.repeat(2_000_000) }],
    ]
    for (const [code, answer] of answers) {
      const { played, provider } = await start(t)
      played.script = { answer: () => answer }
      await assert.rejects(provider.authorizationUrl(SECRETS), faultOf(code))
      assert.equal(played.asked('/elsewhere').length, 0)
    }
  })
  it('never gets a token into a fault', async (t) => {
    const { played, signIn } = await start(t)
    played.script = { ...USUAL, claims: { aud: 'other' }, tokens: { access_token: 'TOP-SECRET' } }
    await assert.rejects(signIn(), (error: Error) => {
      assert.doesNotMatch(error.message, /TOP-SECRET|eyJ/)
      return error.cause === undefined
    })
  })
  it('that sends groups in odd forms makes them unknown', async (t) => {
    const { played, signIn } = await start(t)
    played.script = {
      ...USUAL,
      claims: { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://x' } } },
    }
    assert.equal((await signIn()).groups, 'unknown')
    played.script = { ...USUAL, userInfo: { groups: { staff: true } } }
    assert.equal((await signIn()).groups, 'unknown')
  })
})
