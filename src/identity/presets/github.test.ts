import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import type { PlayedRequest, Script } from '../../../test/harness/played-provider.ts'
import { Fault } from '../../errors.ts'
import { REDIRECT_URI, SECRETS, stage } from '../stage.fixture.ts'

const API = '/api/v3'

/** What a GitHub Enterprise Server answers; tests change it. */
class GitHub {
  user: object = {
    id: 583_231,
    login: 'octo-alice',
    name: 'Alice',
    email: 'public@example.com',
    avatar_url: 'a',
  }
  emails: object = [
    { email: 'old@example.com', primary: false, verified: true, visibility: null },
    { email: 'alice@example.com', primary: true, verified: true, visibility: 'private' },
  ]
  orgs: readonly object[] = [{ login: 'acme' }, { login: 'octo-org' }]
  teams: readonly object[] = [{ slug: 'platform', organization: { login: 'acme' } }]
  /** By path: a status instead of an answer. */
  failing: Record<string, number> = {}
  tokens: object = { access_token: 'gho_first', token_type: 'bearer', scope: 'read:org,user:email' }

  answer = ({ path, url, method }: PlayedRequest): ReturnType<NonNullable<Script['answer']>> => {
    const status = this.failing[path]
    if (status !== undefined)
      return { status, body: { message: 'no' }, headers: { 'x-ratelimit-remaining': '42' } }
    const page = Number(new URL(url, 'http://x').searchParams.get('page') ?? 1)
    const slice = (all: readonly object[]) => ({ body: all.slice((page - 1) * 100, page * 100) })
    if (method === 'DELETE') return { status: 204 }
    switch (path) {
      case '/login/oauth/access_token':
        return { body: this.tokens }
      case `${API}/user`:
        return { body: this.user }
      case `${API}/user/emails`:
        return { body: this.emails }
      case `${API}/user/orgs`:
        return slice(this.orgs)
      case `${API}/user/teams`:
        return slice(this.teams)
      default:
        return { status: 404 }
    }
  }
}

async function setUp(t: TestContext, now?: () => number) {
  const github = new GitHub()
  const made = await stage(t, { answer: github.answer }, { provider: 'github' }, { ...(now && { now }) })
  return { github, ...made }
}

const refused =
  (code: string, message = /./) =>
  (error: unknown) =>
    error instanceof Fault && error.code === code && message.test(error.message)

describe('GitHub, played by a local server,', () => {
  it('is asked with PKCE for the addresses and organizations of the person', async (t) => {
    const { played, provider } = await setUp(t)
    const url = await provider.authorizationUrl(SECRETS)
    assert.equal(url.origin + url.pathname, `${played.origin}/login/oauth/authorize`)
    assert.deepEqual(Object.fromEntries(url.searchParams), {
      client_id: 'sallyport',
      redirect_uri: REDIRECT_URI,
      scope: 'user:email read:org',
      state: SECRETS.oauthState,
      code_challenge: createHash('sha256').update(SECRETS.codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
  })

  it('tells number, verified address, organizations and teams', async (t) => {
    const { played, signIn } = await setUp(t)
    const { tokens, claims, ...alice } = await signIn()
    assert.deepEqual(alice, {
      userId: '583231',
      email: 'alice@example.com',
      name: 'Alice',
      groups: ['acme', 'octo-org', 'acme/platform'],
    })
    assert.deepEqual(claims['login'], ['octo-alice'])
    assert.equal(tokens.accessToken, 'gho_first')
    assert.equal(tokens.idToken, undefined)
    const [exchange] = played.asked('/login/oauth/access_token')
    assert.equal(exchange?.form.get('code_verifier'), SECRETS.codeVerifier)
    assert.equal(exchange?.form.get('client_secret'), 'secret')
    const calls = played.requests.filter(({ path }) => path.startsWith(API))
    assert.ok(calls.every(({ headers }) => headers.authorization === 'Bearer gho_first'))
    assert.ok(calls.every(({ headers }) => headers['user-agent'] === 'sallyport'))
  })

  it('takes no address that is not the verified, primary one, nor that of the public profile', async (t) => {
    const { github, signIn } = await setUp(t)
    github.emails = [{ email: 'a@example.com', primary: true, verified: false }]
    assert.equal((await signIn()).email, undefined)
    github.emails = [{ email: 'b@example.com', primary: false, verified: true }]
    assert.equal((await signIn()).email, undefined)
    github.failing[`${API}/user/emails`] = 404
    assert.equal((await signIn()).email, undefined)
  })

  it('names somebody without a name by the login', async (t) => {
    const { github, signIn } = await setUp(t)
    github.user = { id: 1, login: 'nameless', name: null }
    assert.equal((await signIn()).name, 'nameless')
  })

  it('has groups in pages', async (t) => {
    const { github, signIn } = await setUp(t)
    github.orgs = Array.from({ length: 250 }, (_, index) => ({ login: `org-${index}` }))
    const { groups } = await signIn()
    assert.equal(groups.length, 251)
    assert.ok(groups.includes('org-249'))
  })

  it('leaves groups unknown where the token may not see them, or there are too many', async (t) => {
    const { github, signIn } = await setUp(t)
    for (const path of [`${API}/user/orgs`, `${API}/user/teams`]) {
      github.failing = { [path]: 403 }
      const alice = await signIn()
      assert.deepEqual([alice.groups, alice.claims['groups'], alice.userId], ['unknown', undefined, '583231'])
    }
    github.failing = {}
    github.orgs = Array.from({ length: 6100 }, (_, index) => ({ login: `org-${index}` }))
    assert.equal((await signIn()).groups, 'unknown')
  })

  it('answers 200 and says in the body what is wrong', async (t) => {
    const { github, signIn, played } = await setUp(t)
    github.tokens = { error: 'bad_verification_code', error_description: 'The code is incorrect or expired.' }
    await assert.rejects(signIn(), refused('IDP_REFUSED', /bad_verification_code/))
    github.tokens = { error: 'incorrect_client_credentials' }
    await assert.rejects(signIn(), refused('IDP_NOT_CONFIGURED', /client id, secret/))
    github.tokens = {}
    await assert.rejects(signIn(), refused('IDP_ANSWER_INVALID'))
    assert.equal(played.asked(`${API}/user`).length, 0)
  })

  it('down, busy or odd is told apart', async (t) => {
    const { github, signIn, provider } = await setUp(t)
    github.failing = { '/login/oauth/access_token': 502 }
    await assert.rejects(signIn(), refused('IDP_UNREACHABLE'))
    assert.equal(provider.status.state, 'unreachable')
    github.failing = { [`${API}/user`]: 429 }
    await assert.rejects(signIn(), refused('IDP_UNREACHABLE'))
    github.failing = {}
    github.user = { id: 'x' }
    await assert.rejects(signIn(), refused('IDP_ANSWER_INVALID'))
  })

  it('is not sent the answer of another provider, nor one to another sign-in (mix-up)', async (t) => {
    const { signIn, played, provider } = await setUp(t)
    await assert.rejects(signIn({ iss: 'https://idp.example.com' }), refused('IDP_ANSWER_INVALID'))
    await assert.rejects(signIn({ iss: `${played.origin}.example.com` }), refused('IDP_ANSWER_INVALID'))
    await signIn({ iss: `${played.origin}/login/oauth` })
    const callbackUrl = played.approve(await provider.authorizationUrl(SECRETS), { state: 'state-2' })
    await assert.rejects(provider.exchange({ ...SECRETS, callbackUrl }), refused('OAUTH_STATE_INVALID'))
    assert.equal(played.asked('/login/oauth/access_token').length, 1)
  })

  it('is revoked by its API, with the client’s own credentials', async (t) => {
    const { signIn, provider, played } = await setUp(t)
    await provider.revoke((await signIn()).tokens)
    const [asked] = played.asked(`${API}/applications/sallyport/token`)
    assert.equal(asked?.method, 'DELETE')
    assert.equal(asked?.headers.authorization, `Basic ${btoa('sallyport:secret')}`)
    assert.deepEqual(JSON.parse(asked?.body ?? ''), { access_token: 'gho_first' })
    assert.equal(
      await provider.endSessionUrl({ idTokenHint: undefined, postLogoutRedirectUri: REDIRECT_URI }),
      undefined,
    )
  })
})

describe('refreshing a session of GitHub, played by a local server,', () => {
  it('asks an OAuth app’s token again within the hour, and ends the session once it was revoked', async (t) => {
    const { github, signIn, provider, played } = await setUp(t)
    const alice = await signIn()
    assert.ok((alice.tokens.accessTokenExpiresAt ?? 0) <= Date.now() + 3_600_000)
    github.orgs = []
    github.teams = []
    const later = await provider.refresh(alice)
    assert.deepEqual([later.groups, later.tokens.accessToken], [[], 'gho_first'])
    assert.equal(played.asked('/login/oauth/access_token').length, 1)
    github.failing = { [`${API}/user`]: 503 }
    await assert.rejects(provider.refresh(alice), refused('IDP_UNREACHABLE'))
    github.failing = { [`${API}/user`]: 401 }
    await assert.rejects(provider.refresh(alice), refused('IDP_REFUSED'))
  })

  it('uses the refresh token of a GitHub app, and does not lose the next one while the API is down', async (t) => {
    const { github, signIn, provider, played } = await setUp(t)
    github.tokens = { access_token: 'ghu_1', expires_in: 28_800, refresh_token: 'ghr_1' }
    const alice = await signIn()
    github.tokens = { access_token: 'ghu_2', expires_in: 28_800, refresh_token: 'ghr_2' }
    github.failing = { [`${API}/user`]: 500 }
    github.orgs = []
    const kept = await provider.refresh(alice)
    assert.deepEqual([kept.tokens.refreshToken, kept.groups], ['ghr_2', alice.groups])
    assert.equal(played.asked('/login/oauth/access_token')[1]?.form.get('refresh_token'), 'ghr_1')
    github.tokens = {
      error: 'bad_refresh_token',
      error_description: 'The refresh token is incorrect or expired.',
    }
    await assert.rejects(provider.refresh(kept), refused('IDP_REFUSED'))
  })

  it('never turns one person into another', async (t) => {
    const { github, signIn, provider } = await setUp(t)
    const alice = await signIn()
    github.user = { id: 2, login: 'octo-alice' }
    await assert.rejects(provider.refresh(alice), refused('IDP_REFUSED', /another person/))
  })
})

describe('a token of GitHub that a client brings', () => {
  it('names its owner, and is refused when GitHub does not know it', async (t) => {
    const { github, provider } = await setUp(t)
    const found = await provider.identify('access_token', 'gho_elsewhere')
    assert.ok(!('problem' in found))
    assert.deepEqual(
      [found.identity.userId, found.identity.email, found.identity.tokens.accessToken],
      ['583231', 'alice@example.com', 'gho_elsewhere'],
    )
    assert.equal(found.expiresAt, undefined)
    github.failing = { [`${API}/user`]: 401 }
    await assert.rejects(provider.identify('access_token', 'gho_x'), refused('IDP_REFUSED'))
    github.failing = { [`${API}/user`]: 502 }
    await assert.rejects(provider.identify('access_token', 'gho_x'), refused('IDP_UNREACHABLE'))
    await assert.rejects(provider.identify('id_token', 'x'), refused('IDP_NOT_CONFIGURED'))
  })
})
