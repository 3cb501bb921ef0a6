/**
 * What happens when a real Envoy refuses a resource: it is said in Envoy's words, and nothing else is held
 * up.
 */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { makeResource, type Snapshot, TYPE_URL } from '../../src/xds/ads/resource.ts'
import { request } from '../harness/http-client.ts'
import { startUpstream, type Upstream } from '../harness/upstream.ts'
import { configOf, type Edge, startEdge } from './edge.ts'

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
