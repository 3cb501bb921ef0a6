/**
 * Groups that are pulled over the network. Okta is played by a local server that follows the documentation of
 * its API: the real one can't be had here.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, describe, it } from 'node:test'
import { freePort } from '../harness/ports.ts'
import { ANYONE_SIGNED_IN, groupPolicy, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const TOKEN = 'planted-okta-token'
const port = await freePort()
let isUp = false
const okta = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://okta.test')
  const answers: Readonly<Record<string, unknown>> = {
    '/api/v1/groups': [{ id: '00g1', profile: { name: 'Directors' } }],
    '/api/v1/groups/00g1/users': [
      { id: '00u1', status: 'ACTIVE', profile: { login: 'alice@example.com', email: 'alice@example.com' } },
      { id: '00u2', status: 'SUSPENDED', profile: { login: 'bob@example.com', email: 'bob@example.com' } },
    ],
  }
  const isAllowed = isUp && request.headers.authorization === `SSWS ${TOKEN}`
  response.writeHead(isAllowed && answers[pathname] ? 200 : 503, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answers[pathname] ?? {}))
})
await new Promise<void>((done) => okta.listen(port, '127.0.0.1', done))
after(() => okta.close())

const stack = await startStack({
  settings: {
    directory: [
      {
        name: 'okta',
        type: 'okta',
        url: `http://127.0.0.1:${port}`,
        token: TOKEN,
        match_by: 'email',
        max_age: '1h',
      },
    ],
  },
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, policy: groupPolicy('Directors') },
    { from: url('api', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url } = stack

const stateOf = async (): Promise<unknown> => {
  const { directory } = (await stack.sallyport.status()) as { directory?: readonly { state: string }[] }
  return directory?.[0]?.state
}

describe('a pulled directory', () => {
  it('is unknown while it was never had, then gives groups, then is the last good copy, also after a restart', async () => {
    const alice = stack.agent()
    assert.equal((await stack.signIn(alice, url('app'))).status, 403)
    assert.equal(await stateOf(), 'unknown')
    isUp = true
    await until(async () => (await alice.fetch(url('app'))).status === 200, {
      what: 'the pull to succeed by itself',
      withinMs: 20_000,
    })
    isUp = false
    await stack.restart()
    await until(async () => (await stateOf()) === 'stale', { what: 'a pull to fail', withinMs: 5_000 })
    assert.equal((await alice.fetch(url('app'))).status, 200)
    const bob = stack.agent()
    assert.equal((await stack.signIn(bob, url('api'), 'bob')).status, 403)
    assert.doesNotMatch(JSON.stringify(stack.sallyport.log), new RegExp(TOKEN))
  })
})
