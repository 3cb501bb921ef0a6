/**
 * What a real Envoy does with a request that is allowed: rewrites, headers, protocols, TLS to upstreams,
 * balancing.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { parseConfig } from '../../src/config/parse.ts'
import { type GrpcUpstream, grpcClient, startGrpcUpstream } from '../harness/grpc.ts'
import { type HttpVersion, request } from '../harness/http-client.ts'
import { freePorts } from '../harness/ports.ts'
import { createTestCa, type KeyPair, type TestCa } from '../harness/test-ca.ts'
import { until } from '../harness/until.ts'
import { type EchoedRequest, startUpstream, type Upstream } from '../harness/upstream.ts'
import { ask, openWebSocket } from '../harness/web-socket.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { type Edge, startEdge } from './edge.ts'

const HOST = 'app.example.com'

describe('a route', () => {
  let ca: TestCa
  let foreignCa: TestCa
  let client: KeyPair
  let running: AsyncDisposableStack
  let plain: Upstream
  let other: Upstream
  let h2c: Upstream
  let tls: Upstream
  let mutualTls: Upstream
  let grpc: GrpcUpstream
  let dns: DnsServer
  let edge: Edge
  let redirectPort: number

  const text = (port: number) => `
address: 127.0.0.1:${port}
http_redirect_addr: 127.0.0.1:${redirectPort}
dns_resolvers: [udp://127.0.0.1:${dns.port}]
set_response_headers: { X-Frame-Options: DENY, X-Literal: '100% %REQ(x-a)%' }
routes:
  - { from: 'https://${HOST}', prefix: /plain, to: '${plain.url}' }
  - { from: 'https://${HOST}', prefix: /literal, host_rewrite: internal.test, to: '${plain.url}' }
  - { from: 'https://${HOST}', prefix: /from-header, host_rewrite_header: X-Target, to: '${plain.url}' }
  - from: https://${HOST}
    prefix: /from-path
    host_path_regex_rewrite_pattern: ^/from-path/([a-z]+).*$
    host_path_regex_rewrite_substitution: \\1.internal
    to: ${plain.url}
  - { from: 'https://${HOST}', prefix: /preserved, preserve_host_header: true, to: '${plain.url}' }
  - { from: 'https://${HOST}', prefix: /swap, prefix_rewrite: /swapped, to: '${plain.url}' }
  - from: https://${HOST}
    prefix: /regex
    regex_rewrite_pattern: ^/regex/([^/]+)(/.*)$
    regex_rewrite_substitution: \\2/of/\\1
    to: ${plain.url}
  - { from: 'https://${HOST}', prefix: /removed, remove_request_headers: [X-Gone], to: '${plain.url}' }
  - { from: 'https://${HOST}', prefix: /disabled/, prefix_rewrite: /, set_response_headers: { disable: 'yes' }, to: '${plain.url}' }
  - from: https://${HOST}
    prefix: /headers
    to: ${plain.url}
    rewrite_response_headers:
      - { header: Location, prefix: 'http://localhost/', value: 'https://${HOST}/%1' }
  - { from: 'https://${HOST}', prefix: /slow, timeout: 100ms, to: '${plain.url}' }
  - { from: 'https://${HOST}', prefix: /sse, timeout: 0s, to: '${plain.url}' }
  - { from: 'https://${HOST}', prefix: /ws, allow_websockets: true, to: '${plain.url}' }
  - { from: 'https://${HOST}', prefix: /h2c, to: '${h2c.url}' }
  - { from: 'https://${HOST}', prefix: /test.Echo/, to: 'h2c://127.0.0.1:${grpc.port}' }
  - { from: 'https://${HOST}', prefix: /tls, to: 'https://tls.internal:${tls.port}' }
  - { from: 'https://${HOST}', prefix: /own-ca, tls_custom_ca: 'env:CA', tls_server_name: tls.internal, to: '${tls.url}' }
  - { from: 'https://${HOST}', prefix: /wrong-ca, tls_custom_ca: 'env:FOREIGN_CA', tls_server_name: tls.internal, to: '${tls.url}' }
  - { from: 'https://${HOST}', prefix: /wrong-name, tls_server_name: other.internal, to: '${tls.url}' }
  - { from: 'https://${HOST}', prefix: /wrong-address, to: '${tls.url}' }
  - { from: 'https://${HOST}', prefix: /unverified, tls_skip_verify: true, to: '${tls.url}' }
  - from: https://${HOST}
    prefix: /mutual
    tls_server_name: tls.internal
    tls_client_cert: env:CLIENT_CERT
    tls_client_key: env:CLIENT_KEY
    to: ${mutualTls.url}
  - { from: 'https://${HOST}', prefix: /weighted, to: ['${plain.url},1', '${other.url},3'] }
  - { from: 'https://${HOST}', prefix: /sticky, load_balancing_policy: MAGLEV, to: ['${plain.url}', '${other.url}'] }
  - from: https://${HOST}
    prefix: /healthy
    to: ['${plain.url}', 'http://127.0.0.1:1']
    healthy_panic_threshold: 0
    health_checks:
      - { timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: { path: /probe } }
  - { from: 'https://${HOST}', path: /go, redirect: { host_redirect: new.example.com, response_code: 308 } }
`

  before(async () => {
    ca = await createTestCa()
    foreignCa = await createTestCa('Somebody else')
    client = await ca.issue({ names: ['sallyport'], client: true })
    running = new AsyncDisposableStack()
    const pair = await ca.issue({ names: ['tls.internal'] })
    plain = running.use(await startUpstream({ name: 'plain' }))
    other = running.use(await startUpstream({ name: 'other' }))
    h2c = running.use(await startUpstream({ h2c: true }))
    tls = running.use(await startUpstream({ tls: pair }))
    mutualTls = running.use(await startUpstream({ tls: { ...pair, clientCa: ca.cert } }))
    grpc = running.use(await startGrpcUpstream())
    dns = running.use(await startDnsServer())
    ;[redirectPort = 0] = await freePorts(1)
    const env = { CA: ca.cert, FOREIGN_CA: foreignCa.cert, CLIENT_CERT: client.cert, CLIENT_KEY: client.key }
    edge = running.use(
      await startEdge({
        config: (port, generation) => {
          const parsed = parseConfig(text(port), { env, generation })
          assert.ok('config' in parsed, JSON.stringify(parsed))
          return parsed.config
        },
        certificates: [await ca.issue({ names: [HOST] })],
        trustedRoots: ca.cert,
      }),
    )
    await edge.xds.whenAcked(1)
  })
  after(async () => await running.disposeAsync())
  beforeEach(() => {
    for (const upstream of [plain, other, h2c, tls, mutualTls]) upstream.drain()
  })

  const get = async (path: string, headers: Record<string, string> = {}, version: HttpVersion = '1.1') =>
    await request({ url: `https://${HOST}:${edge.port}${path}`, ca: ca.cert, headers, version })
  const seen = async (path: string, headers: Record<string, string> = {}) =>
    (await get(path, headers)).json<EchoedRequest>()

  /** What becomes of a Location header of the upstream. */
  const locationOf = async (value: string) =>
    (await get(`/headers?Location=${encodeURIComponent(value)}`)).headers['location']

  it('gives the upstream its own host, and says which one was asked for', async () => {
    const { headers } = await seen('/plain')
    assert.deepEqual(
      [headers['host'], headers['x-forwarded-host'], headers['x-forwarded-proto']],
      [`127.0.0.1:${plain.port}`, `${HOST}:${edge.port}`, 'https'],
    )
  })

  it('rewrites the host to a literal, from a header, from the path, or not at all', async () => {
    assert.equal((await seen('/literal')).headers['host'], 'internal.test')
    assert.equal((await seen('/from-header', { 'X-Target': 'chosen.test' })).headers['host'], 'chosen.test')
    assert.equal((await seen('/from-path/wiki/x')).headers['host'], 'wiki.internal')
    const preserved = await seen('/preserved')
    assert.equal(preserved.headers['host'], `${HOST}:${edge.port}`)
    assert.equal(preserved.headers['x-forwarded-host'], undefined)
  })

  it('rewrites the path by prefix and by regular expression, and keeps the query', async () => {
    assert.equal((await seen('/swap/a?b=1')).url, '/swapped/a?b=1')
    assert.equal((await seen('/regex/wiki/page?x')).url, '/page/of/wiki?x')
  })

  it('takes headers off the request', async () => {
    const { headers } = await seen('/removed', { 'X-Gone': '1', 'X-Stays': '2' })
    assert.deepEqual([headers['x-gone'], headers['x-stays']], [undefined, '2'])
  })

  it('keeps the case of header names towards an HTTP/1.1 upstream', async () => {
    assert.ok((await seen('/plain', { 'X-MixedCase': '1' })).rawHeaders.includes('X-MixedCase'))
  })

  it('sets response headers as they are written, and hides the server', async () => {
    const { headers } = await get('/headers?Server=Upstream/1&X-Frame-Options=ALLOW')
    assert.deepEqual(
      [headers['x-frame-options'], headers['x-literal'], headers['server']],
      ['DENY', '100% %REQ(x-a)%', undefined],
    )
    assert.equal((await get('/disabled/headers?X-Frame-Options=ALLOW')).headers['x-frame-options'], 'ALLOW')
  })

  it('rewrites the start of a response header', async () => {
    assert.equal(await locationOf('http://localhost/a?b=%20'), `https://${HOST}/%1a?b=%20`)
    assert.equal(await locationOf('http://elsewhere/a'), 'http://elsewhere/a')
  })

  it('answers with its redirect', async () => {
    const { status, headers } = await get('/go?a=1')
    assert.deepEqual([status, headers['location']], [308, 'https://new.example.com/go?a=1'])
  })

  it('gives up after its timeout, and never where there is none', async () => {
    assert.equal((await get('/slow?ms=1000')).status, 504)
    assert.match((await get('/sse?count=3&every=80')).text, /data: 3/)
  })

  it('lets WebSockets through where it says so', async () => {
    const webSocket = await openWebSocket({ url: `https://${HOST}:${edge.port}/ws`, ca: ca.cert })
    assert.equal(await ask(webSocket, 'hello'), 'echo:hello')
    webSocket.close()
    await assert.rejects(openWebSocket({ url: `https://${HOST}:${edge.port}/plain`, ca: ca.cert }), /403/)
  })

  it('speaks HTTP/2 to user agents and to upstreams that want it, gRPC with trailers included', async () => {
    assert.equal((await get('/h2c', {}, '2')).json<EchoedRequest>().httpVersion, '2.0')
    using grpcUserAgent = grpcClient({ host: HOST, port: edge.port, ca: ca.cert })
    const answer = await grpcUserAgent.call('Unary', Buffer.from('x'))
    assert.deepEqual([answer.code, answer.reply?.toString(), answer.trailers['x-trailer']], [0, 'x', 'kept'])
    assert.equal((await grpcUserAgent.chat([Buffer.from('a'), Buffer.from('b')])).length, 2)
  })

  it('refuses too large headers over HTTP/2 as well, and the next request is fine', async () => {
    const large = await get('/plain', { 'x-big': 'x'.repeat(120_000) }, '2').then(
      ({ status }) => status,
      () => 'stream reset',
    )
    assert.ok(large === 431 || large === 'stream reset', String(large))
    assert.equal(plain.drain(), 0)
    assert.equal((await get('/plain', {}, '2')).status, 200)
  })

  describe('to a TLS upstream', () => {
    it('verifies name and chain, and sends the name', async () => {
      const upstream = await seen('/tls')
      assert.equal(upstream.servername, 'tls.internal')
      assert.equal(upstream.headers['host'], `tls.internal:${tls.port}`)
      assert.equal((await get('/own-ca')).status, 200)
    })
    for (const path of ['/wrong-ca', '/wrong-name', '/wrong-address']) {
      it(`sends nothing over a connection that is not what it should be: ${path}`, async () => {
        assert.equal((await get(path)).status, 503)
        assert.equal(tls.requests.length, 0)
      })
    }
    it('does not verify where that was given up', async () => {
      assert.equal((await get('/unverified')).status, 200)
    })
    it('shows its client certificate', async () => {
      assert.equal((await seen('/mutual')).clientCertificate, 'sallyport')
    })
  })

  it('spreads requests by weight', async () => {
    for (let index = 0; index < 8; index += 1) await get('/weighted')
    assert.deepEqual([plain.requests.length, other.requests.length], [2, 6])
  })

  it('keeps a user agent on one upstream where it says so, and believes no routing key of a client', async () => {
    for (let index = 0; index < 6; index += 1)
      await get('/sticky', { 'X-Pomerium-Routing-Key': `forged ${index}` })
    assert.ok(plain.requests.length === 0 || other.requests.length === 0)
  })

  it('leaves out an upstream that fails its health check', async () => {
    await until(async () => (await get('/healthy')).status === 200, { what: 'a healthy upstream' })
    for (let index = 0; index < 4; index += 1) assert.equal((await get('/healthy')).status, 200)
    assert.ok(plain.requests.every(({ url }) => url === '/healthy' || url === '/probe'))
  })

  it('is reached from plain HTTP by a redirect that keeps host and path and names the public port', async () => {
    const { status, headers } = await request({
      url: `http://127.0.0.1:${redirectPort}/plain?a=1`,
      headers: { host: `${HOST}:${redirectPort}` },
    })
    assert.deepEqual([status, headers['location']], [301, `https://${HOST}:${edge.port}/plain?a=1`])
  })
  it('is redirected from plain HTTP for hosts of the configuration only', async () => {
    const { status, headers } = await request({
      url: `http://127.0.0.1:${redirectPort}/plain`,
      headers: { host: 'evil.example' },
    })
    assert.deepEqual([status, headers['location']], [404, undefined])
  })
})
