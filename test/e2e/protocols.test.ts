/**
 * What is not a plain page: WebSocket, server-sent events, gRPC, uploads, CORS, and the plain HTTP listener.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import { grpcClient, startGrpcUpstream } from '../harness/grpc.ts'
import { connectHttp2, request } from '../harness/http-client.ts'
import { ANYONE_SIGNED_IN, PUBLIC, STAFF_ONLY, startStack } from '../harness/stack.ts'
import type { EchoedRequest } from '../harness/upstream.ts'
import { ask, openWebSocket } from '../harness/web-socket.ts'

const grpcUpstream = await startGrpcUpstream()
after(() => grpcUpstream[Symbol.asyncDispose]())
const stack = await startStack({
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, ...STAFF_ONLY },
    { from: url('ws', ''), to: upstream.url, ...STAFF_ONLY, allow_websockets: true },
    { from: url('grpc', ''), to: `h2c://127.0.0.1:${grpcUpstream.port}`, ...STAFF_ONLY },
    { from: url('public', ''), to: `h2c://127.0.0.1:${grpcUpstream.port}`, ...PUBLIC },
    { from: url('api', ''), to: upstream.url, ...ANYONE_SIGNED_IN, cors_allow_preflight: true },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca, upstream, edge } = stack

const cookieFor = async (host: string, login = 'alice'): Promise<string> => {
  const agent = stack.agent()
  const page = await agent.visit(url(host, '/'))
  await agent.submit(page, { login })
  return agent.jar.header(new URL(url(host))) ?? ''
}

describe('a WebSocket', () => {
  it('is echoed through for a signed-in user', async () => {
    const webSocket = await openWebSocket({
      url: url('ws', '/ws'),
      ca: ca.cert,
      headers: { cookie: await cookieFor('ws') },
    })
    assert.equal(await ask(webSocket, 'hello'), 'echo:hello')
    assert.equal(await ask(webSocket, 'x'.repeat(100_000)), `echo:${'x'.repeat(100_000)}`)
    webSocket.terminate()
  })

  it('is refused to a stranger, to the wrong user and on a route that does not allow it', async () => {
    upstream.drain()
    const refused = { message: /Unexpected server response: (302|401|403)/ }
    await assert.rejects(openWebSocket({ url: url('ws', '/ws'), ca: ca.cert }), refused)
    const bob = await cookieFor('ws', 'bob')
    await assert.rejects(
      openWebSocket({ url: url('ws', '/ws'), ca: ca.cert, headers: { cookie: bob } }),
      refused,
    )
    assert.equal(upstream.drain(), 0)
    const alice = await cookieFor('app')
    upstream.drain()
    await assert.rejects(openWebSocket({ url: url('app', '/ws'), ca: ca.cert, headers: { cookie: alice } }), {
      message: /Unexpected server response: (4\d\d)/,
    })
    assert.equal(upstream.webSockets.size, 0)
  })
})

describe('server-sent events', () => {
  it('come one by one, as they are sent', async () => {
    const cookie = await cookieFor('app')
    const session = connectHttp2(new URL(url('app')), ca.cert)
    const stream = session.request({
      ':path': '/sse?count=0&every=30',
      ':authority': new URL(url('app')).host,
      cookie,
    })
    const events = await new Promise<string[]>((resolve, reject) => {
      const chunks: string[] = []
      stream.once('error', reject)
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk.toString())
        if (chunks.length === 3) resolve(chunks)
      })
    })
    session.destroy()
    assert.deepEqual(events, ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n'])
  })
})

describe('gRPC', () => {
  it('passes unary calls with trailers, error statuses and streams', async () => {
    const cookie = await cookieFor('grpc')
    using client = grpcClient({ host: 'grpc.localhost', port: edge.port, ca: ca.cert })
    const answer = await client.call('Unary', Buffer.from('hi'), { cookie })
    assert.deepEqual(
      [answer.code, answer.reply?.toString(), answer.trailers['x-trailer']],
      [grpc.status.OK, 'hi', 'kept'],
    )
    const failure = await client.call('Fail', Buffer.from('hi'), { cookie })
    assert.deepEqual([failure.code, failure.details], [grpc.status.FAILED_PRECONDITION, 'not today'])
    const replies = await client.chat(
      ['a', 'b'].map((text) => Buffer.from(text)),
      { cookie },
    )
    assert.equal(Buffer.concat([...replies]).toString(), 'ab')
    assert.ok(grpcUpstream.calls[0]?.['x-pomerium-jwt-assertion'])
  })

  it('gets a gRPC status instead of a redirect: UNAUTHENTICATED for a stranger, PERMISSION_DENIED for the wrong user', async () => {
    const before = grpcUpstream.calls.length
    using client = grpcClient({ host: 'grpc.localhost', port: edge.port, ca: ca.cert })
    assert.equal((await client.call('Unary', Buffer.from('hi'))).code, grpc.status.UNAUTHENTICATED)
    const cookie = await cookieFor('grpc', 'bob')
    assert.equal(
      (await client.call('Unary', Buffer.from('hi'), { cookie })).code,
      grpc.status.PERMISSION_DENIED,
    )
    assert.equal(grpcUpstream.calls.length, before)
  })

  it('works on a public route, without what the client claims to be', async () => {
    using client = grpcClient({ host: 'public.localhost', port: edge.port, ca: ca.cert })
    const forged = { 'x-pomerium-jwt-assertion': 'forged', 'remote-user': 'root' }
    assert.equal((await client.call('Unary', Buffer.from('hi'), forged)).code, grpc.status.OK)
    const metadata = grpcUpstream.calls.at(-1)
    assert.notEqual(metadata?.['x-pomerium-jwt-assertion'], 'forged')
    assert.equal(metadata?.['remote-user'], undefined)
  })
})

describe('uploads and downloads', () => {
  it('pass whole, 20 MB each way', async () => {
    const cookie = await cookieFor('app')
    for (const version of ['1.1', '2'] as const) {
      const up = await request({
        url: url('app', '/upload'),
        method: 'POST',
        headers: { cookie },
        body: Buffer.alloc(20_000_000, 'u'),
        ca: ca.cert,
        version,
      })
      assert.equal(up.json<EchoedRequest>().body, '20000000 bytes')
      const down = await request({
        url: url('app', '/bytes/20000000'),
        headers: { cookie },
        ca: ca.cert,
        version,
      })
      assert.equal(down.body.length, 20_000_000)
    }
  })

  it('of a stranger are refused without a byte at the upstream', async () => {
    upstream.drain()
    const { status } = await request({
      url: url('app', '/upload'),
      method: 'POST',
      headers: { accept: 'application/json' },
      body: Buffer.alloc(100_000, 'u'),
      ca: ca.cert,
    })
    assert.equal(status, 401)
    assert.equal(upstream.drain(), 0)
  })
})

describe('CORS preflight', () => {
  const preflight = { origin: 'https://spa.example.com', 'access-control-request-method': 'PUT' }

  it('goes to the upstream unauthenticated where the route says so', async () => {
    const response = await request({
      url: url('api', '/x'),
      method: 'OPTIONS',
      headers: preflight,
      ca: ca.cert,
    })
    assert.equal(response.json<EchoedRequest>().method, 'OPTIONS')
  })

  it('is judged like any request where it does not, or when it is no preflight', async () => {
    upstream.drain()
    const json = { accept: 'application/json' }
    const other = await request({
      url: url('app', '/x'),
      method: 'OPTIONS',
      headers: { ...preflight, ...json },
      ca: ca.cert,
    })
    const plain = await request({ url: url('api', '/x'), method: 'OPTIONS', headers: json, ca: ca.cert })
    assert.deepEqual([other.status, plain.status], [401, 401])
    assert.equal(upstream.drain(), 0)
  })
})

describe('the plain HTTP listener', () => {
  it('redirects to the same page over https, and nothing else', async () => {
    const response = await request({ url: `http://app.localhost:${edge.redirectPort}/a/b?c=d` })
    assert.equal(response.status, 301)
    const location = new URL(response.headers['location'] ?? '')
    assert.deepEqual(
      [location.protocol, location.hostname, location.pathname + location.search],
      ['https:', 'app.localhost', '/a/b?c=d'],
    )
  })
})
