/**
 * Logins that go wrong: a provider that is down, late, lying or in another time zone; callbacks that are not
 * ours.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { hmacUnder, resigned, unsigned, withBrokenSignature } from '../harness/forged-token.ts'
import type { HttpResponse } from '../harness/http-client.ts'
import { PlayedProvider, type Script } from '../harness/played-provider.ts'
import { ANYONE_SIGNED_IN, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { UserAgent } from '../harness/user-agent.ts'

const CORRECT: Script = {
  claims: { email: 'alice@example.com', name: 'Alice Archer', groups: ['staff'] },
  userInfo: {},
}
const provider = await PlayedProvider.start(CORRECT)
const publicKey = JSON.stringify(await provider.publicJwk())
after(() => provider[Symbol.asyncDispose]())
const stack = await startStack({
  externalProvider: () => Promise.resolve(provider),
  routes: ({ upstream, url }) => [{ from: url('app', ''), to: upstream.url, ...ANYONE_SIGNED_IN }],
})
after(() => stack[Symbol.asyncDispose]())
const { url, upstream } = stack

const correctExcept = (change: Script): Script => ({
  ...CORRECT,
  ...change,
  claims: { ...CORRECT.claims, ...change.claims },
})

const now = (): number => Math.floor(Date.now() / 1000)

/** Walks the whole login with the provider as it is set up, then sets it right again. */
async function login(agent: UserAgent = stack.agent()): Promise<HttpResponse> {
  const page = await agent.visit(url('app', '/x'))
  provider.script = CORRECT
  return page
}
/**
 * The login ended on a page of ours with an error status, without a session and with nothing at the upstream.
 */
async function assertRefused(
  page: HttpResponse,
  agent: UserAgent,
  statuses: readonly number[],
): Promise<void> {
  assert.ok(
    statuses.includes(page.status),
    `${page.url.href} answered ${page.status}: ${page.text.slice(0, 300)}`,
  )
  assert.equal((await agent.fetch(url('app'), { headers: { accept: 'application/json' } })).status, 401)
  assert.equal(upstream.requests.length, 0)
  assert.doesNotMatch(page.text, /\bat .*\.ts:\d+/)
}

describe('a login', () => {
  it('works when the provider is correct', async () => {
    const page = await login()
    assert.equal(page.status, 200)
    upstream.drain()
  })

  const badTokens: Readonly<Record<string, Script>> = {
    'alg none': { idToken: (good) => resigned(good, { alg: 'none' }, unsigned) },
    'HS256 signed with the public key': {
      idToken: (good) => resigned(good, { alg: 'HS256', kid: provider.kid }, hmacUnder(publicKey)),
    },
    'an unknown kid': { header: { kid: '../../etc/passwd', jku: 'http://127.0.0.1:9/keys' } },
    'a broken signature': { idToken: withBrokenSignature },
    'another audience': { claims: { aud: 'someone-else' } },
    'several audiences and another azp': { claims: { aud: ['sallyport', 'x'], azp: 'x' } },
    'another issuer': { claims: { iss: 'http://127.0.0.1:9' } },
    'another nonce': { claims: { nonce: 'of another login' } },
    'no nonce': { claims: { nonce: undefined } },
    'no subject': { claims: { sub: undefined } },
    'an expiry an hour ago': { claims: { exp: now() - 3600, iat: now() - 7200 } },
    'no ID token at all': { tokens: { id_token: undefined } },
  }
  for (const [what, script] of Object.entries(badTokens)) {
    it(`with an ID token that has ${what} is refused`, async () => {
      const agent = stack.agent()
      provider.script = correctExcept(script)
      const asked = provider.asked('/keys').length
      await assertRefused(await login(agent), agent, [400, 401, 502])
      const keyFetches = provider.asked('/keys').length - asked
      assert.ok(keyFetches <= 1, `${keyFetches} key set fetches`)
    })
  }

  it('at a provider whose clock is far ahead is refused with a word about clocks for the operator', async () => {
    const agent = stack.agent()
    provider.script = correctExcept({ clockAheadSeconds: 3600 })
    const page = await login(agent)
    await assertRefused(page, agent, [400, 401, 502])
    await stack.sallyport.waitForLog('that clocks differ', (line) => /clock/i.test(JSON.stringify(line)))
  })

  it('at a provider whose clock is a few seconds off works', async () => {
    provider.script = correctExcept({ clockAheadSeconds: 5 })
    assert.equal((await login()).status, 200)
    upstream.drain()
  })

  it('that the provider refuses says so, and offers another try', async () => {
    const agent = stack.agent()
    provider.script = correctExcept({
      callback: {
        code: undefined,
        error: 'access_denied',
        error_description: '<script>alert(1)</script>',
      },
    })
    const page = await login(agent)
    await assertRefused(page, agent, [401, 403])
    assert.doesNotMatch(page.text, /<script>alert/)
    assert.match(page.text, /href=/)
  })

  it('is refused when the token endpoint fails', async () => {
    for (const failure of [
      { status: 500, body: {} },
      { status: 400, body: { error: 'invalid_grant' } },
    ]) {
      const agent = stack.agent()
      provider.script = correctExcept({ answer: ({ path }) => (path === '/token' ? failure : undefined) })
      await assertRefused(await login(agent), agent, [400, 401, 502, 503])
    }
  })

  it('with PKCE and the client secret proves itself at the token endpoint', async () => {
    await login()
    const last = provider.asked('/token').at(-1)
    assert.match(last?.form.get('code_verifier') ?? '', /^[\w.~-]{43,128}$/)
    assert.ok(last?.headers.authorization?.startsWith('Basic ') || last?.form.get('client_secret'))
    upstream.drain()
  })
})

describe('groups that are not a list of names', () => {
  it('never allow, and never bring a login down', async () => {
    await using strict = await startStack({
      externalProvider: () => Promise.resolve(provider),
      routes: ({ upstream: app, url: at }) => [
        { from: at('app', ''), to: app.url, policy: { allow: { and: [{ groups: { has: 'staff' } }] } } },
        {
          from: at('wiki', ''),
          to: app.url,
          policy: [
            { allow: { and: [{ authenticated_user: true }] } },
            { deny: { or: [{ groups: { has: 'banned' } }] } },
          ],
        },
      ],
    })
    const shapes: readonly [unknown, boolean][] = [
      [{ staff: true }, false],
      [[['staff']], false],
      [[{ name: 'staff' }], false],
      [undefined, false],
      [Array.from({ length: 10_000 }, (_, index) => `group-${index}`), false],
    ]
    for (const [groups, allowed] of shapes) {
      provider.script = correctExcept({ claims: { groups } })
      const page = await strict.agent().visit(strict.url('app'))
      assert.equal(page.status === 200, allowed, JSON.stringify(groups)?.slice(0, 60))
      assert.equal(page.status, 403)
    }
    // the provider says that there are too many groups to list: unknown, so a deny rule on groups denies
    provider.script = correctExcept({
      claims: {
        groups: undefined,
        _claim_names: { groups: 'src1' },
        _claim_sources: { src1: { endpoint: 'http://127.0.0.1:9/' } },
      },
    })
    assert.equal((await strict.agent().visit(strict.url('wiki'))).status, 403)
    provider.script = CORRECT
    assert.equal((await strict.agent().visit(strict.url('wiki'))).status, 200)
  })
})

describe('a provider that is down', () => {
  it('at start lets public routes serve, shows a page that says so, and heals', async () => {
    await using down = await startStack({
      routes: ({ upstream: app, url: at }) => [
        { from: at('app', ''), to: app.url, ...ANYONE_SIGNED_IN },
        { from: at('public', ''), to: app.url, allow_public_unauthenticated_access: true },
      ],
      beforeServe: async ({ provider: own }) => {
        await own.stop()
      },
    })
    assert.equal((await down.agent().visit(down.url('public'))).status, 200)
    const page = await down.agent().visit(down.url('app'))
    assert.equal(page.status, 503)
    assert.match(page.headers['content-type'] ?? '', /text\/html/)
    assert.match(page.text, /identity provider/i)
    await down.sallyport.waitForLog('that the provider is unreachable', (line) =>
      JSON.stringify(line).includes('IDP_UNREACHABLE'),
    )
    await down.provider.start()
    await until(async () => (await down.agent().visit(down.url('app'))).url.origin === down.provider.issuer, {
      what: 'the login to come back',
      withinMs: 12_000,
      everyMs: 100,
    })
  })

  it('during a login shows a page that says so; who is signed in already goes on', async () => {
    await using down = await startStack({
      routes: ({ upstream: app, url: at }) => [{ from: at('app', ''), to: app.url, ...ANYONE_SIGNED_IN }],
    })
    const before = down.agent()
    assert.equal((await down.signIn(before, down.url('app'))).status, 200)
    const agent = down.agent()
    const form = await agent.visit(down.url('app'))
    const back = await agent.submit(
      form,
      { login: 'alice' },
      { stopAt: (next) => next.pathname === '/oauth2/callback' },
    )
    await down.provider.stop()
    const page = await agent.visit(back.headers['location'] ?? '')
    assert.equal(page.status, 503)
    assert.match(page.text, /identity provider/i)
    assert.equal((await before.visit(down.url('app'))).status, 200)
  })
})
