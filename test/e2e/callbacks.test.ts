/**
 * Callbacks that are not the ones we sent for: no session comes of them, whoever presents them.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { HttpResponse } from '../harness/http-client.ts'
import { PlayedProvider } from '../harness/played-provider.ts'
import { ANYONE_SIGNED_IN, startStack } from '../harness/stack.ts'
import type { UserAgent } from '../harness/user-agent.ts'

const provider = await PlayedProvider.start({ userInfo: {} })
after(() => provider[Symbol.asyncDispose]())
const stack = await startStack({
  externalProvider: () => Promise.resolve(provider),
  routes: ({ upstream, url }) => [{ from: url('app', ''), to: upstream.url, ...ANYONE_SIGNED_IN }],
})
after(() => stack[Symbol.asyncDispose]())
const { url, upstream } = stack

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
}

/** A browser that the provider has just sent back, and the callback address that it is about to open. */
const begin = async () => {
  const agent = stack.agent()
  const last = await agent.visit(url('app', '/x'), {
    stopAt: (next) => next.pathname === '/oauth2/callback',
  })
  return { agent, callback: new URL(last.headers['location'] ?? '') }
}

describe('a callback', () => {
  it('without, with a wrong or with an empty state is refused', async () => {
    for (const state of [undefined, '', 'AAAA', 'a'.repeat(5_000)]) {
      const { agent, callback } = await begin()
      if (state === undefined) callback.searchParams.delete('state')
      else callback.searchParams.set('state', state)
      await assertRefused(await agent.visit(callback), agent, [400, 414, 431])
    }
  })

  it('with a state whose bits were flipped is refused', async () => {
    const { agent, callback } = await begin()
    const state = callback.searchParams.get('state') ?? ''
    callback.searchParams.set('state', `${state.slice(0, -2)}${state.endsWith('AA') ? 'BB' : 'AA'}`)
    await assertRefused(await agent.visit(callback), agent, [400])
  })

  it('in another browser is refused: login CSRF', async () => {
    const { callback } = await begin()
    const victim = stack.agent()
    await assertRefused(await victim.visit(callback), victim, [400])
    const busy = stack.agent()
    await busy.visit(url('app', '/own'), { stopAt: (next) => next.origin === provider.issuer })
    const page = await busy.visit(callback)
    assert.equal(page.status, 400)
  })

  it('used twice, as with the back button, signs in once and ends well or with a friendly page', async () => {
    const { agent, callback } = await begin()
    assert.equal((await agent.visit(callback)).status, 200)
    upstream.drain()
    const tokens = provider.asked('/token').length
    const again = await agent.visit(callback)
    assert.ok([200, 400].includes(again.status), String(again.status))
    assert.equal(provider.asked('/token').length, tokens, 'the code was not sent again')
    upstream.drain()
  })

  it('without a code is refused', async () => {
    const { agent, callback } = await begin()
    callback.searchParams.delete('code')
    await assertRefused(await agent.visit(callback), agent, [400])
  })
})
