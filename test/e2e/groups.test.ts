/**
 * Somebody with two thousand groups, as large organisations have: every route works, and each app is told the
 * groups that matter to it.
 *
 * The app is a plain Node server, which refuses headers of more than 16 KB.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import { decodeJwt } from 'jose'
import { grpcClient, startGrpcUpstream } from '../harness/grpc.ts'
import { request } from '../harness/http-client.ts'
import { groupPolicy, PUBLIC, startStack } from '../harness/stack.ts'
import { type EchoedRequest, startUpstream } from '../harness/upstream.ts'
import { openWebSocket } from '../harness/web-socket.ts'

const MANY = Array.from(
  { length: 2000 },
  (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
)
const MENTIONED = MANY[1234] ?? ''

const roomy = await startUpstream({ maxHeaderSize: 262_144 })
after(() => roomy[Symbol.asyncDispose]())

const grpcApp = await startGrpcUpstream()
after(() => grpcApp[Symbol.asyncDispose]())

const stack = await startStack({
  settings: { jwt_claims_headers: ['email', 'groups'] },
  provider: {
    accounts: { alice: { email: 'alice@example.com', name: 'Alice Archer', groups: MANY } },
  },
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, allow_any_authenticated_user: true, allow_websockets: true },
    {
      from: url('wiki', ''),
      to: upstream.url,
      policy: groupPolicy(MENTIONED),
      jwt_groups_filter: { mentioned: true },
    },
    { from: url('api', ''), to: upstream.url, policy: groupPolicy(MENTIONED) },
    {
      from: url('lab', ''),
      to: upstream.url,
      allow_any_authenticated_user: true,
      jwt_groups_filter: { patterns: ['.*-0000000000[01]7'] },
    },
    {
      from: url('other', ''),
      to: roomy.url,
      allow_any_authenticated_user: true,
      jwt_groups_filter: { patterns: [String.raw`.*-000000000(?:[0-2]\d\d|3[0-7]\d)`] },
      identity_headers_limit: 36_000,
    },
    { from: url('grpc', ''), to: `h2c://127.0.0.1:${grpcApp.port}`, policy: groupPolicy(MENTIONED) },
    { from: url('public', ''), to: upstream.url, ...PUBLIC, pass_identity_headers: 'minimal' },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url } = stack
const agent = stack.agent()

const claimsOf = ({ headers }: EchoedRequest): Record<string, unknown> =>
  decodeJwt(headers['x-pomerium-jwt-assertion'] ?? '')

async function seenBy(
  host: string,
): Promise<{ claims: Record<string, unknown>; header: string | undefined; logged: unknown }> {
  const reply = await stack.signIn(agent, url(host, '/who'))
  assert.equal(reply.status, 200, `${host}: ${reply.text.slice(0, 200)}`)
  const echoed = reply.json<EchoedRequest>()
  const id = echoed.headers['x-request-id']
  const line = await stack.sallyport.waitForLog(
    'what was decided',
    (each) => each['request-id'] === id && 'outcome' in each,
  )
  return {
    claims: claimsOf(echoed),
    header: echoed.headers['x-pomerium-claim-groups'],
    logged: line['removed-groups-count'],
  }
}

describe('with two thousand groups', () => {
  it('an app that names none of them in its policy is told none, and that there are some', async () => {
    const { claims, header, logged } = await seenBy('app')
    assert.deepEqual([claims['groups'], claims['groups_truncated'], header, logged], [[], true, '', 2000])
  })

  it('an app that asks for the groups of its policy gets those', async () => {
    const { claims, header, logged } = await seenBy('wiki')
    assert.deepEqual(
      [claims['groups'], claims['groups_truncated'], header, logged],
      [[MENTIONED], undefined, MENTIONED, 1999],
    )
  })

  it('an app without a filter gets those that its policy names, and is told that there are more', async () => {
    const { claims, header, logged } = await seenBy('api')
    assert.deepEqual(
      [claims['groups'], claims['groups_truncated'], header, logged],
      [[MENTIONED], true, MENTIONED, 1999],
    )
  })

  it('an app that names them by pattern gets what matches', async () => {
    const { claims, logged } = await seenBy('lab')
    assert.deepEqual([claims['groups'], logged], [[MANY[7], MANY[17]], 1998])
  })

  it('an app that takes more is told more, beside the largest headers that a client may send', async () => {
    const { claims, logged } = await seenBy('other')
    assert.deepEqual(
      [claims['groups'], claims['groups_truncated'], logged],
      [MANY.slice(0, 380), undefined, 1620],
    )
    const headers = { 'x-large': 'x'.repeat(46 * 1024) }
    const echoed = (await agent.fetch(url('other', '/x'), { headers })).json<EchoedRequest>()
    assert.equal(echoed.headers['x-large']?.length, 46 * 1024)
    assert.deepEqual(claimsOf(echoed)['groups'], MANY.slice(0, 380))
  })

  it('a WebSocket opens as well', async () => {
    const cookie = agent.jar.header(new URL(url('app'))) ?? ''
    const socket = await openWebSocket({
      url: url('app', '/ws').replace('https', 'wss'),
      ca: stack.ca.cert,
      headers: { cookie },
    })
    socket.close()
  })

  it('a gRPC call is answered, and the app behind it knows the group that matters', async () => {
    await agent.visit(url('grpc', '/x'))
    const cookie = agent.jar.header(new URL(url('grpc'))) ?? ''
    using client = grpcClient({ host: 'grpc.localhost', port: stack.edge.port, ca: stack.ca.cert })
    assert.equal((await client.call('Unary', Buffer.from('hi'), { cookie })).code, grpc.status.OK)
    const assertion = String(grpcApp.calls.at(-1)?.['x-pomerium-jwt-assertion'])
    assert.deepEqual(decodeJwt(assertion)['groups'], [MENTIONED])
  })

  it('the log says once for each route that groups were left out, and what to do', async () => {
    const warnings = () => stack.sallyport.log.filter(({ msg = '' }) => msg.includes('groups were left out'))
    await stack.sallyport.waitForLog('of the third app', () => warnings().length >= 3)
    assert.deepEqual(
      warnings()
        .map((line) => `${String(line['from'])} ${String(line['groups'])}`)
        .toSorted(),
      ['api', 'app', 'grpc'].map((host) => `${url(host, '')} 2000`),
    )
    await agent.visit(url('app', '/once-more'))
    await stack.sallyport.waitForLog('of one more request', ({ path }) => path === '/once-more')
    assert.equal(warnings().length, 3)
  })

  it('the metric shows what each app gets', async () => {
    const { text } = await request({ url: `http://127.0.0.1:${stack.edge.metricsPort}/metrics` })
    const series = [...text.matchAll(/^sallyport_identity_header_bytes\{.*from="([^"]+)".*\} (\d+)$/gm)]
    assert.deepEqual(
      series.map(([, from = '']) => from).toSorted(),
      ['api', 'app', 'grpc', 'lab', 'other', 'wiki'].map((host) => url(host, '')),
    )
    for (const [, , bytes = ''] of series.filter(([, each]) => each !== url('other', '')))
      assert.ok(Number(bytes) > 300 && Number(bytes) < 3000, bytes)
  })
})

describe('the minimal assertion', () => {
  it('comes to an app that asked for no more, signed in or not', async () => {
    const minimal = ['aud', 'exp', 'iat', 'iss', 'jti', 'sub']
    const anonymous = (await stack.agent().visit(url('public', '/x'))).json<EchoedRequest>()
    assert.deepEqual(Object.keys(claimsOf(anonymous)).toSorted(), minimal)
    assert.equal(claimsOf(anonymous)['sub'], '')
    assert.equal(anonymous.headers['x-pomerium-claim-groups'], undefined)
  })
})
