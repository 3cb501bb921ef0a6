import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { jwtVerify } from 'jose'
import type { Script } from '../../../test/harness/played-provider.ts'
import { Secret } from '../../config/config.ts'
import { postedName } from '../openid/apple-secret.ts'
import { SECRETS, stage } from '../stage.fixture.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' })
const KEY = {
  team_id: 'TEAM123456',
  key_id: 'KEY1234567',
  private_key: Secret.of(PEM),
  client_secret: undefined,
}

/** No userinfo, no PKCE in the metadata, the secret in the form only; `email_verified` is text. */
const apple = (): Script => ({
  metadata: (origin) => ({
    code_challenge_methods_supported: undefined,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
    revocation_endpoint: `${origin}/auth/revoke`,
  }),
  answer: ({ path }) => (path === '/auth/revoke' ? { body: {} } : undefined),
  claims: {
    sub: '000792.d7.0638',
    email: 'x7@privaterelay.appleid.com',
    email_verified: 'true',
    is_private_email: 'true',
  },
})

const USER = JSON.stringify({ name: { firstName: 'Alice', lastName: 'Archer' }, email: 'root@example.com' })

describe('Apple, played by a local server,', () => {
  it('is asked to post its answer, and without PKCE while it does not know it', async (t) => {
    const { provider } = await stage(t, apple(), { provider: 'apple' })
    const { searchParams } = await provider.authorizationUrl(SECRETS)
    assert.deepEqual(
      ['response_mode', 'scope', 'code_challenge'].map((name) => searchParams.get(name)),
      ['form_post', 'openid name email', null],
    )
  })

  it('is asked with PKCE once it knows it', async (t) => {
    const script = { ...apple(), metadata: () => ({}) }
    const { provider, signIn } = await stage(t, script, { provider: 'apple' })
    assert.ok((await provider.authorizationUrl(SECRETS)).searchParams.has('code_challenge'))
    assert.equal((await signIn()).userId, '000792.d7.0638')
  })

  it('takes a client secret that was made elsewhere', async (t) => {
    const { signIn, played } = await stage(t, apple(), { provider: 'apple' })
    await signIn()
    const [asked] = played.asked('/token')
    assert.equal(asked?.form.get('client_secret'), 'secret')
    assert.equal(asked?.headers.authorization, undefined)
  })

  it('takes a fresh one for each request, signed with the key of the team', async (t) => {
    const { signIn, played, provider } = await stage(t, apple(), { provider: 'apple', ...KEY })
    const alice = await signIn()
    await provider.refresh(alice)
    await provider.revoke(alice.tokens)
    const asked = [...played.asked('/token'), ...played.asked('/auth/revoke')]
    assert.equal(asked.length, 4)
    for (const { form } of asked) {
      assert.equal(form.get('client_id'), 'sallyport')
      const { payload, protectedHeader } = await jwtVerify(form.get('client_secret') ?? '', publicKey, {
        issuer: 'TEAM123456',
        subject: 'sallyport',
        audience: played.origin,
      })
      assert.deepEqual(protectedHeader, { alg: 'ES256', kid: 'KEY1234567' })
      assert.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 15_777_000)
    }
  })

  it('says the name once, beside the answer; the address only in the token', async (t) => {
    const { signIn, provider } = await stage(t, apple(), { provider: 'apple' })
    const alice = await signIn({ user: USER })
    assert.deepEqual([alice.name, alice.email], ['Alice Archer', 'x7@privaterelay.appleid.com'])
    assert.deepEqual(alice.claims['is_private_email'], ['true'])
    assert.equal((await provider.refresh(alice)).name, 'Alice Archer')
    assert.equal((await signIn()).name, undefined, 'the second time it does not say')
  })

  it('is asked to refresh once a day, and no more', async (t) => {
    const { signIn } = await stage(t, apple(), { provider: 'apple' })
    const { tokens } = await signIn()
    assert.ok((tokens.accessTokenExpiresAt ?? 0) > Date.now() + 86_000_000)
    assert.equal(tokens.idTokenExpiresAt, undefined)
  })
})

describe('the name that Apple posts', () => {
  it('is read from what is well formed, and from nothing else', () => {
    assert.equal(postedName(USER), 'Alice Archer')
    assert.equal(postedName('{"name":{"lastName":"Archer"}}'), 'Archer')
    for (const odd of [
      null,
      '',
      '{',
      'null',
      '7',
      '[]',
      '{"name":7}',
      '{"name":{"firstName":{}}}',
      '{"name":null}',
    ])
      assert.equal(postedName(odd), undefined, String(odd))
    assert.equal(postedName(JSON.stringify({ name: { firstName: 'x'.repeat(5000) } })), undefined)
  })
})
