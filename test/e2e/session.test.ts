/**
 * The life of a session: restart, expiry, deletion, refresh, and cookies that were tampered with.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { decodeSecret, deriveKeyring } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/seal.ts'
import { openSqliteStore } from '../../src/session/file-store.ts'
import { ANYONE_SIGNED_IN, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { EchoedRequest } from '../harness/upstream.ts'

const stack = await startStack({
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, ...STAFF_ONLY },
    { from: url('wiki', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, upstream } = stack

const signedIn = async () => {
  const agent = stack.agent()
  const page = await stack.signIn(agent, url('app'))
  assert.equal(page.status, 200)
  const sessionId =
    (page.headers && (await agent.fetch(url('app', '/.pomerium/user'))).json<{ sid: string }>().sid) || ''
  const cookie = agent.jar.header(new URL(url('app'))) ?? ''
  return { agent, cookie, sessionId }
}
const statusWith = async (cookie: string, host = 'app'): Promise<number> =>
  (await stack.agent().fetch(url(host), { headers: { cookie } })).status

describe('a session', () => {
  it('survives a restart', async () => {
    const { agent } = await signedIn()
    await stack.restart()
    const page = await agent.visit(url('app', '/after'))
    assert.deepEqual([page.status, page.url.href], [200, url('app', '/after')])
  })

  it('survives kill -9', async () => {
    const { agent } = await signedIn()
    stack.sallyport.process.signal('SIGKILL', 'group')
    await stack.sallyport.process.exited
    await stack.restart()
    assert.equal((await agent.visit(url('app', '/after'))).status, 200)
  })

  it('that is deleted from the store by another process is refused within a second', async () => {
    const { cookie, sessionId } = await signedIn()
    assert.notEqual(sessionId, '')
    assert.equal(await statusWith(cookie), 200)
    // another process with the same file and secret, as a second replica or a tool has them
    const { atRest } = deriveKeyring(decodeSecret(String(stack.config['shared_secret'])))
    const file = join(stack.sallyport.stateDir, 'sallyport.db')
    await using store = await openSqliteStore({ file, sealer: createSealer(atRest) })
    assert.equal(await store.delete(sessionId), true)
    await until(async () => (await statusWith(cookie)) === 302, {
      what: 'the deleted session to be refused',
      withinMs: 1_000,
    })
  })
})

describe('a session cookie', () => {
  it('that is cut, flipped, empty or doubled opens nothing', async () => {
    const { cookie } = await signedIn()
    const [name = '', value = ''] = cookie.split('; ').at(-1)?.split(/=(.*)/s) ?? []
    const flipped = (at: number): string =>
      value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1)
    upstream.drain()
    const bad = [
      value.slice(0, -1),
      value.slice(0, 20),
      value.slice(1),
      '',
      ...[0, 5, Math.floor(value.length / 2), value.length - 3].map(flipped),
    ]
    for (const forged of bad) {
      assert.equal(await statusWith(`${name}=${forged}`), 302, forged)
    }
    assert.equal(upstream.drain(), 0)
  })

  it('of one host is refused at another', async () => {
    const { cookie } = await signedIn()
    assert.equal(await statusWith(cookie, 'wiki'), 302)
  })

  it('planted before the login is worthless after it', async () => {
    const agent = stack.agent()
    const { agent: attacker } = await signedIn()
    const planted = attacker.jar.all.filter(
      ({ host, name }) => host === 'app.localhost' && name === '__Host-_pomerium',
    )
    assert.equal(planted.length, 1)
    for (const cookie of planted) agent.jar.put({ ...cookie, value: `x${cookie.value.slice(1)}` })
    const page = await stack.signIn(agent, url('app'))
    assert.equal(page.status, 200)
    for (const { name, value } of planted) {
      assert.notEqual(agent.jar.find(name, 'app.localhost')?.value, `x${value.slice(1)}`)
    }
  })
})

describe('with lifetimes of seconds', { concurrency: true }, () => {
  it('a session ends at its time, for pages with a login and for programs with 401', async () => {
    await using short = await startStack({
      settings: { cookie_expire: '2s' },
      routes: stackRoutes,
    })
    const agent = short.agent()
    const page = await short.signIn(agent, short.url('app'))
    assert.equal(page.status, 200)
    const cookie = agent.jar.header(new URL(short.url('app'))) ?? ''
    await until(
      async () => (await short.agent().fetch(short.url('app'), { headers: { cookie } })).status === 302,
      { what: 'the session to expire', withinMs: 4_000 },
    )
    const program = { cookie, accept: 'application/json' }
    assert.equal((await short.agent().fetch(short.url('app'), { headers: program })).status, 401)
  })

  it('tokens are refreshed before they expire, and new groups count', async () => {
    await using short = await startStack({ provider: { accessTokenSeconds: 12 }, routes: stackRoutes })
    const agent = short.agent()
    await short.signIn(agent, short.url('app'))
    const tokens = short.provider.asked.token
    const alice = short.provider.accounts.get('alice')
    assert.ok(alice)
    short.provider.accounts.set('alice', { ...alice, groups: ['guests'] })
    await until(() => short.provider.asked.token > tokens, { what: 'a refresh', withinMs: 20_000 })
    await until(async () => (await agent.visit(short.url('app'))).status === 403, {
      what: 'the lost group to count',
      withinMs: 3_000,
    })
  })

  it('a refused refresh ends the session', async () => {
    await using short = await startStack({ provider: { accessTokenSeconds: 12 }, routes: stackRoutes })
    const agent = short.agent()
    await short.signIn(agent, short.url('app'))
    short.provider.failing.set('token', { status: 400, error: 'invalid_grant' })
    await until(async () => (await agent.fetch(short.url('app'))).status === 302, {
      what: 'the session to end',
      withinMs: 20_000,
    })
  })

  it('a provider that fails to refresh costs nobody the session', async () => {
    await using short = await startStack({ provider: { accessTokenSeconds: 12 }, routes: stackRoutes })
    const agent = short.agent()
    await short.signIn(agent, short.url('app'))
    const tokens = short.provider.asked.token
    short.provider.failing.set('token', { status: 500 })
    await until(() => short.provider.asked.token > tokens, { what: 'a refresh that fails', withinMs: 20_000 })
    await short.sallyport.waitForLog('that it will be tried again', ({ msg }) => /refreshed/.test(msg ?? ''))
    assert.equal((await agent.fetch(short.url('app'))).status, 200)
  })
})

function stackRoutes({ upstream: app, url: at }: Pick<typeof stack, 'upstream' | 'url'>) {
  return [{ from: at('app', ''), to: app.url, ...STAFF_ONLY }]
}

describe('the assertion', () => {
  it('carries the same session id as the user endpoint', async () => {
    const { agent, sessionId } = await signedIn()
    const echoed = (await agent.fetch(url('app', '/x'))).json<EchoedRequest>()
    const [, payload = ''] = (echoed.headers['x-pomerium-jwt-assertion'] ?? '').split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sid: string }
    assert.equal(claims.sid, sessionId)
  })
})
