import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createHttpClient } from '../../outbound/http-client.ts'
import { openOurs, SIGNED_OUT_URI, signIn, startReal } from './real-stage.fixture.ts'

describe('signing out at a real OpenID provider', () => {
  it('goes to its end-session page, with the ID token as hint', async (t) => {
    const real = await startReal(t)
    const provider = openOurs(t, real.issuer)
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
    const provider = openOurs(t, real.issuer)
    const groups = Array.from({ length: 200 }, (_, index) => `00000000-0000-4000-8000-${index + 1e11}`)
    const jwt = (claims: object) =>
      ['{}', JSON.stringify({ ...claims, groups }), 'x']
        .map((part) => Buffer.from(part).toString('base64url'))
        .join('.')
    const hintOf = async (idTokenHint: string) => {
      const url = await provider.endSessionUrl({ idTokenHint, postLogoutRedirectUri: SIGNED_OUT_URI })
      const asked = url?.searchParams
      assert.ok(url !== undefined && url.href.length < 2000)
      assert.deepEqual([asked?.get('client_id'), asked?.get('id_token_hint')], [real.clientId, null])
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
    assert.equal(await openOurs(t, real.issuer).endSessionUrl(signOut), undefined)
    const down = openOurs(t, 'http://localhost:1')
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
