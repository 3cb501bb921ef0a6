import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Script } from '../../../test/harness/played-provider.ts'
import { PROVIDER_KINDS, type ProviderKind } from '../../config/keys/sign-in/provider-kinds.ts'
import type { RawClaims } from '../../flat-claims.ts'
import { profileOf } from '../claims.ts'
import { SECRETS, stage } from '../stage.fixture.ts'
import { presetOf } from './table.ts'

const SIGNED_OUT = 'https://auth.example.com/.pomerium/signed_out'
const signOut = (idTokenHint?: string) => ({ idTokenHint, postLogoutRedirectUri: SIGNED_OUT })
const withEndSession = (path: string): Pick<Script, 'metadata'> => ({
  metadata: (origin) => ({ end_session_endpoint: origin + path }),
})

/** What each kind is asked for when the configuration says nothing of it. */
const DEFAULTS: Readonly<Record<ProviderKind, readonly [scope: string, parameters?: object]>> = {
  oidc: ['openid profile email offline_access'],
  apple: ['openid name email', { response_mode: 'form_post' }],
  auth0: ['openid profile email offline_access'],
  azure: ['openid profile email offline_access', { prompt: 'select_account' }],
  cognito: ['openid profile email'],
  github: ['user:email read:org'],
  gitlab: ['openid profile email'],
  google: ['openid profile email', { prompt: 'select_account consent', access_type: 'offline' }],
  keycloak: ['openid profile email'],
  okta: ['openid profile email offline_access'],
  onelogin: ['openid profile email offline_access groups'],
  ping: ['openid profile email offline_access'],
}
const STANDARD = new Set(
  'client_id response_type redirect_uri state nonce code_challenge code_challenge_method scope'.split(' '),
)

describe('each kind of provider', () => {
  for (const kind of PROVIDER_KINDS) {
    it(`${kind} is asked for what it knows, unless the configuration says otherwise`, async (t) => {
      const { provider } = await stage(t, {}, { provider: kind })
      const { searchParams } = await provider.authorizationUrl(SECRETS)
      const [scope, parameters = {}] = DEFAULTS[kind]
      assert.equal(searchParams.get('scope'), scope)
      const more = Object.fromEntries([...searchParams].filter(([name]) => !STANDARD.has(name)))
      assert.deepEqual(more, parameters)
      const other = await stage(
        t,
        {},
        { provider: kind, scopes: ['openid', 'x'], request_params: { hd: 'example.com' } },
      )
      const changed = (await other.provider.authorizationUrl(SECRETS)).searchParams
      assert.equal(changed.get('scope'), 'openid x')
      assert.deepEqual(Object.fromEntries([...changed].filter(([name]) => !STANDARD.has(name))), {
        hd: 'example.com',
      })
    })

    it(`${kind} has words for its button`, () => {
      assert.match(presetOf(kind).label, /^[A-Z]/)
    })
  }
})

/** The profile that a kind makes of claims. */
function profile(kind: ProviderKind, raw: RawClaims, issuer = 'https://idp.example.com') {
  const { amend, groupsClaims } = presetOf(kind)
  return profileOf(amend?.(raw, { issuer }) ?? raw, { groups: groupsClaims })
}

describe('groups of', () => {
  it('Auth0 lie in a claim whose name is a URL', () => {
    assert.deepEqual(profile('auth0', { 'https://acme.example/groups': ['staff'] }).groups, ['staff'])
    assert.deepEqual(profile('auth0', { groups: ['a'], 'https://acme.example/groups': ['b'] }).groups, ['a'])
    assert.deepEqual(profile('auth0', { 'https://acme.example/roles': ['staff'] }).groups, [])
    const two = { 'https://one.example/groups': ['a'], 'https://two.example/groups': ['b'] }
    assert.equal(profile('auth0', two).groups, 'unknown', 'which of the two is anybody’s guess')
  })

  it('Cognito lie in a claim of its own', () => {
    const { groups, email } = profile('cognito', {
      'cognito:groups': ['admins'],
      groups: ['typed-by-somebody'],
      email: 'alice@example.com',
      email_verified: 'false',
    })
    assert.deepEqual([groups, email], [['admins'], undefined])
  })

  it('Keycloak lose the slash in front, and keep those inside', () => {
    assert.deepEqual(profile('keycloak', { groups: ['/staff', '/staff/berlin', 'plain'] }).groups, [
      'staff',
      'staff/berlin',
      'plain',
    ])
    assert.equal(profile('keycloak', { groups: ['/staff', 7] }).groups, 'unknown')
    assert.deepEqual(profile('keycloak', { realm_access: { roles: ['admin'] } }).groups, [])
  })

  it('GitLab are all of them, or at least the direct ones', () => {
    assert.deepEqual(profile('gitlab', { groups: ['a', 'a/b'], groups_direct: ['a/b'] }).groups, ['a', 'a/b'])
    assert.deepEqual(profile('gitlab', { groups_direct: ['a/b'] }).groups, ['a/b'])
  })

  it('any provider may lie where the configuration says: in a claim, or on a path into one', async (t) => {
    const claims = {
      realm_access: { roles: ['admin', 'user'] },
      'https://acme.example/g': ['x'],
      groups: ['not-these'],
    }
    for (const [groups_claim, expected] of [
      ['realm_access/roles', ['admin', 'user']],
      ['https://acme.example/g', ['x']],
      ['missing', []],
      ['realm_access', 'unknown'],
    ] as const) {
      const { signIn } = await stage(t, { claims }, { provider: 'oidc', groups_claim })
      assert.deepEqual((await signIn()).groups, expected)
    }
  })
})

describe('signing out at', () => {
  it('Okta, played by a local server, needs to say whose session ends', async (t) => {
    const { provider } = await stage(t, withEndSession('/logout'), { provider: 'okta' })
    assert.equal(await provider.endSessionUrl(signOut()), undefined)
    assert.equal((await provider.endSessionUrl(signOut('token')))?.searchParams.get('id_token_hint'), 'token')
  })

  it('Auth0, played by a local server, goes to the page of the standard, or to its older one', async (t) => {
    const { provider } = await stage(t, withEndSession('/oidc/logout'), { provider: 'auth0' })
    assert.equal((await provider.endSessionUrl(signOut('token')))?.pathname, '/oidc/logout')
    const older = await stage(t, {}, { provider: 'auth0' })
    const url = await older.provider.endSessionUrl(signOut('token'))
    assert.equal(url?.origin, older.played.origin)
    assert.equal(url?.pathname, '/v2/logout')
    assert.deepEqual(Object.fromEntries(url.searchParams), { client_id: 'sallyport', returnTo: SIGNED_OUT })
  })

  it('Cognito, played by a local server, goes to its hosted page, named in the metadata or not', async (t) => {
    for (const script of [withEndSession('/logout'), {}]) {
      const { provider, played } = await stage(t, script, { provider: 'cognito' })
      const url = await provider.endSessionUrl(signOut('token'))
      assert.equal(`${url?.origin}${url?.pathname}`, `${played.origin}/logout`)
      assert.deepEqual(Object.fromEntries(url?.searchParams ?? []), {
        client_id: 'sallyport',
        logout_uri: SIGNED_OUT,
      })
    }
  })

  it('Google, played by a local server, goes nowhere: it has no such page', async (t) => {
    const { provider } = await stage(t, {}, { provider: 'google' })
    assert.equal(await provider.endSessionUrl(signOut('token')), undefined)
  })
})

describe('an address of a provider', () => {
  it('may end in a slash or not, as Auth0’s issuer does, played by a local server', async (t) => {
    for (const [path, issuer] of [
      ['', '/'],
      ['/', '/'],
    ] as const) {
      const script: Script = { path, metadata: (origin) => ({ issuer: origin + issuer }) }
      const { signIn, played } = await stage(t, script, { provider: 'auth0' })
      script.claims = { iss: `${played.origin}/` }
      assert.equal((await signIn()).userId, 'alice')
    }
  })
})

describe('the answer of a provider', () => {
  it('is refused when it says that it comes from another one (mix-up, RFC 9207)', async (t) => {
    const { signIn, played } = await stage(t, {}, { provider: 'oidc' })
    await assert.rejects(signIn({ iss: 'https://evil.example.com' }), /iss/)
    assert.equal(played.asked('/token').length, 0, 'its code goes nowhere')
    assert.equal((await signIn({ iss: played.origin })).userId, 'alice')
  })

  it('is refused when it says nothing of where it comes from, although the provider always says so', async (t) => {
    const script: Script = { metadata: () => ({ authorization_response_iss_parameter_supported: true }) }
    const { signIn, played } = await stage(t, script, { provider: 'oidc' })
    await assert.rejects(signIn())
    assert.equal(played.asked('/token').length, 0)
  })
})
