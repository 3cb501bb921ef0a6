/**
 * Several upstreams, sick ones among them: who is chosen, who is left out, and when nobody is asked any more.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { type HttpResponse, request } from '../harness/http-client.ts'
import { freePort } from '../harness/ports.ts'
import type { Route } from '../harness/sallyport.ts'
import { PUBLIC, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { type EchoedRequest, startUpstream } from '../harness/upstream.ts'

const second = await startUpstream({ name: 'second' })
after(() => second[Symbol.asyncDispose]())
const deadPort = await freePort()

const stack = await startStack({
  routes: ({ upstream, url }) => {
    const at = (prefix: string, route: Route): Route => ({
      from: url('app', ''),
      ...PUBLIC,
      prefix,
      ...route,
    })
    const both = [upstream.url, second.url]
    return [
      at('/least', { to: both, load_balancing_policy: 'LEAST_REQUEST' }),
      at('/random', { to: both, load_balancing_policy: 'RANDOM' }),
      at('/maglev', { to: both, load_balancing_policy: 'MAGLEV' }),
      at('/ejecting/', {
        to: both,
        prefix_rewrite: '/',
        outlier_detection: {
          consecutive_5xx: 2,
          interval: '60s',
          base_ejection_time: '60s',
          max_ejection_percent: 100,
        },
        healthy_panic_threshold: 0,
      }),
      at('/narrow', {
        to: upstream.url,
        prefix_rewrite: '/sse',
        timeout: '0s',
        circuit_breaker_thresholds: { max_connections: 1, max_pending_requests: 1, max_requests: 1 },
      }),
      at('/calm', {
        to: [`http://127.0.0.1:${deadPort}`],
        healthy_panic_threshold: 0,
        health_checks: [
          {
            timeout: '1s',
            interval: '0.1s',
            unhealthy_threshold: 1,
            healthy_threshold: 1,
            tcp_health_check: {},
          },
        ],
      }),
    ]
  },
})
after(() => stack[Symbol.asyncDispose]())

const get = async (path: string): Promise<HttpResponse> =>
  await request({ url: stack.url('app', path), ca: stack.ca.cert })

describe('one of two upstreams', () => {
  for (const path of ['/least', '/random']) {
    it(`is chosen anew for each request: ${path}`, async () => {
      const seen = new Set<string>()
      for (let count = 0; seen.size < 2 && count < 100; count += 1)
        seen.add((await get(path)).json<EchoedRequest>().name)
      assert.equal(seen.size, 2)
    })
  }

  it('stays the same for one client with MAGLEV', async () => {
    const seen = new Set<string>()
    for (let count = 0; count < 12; count += 1) seen.add((await get('/maglev')).json<EchoedRequest>().name)
    assert.equal(seen.size, 1)
  })
})

describe('outlier detection', () => {
  it('asks nobody any more who failed in a row', async () => {
    for (let count = 0; count < 4; count += 1) assert.equal((await get('/ejecting/status/500')).status, 500)
    await until(async () => (await get('/ejecting/x')).status === 503, { what: 'both to be out' })
    stack.upstream.drain()
    second.drain()
    const refused = await get('/ejecting/x')
    assert.equal(refused.status, 503)
    assert.match(refused.text, /No copy of the app is there/)
    assert.deepEqual([stack.upstream.drain(), second.drain()], [0, 0])
  })
})

describe('circuit breakers', () => {
  it('turn away what is more than the upstream is given at once', async () => {
    const streams = Array.from({ length: 4 }, async () => await get('/narrow?count=3&every=200'))
    const statuses = (await Promise.all(streams)).map(({ status }) => status)
    assert.ok(statuses.includes(200) && statuses.includes(503), JSON.stringify(statuses))
  })
})

describe('a panic threshold of 0', () => {
  it('sends nothing to upstreams that fail their TCP health check', async () => {
    await until(async () => /No copy of the app is there/.test((await get('/calm')).text), {
      what: 'the dead upstream to be left out',
    })
  })
})
