/**
 * A real Envoy is given every golden case, one after another on one stream, and has to accept each resource.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../harness/ports.ts'
import { until } from '../harness/until.ts'
import { CASE_NAMES, caseText, certificatesOf, type Keys, makeKeys, parseCase } from './cases.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { type Edge, startEdge } from './edge.ts'

describe('a stock Envoy', () => {
  let keys: Keys
  let dns: DnsServer
  let edge: Edge
  let redirectPort = 0

  /** The case on ports that are free here. */
  const placed = (text: string, port: number, generation: number) =>
    parseCase(
      text
        .replace('127.0.0.1:8443', `127.0.0.1:${port}`)
        .replace('127.0.0.1:8080', `127.0.0.1:${redirectPort}`)
        .replace('127.0.0.1:5353', `127.0.0.1:${dns.port}`),
      keys,
      generation,
    )

  before(async () => {
    keys = await makeKeys()
    dns = await startDnsServer()
    ;[redirectPort = 0] = await freePorts(1)
    edge = await startEdge({
      config: (port) => placed(caseText('first-route'), port, 1),
      certificates: [keys.server[0]],
      trustedRoots: keys.ca,
    })
    await edge.xds.whenAcked(1)
  })
  after(async () => {
    await edge?.[Symbol.asyncDispose]()
    await dns?.[Symbol.asyncDispose]()
  })

  for (const [index, name] of CASE_NAMES.entries()) {
    it(`accepts all resources of ${name}`, async () => {
      edge.certificates.current = certificatesOf(name, keys)
      await edge.apply(placed(caseText(name), edge.port, index + 2))
      assert.deepEqual(edge.xds.status().refused, [])
      assert.deepEqual(edge.log, [])
    })
  }

  it('holds nothing of earlier configurations, and said nothing in its log', async () => {
    await edge.apply(placed('address: 127.0.0.1:8443\nroutes: []\n', edge.port, CASE_NAMES.length + 2))
    await until(async () => !/example\.com/.test(await edge.envoy.admin('/clusters')), {
      what: 'the last cluster to go',
    })
    assert.deepEqual(
      edge.envoy.stderr.filter((line) => /"level":"(?:error|critical)"/.test(line)),
      [],
    )
  })
})
