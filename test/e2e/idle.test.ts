/**
 * Sessions that nobody uses: per route and for all, over a restart.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { ANYONE_SIGNED_IN, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const IDLE_MS = 4000

const stack = await startStack({
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
    { from: url('lab', ''), to: upstream.url, ...STAFF_ONLY, session_idle_timeout: `${IDLE_MS}ms` },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, provider } = stack

type Agent = ReturnType<typeof stack.agent>

const statusOf = async (agent: Agent, host: string) => (await agent.fetch(url(host))).status
/** The time itself is what is tested: nothing may be asked meanwhile that would count as use. */
const idleTooLong = () => setTimeout(IDLE_MS + 200)

describe('a route with an idle timeout', () => {
  it('keeps a session that is used, for longer than the timeout', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('lab'))
    const end = Date.now() + 2 * IDLE_MS
    await until(
      async () => {
        assert.equal(await statusOf(agent, 'lab'), 200)
        return Date.now() > end
      },
      { what: 'twice the timeout', withinMs: 3 * IDLE_MS, everyMs: 500 },
    )
  })

  it('asks the provider after idle time, even when another app has been used since', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('lab'))
    await stack.signIn(agent, url('app'))
    await idleTooLong()
    assert.equal(await statusOf(agent, 'app'), 200)
    assert.equal(await statusOf(agent, 'lab'), 302)
    const login = await agent.visit(url('lab'))
    assert.equal(login.url.origin, provider.issuer)
    assert.equal((await agent.submit(login, { login: 'alice' })).status, 200)
    assert.equal(await statusOf(agent, 'app'), 200)
  })

  it('counts the time of a restart', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('lab'))
    await stack.signIn(agent, url('app'))
    const restarted = stack.restart()
    await Promise.all([restarted, idleTooLong()])
    assert.equal(await statusOf(agent, 'lab'), 302)
    assert.equal(await statusOf(agent, 'app'), 200)
  })
})

describe('a global idle timeout', () => {
  it('ends the session for all apps', async () => {
    await stack.edit({ settings: { session_idle_timeout: `${IDLE_MS}ms` } })
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    await until(async () => (await statusOf(agent, 'app')) === 200, { what: 'the session' })
    await idleTooLong()
    assert.equal(await statusOf(agent, 'app'), 302)
    await stack.sallyport.waitForLog('the end', ({ msg }) => msg === 'session ended: nobody has used it')
    const user = await agent.fetch(url('app', '/.pomerium/user'), {
      headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' },
    })
    assert.equal(user.status, 401)
  })
})
