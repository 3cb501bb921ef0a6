/**
 * A route that asks for a recent or a strong sign-in: people sign in again, keep their session, and never go
 * round.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { ANYONE_SIGNED_IN, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { openWebSocket } from '../harness/web-socket.ts'

const stack = await startStack({
  provider: { acrValues: ['phr', 'pwd'] },
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
    {
      from: url('lab', ''),
      to: upstream.url,
      ...STAFF_ONLY,
      max_age: '4s',
      allow_websockets: true,
    },
    { from: url('wiki', ''), to: upstream.url, ...STAFF_ONLY, session_lifetime: '4s' },
    { from: url('other', ''), to: upstream.url, ...STAFF_ONLY, acr_values: ['phr'] },
    { from: url('api', ''), to: upstream.url, ...STAFF_ONLY, acr_values: ['hardware'] },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, provider, ca } = stack

type Agent = ReturnType<typeof stack.agent>

const sessionIdOf = async (agent: Agent, host: string) =>
  (await agent.fetch(url(host, '/.pomerium/user'))).json<{ sid: string }>().sid

/** Until a page of that host asks for another sign-in. */
const untilOld = (agent: Agent, host: string) =>
  until(async () => (await agent.fetch(url(host))).status === 302, {
    what: `the sign-in to be too old for ${host}`,
    withinMs: 8000,
    everyMs: 200,
  })

describe('a sign-in that is too old', () => {
  it('brings the login page of the provider once more, and then the page, under the same session', async () => {
    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, url('lab', '/first'))).status, 200)
    assert.equal((await stack.signIn(agent, url('app'))).status, 200)
    const sessionId = await sessionIdOf(agent, 'app')
    await untilOld(agent, 'lab')
    const login = await agent.visit(url('lab', '/second?x=1'))
    assert.equal(login.url.origin, provider.issuer, 'the provider asks again')
    const page = await agent.submit(login, { login: 'alice' })
    assert.deepEqual([page.status, page.url.href], [200, url('lab', '/second?x=1')])
    assert.equal(await sessionIdOf(agent, 'lab'), sessionId)
    const { interaction } = provider.asked
    assert.equal((await agent.fetch(url('app'))).status, 200, 'another host goes on with the same cookie')
    assert.equal(await sessionIdOf(agent, 'app'), sessionId)
    assert.equal(provider.asked.interaction, interaction)
  })

  it('is told to programs, WebSockets and forms in their own way', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('lab'))
    await untilOld(agent, 'lab')
    const script = await agent.fetch(url('lab', '/api'), {
      headers: { 'sec-fetch-mode': 'cors', accept: 'application/json' },
    })
    assert.equal(script.status, 401)
    assert.equal(script.json<{ error: string }>().error, 'step_up_required')
    assert.match(
      script.headers['www-authenticate'] ?? '',
      /error="insufficient_user_authentication".*max_age="4"/,
    )
    const form = await agent.fetch(url('lab', '/form'), { method: 'POST', body: 'a=b' })
    assert.equal(form.status, 401)
    assert.match(form.text, /was not passed on/)
    const cookie = agent.jar.header(new URL(url('lab'))) ?? ''
    await assert.rejects(
      openWebSocket({ url: url('lab'), ca: ca.cert, headers: { cookie } }),
      /Unexpected server response: 401/,
    )
  })
})

describe('a route with a shorter life', () => {
  it('takes the session for none when it is over, and really asks the provider', async () => {
    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, url('wiki'))).status, 200)
    await stack.signIn(agent, url('app'))
    await untilOld(agent, 'wiki')
    assert.equal((await agent.visit(url('app'))).status, 200, 'others go on')
    const login = await agent.visit(url('wiki'))
    assert.equal(login.url.origin, provider.issuer)
    assert.equal((await agent.submit(login, { login: 'alice' })).status, 200)
  })
})

describe('a route that asks for a strong sign-in', () => {
  it('opens to whoever signs in that way', async () => {
    const agent = stack.agent()
    const page = await stack.signIn(agent, url('other'))
    assert.equal(page.status, 200)
    assert.equal((await agent.visit(url('app'))).status, 200)
  })

  it('asks whom the provider lets in as they were to sign in once more, and then it is strong', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const login = await agent.visit(url('other'))
    assert.equal(login.url.origin, provider.issuer)
    assert.equal((await agent.submit(login, { login: 'alice' })).status, 200)
  })

  it('ends in a page when the provider knows no such way', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const login = await agent.visit(url('api'))
    const page = await agent.submit(login, { login: 'alice' })
    assert.equal(page.status, 403)
    assert.match(page.text, /This app needs another sign-in/)
    assert.equal((await agent.visit(url('app'))).status, 200, 'and the session goes on')
  })
})
