/**
 * Route behaviour, each key as an operator would try it: what the upstream gets and what comes back.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { type HttpResponse, request } from '../harness/http-client.ts'
import { freePort } from '../harness/ports.ts'
import type { Route } from '../harness/sallyport.ts'
import { PUBLIC, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { type EchoedRequest, startUpstream } from '../harness/upstream.ts'

const second = await startUpstream({ name: 'second' })
after(() => second[Symbol.asyncDispose]())
const deadPort = await freePort()

const at = (prefix: string, route: Route): Route => ({ ...PUBLIC, ...route, prefix })

const stack = await startStack({
  routes: ({ upstream, url }) => {
    const app = { from: url('app', '') }
    return [
      { ...app, ...PUBLIC, path: '/exact', to: upstream.url, set_response_headers: { 'x-matched': 'exact' } },
      {
        ...app,
        ...PUBLIC,
        regex: '/(en|de)/[0-9]+',
        to: upstream.url,
        set_response_headers: { 'x-matched': 'regex' },
      },
      at('/stripped/', { ...app, to: upstream.url, prefix_rewrite: '/' }),
      at('/into', { ...app, to: `${upstream.url}/base` }),
      at('/service/', {
        ...app,
        to: upstream.url,
        regex_rewrite_pattern: '^/service/([^/]+)(/.*)$',
        regex_rewrite_substitution: '\\2/instance/\\1',
      }),
      at('/host-literal', { ...app, to: upstream.url, host_rewrite: 'inner.example.com' }),
      at('/host-header', { ...app, to: upstream.url, host_rewrite_header: 'x-tenant-host' }),
      at('/host-path', {
        ...app,
        to: upstream.url,
        host_path_regex_rewrite_pattern: '^/host-path/([a-z]+)$',
        host_path_regex_rewrite_substitution: '\\1.example.com',
      }),
      at('/host-kept', { ...app, to: upstream.url, preserve_host_header: true }),
      at('/moved', {
        ...app,
        redirect: {
          host_redirect: 'new.example.com',
          path_redirect: '/there',
          response_code: 308,
          strip_query: true,
        },
      }),
      at('/prefix-moved', { ...app, redirect: { prefix_rewrite: '/now', response_code: 302 } }),
      at('/robots', { ...app, response: { status: 418, body: 'short and stout' } }),
      at('/short', { ...app, to: upstream.url, timeout: '300ms', prefix_rewrite: '/slow' }),
      at('/headers', {
        ...app,
        to: upstream.url,
        set_request_headers: { 'x-set': 'by us' },
        remove_request_headers: ['x-removed'],
        set_response_headers: { 'x-answer': 'ours' },
        rewrite_response_headers: [
          { header: 'Location', prefix: 'http://inner.example.com/', value: 'https://outer.example.com/' },
        ],
      }),
      at('/both', { ...app, to: [upstream.url, second.url] }),
      at('/weighted', { ...app, to: [`${upstream.url},1`, `${second.url},9`] }),
      at('/sticky', { ...app, to: [upstream.url, second.url], load_balancing_policy: 'RING_HASH' }),
      at('/checked', {
        ...app,
        to: [upstream.url, `http://127.0.0.1:${deadPort}`],
        health_checks: [
          {
            timeout: '1s',
            interval: '0.1s',
            unhealthy_threshold: 1,
            healthy_threshold: 1,
            http_health_check: { path: '/status/200' },
          },
        ],
        healthy_panic_threshold: 0,
      }),
      { ...app, ...STAFF_ONLY, prefix: '/closed-answer', response: { status: 200, body: 'secret' } },
      { ...app, prefix: '/nobody', to: upstream.url },
      { ...app, ...PUBLIC, to: upstream.url },
    ]
  },
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca } = stack

const get = async (path: string, headers: Record<string, string> = {}): Promise<HttpResponse> =>
  await request({ url: url('app', path), headers, ca: ca.cert })
const echo = async (path: string, headers: Record<string, string> = {}): Promise<EchoedRequest> =>
  (await get(path, headers)).json<EchoedRequest>()

describe('matching', () => {
  it('takes an exact path only as it is', async () => {
    assert.equal((await get('/exact?q=1')).headers['x-matched'], 'exact')
    assert.equal((await get('/exact/more')).headers['x-matched'], undefined)
  })

  it('takes a regular expression over the whole path', async () => {
    assert.equal((await get('/de/12')).headers['x-matched'], 'regex')
    assert.equal((await get('/de/12/x')).headers['x-matched'], undefined)
  })

  it('denies a route without any rule to everyone, also to those who are signed in', async () => {
    const agent = stack.agent()
    assert.equal((await agent.visit(url('app', '/nobody'))).status, 403)
  })
})

describe('rewriting', () => {
  it('swaps a prefix', async () => assert.equal((await echo('/stripped/a/b?c=d')).url, '/a/b?c=d'))
  it('puts the path of the upstream URL in place of the prefix', async () =>
    assert.equal((await echo('/into/x')).url, '/base/x'))
  it('substitutes by regular expression', async () =>
    assert.equal((await echo('/service/foo/v1/api')).url, '/v1/api/instance/foo'))

  it('makes the Host header literal, from a header, from the path, kept, or that of the upstream', async () => {
    assert.equal((await echo('/host-literal')).headers['host'], 'inner.example.com')
    assert.equal(
      (await echo('/host-header', { 'x-tenant-host': 't1.example.com' })).headers['host'],
      't1.example.com',
    )
    assert.equal((await echo('/host-path/abc')).headers['host'], 'abc.example.com')
    const kept = await echo('/host-kept')
    assert.equal(kept.headers['host'], new URL(url('app')).host)
    assert.equal(kept.headers['x-forwarded-host'], undefined)
    const plain = await echo('/else')
    assert.equal(plain.headers['host'], `127.0.0.1:${stack.upstream.port}`)
    assert.equal(plain.headers['x-forwarded-host'], new URL(url('app')).host)
    assert.equal(plain.headers['x-forwarded-proto'], 'https')
  })
})

describe('answers without an upstream', () => {
  it('redirect as told', async () => {
    const moved = await get('/moved?x=1')
    assert.equal(moved.status, 308)
    const target = new URL(moved.headers['location'] ?? '')
    assert.deepEqual([target.hostname, target.pathname, target.search], ['new.example.com', '/there', ''])
    const prefix = await get('/prefix-moved/a?x=1')
    assert.equal(prefix.status, 302)
    assert.match(prefix.headers['location'] ?? '', /\/now\/a\?x=1$/)
  })

  it('give a text and a status', async () => {
    const answer = await get('/robots')
    assert.deepEqual([answer.status, answer.text], [418, 'short and stout'])
  })

  it('are judged by the policy first', async () => {
    const answer = await get('/closed-answer', { accept: 'text/html' })
    assert.equal(answer.status, 302)
    assert.ok(!answer.text.includes('secret'))
  })
})

describe('headers', () => {
  it('are set over what the client sent, removed, and added to the answer', async () => {
    const response = await get('/headers-x', { 'x-set': 'by the client', 'x-removed': '1' })
    const echoed = response.json<EchoedRequest>()
    assert.equal(echoed.headers['x-set'], 'by us')
    assert.equal(echoed.headers['x-removed'], undefined)
    assert.equal(response.headers['x-answer'], 'ours')
  })

  it('of the answer get another prefix', async () => {
    const response = await get(`/headers?location=${encodeURIComponent('http://inner.example.com/a')}`)
    assert.equal(response.headers['location'], 'https://outer.example.com/a')
    const other = await get(`/headers?location=${encodeURIComponent('http://elsewhere.example.com/a')}`)
    assert.equal(other.headers['location'], 'http://elsewhere.example.com/a')
  })

  it('of our own defence are there by default', async () => {
    const { headers } = await get('/else')
    assert.equal(headers['x-frame-options'], 'SAMEORIGIN')
    assert.match(headers['strict-transport-security'] ?? '', /max-age=31536000/)
  })
})

describe('timeouts', () => {
  it('end a slow answer with 504', async () => {
    assert.equal((await get('/short?ms=1')).status, 200)
    assert.equal((await get('/short?ms=5000')).status, 504)
  })

  it('are off for WebSockets and long enough by default', async () => {
    assert.equal((await get('/slow?ms=600')).status, 200)
  })
})

/** How often each upstream answered. */
const names = async (path: string, count: number): Promise<Record<string, number>> => {
  const seen: Record<string, number> = { echo: 0, second: 0 }
  for (let index = 0; index < count; index += 1) {
    const { name } = await echo(path)
    seen[name] = (seen[name] ?? 0) + 1
  }
  return seen
}

describe('load balancing', () => {
  it('goes round', async () => {
    const seen = await names('/both', 20)
    assert.ok((seen['echo'] ?? 0) >= 5 && (seen['second'] ?? 0) >= 5, JSON.stringify(seen))
  })

  it('follows weights', async () => {
    const seen = await names('/weighted', 40)
    assert.ok((seen['second'] ?? 0) > 3 * (seen['echo'] ?? 0), JSON.stringify(seen))
  })

  it('keeps one client on one upstream with RING_HASH', async () => {
    const seen = await names('/sticky', 12)
    assert.ok(Object.values(seen).includes(12), JSON.stringify(seen))
  })

  it('leaves out what fails its health check', async () => {
    await until(
      async () => {
        const answers = []
        for (let index = 0; index < 6; index += 1) answers.push((await get('/checked')).status)
        return answers.every((status) => status === 200)
      },
      { what: 'the dead upstream to be left out', withinMs: 8_000 },
    )
  })
})
