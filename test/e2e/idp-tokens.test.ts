/**
 * Tokens of the identity provider for the upstream: the right one, fresh, on the routes that asked, and in no
 * log.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { ANYONE_SIGNED_IN, PUBLIC, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { EchoedRequest } from '../harness/upstream.ts'
import { openWebSocket } from '../harness/web-socket.ts'

/** The refresher renews such tokens every ten seconds: in between they end. */
const TOKEN_SECONDS = 4

const stack = await startStack({
  provider: { accessTokenSeconds: TOKEN_SECONDS, idTokenSeconds: TOKEN_SECONDS },
  settings: {
    log_level: 'trace',
    access_log_fields: ['path', 'response-code', 'headers.Authorization', 'headers.X-Access-Token'],
    authorize_log_fields: ['request-id', 'path', 'headers', 'headers.Authorization'],
  },
  routes: ({ upstream, url }) => [
    {
      from: url('app', ''),
      to: upstream.url,
      ...STAFF_ONLY,
      pass_idp_token: 'id_token',
      set_request_headers: { 'X-Access-Token': '$pomerium.access_token' },
      remove_request_headers: ['Authorization'],
      allow_websockets: true,
    },
    { from: url('other', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
    { from: url('public', ''), to: upstream.url, ...PUBLIC, pass_idp_token: 'access_token' },
    {
      from: url('wiki', ''),
      to: upstream.url,
      ...PUBLIC,
      pass_idp_token: { token: 'access_token', header: 'X-Token', optional: true },
    },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, provider, upstream, ca } = stack

const JSON_ONLY = { accept: 'application/json', 'sec-fetch-mode': 'cors' }
type Agent = ReturnType<typeof stack.agent>

const signedIn = async (host = 'app'): Promise<Agent> => {
  const agent = stack.agent()
  assert.equal((await stack.signIn(agent, url(host))).status, 200)
  return agent
}

const idTokenOf = ({ headers }: EchoedRequest): string =>
  headers['authorization']?.replace('Bearer ', '') ?? ''

function expiryOf(idToken: string): number {
  const payload = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()) as {
    exp: number
  }
  return payload.exp * 1000
}

/**
 * The page once the ID token that it was last given has ended, with nobody having asked for a new one
 * meanwhile.
 */
async function untilEnded(agent: Agent): Promise<void> {
  const page = await agent.fetch(url('app'))
  const end = expiryOf(idTokenOf(page.json<EchoedRequest>()))
  await until(() => Date.now() > end, { what: 'the token to end', withinMs: 10_000 })
}

describe('an app that asks for a token', () => {
  it('gets the one it named, over what the client sent, and it works at the provider', async () => {
    const agent = await signedIn()
    const headers = { authorization: 'Bearer forged', 'x-access-token': 'forged' }
    const echoed = (await agent.fetch(url('app'), { headers })).json<EchoedRequest>()
    assert.ok(expiryOf(idTokenOf(echoed)) > Date.now())
    assert.equal(echoed.rawHeaders.filter((text) => text.includes('forged')).length, 0)
    const me = await request({
      url: `${provider.issuer}/me`,
      headers: { authorization: `Bearer ${echoed.headers['x-access-token']}` },
    })
    assert.equal(me.json<{ sub: string }>().sub, 'alice')
  })

  it('gets it with a WebSocket too', async () => {
    const agent = await signedIn()
    upstream.requests.length = 0
    const cookie = agent.jar.header(new URL(url('app'))) ?? ''
    const webSocket = await openWebSocket({ url: url('app', '/socket'), ca: ca.cert, headers: { cookie } })
    webSocket.close()
    const upgrade = upstream.requests.find(({ url: path }) => path === '/socket')
    assert.ok(upgrade !== undefined && expiryOf(idTokenOf(upgrade)) > Date.now())
  })

  it('alone gets it: another app gets what the client sent, and no token', async () => {
    const agent = await signedIn('other')
    const headers = { authorization: 'Bearer of-the-client' }
    const echoed = (await agent.fetch(url('other'), { headers })).json<EchoedRequest>()
    assert.equal(echoed.headers['authorization'], 'Bearer of-the-client')
    assert.equal(echoed.headers['x-access-token'], undefined)
  })

  it('is not asked for what it can’t have: visitors who have not signed in are refused, or come without', async () => {
    const bare = stack.agent()
    upstream.drain()
    const refused = await bare.fetch(url('public'), { headers: JSON_ONLY })
    assert.equal(refused.status, 403)
    assert.equal(refused.json<{ error: string }>().error, 'idp_token_missing')
    assert.equal(upstream.requests.length, 0)
    const echoed = (await bare.fetch(url('wiki'), { headers: { 'x-token': 'forged' } })).json<EchoedRequest>()
    assert.equal(echoed.headers['x-token'], undefined)
  })
})

describe('a token that has ended', () => {
  it('is renewed once for fifty requests at that second, and nobody gets an old one (attack 43)', async () => {
    const agent = await signedIn()
    await untilEnded(agent)
    const before = provider.asked.token
    const pages = await Promise.all(Array.from({ length: 50 }, () => agent.fetch(url('app'))))
    assert.deepEqual([...new Set(pages.map(({ status }) => status))], [200])
    for (const page of pages) assert.ok(expiryOf(idTokenOf(page.json<EchoedRequest>())) > Date.now())
    assert.ok(provider.asked.token - before <= 1, String(provider.asked.token - before))
  })

  it('is a refusal in words while the provider is down, and signs nobody out', async () => {
    const agent = await signedIn()
    await untilEnded(agent)
    provider.failing.set('token', { status: 503 })
    try {
      const refused = await agent.fetch(url('app'), { headers: JSON_ONLY })
      assert.equal(refused.status, 503)
      assert.equal(refused.json<{ error: string }>().error, 'idp_token_expired')
      assert.equal((await agent.fetch(url('wiki'), { headers: JSON_ONLY })).status, 200)
    } finally {
      provider.failing.clear()
    }
    await until(async () => (await agent.fetch(url('app'))).status === 200, {
      what: 'the app to be there again',
      withinMs: 30_000,
      everyMs: 500,
    })
  })

  it('sends to the sign-in whom the provider lets go on no more', async () => {
    const agent = await signedIn()
    await untilEnded(agent)
    provider.failing.set('token', { status: 400, error: 'invalid_grant' })
    try {
      assert.equal((await agent.fetch(url('app'))).status, 302)
    } finally {
      provider.failing.clear()
    }
  })
})

it('no log has a token or a session cookie, at the most talkative level, ours and Envoy’s', async () => {
  const agent = await signedIn()
  const cookie = agent.jar.header(new URL(url('app'))) ?? ''
  await agent.fetch(url('app', '/last'))
  await until(() => stack.sallyport.log.find((line) => line['path'] === '/last' && 'response-code' in line), {
    what: 'the last request to be logged',
  })
  const output = [...stack.sallyport.process.stdout, ...stack.sallyport.process.stderr].join('\n')
  assert.match(output, /\[secret\]/)
  const secrets = upstream.requests.flatMap((each) => [idTokenOf(each), each.headers['x-access-token'] ?? ''])
  const planted = new Set(secrets.filter((text) => text.length > 30))
  assert.ok(planted.size > 4)
  for (const secret of planted) {
    const at = output.indexOf(secret)
    assert.equal(at, -1, output.slice(Math.max(0, at - 300), at))
  }
  const [, handle = ''] = /_pomerium=([^;]+)/.exec(cookie) ?? []
  assert.ok(handle.length > 30)
  assert.ok(!output.includes(handle))
})
