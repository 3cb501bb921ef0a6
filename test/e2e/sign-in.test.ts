/**
 * What a person meets: first visit, login, being allowed or denied, signing out.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { ANYONE_SIGNED_IN, PUBLIC, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { EchoedRequest } from '../harness/upstream.ts'

const stack = await startStack({
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, ...STAFF_ONLY },
    { from: url('wiki', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
    { from: url('public', ''), to: upstream.url, ...PUBLIC },
  ],
})
after(() => stack[Symbol.asyncDispose]())

const { upstream, provider, url } = stack

describe('a first visit', () => {
  it('goes to the login page of the provider and touches no upstream', async () => {
    upstream.drain()
    const page = await stack.agent().visit(url('app', '/deep/page?x=1'))
    assert.equal(page.url.origin, provider.issuer)
    assert.equal(upstream.drain(), 0)
  })

  it('ends, after the login, at the page that was asked for, with its query', async () => {
    const agent = stack.agent()
    const page = await stack.signIn(agent, url('app', '/deep/page?x=1&y=%2F'))
    assert.equal(page.status, 200)
    assert.equal(page.url.href, url('app', '/deep/page?x=1&y=%2F'))
    const echoed = page.json<EchoedRequest>()
    assert.equal(echoed.url, '/deep/page?x=1&y=%2F')
    assert.equal(echoed.method, 'GET')
  })

  it('asks the provider with PKCE, a state and a nonce', async () => {
    const agent = stack.agent()
    const page = await agent.visit(url('app'), { stopAt: (next) => next.origin === provider.issuer })
    const asked = new URL(page.headers['location'] ?? '').searchParams
    assert.equal(asked.get('response_type'), 'code')
    assert.equal(asked.get('code_challenge_method'), 'S256')
    assert.match(asked.get('code_challenge') ?? '', /^[\w-]{43}$/)
    assert.ok((asked.get('state') ?? '').length >= 16)
    assert.ok((asked.get('nonce') ?? '').length >= 16)
  })

  it('works over HTTP/2 too', async () => {
    const agent = stack.agent({ version: '2' })
    const page = await stack.signIn(agent, url('app', '/h2'))
    assert.equal(page.status, 200)
  })

  it('of a second host needs no second login', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const page = await agent.visit(url('wiki', '/home'))
    assert.equal(page.status, 200)
    assert.equal(page.url.href, url('wiki', '/home'))
  })

  it('of a public host asks for nothing', async () => {
    const page = await stack.agent().visit(url('public', '/x'))
    assert.equal(page.status, 200)
    assert.equal(page.url.href, url('public', '/x'))
  })
})

describe('cookies', () => {
  it('are Secure and HttpOnly, of the host alone, and small', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const ours = agent.jar.all.filter((cookie) => cookie.host.endsWith('.localhost'))
    assert.ok(ours.length > 0)
    for (const cookie of ours) {
      assert.equal(cookie.secure, true, cookie.name)
      assert.equal(cookie.httpOnly, true, cookie.name)
      assert.equal(cookie.hostOnly, true, cookie.name)
    }
    const forApp = agent.jar.header(new URL(url('app'))) ?? ''
    assert.ok(forApp.length < 1024, `${forApp.length} bytes`)
  })
})

describe('a denied user', () => {
  it('gets 403 with what is missing and the decision id, and the upstream nothing', async () => {
    const agent = stack.agent()
    upstream.drain()
    const page = await stack.signIn(agent, url('app', '/secret'), 'bob')
    assert.equal(page.status, 403)
    assert.equal(upstream.drain(), 0)
    assert.match(page.headers['content-type'] ?? '', /text\/html/)
    assert.match(page.text, /staff|group/i)
    assert.match(page.text, /bob@example\.com/)
    const id = page.headers['x-request-id']
    assert.ok(id !== undefined && page.text.includes(id), `the page names the decision id ${id}`)
  })

  it('is found in the decision log by that id, with the reasons', async () => {
    const agent = stack.agent()
    const page = await stack.signIn(agent, url('app', '/logged'), 'bob')
    const id = page.headers['x-request-id']
    const line = await stack.sallyport.waitForLog(
      'the decision',
      (each) => each.msg === 'authorize check' && each['request-id'] === id,
    )
    assert.equal(line['allow'], false)
    assert.equal(line['email'], 'bob@example.com')
    assert.ok(JSON.stringify(line).includes('groups-unauthorized'))
    assert.equal(line['path'], '/logged')
    const access = await stack.sallyport.waitForLog(
      'the access',
      (each) => each.msg === 'http-request' && each['request-id'] === id,
    )
    assert.equal(Number(access['response-code']), 403)
  })

  it('gets JSON where JSON is preferred', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('wiki'), 'bob')
    const page = await agent.visit(url('app', '/api'), { headers: { accept: 'application/json' } })
    // signed in on another host only: a program is told so, not redirected
    assert.equal(page.status, 401)
    await stack.signIn(agent, url('app'), 'bob')
    const denied = await agent.visit(url('app', '/api'), { headers: { accept: 'application/json' } })
    assert.equal(denied.status, 403)
    assert.match(denied.headers['content-type'] ?? '', /application\/json/)
    assert.doesNotThrow(() => denied.json())
  })
})

describe('someone who is not signed in and can take no redirect', () => {
  it('gets 401 JSON as a program that accepts JSON', async () => {
    const page = await stack.agent().fetch(url('app', '/api'), { headers: { accept: 'application/json' } })
    assert.equal(page.status, 401)
    assert.match(page.headers['content-type'] ?? '', /application\/json/)
    assert.equal(page.headers['location'], undefined)
  })

  it('gets 401 as XMLHttpRequest', async () => {
    const page = await stack.agent().fetch(url('app', '/api'), {
      headers: { accept: '*/*', 'x-requested-with': 'XMLHttpRequest' },
    })
    assert.equal(page.status, 401)
  })

  for (const [who, headers, status, type] of [
    ['fetch() of a page', { 'sec-fetch-mode': 'cors', accept: '*/*' }, 401, 'application/json'],
    ['who accepts plain text', { accept: 'text/plain' }, 401, 'text/plain; charset=utf-8'],
    ['kubectl', { 'user-agent': 'kubectl/v1.34 kubernetes/abc' }, 401, 'application/json'],
    ['gRPC', { 'content-type': 'application/grpc' }, 200, 'application/grpc'],
    ['gRPC-Web', { 'content-type': 'application/grpc-web+proto' }, 200, undefined],
  ] as const) {
    it(`gets what it can read: ${who}`, async () => {
      const page = await stack.agent().fetch(url('app', '/api'), { headers })
      assert.equal(page.status, status)
      // Envoy takes the type off an answer without a body.
      assert.equal(page.headers['content-type'], type)
      assert.equal(page.headers['location'], undefined)
      if (who === 'kubectl') assert.equal(page.json<{ kind: string }>().kind, 'Status')
      if (status === 200) assert.equal(page.headers['grpc-status'], '16')
    })
  }

  it('gets 401 in JSON with the request id when it takes anything, as curl and git do', async () => {
    const answer = await stack.agent().fetch(url('app', '/'), { headers: { accept: '*/*' } })
    assert.equal(answer.status, 401)
    assert.match(answer.json<{ request_id: string }>().request_id, /^[\w-]{36}$/)
  })
})

describe('signing out', () => {
  it('ends the session on every host, also at the provider', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    assert.equal((await agent.visit(url('wiki', '/a'))).status, 200)
    const endSessions = provider.asked.end_session

    let page = await agent.visit(url('app', '/.pomerium/sign_out'))
    // a page that asks for confirmation, ours or the provider's, is answered as a person would
    for (let step = 0; step < 3 && page.text.includes('<form'); step += 1) page = await agent.submit(page)
    assert.ok(provider.asked.end_session > endSessions, 'RP-initiated logout reached the provider')

    for (const host of ['app', 'wiki']) {
      const again = await agent.visit(url(host, '/a'))
      assert.equal(again.url.origin, provider.issuer, `${host} asks for a login again`)
    }
  })

  it('makes a copied cookie worthless within a second', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const cookie = agent.jar.header(new URL(url('app'))) ?? ''
    const thief = stack.agent()
    assert.equal((await thief.fetch(url('app'), { headers: { cookie } })).status, 200)
    let page = await agent.visit(url('app', '/.pomerium/sign_out'))
    for (let step = 0; step < 3 && page.text.includes('<form'); step += 1) page = await agent.submit(page)
    await until(async () => (await thief.fetch(url('app'), { headers: { cookie } })).status === 302, {
      what: 'the copied cookie to be refused',
      withinMs: 1_000,
    })
  })
})

describe('two tabs at once', () => {
  it('both end signed in', async () => {
    const agent = stack.agent()
    const first = await agent.visit(url('app', '/one'))
    const second = await agent.visit(url('app', '/two'))
    assert.equal(first.url.origin, provider.issuer)
    const [one, two] = [
      await agent.submit(first, { login: 'alice' }),
      await agent.submit(second, { login: 'alice' }),
    ]
    assert.deepEqual([one.status, one.url.pathname], [200, '/one'])
    assert.deepEqual([two.status, two.url.pathname], [200, '/two'])
  })

  it('and twenty keep the login cookies under 1 KB', async () => {
    const agent = stack.agent()
    for (let tab = 0; tab < 20; tab += 1) await agent.visit(url('app', `/${tab}`))
    const authenticate = agent.jar.header(new URL(url('authenticate', '/oauth2/callback'))) ?? ''
    const app = agent.jar.header(new URL(url('app'))) ?? ''
    assert.ok(authenticate.length + app.length < 1024, `${authenticate.length} and ${app.length} bytes`)
  })
})

describe('pages of the proxy', () => {
  it('show who is signed in, without any token', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const page = await agent.visit(url('app', '/.pomerium/'))
    assert.equal(page.status, 200)
    assert.match(page.text, /alice@example\.com/)
    assert.match(page.headers['content-security-policy'] ?? '', /default-src 'none'/)
    assert.match(page.headers['cache-control'] ?? '', /no-store/)
    assert.doesNotMatch(page.text, /eyJ[\w-]+\.[\w-]+\./)
  })

  it('answer the user as JSON, and 401 or a login without one', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const user = (await agent.visit(url('app', '/.pomerium/user'))).json<Record<string, unknown>>()
    assert.equal(user['email'], 'alice@example.com')
    assert.deepEqual(user['groups'], ['staff', 'everyone'])
    for (const claim of ['iss', 'aud', 'exp', 'iat', 'jti']) assert.equal(claim in user, false, claim)
    const stranger = await stack
      .agent()
      .fetch(url('app', '/.pomerium/user'), { headers: { accept: 'application/json' } })
    assert.equal(stranger.status, 401)
  })

  it('list only the routes that this user may open', async () => {
    const list = async (login: string): Promise<string> => {
      const agent = stack.agent()
      await stack.signIn(agent, url('wiki'), login)
      return (await agent.visit(url('wiki', '/.pomerium/api/v1/routes'))).text
    }
    assert.ok((await list('alice')).includes(url('app', '')))
    const bob = await list('bob')
    assert.ok(!bob.includes(url('app', '')))
    assert.ok(bob.includes(url('wiki', '')))
  })

  it('answer a HEAD or GET for health nowhere on a protected host', async () => {
    for (const path of ['/ping', '/healthz', '/metrics']) {
      const page = await stack.agent().fetch(url('app', path))
      assert.equal(page.status, 302, path)
    }
  })
})
