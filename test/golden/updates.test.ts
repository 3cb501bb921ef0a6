/**
 * What running requests and open connections notice of a change: nothing. With a real Envoy, real upstreams, an
 * authorizer that allows all, and a load that never stops.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import { makeResource, type Snapshot, TYPE_URL } from '../../src/xds/resource.ts'
import { request } from '../harness/http-client.ts'
import { createTestCa, type KeyPair, type TestCa } from '../harness/test-ca.ts'
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

/** Asks over a connection that is open, and answers with the status line. */
async function askOver(socket: TLSSocket): Promise<string> {
  socket.write(`GET /x HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
  const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
  return answer.toString().split('\r\n')[0] ?? ''
}

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
    const start = performance.now()
    await edge.restartXds(config(`to: http://127.0.0.1:${portOf(0)}\n    load_balancing_policy: RANDOM`))
    await edge.xds.whenAcked(generation)
    // Envoy would wait 15 s for endpoints that nobody sends again.
    assert.ok(performance.now() - start < 5000)
    await load.more(20)
    assert.deepEqual(Object.keys(load.answers), ['200'])
  })
})

describe('a certificate', () => {
  let ca: TestCa
  let pairs: readonly [KeyPair, KeyPair, KeyPair]
  let upstream: Upstream
  let edge: Edge

  before(async () => {
    ca = await createTestCa()
    pairs = [
      await ca.issue({ names: [HOST], serial: '0a' }),
      await ca.issue({ names: [HOST], serial: '0b' }),
      await ca.issue({ names: ['other.example.com'], serial: '0c' }),
    ]
    upstream = await startUpstream()
    edge = await startEdge({
      config: (port) =>
        configOf(`address: 127.0.0.1:${port}\nroutes: [{from: 'https://${HOST}', to: '${upstream.url}'}]`),
      certificates: [pairs[0]],
    })
    await edge.xds.whenAcked(1)
  })
  after(async () => {
    await edge?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
  })

  const connect = async (servername: string): Promise<TLSSocket> => {
    const socket = tlsConnect({
      host: '127.0.0.1',
      port: edge.port,
      servername,
      ca: ca.cert,
      ALPNProtocols: ['http/1.1'],
    })
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    return socket
  }
  const serialShownTo = async (servername: string): Promise<string> => {
    const socket = await connect(servername)
    const { serialNumber } = socket.getPeerCertificate()
    socket.destroy()
    return serialNumber
  }
  it('is renewed for new connections while open ones go on, and the listener stays', async () => {
    const open = await connect(HOST)
    assert.equal(await askOver(open), 'HTTP/1.1 200 OK')
    assert.equal(await serialShownTo(HOST), '0A')
    edge.certificates.current = [pairs[1]]
    await edge.xds.refresh()
    await edge.xds.whenAcked(1)
    await until(async () => (await serialShownTo(HOST)) === '0B', { what: 'the renewed certificate' })
    assert.equal(await askOver(open), 'HTTP/1.1 200 OK')
    open.destroy()
    const stats = await edge.envoy.stats(/^listener_manager\.listener_(?:added|modified)$/)
    assert.deepEqual(stats, { 'listener_manager.listener_added': 1, 'listener_manager.listener_modified': 0 })
  })

  it('for a further host is added without touching the listener, and chosen by SNI', async () => {
    edge.certificates.current = [pairs[1], pairs[2]]
    await edge.xds.refresh()
    await edge.xds.whenAcked(1)
    await until(async () => (await serialShownTo('other.example.com')) === '0C', {
      what: 'the further certificate',
    })
    assert.equal(await serialShownTo(HOST), '0B')
    const stats = await edge.envoy.stats(/^listener_manager\.listener_modified$/)
    assert.deepEqual(stats, { 'listener_manager.listener_modified': 0 })
  })
})

describe('a resource that Envoy refuses', () => {
  let upstream: Upstream
  let edge: Edge
  let bad: string | undefined

  /** The configuration lets nothing through that Envoy would refuse, so one is forced. */
  const amend = (snapshot: Snapshot): Snapshot => {
    const hosts = new Map(snapshot.resources.get(TYPE_URL.virtualHost))
    const name = `main/${bad}`
    if (bad === undefined || !hosts.has(name)) return snapshot
    const routes = [{ match: { safe_regex: { regex: '[' } }, route: { cluster: 'any' } }]
    hosts.set(name, makeResource(TYPE_URL.virtualHost, name, { name: bad, domains: [bad], routes }))
    return { ...snapshot, resources: new Map(snapshot.resources).set(TYPE_URL.virtualHost, hosts) }
  }
  const config = (port: number, generation: number, hosts: readonly string[]) =>
    configOf(
      [
        `address: 127.0.0.1:${port}`,
        'insecure_server: true',
        'routes:',
        ...hosts.map((host) => `  - {from: 'https://${host}.example.com', to: '${upstream.url}'}`),
      ].join('\n'),
      generation,
    )
  const statusOf = async (host: string) =>
    (await request({ url: `http://127.0.0.1:${edge.port}/`, headers: { host: `${host}.example.com` } }))
      .status

  beforeEach(async () => {
    bad = undefined
    upstream = await startUpstream()
    edge = await startEdge({ config: (port) => config(port, 1, ['a', 'b', 'c']), amend })
    await edge.xds.whenAcked(1)
  })
  afterEach(async () => {
    await edge?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
  })

  it('is reported in the words of Envoy, keeps its last good form, and stops nothing else', async () => {
    bad = 'b.example.com'
    await assert.rejects(edge.apply(config(edge.port, 2, ['a', 'b', 'c', 'd'])), {
      code: 'XDS_NACK',
      message: /VirtualHost main\/b\.example\.com: .*missing \]/,
    })
    assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd'].map(statusOf)), [200, 200, 200, 200])
    const { refused, perType } = edge.xds.status()
    assert.deepEqual(
      refused.map(({ type, name }) => [type, name]),
      [['VirtualHost', 'main/b.example.com']],
    )
    assert.match(perType['VirtualHost']?.nack?.message ?? '', /missing \]/)
    assert.match(await edge.metrics(), /sallyport_xds_nacks_total\{type="VirtualHost"[^}]*\} [1-9]/)
    assert.ok(edge.log.some((line) => line['level'] === 'error' && line['resource'] === 'main/b.example.com'))
  })

  it('is not sent again as long as it is the same', async () => {
    bad = 'b.example.com'
    await assert.rejects(edge.apply(config(edge.port, 2, ['a', 'b', 'c'])))
    const nacks = async () =>
      /xds_nacks_total\{type="VirtualHost"[^}]*\} (\d+)/.exec(await edge.metrics())?.[1]
    const atFirst = await nacks()
    await assert.rejects(edge.apply(config(edge.port, 3, ['a', 'b', 'c', 'e'])))
    assert.equal(await statusOf('e'), 200)
    assert.equal(await nacks(), atFirst)
  })

  it('is forgotten with the next good generation', async () => {
    bad = 'b.example.com'
    await assert.rejects(edge.apply(config(edge.port, 2, ['a', 'b', 'c'])))
    bad = undefined
    await edge.apply(config(edge.port, 3, ['a', 'b', 'c']))
    const { refused, perType } = edge.xds.status()
    assert.deepEqual([refused, perType['VirtualHost']], [[], { resources: 4, acked: true }])
  })

  it('does not keep an Envoy that starts with it from serving the rest', async () => {
    await edge.envoy.stop()
    bad = 'b.example.com'
    await using fresh = await startEdge({ config: (port) => config(port, 1, ['a', 'b', 'c']), amend })
    await assert.rejects(fresh.xds.whenAcked(1), { code: 'XDS_NACK' })
    const answers = await Promise.all(
      ['a', 'b', 'c'].map(
        async (host) =>
          (
            await request({
              url: `http://127.0.0.1:${fresh.port}/`,
              headers: { host: `${host}.example.com` },
            })
          ).status,
      ),
    )
    assert.deepEqual(answers, [200, 404, 200])
  })
})
