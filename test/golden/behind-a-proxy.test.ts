/**
 * A real Envoy that serves plain HTTP behind a proxy which ends TLS: what such proxies speak is taken, and
 * apps are told of the address that users see.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, describe, it } from 'node:test'
import { rawHttp1, rawHttp2, requestFrames } from '../harness/raw-http.ts'
import { startUpstream, type Upstream } from '../harness/upstream.ts'
import { configOf, type Edge, startEdge } from './edge.ts'

const HOST = 'app.example.com'

/**
 * Answers with more headers than most: `/headers/150`, or three cookies. Node refuses methods that it does
 * not know.
 */
function startTalker(): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    const [, , count = ''] = (request.url ?? '').split('/')
    for (let index = 0; index < Number(count); index++) response.setHeader(`x-header-${index}`, 'v')
    response.setHeader('set-cookie', [
      'old-a=1; Path=/',
      'b=2; Path=/',
      'old-c=3; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
    ])
    response.setHeader('link', ['</a>; rel=preload', 'old-</b>'])
    response.setHeader('x-one', 'old-one')
    response.end('said')
  })
  return new Promise((resolve) => void server.listen(0, '127.0.0.1', () => resolve(server)))
}

describe('behind a proxy that ends TLS', () => {
  let upstream: Upstream
  let talker: http.Server
  let edge: Edge

  before(async () => {
    upstream = await startUpstream()
    talker = await startTalker()
    const address = talker.address()
    const talkerPort = typeof address === 'object' ? address?.port : 0
    edge = await startEdge({
      config: (port) =>
        configOf(`
address: 127.0.0.1:${port}
insecure_server: true
xff_num_trusted_hops: 1
routes:
  - { from: 'https://${HOST}', path: /moved, redirect: { path_redirect: /there } }
  - { from: 'https://${HOST}', to: '${upstream.url}' }
  - from: https://talker.example.com
    to: http://127.0.0.1:${talkerPort}
    rewrite_response_headers:
      - { header: Set-Cookie, prefix: old-, value: new- }
      - { header: Link, prefix: old-, value: new- }
      - { header: X-One, prefix: old-, value: new- }
`),
    })
    await edge.xds.whenAcked(1)
  })
  after(async () => {
    await edge?.[Symbol.asyncDispose]()
    talker?.closeAllConnections()
    talker?.close()
    await upstream?.[Symbol.asyncDispose]()
  })

  const send = async (request: string) => {
    upstream.drain()
    const answer = await rawHttp1({ port: edge.port }, request)
    return { ...answer, seen: upstream.requests[0] }
  }

  it('HTTP/1.0 is taken, as HTTP/1.1 to the app', async () => {
    const { text, seen } = await send(`GET /old HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`)
    assert.match(text, /^HTTP\/1\.0 200/)
    assert.deepEqual([seen?.url, seen?.httpVersion], ['/old', '1.1'])
    const kept = await rawHttp1(
      { port: edge.port },
      'GET /1 HTTP/1.0\r\nHost: talker.example.com\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\nHost: talker.example.com\r\n\r\n',
      { untilClosed: true },
    )
    assert.equal(kept.text.match(/HTTP\/1\.0 200/g)?.length, 2, kept.text)
  })

  it('HTTP/1.0 without a host, with two lengths or older than that is not', async () => {
    for (const request of [
      'GET /old HTTP/1.0\r\n\r\n',
      'GET /old\r\n\r\n',
      `POST /old HTTP/1.0\r\nHost: ${HOST}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ]) {
      const { status, seen } = await send(request)
      assert.deepEqual([status, seen], [400, undefined], request)
    }
  })

  it('the app hears of https, whatever the proxy says', async () => {
    for (const header of [
      '',
      'X-Forwarded-Proto: http\r\n',
      'X-Forwarded-Proto: ftp\r\n',
      'X-Forwarded-Proto: https\r\n',
    ]) {
      const { seen } = await send(`GET /x HTTP/1.1\r\nHost: ${HOST}\r\n${header}\r\n`)
      assert.equal(seen?.headers['x-forwarded-proto'], 'https', header)
    }
    const { text } = await send(`GET /moved HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
    assert.match(text, new RegExp(`^location: https://${HOST}/there\r$`, 'm'))
  })

  it('a method that is not in the book reaches the check, over HTTP/1.1 and HTTP/2', async () => {
    edge.authorizer.checks.length = 0
    await send(`LIST /v1/secret HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
    await rawHttp2(
      { port: edge.port },
      requestFrames([
        [':method', 'LIST'],
        [':scheme', 'http'],
        [':authority', HOST],
        [':path', '/v1/secret'],
      ]),
    )
    assert.deepEqual(
      edge.authorizer.checks.map(({ path }) => path),
      ['/v1/secret', '/v1/secret'],
    )
    const { status } = await send(`L@ST /v1/secret HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
    assert.equal(status, 400)
  })

  it('an answer of hundreds of headers is passed on, and one of thousands is told as what it is', async () => {
    const some = await send('GET /headers/500 HTTP/1.1\r\nHost: talker.example.com\r\n\r\n')
    assert.equal(some.status, 200)
    assert.match(some.text, /^x-header-499: v/m)
    const many = await send(
      'GET /headers/1500 HTTP/1.1\r\nHost: talker.example.com\r\nAccept: application/json\r\n\r\n',
    )
    assert.equal(many.status, 502)
    assert.match(many.text, /"error":"bad_gateway"/)
  })

  it('each line of a response header is rewritten by itself, and none is joined', async () => {
    const { text } = await send('GET / HTTP/1.1\r\nHost: talker.example.com\r\n\r\n')
    const linesOf = (name: string) =>
      [...text.matchAll(new RegExp(`^${name}: (.*)\r$`, 'gim'))].map(([, value]) => value)
    assert.deepEqual(linesOf('set-cookie'), [
      'new-a=1; Path=/',
      'b=2; Path=/',
      'new-c=3; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
    ])
    assert.deepEqual(linesOf('link'), ['</a>; rel=preload', 'new-</b>'])
    assert.deepEqual(linesOf('x-one'), ['new-one'])
  })
})
