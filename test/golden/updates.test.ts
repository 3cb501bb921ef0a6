/**
 * What running requests and open connections notice of a change: nothing. With a real Envoy, real upstreams,
 * an authorizer that allows all, and a load that never stops.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { until } from '../harness/until.ts'
import { startUpstream, type Upstream } from '../harness/upstream.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { configOf, type Edge, startEdge } from './edge.ts'

const HOST = 'app.example.com'

interface Load extends AsyncDisposable {
  /** Status → how many answers had it; `error` for connections that failed. */
  readonly answers: Readonly<Record<string, number>>
  /** Waits for so many more answers. */
  more(count: number): Promise<void>
}

/** Several user agents that ask again as soon as they are answered, over connections that they keep. */
function startLoad(port: number, userAgents = 4): Load {
  const agent = new http.Agent({ keepAlive: true, maxSockets: userAgents })
  const answers: Record<string, number> = {}
  const over = new AbortController()
  const note = (key: string) => {
    answers[key] = (answers[key] ?? 0) + 1
  }
  const total = () => Object.values(answers).reduce((sum, count) => sum + count, 0)
  const ask = () =>
    new Promise<string>((resolve) => {
      const outgoing = http.get(
        { host: '127.0.0.1', port, path: '/x', headers: { host: HOST }, agent },
        (incoming) => {
          incoming.resume().once('end', () => resolve(String(incoming.statusCode)))
        },
      )
      outgoing.once('error', () => resolve('error'))
    })
  const run = async () => {
    while (!over.signal.aborted) note(await ask())
  }
  const running = Array.from({ length: userAgents }, run)
  return {
    answers,
    async more(count) {
      const goal = total() + count
      await until(() => total() >= goal, { what: `${count} more answers`, everyMs: 5 })
    },
    async [Symbol.asyncDispose]() {
      over.abort()
      await Promise.all(running)
      agent.destroy()
    },
  }
}

/** How many resources of a type were sent so far, by the metrics. */
const sent = (metrics: string, type: string): number =>
  Number(new RegExp(`xds_resources_total{type="${type}"[^}]*} (\\d+)`).exec(metrics)?.[1] ?? 0)

describe('a changed configuration under load', () => {
  let upstreams: readonly Upstream[]
  let dns: DnsServer
  let edge: Edge
  let generation = 1

  const config = (route: string, port = edge.port) =>
    configOf(
      `
address: 127.0.0.1:${port}
insecure_server: true
dns_resolvers: [udp://127.0.0.1:${dns.port}]
routes:
  - from: https://${HOST}
    ${route}
`,
      generation,
    )
  const portOf = (index: number) => upstreams[index]?.port ?? 0
  const apply = async (route: string) => {
    generation += 1
    await edge.apply(config(route))
  }

  before(async () => {
    upstreams = await Promise.all([startUpstream({ name: 'one' }), startUpstream({ name: 'two' })])
    dns = await startDnsServer()
    edge = await startEdge({
      config: (port) => config(`to: http://127.0.0.1:${portOf(0)}`, port),
      envoy: { concurrency: 2 },
    })
    await edge.xds.whenAcked(1)
  })
  after(async () => {
    await edge?.[Symbol.asyncDispose]()
    await dns?.[Symbol.asyncDispose]()
    for (const upstream of upstreams) await upstream[Symbol.asyncDispose]()
  })

  for (const [what, routes] of [
    ['another upstream', () => [`to: http://127.0.0.1:${portOf(1)}`, `to: http://127.0.0.1:${portOf(0)}`]],
    [
      'upstreams that come and go',
      () => [
        `to: ['http://127.0.0.1:${portOf(0)}', 'http://127.0.0.1:${portOf(1)}']`,
        `to: http://127.0.0.1:${portOf(0)}`,
      ],
    ],
    [
      'an upstream by name, whose address has to be looked up, and back',
      () => [`to: http://named.internal:${portOf(1)}`, `to: http://127.0.0.1:${portOf(0)}`],
    ],
    [
      'a route with another match, which means another cluster',
      () => [
        `to: http://127.0.0.1:${portOf(0)}\n    prefix: /x`,
        `to: http://named.internal:${portOf(0)}\n    regex: /x.*`,
        `to: http://127.0.0.1:${portOf(0)}`,
      ],
    ],
    [
      'other timeouts, headers and upgrades',
      () => [
        `to: http://127.0.0.1:${portOf(0)}\n    timeout: 3s\n    allow_websockets: true`,
        `to: http://127.0.0.1:${portOf(0)}\n    set_response_headers: {X-More: a}`,
        `to: http://127.0.0.1:${portOf(0)}`,
      ],
    ],
  ] satisfies [string, () => string[]][]) {
    it(`${what}: no answer is lost, no connection closed`, async () => {
      const load = startLoad(edge.port)
      const atFirst = await edge.envoy.stats(/main\.downstream_cx_(?:total|destroy)$/)
      try {
        await load.more(50)
        for (const route of routes()) {
          await apply(route)
          await load.more(50)
        }
      } finally {
        await load[Symbol.asyncDispose]()
      }
      assert.deepEqual(Object.keys(load.answers), ['200'])
      const stats = await edge.envoy.stats(/main\.downstream_cx_(?:total|destroy)$/)
      assert.ok(
        (stats['http.main.downstream_cx_total'] ?? 0) - (atFirst['http.main.downstream_cx_total'] ?? 0) <= 4,
      )
    })
  }

  it('a request that is under way is answered by the upstream that had it', async () => {
    await apply(`to: http://127.0.0.1:${portOf(0)}`)
    const slow = request({ url: `http://127.0.0.1:${edge.port}/slow?ms=400`, headers: { host: HOST } })
    await until(() => upstreams[0]?.requests.some(({ url }) => url.startsWith('/slow')), {
      what: 'the slow request',
    })
    await apply(`to: http://127.0.0.1:${portOf(1)}`)
    const next = await request({ url: `http://127.0.0.1:${edge.port}/x`, headers: { host: HOST } })
    assert.equal(next.json<{ name: string }>().name, 'two')
    assert.equal((await slow).text, 'slow')
  })

  it('a route that changed leaves the listener as it is', async () => {
    const atFirst = await edge.envoy.stats(/^listener_manager\.listener_(?:added|modified|removed)$/)
    await apply(`to: http://127.0.0.1:${portOf(0)}\n    prefix: /other`)
    const atLast = await edge.envoy.stats(/^listener_manager\.listener_(?:added|modified|removed)$/)
    assert.deepEqual(atLast, atFirst)
    assert.equal(atLast['listener_manager.listener_added'], 1)
  })

  it('a restart of Sallyport is not noticed, and Envoy is sent only what changed meanwhile', async () => {
    await apply(`to: http://127.0.0.1:${portOf(0)}`)
    await using load = startLoad(edge.port)
    await load.more(20)
    const atFirst = await edge.metrics()
    generation += 1
    await edge.restartXds(config(`to: http://127.0.0.1:${portOf(0)}\n    timeout: 7s`))
    await edge.xds.whenAcked(generation)
    await load.more(20)
    assert.deepEqual(Object.keys(load.answers), ['200'])
    const atLast = await edge.metrics()
    const types = ['Cluster', 'ClusterLoadAssignment', 'Listener', 'RouteConfiguration', 'VirtualHost']
    assert.deepEqual(
      types.map((type) => [type, sent(atLast, type) - sent(atFirst, type)]),
      [
        ['Cluster', 0],
        ['ClusterLoadAssignment', 0],
        ['Listener', 0],
        ['RouteConfiguration', 0],
        ['VirtualHost', 1],
      ],
    )
  })

  it('a restart of Sallyport with a changed cluster loses nothing and waits for nothing', async () => {
    await using load = startLoad(edge.port)
    await load.more(20)
    generation += 1
    await edge.restartXds(config(`to: http://127.0.0.1:${portOf(0)}\n    load_balancing_policy: RANDOM`))
    await edge.xds.whenAcked(generation)
    // Otherwise Envoy goes on after 15 s without the endpoints that nobody sends again.
    const stats = await edge.envoy.admin('/stats?filter=init_fetch_timeout')
    assert.match(stats, /init_fetch_timeout: 0/)
    assert.doesNotMatch(stats, /init_fetch_timeout: [1-9]/)
    await load.more(20)
    assert.deepEqual(Object.keys(load.answers), ['200'])
  })
})

const textFor = (port: number, hosts: readonly string[]) => `
address: 127.0.0.1:${port}
insecure_server: true
routes: ${JSON.stringify(hosts.map((host) => ({ from: `https://${host}`, response: { status: 200, body: host } })))}
`

describe('a host that was removed', () => {
  it('is gone from Envoy at once, with and without a port', async () => {
    const all = ['stays.example.com', 'goes.example.com:9443', 'goes.example.com', '*.example.com']
    await using edge = await startEdge({ config: (port) => configOf(textFor(port, all)) })
    await edge.xds.whenAcked(1)
    const ask = async (host: string) => {
      const { status, text: body } = await request({
        url: `http://127.0.0.1:${edge.port}/`,
        headers: { host },
      })
      return [status, body]
    }
    assert.deepEqual(await ask('goes.example.com'), [200, 'goes.example.com'])
    assert.deepEqual(await ask('goes.example.com:9443'), [200, 'goes.example.com:9443'])
    await edge.apply(configOf(textFor(edge.port, ['stays.example.com', '*.example.com']), 2))
    for (const host of ['goes.example.com', 'goes.example.com:9443'])
      assert.deepEqual(await ask(host), [200, '*.example.com'], host)
    assert.deepEqual(await ask('stays.example.com'), [200, 'stays.example.com'])
    const dump = await edge.envoy.admin('/config_dump')
    assert.doesNotMatch(JSON.stringify(dump), /goes\.example\.com/)
  })
})
