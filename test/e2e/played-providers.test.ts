/**
 * GitHub and Apple, each played by a local server, through a real Envoy: a provider without OpenID Connect,
 * and one that answers by a form post.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { PlayedProvider, type PlayedRequest } from '../harness/played-provider.ts'
import { ANYONE_SIGNED_IN, groupPolicy, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { UserAgent } from '../harness/user-agent.ts'

const stop = new AsyncDisposableStack()
after(() => stop.disposeAsync())

const GITHUB_API: Readonly<Record<string, unknown>> = {
  '/login/oauth/access_token': {
    access_token: 'gho_played',
    token_type: 'bearer',
    scope: 'read:org,user:email',
  },
  '/api/v3/user': { id: 583_231, login: 'octo-alice', name: 'Alice' },
  '/api/v3/user/emails': [{ email: 'alice@example.com', primary: true, verified: true }],
  '/api/v3/user/orgs': [{ login: 'acme' }],
  '/api/v3/user/teams': [{ slug: 'platform', organization: { login: 'acme' } }],
}
const github = stop.use(
  await PlayedProvider.start({
    answer: ({ path }: PlayedRequest) => (path in GITHUB_API ? { body: GITHUB_API[path] } : undefined),
  }),
)
const apple = stop.use(
  await PlayedProvider.start({
    metadata: () => ({ token_endpoint_auth_methods_supported: ['client_secret_post'] }),
    claims: { sub: '000792.d7.0638', email: 'x7@privaterelay.appleid.com', email_verified: 'true' },
  }),
)
const client = { client_id: 'sallyport', client_secret: 'a secret of the tests' }
const stack = stop.use(
  await startStack({
    settings: {
      sign_in_providers: {
        code: { provider: 'github', provider_url: github.origin, ...client },
        apple: { provider: 'apple', provider_url: apple.origin, ...client },
      },
    },
    routes: ({ upstream, url }) => [
      {
        from: url('app', ''),
        to: upstream.url,
        policy: groupPolicy('acme/platform'),
        sign_in_providers: ['code'],
      },
      { from: url('other', ''), to: upstream.url, ...ANYONE_SIGNED_IN, sign_in_providers: ['apple'] },
    ],
  }),
)
const { url } = stack

/** As far as the provider's own page. */
async function toProvider(agent: UserAgent, target: string, origin: string): Promise<URL> {
  const page = await agent.visit(target, { stopAt: (next) => next.origin === origin })
  return new URL(page.headers['location'] ?? '')
}
const userOf = async (agent: UserAgent, host: string): Promise<Record<string, unknown>> =>
  (await agent.fetch(url(host, '/.pomerium/user'))).json<Record<string, unknown>>()

describe('GitHub, played by a local server,', () => {
  it('signs somebody in whose team may pass', async () => {
    const agent = stack.agent()
    const authorize = await toProvider(agent, url('app', '/x'), github.origin)
    assert.equal(authorize.searchParams.get('redirect_uri'), url('authenticate', '/oauth2/callback'))
    const page = await agent.visit(github.approve(authorize))
    assert.deepEqual([page.status, page.url.href], [200, url('app', '/x')])
    const user = await userOf(agent, 'app')
    assert.deepEqual(
      [user['sub'], user['email'], user['groups']],
      ['583231', 'alice@example.com', ['acme', 'acme/platform']],
    )
  })

  it('is told when somebody signs out', async () => {
    const agent = stack.agent()
    await agent.visit(github.approve(await toProvider(agent, url('app'), github.origin)))
    const page = await agent.visit(url('app', '/.pomerium/sign_out'))
    assert.equal(page.url.href, url('authenticate', '/.pomerium/signed_out'))
    // Nobody waits for it.
    const revocations = () => github.asked('/api/v3/applications/sallyport/token')
    await until(() => revocations().length === 1, { what: 'the token to be taken back' })
    assert.equal(revocations()[0]?.method, 'DELETE')
  })
})

describe('Apple, played by a local server,', () => {
  it('posts its answer, with the name beside it, and cookies that did not come with that', async () => {
    const agent = stack.agent()
    const authorize = await toProvider(agent, url('other', '/x'), apple.origin)
    assert.equal(authorize.searchParams.get('response_mode'), 'form_post')
    const answer = apple.approve(authorize, { user: '{"name":{"firstName":"Alice","lastName":"Archer"}}' })
    // A browser sends no Lax cookie with a post from another site.
    const posted = await stack.agent().fetch(url('authenticate', '/oauth2/callback'), {
      method: 'POST',
      headers: { origin: apple.origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: answer.searchParams.toString(),
    })
    assert.equal(posted.status, 303)
    const page = await agent.visit(new URL(posted.headers['location'] ?? '', posted.url))
    assert.deepEqual([page.status, page.url.href], [200, url('other', '/x')])
    const user = await userOf(agent, 'other')
    assert.deepEqual(
      [user['sub'], user['email'], user['name']],
      ['000792.d7.0638', 'x7@privaterelay.appleid.com', 'Alice Archer'],
    )
  })
})
