/**
 * Certificates are rotated and added in a running Envoy without touching its listener or its connections.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import { createTestCa, type KeyPair, type TestCa } from '../harness/test-ca.ts'
import { until } from '../harness/until.ts'
import { startUpstream, type Upstream } from '../harness/upstream.ts'
import { configOf, type Edge, startEdge } from './edge.ts'

const HOST = 'app.example.com'

/** Asks over a connection that is open, and answers with the status line. */
async function askOver(socket: TLSSocket): Promise<string> {
  socket.write(`GET /x HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
  const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
  return answer.toString().split('\r\n')[0] ?? ''
}

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
