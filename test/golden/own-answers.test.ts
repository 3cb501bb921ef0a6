/**
 * What a real Envoy says where it answers by itself: the same in words for a person, a program and a
 * terminal, with an id that the access log has too, over HTTP/1.1 and HTTP/2.
 */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type HeaderList, rawHttp1, rawHttp2, requestFrames } from '../harness/raw-http.ts'
import { createTestCa } from '../harness/test-ca.ts'
import { startUpstream, type Upstream } from '../harness/upstream.ts'
import { SPOILT_PATH } from './allow-all.ts'
import { configOf, type Edge, startEdge } from './edge.ts'

const HOST = 'app.example.com'

interface Case {
  readonly what: string
  readonly status: number
  readonly code: string
  readonly path: string
  readonly host?: string
  readonly method?: string
  readonly headers?: HeaderList
  readonly body?: Buffer
  /** Where HTTP/2 has no words for it, or no such thing. */
  readonly only?: '1.1'
  /** Refused before its headers were read, and so in text whatever they ask for. */
  readonly isUnread?: boolean
}

const CASES: readonly Case[] = [
  { what: 'an encoded NUL', status: 400, code: 'ambiguous_target', path: '/a%00b' },
  {
    what: 'a host with two ports',
    status: 400,
    code: 'ambiguous_target',
    path: '/',
    host: `${HOST}:443:443`,
  },
  { what: 'no host', status: 400, code: 'bad_request', path: '/', host: '', only: '1.1' },
  {
    what: 'a method that is no word',
    status: 400,
    code: 'bad_request',
    path: '/',
    method: 'G@T',
    only: '1.1',
    isUnread: true,
  },
  {
    what: 'a WebSocket where none is allowed',
    status: 403,
    code: 'upgrade_refused',
    path: '/',
    headers: [
      ['connection', 'upgrade'],
      ['upgrade', 'websocket'],
    ],
    only: '1.1',
  },
  { what: 'an unknown host', status: 404, code: 'not_found', path: '/', host: 'unknown.example.com' },
  {
    what: 'a body that does not come',
    status: 408,
    code: 'request_timeout',
    path: '/',
    method: 'POST',
    headers: [['content-length', '9']],
    only: '1.1',
  },
  {
    what: 'headers of 100 KB',
    status: 431,
    code: 'headers_too_large',
    path: '/',
    headers: [['x-large', 'x'.repeat(100_000)]],
    only: '1.1',
    isUnread: true,
  },
  { what: 'a check whose answer can’t be used', status: 500, code: 'internal', path: SPOILT_PATH },
  {
    what: 'a body that is too long to be kept for the next try',
    status: 503,
    code: 'app_unreachable',
    path: '/',
    host: 'dead.example.com',
    method: 'POST',
    body: Buffer.alloc(8_000_000, 'x'),
    only: '1.1',
  },
  {
    what: 'a body in an unknown coding',
    status: 501,
    code: 'not_implemented',
    path: '/',
    method: 'POST',
    headers: [['transfer-encoding', 'gzip']],
    only: '1.1',
    isUnread: true,
  },
  {
    what: 'an app that speaks no HTTP',
    status: 502,
    code: 'bad_gateway',
    path: '/',
    host: 'mumble.example.com',
  },
  {
    what: 'an app that is not there',
    status: 503,
    code: 'app_unreachable',
    path: '/',
    host: 'dead.example.com',
  },
  { what: 'an app that takes too long', status: 504, code: 'app_timeout', path: '/slow?ms=3000' },
]

describe('an answer of Envoy’s own', () => {
  let upstream: Upstream
  let mumble: Server
  let edge: Edge

  before(async () => {
    upstream = await startUpstream()
    mumble = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.write('mumble\r\n\r\n', () => socket.destroySoon())
    })
    await new Promise<void>((resolve) => void mumble.listen(0, '127.0.0.1', resolve))
    const address = mumble.address()
    const mumblePort = typeof address === 'object' ? address?.port : 0
    edge = await startEdge({
      config: (port) =>
        configOf(`
address: 127.0.0.1:${port}
insecure_server: true
timeout_read: 500ms
routes:
  - { from: 'https://${HOST}', path: /text, response: { status: 400, body: in my own words } }
  - { from: 'https://${HOST}', to: '${upstream.url}', timeout: 500ms }
  - { from: 'https://dead.example.com', to: 'http://127.0.0.1:1' }
  - { from: 'https://mumble.example.com', to: 'http://127.0.0.1:${mumblePort}' }
`),
    })
    await edge.xds.whenAcked(1)
  })
  after(async () => {
    await edge?.[Symbol.asyncDispose]()
    await new Promise((resolve) => mumble?.close(resolve))
    await upstream?.[Symbol.asyncDispose]()
  })

  const over1 = async (
    { method = 'GET', path, host = HOST, headers = [], body: sent }: Case,
    accept: string,
  ) => {
    const length = sent === undefined ? [] : [['content-length', String(sent.length)] as const]
    const fields = [['accept', accept] as const, ...headers, ...length]
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`)
    const hostLine = host === '' ? '' : `host: ${host}\r\n`
    const { status, text } = await rawHttp1(
      { port: edge.port },
      Buffer.concat([
        Buffer.from(`${method} ${path} HTTP/1.1\r\n${hostLine}${lines.join('')}\r\n`, 'latin1'),
        sent ?? Buffer.alloc(0),
      ]),
    )
    const [head = '', ...body] = text.split('\r\n\r\n')
    return { status, head, body: body.join('\r\n\r\n') }
  }

  const over2 = async ({ method = 'GET', path, host = HOST, headers = [] }: Case, accept: string) => {
    const answer = await rawHttp2(
      { port: edge.port },
      requestFrames([
        [':method', method],
        [':scheme', 'http'],
        [':authority', host],
        [':path', path],
        ['accept', accept],
        ...headers,
      ]),
    )
    return { ...answer, head: '' }
  }

  for (const each of CASES) {
    for (const [version, ask] of [
      ['1.1', over1],
      ['2', over2],
    ] as const) {
      if (each.only !== undefined && each.only !== version) continue
      it(`to ${each.what} is ${each.status} in three forms over HTTP/${version}`, async () => {
        const text = await ask(each, '*/*')
        assert.equal(text.status, each.status)
        const [, id = ''] = /^[^<]+\. [^<]+ \(([\da-f-]{36})\)\n$/.exec(text.body) ?? []
        assert.ok(id !== '', text.body)
        await edge.envoy.running.waitForLine(new RegExp(`"request-id":"${id}"`))

        const json = await ask(each, 'application/json')
        assert.equal(json.status, each.status)
        if (each.isUnread) return
        const answer = JSON.parse(json.body) as Record<string, unknown>
        assert.deepEqual([answer['error'], answer['status']], [each.code, each.status])
        assert.match(String(answer['message']), /\.$/)
        assert.match(String(answer['request_id']), /^[\da-f-]{36}$/)

        const page = await ask(each, 'text/html,application/xhtml+xml,*/*;q=0.8')
        assert.equal(page.status, each.status)
        assert.match(page.body, /^<!doctype html>[^]*<h1[^]*[\da-f]{8}-[\da-f-]{27}/i)
        if (version === '1.1') {
          for (const { head } of [json, page, text]) {
            assert.match(head, /^cache-control: no-store/m)
            assert.match(head, /^x-pomerium-intercepted-response: true/m)
          }
          assert.match(json.head, /^content-type: application\/json/m)
          assert.match(page.head, /^content-type: text\/html/m)
          assert.match(page.head, /^content-security-policy: default-src 'none'/m)
          assert.match(text.head, /^content-type: text\/plain/m)
          assert.match(json.head, new RegExp(`^x-request-id: ${String(answer['request_id'])}`, 'm'))
        }
      })
    }
  }

  it('is JSON for a program that takes a page too, and a page for who names it first', async () => {
    const asked: Case = { what: '', status: 404, code: '', path: '/', host: 'unknown.example.com' }
    assert.match((await over1(asked, 'application/json, text/html')).head, /application\/json/)
    assert.match((await over1(asked, 'text/html, application/json')).head, /text\/html/)
    assert.match((await over1(asked, 'application/problem+json')).head, /application\/json/)
  })

  it('repeats nothing of what a client sends as the id of its request', async () => {
    for (const accept of ['text/html', 'application/json', '*/*']) {
      const asked: Case = { what: '', status: 400, code: '', path: '/a%2Fb' }
      const { body } = await over1(
        { ...asked, headers: [['x-request-id', '<script>alert(1)</script>']] },
        accept,
      )
      assert.ok(!body.includes('script>alert'), body)
      assert.match(body, /[\da-f]{8}-[\da-f-]{27}/)
    }
  })

  it('leaves the words of a route and of the check as they are', async () => {
    const asked: Case = { what: '', status: 400, code: '', path: '/text' }
    const { status, body } = await over1(asked, 'text/html')
    assert.deepEqual([status, body], [400, 'in my own words'])
  })
})

describe('a request of HTTP/1.0 where TLS ends here', () => {
  it('is told in text that another version is needed: Envoy has read no Accept by then', async () => {
    const ca = await createTestCa()
    const pair = await ca.issue({ names: [HOST] })
    await using edge = await startEdge({
      config: (port) =>
        configOf(
          `address: 127.0.0.1:${port}\nroutes:\n  - { from: 'https://${HOST}', to: 'http://127.0.0.1:1' }\n`,
        ),
      certificates: [pair],
    })
    await edge.xds.whenAcked(1)
    const ask = async (accept: string) =>
      await rawHttp1(
        { port: edge.port, servername: HOST, ca: ca.cert },
        `GET / HTTP/1.0\r\nhost: ${HOST}\r\naccept: ${accept}\r\n\r\n`,
      )
    for (const accept of ['*/*', 'application/json', 'text/html']) {
      const { status, text } = await ask(accept)
      assert.equal(status, 426, text)
      assert.match(text, /Another version of HTTP is needed\. This proxy speaks .* \([\da-f-]{36}\)\n$/)
    }
  })
})
