/**
 * What becomes of a route when the name of its upstream is looked up in vain: with a real Envoy and a DNS
 * server that says what it is told to.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { until } from '../harness/until.ts'
import { startUpstream, type Upstream } from '../harness/upstream.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { configOf, type Edge, startEdge } from './edge.ts'

describe('an upstream with a name', () => {
  let upstream: Upstream
  let dns: DnsServer
  let edge: Edge

  before(async () => {
    upstream = await startUpstream()
    dns = await startDnsServer()
    edge = await startEdge({
      config: (port, generation) =>
        configOf(
          `
address: 127.0.0.1:${port}
insecure_server: true
dns_resolvers: [udp://127.0.0.1:${dns.port}]
dns_query_timeout: 1s
dns_query_tries: 1
routes:
  - {from: https://plain.example.com, to: 'http://plain.internal:${upstream.port}'}
  - from: https://checked.example.com
    to: http://checked.internal:${upstream.port}
    health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 2, healthy_threshold: 1, http_health_check: {path: /}}]
`,
          generation,
        ),
    })
    await edge.xds.whenAcked(1)
  })
  after(async () => {
    await edge?.[Symbol.asyncDispose]()
    await dns?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
  })

  const ask = (host: string, accept = 'text/html') =>
    request({ url: `http://127.0.0.1:${edge.port}/x`, headers: { host: `${host}.example.com`, accept } })
  const statusIs = (host: string, status: number) =>
    until(async () => (await ask(host)).status === status, { what: `${status} of ${host}`, withinMs: 20_000 })
  const failures = async () =>
    Object.values(await edge.envoy.stats(/plain.*update_failure$/)).reduce((sum, count) => sum + count, 0)

  for (const says of ['SERVFAIL', 'silence'] as const)
    it(`keeps its last addresses when DNS answers with ${says}`, async () => {
      dns.says = 'ADDRESS'
      for (const host of ['plain', 'checked']) await statusIs(host, 200)
      const earlier = await failures()
      dns.says = says
      await until(async () => (await failures()) > earlier + 1, {
        what: 'look-ups to fail',
        withinMs: 30_000,
      })
      for (const host of ['plain', 'checked']) assert.equal((await ask(host)).status, 200, host)
    })

  for (const says of ['NXDOMAIN', 'NODATA'] as const)
    it(`is gone when DNS answers with ${says}, its page says why, and it comes back`, async () => {
      dns.says = 'ADDRESS'
      for (const host of ['plain', 'checked']) await statusIs(host, 200)
      dns.says = says
      for (const host of ['plain', 'checked']) await statusIs(host, 503)
      assert.match((await ask('plain')).text, /the name of its server does not resolve/)
      const { error } = (await ask('plain', 'application/json')).json<{ error: string }>()
      assert.equal(error, 'name_not_resolved')
      // Here it may as well be that none of its servers is well.
      assert.match((await ask('checked')).text, /its name has no address right now, or none of its servers/)
      dns.says = 'ADDRESS'
      for (const host of ['plain', 'checked']) await statusIs(host, 200)
    })
})
