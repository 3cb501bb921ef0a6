/**
 * Answers that stay open and don't look like it end too when whoever opened them may not go on.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { openStream } from '../harness/live-stream.ts'
import { ANYONE_SIGNED_IN, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

/** Answers that wait for a test to let them begin. */
const waiting = new Set<ServerResponse>()

const app = http.createServer(({ url: target = '/' }, response) => {
  const { searchParams } = new URL(target, 'http://app')
  if (searchParams.has('hints')) response.writeEarlyHints({ link: '</a.css>; rel=preload' })
  if (searchParams.has('wait')) waiting.add(response)
  else if (!searchParams.has('type')) response.end('home')
  else begin(response, searchParams.getAll('type'))
})
app.listen(0, '127.0.0.1')
await once(app, 'listening')
after(() => {
  app.closeAllConnections()
  app.close()
})

function begin(response: ServerResponse, types: readonly string[]): void {
  response.writeHead(
    200,
    types.flatMap((type) => ['content-type', type]),
  )
  const timer = setInterval(() => response.write('data: .\n\n'), 20)
  response.once('close', () => clearInterval(timer))
}

const stack = await startStack({
  routes: ({ url }) => [
    {
      from: url('app', ''),
      to: `http://127.0.0.1:${(app.address() as AddressInfo).port}`,
      ...ANYONE_SIGNED_IN,
    },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca } = stack

async function alice() {
  const agent = stack.agent()
  await stack.signIn(agent, url('app'), 'alice')
  return { agent, headers: { cookie: agent.jar.header(new URL(url('app'))) ?? '' } }
}

const query = (parts: readonly (readonly [string, string])[]): string =>
  `/?${new URLSearchParams(parts.map((part) => [...part])).toString()}`

describe('a stream', () => {
  for (const [what, parts] of [
    ['in capitals and with parameters', [['type', 'Text/Event-Stream;charset=UTF-8']]],
    [
      'of the second of two types',
      [
        ['type', 'text/plain'],
        ['type', 'text/event-stream'],
      ],
    ],
    [
      'of the first of two types',
      [
        ['type', 'text/event-stream'],
        ['type', 'text/plain'],
      ],
    ],
    ['with something before its type', [['type', ', text/event-stream']]],
    ['of gRPC for browsers', [['type', 'application/grpc-web+proto']]],
    ['of the Connect protocol', [['type', 'application/connect+json']]],
    ['of a camera', [['type', 'multipart/x-mixed-replace; boundary=b']]],
    [
      'after early hints',
      [
        ['hints', ''],
        ['type', 'text/event-stream'],
      ],
    ],
  ] as const)
    for (const version of ['HTTP/1.1', 'HTTP/2'] as const)
      it(`${what} ends with the session, over ${version}`, async () => {
        const { agent, headers } = await alice()
        const stream = await openStream(`events over ${version}`, {
          url: url('app', ''),
          path: query(parts),
          ca: ca.cert,
          headers,
        })
        await stream.alive()
        await agent.visit(url('app', '/.pomerium/sign_out'))
        assert.match(await stream.ended, /^(aborted|reset 2)$/)
      })

  it('that begins after its owner has signed out is answered 401, and none of it gets through', async () => {
    const { agent, headers } = await alice()
    const answer = request({ url: url('app', '/?wait'), ca: ca.cert, headers })
    await until(() => waiting.size > 0, { what: 'the request to reach the app' })
    await agent.visit(url('app', '/.pomerium/sign_out'))
    for (const response of waiting) begin(response, ['text/event-stream'])
    const { status, text, headers: told } = await answer
    assert.equal(status, 401)
    assert.equal(text, 'signed out\n')
    assert.equal(told['cache-control'], 'no-store')
  })
})
