/**
 * The signed hand-off between hosts: the login chain, its additional hosts, and what happens when it is
 * tampered with.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { ANYONE_SIGNED_IN, STAFF_ONLY, startStack } from '../harness/stack.ts'

const stack = await startStack({
  routes: ({ upstream, url }) => [
    {
      from: url('app', ''),
      to: upstream.url,
      ...STAFF_ONLY,
      depends_on: [new URL(url('api')).host, new URL(url('wiki')).host],
    },
    { from: url('api', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
    { from: url('wiki', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
    {
      from: url('other', ''),
      to: upstream.url,
      ...ANYONE_SIGNED_IN,
      depends_on: ['not-ours.example.com', new URL(url('wiki')).host],
    },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, provider } = stack

describe('the login chain', () => {
  it('signs in to the additional hosts of the route, in their order, and ends at the page', async () => {
    const agent = stack.agent()
    const page = await stack.signIn(agent, url('app', '/start?x=1'))
    assert.equal(page.url.href, url('app', '/start?x=1'))
    const callbacks = agent.hops.filter((hop) => hop.url.pathname === '/.pomerium/callback/')
    assert.deepEqual(
      callbacks.map((hop) => hop.url.hostname),
      ['app.localhost', 'api.localhost', 'wiki.localhost'],
    )
    for (const host of ['api', 'wiki']) {
      const direct = await agent.fetch(url(host, '/x'))
      assert.equal(direct.status, 200, host)
    }
  })

  it('uses the parameter names and the signature of the protocol', async () => {
    const first = await stack.agent().fetch(url('app', '/page'))
    const signIn = new URL(first.headers['location'] ?? '')
    assert.equal(signIn.origin, url('authenticate', ''))
    assert.equal(signIn.pathname, '/.pomerium/sign_in')
    for (const name of [
      'pomerium_redirect_uri',
      'pomerium_idp_id',
      'pomerium_additional_hosts',
      'pomerium_issued',
      'pomerium_expiry',
      'pomerium_signature',
    ]) {
      assert.ok(signIn.searchParams.get(name), name)
    }
    assert.equal(signIn.searchParams.get('pomerium_redirect_uri'), url('app', '/page'))
  })

  it('leaves out an additional host that is not ours, and says so to the operator', async () => {
    const agent = stack.agent()
    const page = await stack.signIn(agent, url('other', '/x'))
    assert.equal(page.status, 200)
    assert.ok(!agent.hops.some((hop) => hop.url.hostname.endsWith('example.com')))
    await stack.sallyport.waitForLog('the host that was left out', (line) =>
      JSON.stringify(line).includes('not-ours.example.com'),
    )
  })
})

describe('a sign-in URL', () => {
  it('with anything changed in it is refused with 400', async () => {
    const first = await stack.agent().fetch(url('app', '/page'))
    const signIn = new URL(first.headers['location'] ?? '')
    const changes: Record<string, string> = {
      pomerium_redirect_uri: 'https://evil.example.com/',
      pomerium_additional_hosts: 'evil.example.com',
      pomerium_expiry: '9999999999',
      pomerium_issued: '1',
      pomerium_idp_id: 'other',
      pomerium_signature: 'AAAA',
    }
    for (const [name, value] of Object.entries(changes)) {
      const tampered = new URL(signIn)
      tampered.searchParams.set(name, value)
      const page = await stack.agent().fetch(tampered)
      assert.equal(page.status, 400, name)
    }
    const bare = await stack
      .agent()
      .fetch(url('authenticate', '/.pomerium/sign_in?pomerium_redirect_uri=https://evil.example.com'))
    assert.equal(bare.status, 400)
  })
})

/** A browser that stands before the callback of `api`, with the address it would open. */
const handOff = async () => {
  const agent = stack.agent()
  const login = await agent.visit(url('api', '/x'))
  const page = await agent.submit(
    login,
    { login: 'alice' },
    { stopAt: (next) => next.pathname === '/.pomerium/callback/' },
  )
  return { agent, url: new URL(page.headers['location'] ?? '') }
}

describe('a hand-off URL', () => {
  it('works in the browser that began, and in no other', async () => {
    const { agent, url: callback } = await handOff()
    const victim = stack.agent()
    const attacked = await victim.fetch(callback)
    assert.ok(
      victim.jar.for(new URL(url('api'))).every(({ name }) => !name.startsWith('__Host-_pomerium')) ||
        (await victim.fetch(url('api'))).status !== 200,
      `a pasted hand-off signed the victim in (${attacked.status})`,
    )
    const page = await agent.visit(callback)
    assert.deepEqual([page.status, page.url.href], [200, url('api', '/x')])
  })

  it('with another host, redirect or content is refused', async () => {
    const { url: callback } = await handOff()
    const other = new URL(callback)
    other.hostname = 'wiki.localhost'
    const redirected = new URL(callback)
    redirected.searchParams.set('pomerium_redirect_uri', 'https://evil.example.com/')
    const emptied = new URL(callback)
    emptied.searchParams.set('pomerium_session_encrypted', 'AAAA')
    for (const tampered of [other, redirected, emptied]) {
      const agent = stack.agent()
      const page = await agent.fetch(tampered)
      assert.equal(page.status, 400, tampered.href)
      assert.equal(agent.jar.all.filter(({ name }) => name === '__Host-_pomerium').length, 0)
    }
  })
})

describe('the provider', () => {
  it('is asked once for a whole chain', async () => {
    const before = provider.asked.token
    await stack.signIn(stack.agent(), url('app'))
    assert.equal(provider.asked.token, before + 1)
  })
})
