import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { request } from './http-client.ts'
import { frame, headerBlock, rawHttp1, rawHttp2, requestFrames, statusOf } from './raw-http.ts'
import { createTestCa } from './test-ca.ts'
import { type EchoedRequest, startUpstream } from './upstream.ts'

describe('the echo upstream', () => {
  it('says what it received over HTTP/1.1 and counts its bytes', async () => {
    await using upstream = await startUpstream()
    const response = await request({
      url: `${upstream.url}/a?b=c`,
      method: 'POST',
      headers: { 'x-one': '1' },
      body: 'hello',
    })
    const echoed = response.json<EchoedRequest>()
    assert.deepEqual(
      [echoed.method, echoed.url, echoed.headers['x-one'], echoed.body],
      ['POST', '/a?b=c', '1', 'hello'],
    )
    assert.ok(upstream.drain() > 50)
    assert.equal(upstream.drain(), 0)
  })

  it('speaks cleartext HTTP/2, server-sent events and WebSocket', async () => {
    await using h2c = await startUpstream({ h2c: true })
    const echoed = (
      await request({ url: `http://127.0.0.1:${h2c.port}/x`, version: '2' })
    ).json<EchoedRequest>()
    assert.equal(echoed.httpVersion, '2.0')

    await using upstream = await startUpstream()
    const events = await request({ url: `${upstream.url}/sse?count=2&every=1` })
    assert.equal(events.text, 'data: 1\n\ndata: 2\n\n')

    const webSocket = new WebSocket(`ws://127.0.0.1:${upstream.port}/ws`)
    const reply = await new Promise((resolve) => {
      webSocket.once('open', () => webSocket.send('hi'))
      webSocket.once('message', (message: Buffer) => resolve(message.toString()))
    })
    webSocket.terminate()
    assert.equal(reply, 'echo:hi')
  })

  it('asks for a client certificate and tells the server name it was called by', async () => {
    const ca = await createTestCa()
    const server = await ca.issue({ names: ['wiki.localhost'] })
    await using upstream = await startUpstream({ tls: { ...server, clientCa: ca.cert } })
    await assert.rejects(request({ url: `https://wiki.localhost:${upstream.port}/`, ca: ca.cert }))
  })
})

describe('raw requests', () => {
  it('carry what no client would send, over HTTP/1.1', async () => {
    await using upstream = await startUpstream()
    const answer = await rawHttp1(
      { port: upstream.port },
      'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\nx y: z\r\n\r\n',
    )
    assert.equal(answer.status, 400)
    assert.equal(answer.closed, true)
  })

  it('carry hand-made frames over HTTP/2 and read the status', async () => {
    await using upstream = await startUpstream({ h2c: true })
    const pseudo = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/status/403'],
      [':authority', 'x'],
    ] as const
    assert.equal((await rawHttp2({ port: upstream.port }, requestFrames(pseudo))).status, 403)
    const late = await rawHttp2({ port: upstream.port }, requestFrames([['x', 'y'], ...pseudo]))
    assert.ok(late.reset !== undefined || late.goAway !== undefined)
    const broken = await rawHttp2({ port: upstream.port }, [frame(1, 5, 2, headerBlock(pseudo))])
    assert.notEqual(broken.goAway, undefined)
  })

  it('read a status in each of its HPACK forms', () => {
    assert.equal(statusOf(Buffer.from([0x88])), 200)
    assert.equal(statusOf(Buffer.from([0x48, 0x03, 0x34, 0x32, 0x39])), 429)
    // RFC 7541 C.6.1: "302" Huffman-coded
    assert.equal(statusOf(Buffer.from([0x48, 0x82, 0x64, 0x02])), 302)
  })
})
