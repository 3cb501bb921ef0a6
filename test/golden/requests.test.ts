/**
 * Which requests a real Envoy lets in, and as what: the path and host that are judged are those that the
 * upstream gets. Everything is allowed by an authorizer that only writes down what it was asked.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { rawHttp1 } from '../harness/raw-http.ts'
import { startUpstream, type Upstream } from '../harness/upstream.ts'
import { configOf, type Edge, startEdge } from './edge.ts'

const HOST = 'app.example.com'

describe('a request at the edge', () => {
  let upstream: Upstream
  let edge: Edge

  before(async () => {
    upstream = await startUpstream()
    edge = await startEdge({
      config: (port) =>
        configOf(`
address: 127.0.0.1:${port}
insecure_server: true
routes:
  - from: https://${HOST}
    prefix: /a
    to: ${upstream.url}
  - from: https://${HOST}
    prefix: /b
    prefix_rewrite: /rewritten
    to: ${upstream.url}
  - from: https://${HOST}
    prefix: /open
    prefix_rewrite: /published/
    to: ${upstream.url}
  - from: https://${HOST}
    prefix: /joined/
    to: ${upstream.url}/base
  - from: https://${HOST}
    prefix: /swapped-by-pattern
    regex_rewrite_pattern: ^/swapped-by-pattern(/.*)$
    regex_rewrite_substitution: /changed\\1
    to: ${upstream.url}
  - from: https://${HOST}
    prefix: /segments
    redirect: { prefix_rewrite: / }
  - from: https://${HOST}
    path: /redirect
    redirect: { host_redirect: new.example.com }
  - from: https://${HOST}
    path: /text
    response: { status: 200, body: hello }
  - from: https://dead.example.com
    to: http://127.0.0.1:1
  - from: https://*.wild.example.com
    to: ${upstream.url}
  - from: https://exact.wild.example.com
    path: /only
    to: ${upstream.url}
`),
    })
    await edge.xds.whenAcked(1)
  })
  after(async () => {
    await edge?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    upstream.drain()
    edge.authorizer.checks.length = 0
  })

  interface Shot {
    readonly path: string
    readonly host?: string
    readonly method?: string
    readonly headers?: readonly string[]
  }

  const fire = async ({ path, host = HOST, method = 'GET', headers = [] }: Shot) => {
    const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers, '', '']
    const { status, text } = await rawHttp1({ port: edge.port }, lines.join('\r\n'))
    return {
      status,
      text,
      checked: edge.authorizer.checks.map((check) => check.path),
      reached: upstream.requests.map(({ url }) => url),
    }
  }

  describe('is judged by the path that the upstream gets', () => {
    for (const [path, reached] of [
      ['/a/../b?q=/../x', '/rewritten?q=/../x'],
      ['/x/%2e%2e/a', '/a'],
      ['//a///x', '/a/x'],
      ['/a%23/b', '/a%23/b'],
      ['/b/..;/a', '/a'],
      ['/.pomerium/../a', '/a'],
    ] as const) {
      it(`${path} is ${reached}`, async () => {
        const answer = await fire({ path })
        assert.equal(answer.status, 200)
        assert.deepEqual(answer.reached, [reached])
        // The prefix is rewritten after the check, by Envoy, for a route that the check was told.
        assert.deepEqual(answer.checked, [reached.replace('/rewritten', '/b')])
      })
    }
  })

  describe('is refused before anybody judges it', () => {
    for (const [what, shot, status] of [
      ['a fragment', { path: '/a#/b' }, 400],
      ['a NUL', { path: '/a%00' }, 400],
      ['bytes beyond ASCII', { path: '/a\x80\xff' }, 400],
      ['120 KB in one header', { path: '/a', headers: [`X-Big: ${'x'.repeat(120_000)}`] }, 431],
      [
        '120 KB in many headers',
        { path: '/a', headers: Array.from({ length: 120 }, (_, index) => `X-${index}: ${'x'.repeat(1000)}`) },
        431,
      ],
      [
        'more than a thousand headers',
        { path: '/a', headers: Array.from({ length: 1001 }, (_, index) => `X-${index}: 1`) },
        431,
      ],
      ['a WebSocket where none is allowed', { path: '/a', headers: ['Upgrade: websocket'] }, 403],
      ['an unknown host', { path: '/a', host: 'unknown.example.com' }, 404],
      ['an address as host', { path: '/a', host: '127.0.0.1' }, 404],
      ['two hosts', { path: '/a', headers: ['Host: other.example.com'] }, 400],
      ['a path without a route', { path: '/nothing' }, 404],
      ['a wildcard of nothing', { path: '/a', host: 'wild.example.com' }, 404],
      [
        'a host with a route of its own that does not match',
        { path: '/other', host: 'exact.wild.example.com' },
        404,
      ],
      ['CONNECT', { path: 'app.example.com:443', host: 'app.example.com:443', method: 'CONNECT' }, 404],
    ] satisfies [string, Shot, number][]) {
      it(`${what}: ${status}`, async () => {
        const headers = shot.path === '/a' && what.startsWith('a WebSocket') ? ['Connection: upgrade'] : []
        const answer = await fire({
          ...shot,
          headers: [...('headers' in shot ? shot.headers : []), ...headers],
        })
        assert.equal(answer.status, status)
        assert.deepEqual([answer.checked, answer.reached], [[], []])
        assert.equal(upstream.drain(), 0)
      })
    }
  })

  describe('finds its route by host', () => {
    for (const host of [
      'APP.Example.COM',
      'app.example.com.',
      'app.example.com:443',
      'app.example.com.:8443',
    ]) {
      it(`written as ${host}`, async () => {
        assert.deepEqual((await fire({ path: '/a', host })).reached, ['/a'])
      })
    }
    for (const host of ['x.wild.example.com', 'X.y.Wild.example.com', 'x.wild.example.com:9443']) {
      it(`by the wildcard for ${host}`, async () => {
        assert.deepEqual((await fire({ path: '/a', host })).reached, ['/a'])
      })
    }
    it('by the request target rather than the Host header, and tells that one to everybody', async () => {
      await fire({ path: `http://${HOST}/a`, host: 'other.example.com' })
      assert.equal(edge.authorizer.checks[0]?.host, HOST)
    })
  })

  const outcomeOf = async (path: string) => {
    const { status, checked, reached } = await fire({ path })
    return { status, checked, reached }
  }

  it('loses its prefix at the border of a segment, and is not found beside it', async () => {
    for (const path of [
      '/open..',
      '/open../b',
      '/open%2e%2e/b',
      '/open./b',
      '/open..;/b',
      '/open.html',
      '/openly',
    ])
      assert.deepEqual(await outcomeOf(path), { status: 404, checked: [], reached: [] }, path)
    for (const [path, reached] of [
      ['/open', '/published/'],
      ['/open?x=/', '/published/?x=/'],
      ['/open/', '/published/'],
      ['/open/x', '/published/x'],
      ['/joined/', '/base'],
      ['/joined/x', '/base/x'],
      ['/joined/-x?y', '/base/-x?y'],
    ] as const) {
      upstream.drain()
      const answer = await fire({ path })
      assert.deepEqual([answer.status, answer.reached], [200, [reached]], path)
    }
    for (const [path, location] of [
      ['/segments/x?y', `https://${HOST}/x?y`],
      ['/segments', `https://${HOST}/`],
    ] as const)
      assert.equal(/^location: (.*?)\r?$/m.exec((await fire({ path })).text)?.[1], location)
    assert.equal((await fire({ path: '/segmentsX' })).status, 404)
  })

  it('that Envoy answers itself is answered in words, as a page for who reads pages', async () => {
    const large = `X-Large: ${'x'.repeat(100 * 1024)}`
    for (const [shot, status, words] of [
      [{ path: '/', host: 'unknown.example.com' }, 404, 'Nothing is here'],
      [{ path: '/', host: 'dead.example.com' }, 503, 'The app does not answer'],
    ] as const) {
      const page = await fire({ ...shot, headers: ['Accept: text/html,*/*'] })
      const [, id = ''] = /^x-request-id: (\S+)/m.exec(page.text) ?? []
      assert.equal(page.status, status)
      assert.match(page.text, /^content-type: text\/html/m)
      assert.match(page.text, /^content-security-policy: default-src 'none'/m)
      assert.ok(page.text.includes(`>${words}</h1>`), page.text)
      assert.ok(page.text.includes(id) && id !== '', page.text)
      const text = await fire({ ...shot, headers: ['Accept: text/plain'] })
      assert.match(text.text, new RegExp(`^content-type: text/plain[^]*${words}`, 'm'))
    }
    const { status, text } = await fire({ path: '/a', headers: [large] })
    assert.equal(status, 431)
    assert.match(text, /Clear the cookies of this site/)
  })

  it('is checked too where the answer is a redirect or a text', async () => {
    assert.equal((await fire({ path: '/redirect' })).status, 301)
    assert.match((await fire({ path: '/text' })).text, /hello$/)
    assert.deepEqual(
      edge.authorizer.checks.map(({ path, routeId }) => [path, routeId.length]),
      [
        ['/redirect', 16],
        ['/text', 16],
      ],
    )
  })

  it("is not checked where Sallyport's own pages answer, on wildcard hosts too", async () => {
    for (const [path, host] of [
      ['/.pomerium', HOST],
      ['/.pomerium/sign_out', HOST],
      ['/.well-known/pomerium/jwks.json', 'x.wild.example.com'],
    ] as const) {
      assert.match((await fire({ path, host })).text, /a page of Sallyport/)
    }
    assert.deepEqual(edge.authorizer.checks, [])
    assert.equal((await fire({ path: '/.pomeriumx' })).status, 404)
  })

  it('loses what a client says about identity, hops and Envoy itself', async () => {
    await fire({
      path: '/a',
      headers: [
        'X-Pomerium-Jwt-Assertion: forged',
        'X-Pomerium-Claim-Email: forged',
        'X-Pomerium-Routing-Key: forged',
        'Remote-User: forged',
        'X-Forwarded-Email: forged',
        'X-Forwarded-Host: forged',
        'X-Forwarded-Client-Cert: forged',
        'X-Original-URL: /forged',
        'X-Real-IP: 10.0.0.1',
        'Forwarded: for=10.0.0.1',
        'Proxy: forged',
        'X-HTTP-Method-Override: DELETE',
        'X-Envoy-Internal: true',
        'X-Envoy-Original-Path: /forged',
        'X-Envoy-Upstream-Rq-Timeout-Ms: 1',
        'X-Envoy-Retry-On: 5xx',
        'X-Request-Id: forged',
        'X_Request_Id: forged',
        'X_Own: forged',
        'X.Own: forged',
        'X-Pomerium-Authorization: kept for the check',
        'X-Own: kept',
      ],
    })
    const { headers = {} } = upstream.requests[0] ?? {}
    assert.doesNotMatch(JSON.stringify(headers), /forged|10\.0\.0\.1|DELETE|rq-timeout|retry-on|internal/)
    assert.equal(headers['x-own'], 'kept')
    assert.equal(headers['x-forwarded-host'], HOST)
    assert.equal(edge.authorizer.checks[0]?.headers['x-pomerium-authorization'], 'kept for the check')
    assert.doesNotMatch(JSON.stringify(edge.authorizer.checks[0]?.headers), /forged/)
  })

  it('is in the access log with the path that was asked for, wherever that is rewritten', async () => {
    for (const [path, status] of [
      ['/b/secret', 200],
      ['/open/x', 200],
      ['/joined/x', 200],
      ['/a/x', 200],
      ['/swapped-by-pattern/x', 200],
      ['/segments/x', 301],
      ['/nothing', 404],
      ['/opened', 404],
    ] as const) {
      const { text } = await fire({ path: `${path}?token=hidden` })
      const id = /x-request-id: ([\w-]+)/i.exec(text)?.[1] ?? 'none'
      const line = await edge.envoy.running.waitForLine(new RegExp(id))
      const entry = JSON.parse(line.input ?? '') as Record<string, unknown>
      assert.deepEqual([entry['path'], entry['response-code']], [path, status])
    }
  })

  it('leaves one line of JSON in the access log, without its query', async () => {
    const { text } = await fire({
      path: '/a/secret?token=hidden',
      headers: ['Referer: https://x/?token=hidden'],
    })
    const id = /x-request-id: ([\w-]+)/i.exec(text)?.[1]
    assert.ok(id)
    const line = await edge.envoy.running.waitForLine(new RegExp(id))
    assert.doesNotMatch(line.input ?? '', /hidden/)
    const entry = JSON.parse(line.input ?? '') as Record<string, unknown>
    assert.deepEqual(
      [
        entry['msg'],
        entry['method'],
        entry['authority'],
        entry['path'],
        entry['referer'],
        entry['response-code'],
      ],
      ['http-request', 'GET', HOST, '/a/secret', 'https://x/', 200],
    )
  })
})
