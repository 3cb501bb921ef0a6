/**
 * An app on the host of the sign-in pages: they keep their own paths, the app has the rest.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { ANYONE_SIGNED_IN, groupPolicy, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { EchoedRequest } from '../harness/upstream.ts'

const SIGN_IN = 'auth.corp'
const OTHER = 'app.corp'

const stack = await startStack({
  authenticate: SIGN_IN,
  hosts: [OTHER],
  settings: { cookie_domain: 'corp.localhost' },
  routes: ({ upstream, url }) => {
    const there = { from: url(SIGN_IN, ''), to: upstream.url }
    return [
      { from: url(OTHER, ''), to: upstream.url, ...ANYONE_SIGNED_IN, depends_on: ['auth.corp.localhost'] },
      { ...there, prefix: '/staff', ...STAFF_ONLY },
      { ...there, prefix: '/nobody', policy: groupPolicy('nobody') },
      { ...there, prefix: '/recent', ...ANYONE_SIGNED_IN, max_age: '4s' },
      { ...there, prefix: '/with-others', ...ANYONE_SIGNED_IN, depends_on: [new URL(url(OTHER)).host] },
      { ...there, ...ANYONE_SIGNED_IN },
    ]
  },
})
after(() => stack[Symbol.asyncDispose]())
const { url, provider, upstream } = stack

for (const version of ['1.1', '2'] as const)
  describe(`an app on the host of the sign-in pages, over HTTP/${version}`, () => {
    it('is signed in to like any other, and its session is that of the other apps', async () => {
      const agent = stack.agent({ version })
      const page = await stack.signIn(agent, url(SIGN_IN, '/deep/page?x=1'))
      assert.deepEqual([page.status, page.url.href], [200, url(SIGN_IN, '/deep/page?x=1')])
      assert.equal(page.json<EchoedRequest>().url, '/deep/page?x=1')
      const { interaction } = provider.asked
      const other = await agent.visit(url(OTHER, '/there'))
      assert.deepEqual([other.status, other.url.href], [200, url(OTHER, '/there')])
      assert.equal(provider.asked.interaction, interaction, 'nobody was asked again')
    })

    it('lets in who has signed in at another app, without one more login', async () => {
      const agent = stack.agent({ version })
      await stack.signIn(agent, url(OTHER))
      const { interaction } = provider.asked
      const page = await agent.visit(url(SIGN_IN, '/x'))
      assert.deepEqual([page.status, page.url.href], [200, url(SIGN_IN, '/x')])
      assert.equal(provider.asked.interaction, interaction)
    })

    it('is told who somebody is, and none of their cookies', async () => {
      const agent = stack.agent({ version })
      await stack.signIn(agent, url(OTHER))
      const page = await agent.visit(url(SIGN_IN, '/'), { headers: {} })
      const { headers } = page.json<EchoedRequest>()
      assert.ok(headers['x-pomerium-jwt-assertion'])
      assert.equal(headers['cookie'], undefined)
      const ours = agent.jar.all.filter(({ host }) => host === 'auth.corp.localhost')
      assert.ok(ours.length > 0)
      for (const { name, httpOnly } of ours) assert.equal(httpOnly, true, name)
    })

    it('has its policies, and a page for whom they deny', async () => {
      const agent = stack.agent({ version })
      assert.equal((await stack.signIn(agent, url(SIGN_IN, '/staff/x'))).status, 200)
      upstream.drain()
      const denied = await agent.visit(url(SIGN_IN, '/nobody/x'))
      assert.equal(denied.status, 403)
      assert.match(denied.text, /nobody/)
      assert.equal(upstream.drain(), 0)
    })

    it('has its additional hosts signed in along', async () => {
      const agent = stack.agent({ version })
      const page = await stack.signIn(agent, url(SIGN_IN, '/with-others'))
      assert.deepEqual([page.status, page.url.href], [200, url(SIGN_IN, '/with-others')])
      assert.equal((await agent.fetch(url(OTHER))).status, 200)
      const script = await stack.agent({ version }).fetch(url(SIGN_IN, '/with-others'), {
        headers: { 'sec-fetch-mode': 'cors', accept: 'application/json' },
      })
      const { login_url: link } = script.json<{ login_url: string }>()
      const opened = await stack.signIn(stack.agent({ version }), link)
      assert.equal(opened.status, 200, 'by the link that a script is given')
    })

    it('may ask for a recent sign-in', async () => {
      const agent = stack.agent({ version })
      assert.equal((await stack.signIn(agent, url(SIGN_IN, '/recent/x'))).status, 200)
      await until(async () => (await agent.fetch(url(SIGN_IN, '/recent/x'))).status === 302, {
        what: 'the sign-in to be too old',
        withinMs: 8000,
        everyMs: 200,
      })
      const login = await agent.visit(url(SIGN_IN, '/recent/y'))
      assert.equal(login.url.origin, provider.issuer)
      const page = await agent.submit(login, { login: 'alice' })
      assert.deepEqual([page.status, page.url.href], [200, url(SIGN_IN, '/recent/y')])
    })

    it('is signed out of with all others', async () => {
      const agent = stack.agent({ version })
      await stack.signIn(agent, url(SIGN_IN))
      await agent.visit(url(OTHER))
      const question = await agent.visit(url(SIGN_IN, '/.pomerium/sign_out'))
      assert.equal(question.status, 200)
      await agent.submit(question)
      for (const host of [SIGN_IN, OTHER]) {
        const next = await agent.fetch(url(host, '/after'))
        assert.deepEqual([next.status, next.headers['location']?.includes('/sign_in')], [302, true], host)
      }
    })

    it('never gets what is for our own pages', async () => {
      const agent = stack.agent({ version })
      await stack.signIn(agent, url(SIGN_IN))
      upstream.requests.length = 0
      for (const path of [
        '/.pomerium/',
        '/.pomerium/nothing',
        '/.well-known/pomerium/jwks.json',
        '/oauth2/callback?code=x&state=y',
        '//oauth2//callback?code=x&state=y',
        '/x/../oauth2/callback?code=x&state=y',
        '/.pomerium/../.pomerium/sign_in',
        '/%2epomerium/sign_in',
      ])
        await agent.fetch(url(SIGN_IN, path))
      assert.deepEqual(
        upstream.requests.map((request) => request.url),
        [],
      )
      const robots = await agent.fetch(url(SIGN_IN, '/robots.txt'))
      assert.equal(robots.json<EchoedRequest>().url, '/robots.txt', 'all else is its own')
    })

    it('registers no service worker, which would see sign-ins pass', async () => {
      const agent = stack.agent({ version })
      await stack.signIn(agent, url(SIGN_IN))
      upstream.drain()
      const worker = await agent.fetch(url(SIGN_IN, '/sw.js'), { headers: { 'service-worker': 'script' } })
      assert.deepEqual([worker.status, upstream.drain()], [403, 0])
    })

    it('sets none of our cookies', async () => {
      const agent = stack.agent({ version })
      await stack.signIn(agent, url(SIGN_IN))
      const planted = ['__Host-_pomerium=x', '__Host-sallyport_login_abc=x', '_pomerium=x'].map((pair) =>
        encodeURIComponent(`${pair}; Path=/; Secure`),
      )
      const page = await agent.fetch(
        url(SIGN_IN, `/set-cookie?${planted.map((line) => `line=${line}`).join('&')}`),
      )
      assert.deepEqual([page.status, page.setCookies], [200, []])
    })
  })

describe('the session cookies of the two kinds', () => {
  it('do not count in each other’s place', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url(OTHER))
    const valueOf = (name: string) => agent.jar.all.find((cookie) => cookie.name === name)?.value
    const [shared, own] = [valueOf('_pomerium'), valueOf('__Host-_pomerium')]
    assert.ok(shared !== undefined && own !== undefined)
    for (const cookie of [`_pomerium=${shared}`, `__Host-_pomerium=${shared}`, `_pomerium=${own}`]) {
      const answer = await stack.agent().fetch(url(SIGN_IN, '/x'), { headers: { cookie } })
      assert.equal(answer.status, 302, cookie)
    }
    const theirs = await stack.agent().fetch(url(OTHER), { headers: { cookie: `_pomerium=${own}` } })
    assert.equal(theirs.status, 302)
  })
})

describe('without a route for that host', () => {
  it('the sign-in pages have it for themselves', async () => {
    await stack.edit({
      routes: [{ from: url(OTHER, ''), to: upstream.url, ...ANYONE_SIGNED_IN }],
    })
    const agent = stack.agent()
    await stack.signIn(agent, url(OTHER))
    upstream.drain()
    await until(async () => (await agent.fetch(url(SIGN_IN, '/x'))).status === 404, { what: 'the edit' })
    assert.equal((await agent.fetch(url(SIGN_IN, '/'))).headers['location'], '/.pomerium/')
    assert.match((await agent.fetch(url(SIGN_IN, '/robots.txt'))).text, /Disallow: \//)
    assert.equal(upstream.drain(), 0)
  })
})
