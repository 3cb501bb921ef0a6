/**
 * An app on a serverless platform of Google's. The platform is played: a metadata server that answers as
 * Google's documentation says, since the real one can't be reached, and the echo app in the place of Cloud
 * Run.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import { playGoogle } from '../../src/upstream/serverless-tokens.fixture.ts'
import { grpcClient, startGrpcUpstream } from '../harness/grpc.ts'
import { startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { EchoedRequest } from '../harness/upstream.ts'
import { openWebSocket } from '../harness/web-socket.ts'

const google = await playGoogle()
after(() => google[Symbol.asyncDispose]())
const grpcApp = await startGrpcUpstream()
after(() => grpcApp[Symbol.asyncDispose]())

const SERVERLESS = {
  allow_any_authenticated_user: true,
  enable_google_cloud_serverless_authentication: true,
} as const

const stack = await startStack({
  serve: { env: { GCE_METADATA_HOST: google.host } },
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, ...SERVERLESS, allow_websockets: true },
    { from: url('grpc', ''), to: `h2c://127.0.0.1:${grpcApp.port}`, ...SERVERLESS },
    { from: url('other', ''), to: `http://second.localhost:${upstream.port}`, ...SERVERLESS },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, upstream } = stack
const agent = stack.agent()

const audienceOf = (authorization: unknown): unknown => {
  const [, claims = ''] = String(authorization)
    .replace(/^Bearer /, '')
    .split('.')
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>)['aud']
}

describe('a serverless app', () => {
  it('gets a token for its host, kept over requests, and nothing of what the client sent in its place', async () => {
    await stack.signIn(agent, url('app', '/x'))
    const headers = { authorization: 'Bearer of-the-client', 'x-serverless-authorization': 'Bearer forged' }
    const seen = new Set<string | undefined>()
    for (let n = 0; n < 3; n++) {
      const echoed = (await agent.fetch(url('app', `/${n}`), { headers })).json<EchoedRequest>()
      seen.add(echoed.headers['authorization'])
      assert.equal(echoed.headers['x-serverless-authorization'], undefined)
    }
    assert.deepEqual([...seen].map(audienceOf), ['https://127.0.0.1'])
    assert.deepEqual(google.asked, ['metadata https://127.0.0.1'])
  })

  it('gets it over WebSockets and gRPC too', async () => {
    const cookieAt = async (host: string) => {
      await agent.visit(url(host, '/x'))
      return agent.jar.header(new URL(url(host))) ?? ''
    }
    upstream.requests.length = 0
    const socket = await openWebSocket({
      url: url('app', '/ws'),
      ca: stack.ca.cert,
      headers: { cookie: await cookieAt('app') },
    })
    socket.terminate()
    assert.equal(audienceOf(upstream.requests.at(-1)?.headers['authorization']), 'https://127.0.0.1')
    using client = grpcClient({ host: 'grpc.localhost', port: stack.edge.port, ca: stack.ca.cert })
    const answer = await client.call('Unary', Buffer.from('hi'), { cookie: await cookieAt('grpc') })
    assert.equal(answer.code, grpc.status.OK)
    assert.equal(audienceOf(grpcApp.calls[0]?.['authorization']), 'https://127.0.0.1')
  })

  it('is not asked at all while no token is to be had, and is once there is one', async () => {
    google.failure = 503
    upstream.drain()
    const page = await agent.visit(url('other', '/x'))
    assert.deepEqual([page.status, upstream.drain()], [502, 0])
    assert.match(page.text, /The platform of this app wants a token/)
    const line = await stack.sallyport.waitForLog(
      'why',
      ({ code }) => code === 'SERVERLESS_TOKEN_UNAVAILABLE',
    )
    assert.match(JSON.stringify(line), /metadata server answered 503/)
    google.failure = undefined
    await until(async () => (await agent.visit(url('other', '/x'))).status === 200, {
      what: 'the app to be asked once there is a token',
      withinMs: 10_000,
    })
    assert.ok(google.asked.includes('metadata https://second.localhost'))
  })

  it('leaves no token in the log', () => {
    assert.ok(!stack.sallyport.process.lines.some((line) => /signature-\d/.test(line)))
  })
})
