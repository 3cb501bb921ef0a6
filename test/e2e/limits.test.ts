/**
 * What one person may take of an app, how long streams last, and what happens to a request whose upstream
 * fails it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, createServer } from 'node:net'
import { after, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connectHttp2, type HttpVersion, request } from '../harness/http-client.ts'
import { freePort } from '../harness/ports.ts'
import type { Route } from '../harness/sallyport.ts'
import { PUBLIC, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { startUpstream } from '../harness/upstream.ts'
import { openWebSocket } from '../harness/web-socket.ts'

const other = await startUpstream({ name: 'other' })
after(() => other[Symbol.asyncDispose]())
const h2c = await startUpstream({ name: 'h2c', h2c: true })
after(() => h2c[Symbol.asyncDispose]())
const deadPort = await freePort()

/** Takes a part of the request and then hangs up. */
const rude = createServer((socket) => {
  socket.on('error', () => undefined)
  let size = 0
  socket.on('data', (chunk) => {
    size += chunk.length
    if (size < 100_000) return
    rudeRequests += 1
    socket.destroy()
  })
})
let rudeRequests = 0
await new Promise<void>((resolve) => rude.listen(0, '127.0.0.1', resolve))
after(() => rude.close())

/**
 * Refuses the first stream of each connection, as a server does that is about to go away (RFC 9113 section
 * 8.7).
 */
const refusing = createHttp2Server()
refusing.on('session', (session) => {
  let isFirst = true
  session.on('stream', (stream) => {
    stream.on('error', () => undefined)
    if (isFirst) stream.close(7)
    else stream.respond({ ':status': 200 }, { endStream: true })
    isFirst = false
  })
})
await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve))
after(() => refusing.close())

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port

const SILENCE_MS = 1200
const ENDLESS = '/sse?count=1000000&every=1000'

const stack = await startStack({
  settings: {
    default_upstream_timeout: `${SILENCE_MS}ms`,
    allow_upgrades: ['websocket'],
    timeout_idle: '20s',
  },
  hosts: ['plain'],
  routes: ({ upstream, url }) => {
    const at = (prefix: string, route: Route): Route => ({
      from: url('app', ''),
      prefix,
      prefix_rewrite: '/',
      to: upstream.url,
      allow_upgrades: [],
      ...PUBLIC,
      ...route,
    })
    return [
      at('/usual/', {}),
      at('/roomy/', { idle_timeout: '60s', circuit_breaker_thresholds: { max_requests_per_client: 1024 } }),
      at('/full/', {
        timeout: '0s',
        circuit_breaker_thresholds: { max_connections: 5, max_requests_per_client: 5 },
      }),
      at('/sockets/', {
        allow_websockets: true,
        circuit_breaker_thresholds: { max_connections: 5, max_requests_per_client: 5 },
      }),
      at('/many-sockets/', { allow_websockets: true }),
      at('/total/', { timeout: '1s' }),
      at('/patient/', { timeout: '30s' }),
      at('/h2c/', { to: h2c.url, allow_upgrades: undefined }),
      at('/half/', { to: [`http://127.0.0.1:${deadPort}`, upstream.url] }),
      at('/half-h2c/', { to: [`h2c://127.0.0.1:${deadPort}`, h2c.url] }),
      at('/half-once/', {
        to: [`http://127.0.0.1:${deadPort}`, upstream.url],
        retry_policy: { num_retries: 0 },
      }),
      at('/rude/', { to: `http://127.0.0.1:${portOf(rude)}` }),
      at('/refusing/', { to: `h2c://127.0.0.1:${portOf(refusing)}` }),
    ]
  },
})
after(() => stack[Symbol.asyncDispose]())
const { ca } = stack
const get = async (path: string, version: HttpVersion = '1.1', headers = {}) =>
  await request({ url: stack.url('app', path), ca: ca.cert, version, headers })

/** So many answers that never end, each on a stream of its own, a hundred to a connection. */
async function openStreams(path: string, count: number): Promise<Disposable> {
  const sessions = Array.from({ length: Math.ceil(count / 100) }, () =>
    connectHttp2(new URL(stack.url('app')), ca.cert),
  )
  let open = 0
  for (const session of sessions) session.on('error', () => undefined)
  for (let index = 0; index < count; index += 1) {
    const session = sessions[index % sessions.length]
    const stream = session?.request({ ':path': path, ':authority': new URL(stack.url('app')).host })
    stream?.on('error', () => undefined)
    stream?.on('response', (headers) => {
      if (headers[':status'] === 200) open += 1
    })
    stream?.resume()
  }
  const { port } = stack.edge
  await until(() => open === count, { what: `${count} streams through ${port}`, withinMs: 60_000 })
  return {
    [Symbol.dispose]: () => {
      for (const session of sessions) session.destroy()
    },
  }
}

describe('an app that has all the requests it may have', () => {
  for (const version of ['1.1', '2'] as const) {
    it(`is answered for at once over HTTP/${version}, and the others go on`, async () => {
      using open = new DisposableStack()
      open.use(await openStreams(`/full${ENDLESS}`, 5))
      const page = await get('/full/x', version, { accept: 'text/html' })
      assert.equal(page.status, 503)
      assert.match(page.text, /The app has too much to do/)
      assert.equal((await get('/usual/x', version)).status, 200)
      const line = await stack.sallyport.waitForLog(
        'the overflow',
        ({ msg, ...fields }) =>
          msg === 'http-request' && String(fields['response-code-details']).includes('overflow'),
      )
      assert.equal(line['response-code'], 503)
    })
  }

  it('is counted, by route', async () => {
    const { text } = await request({ url: `http://127.0.0.1:${stack.edge.metricsPort}/metrics` })
    assert.match(
      text,
      /^sallyport_upstream_overflows_total\{route_id="\w+",from="https:[^"]+",limit="max_requests".*\} 2$/m,
    )
  })

  it('is answered for at once when WebSockets take all places, and has them back when they close', async () => {
    const url = stack.url('app', '/sockets/')
    const sockets = await Promise.all(Array.from({ length: 5 }, () => openWebSocket({ url, ca: ca.cert })))
    assert.equal((await get('/sockets/x')).status, 503)
    await assert.rejects(openWebSocket({ url, ca: ca.cert }), /503/)
    for (const socket of sockets) socket.terminate()
    await until(async () => (await get('/sockets/x')).status === 200, { what: 'a free place' })
  })

  it('has 1,024 of them by default, and more where upgrades are allowed', async () => {
    using open = new DisposableStack()
    open.use(await openStreams(`/roomy${ENDLESS}`, 1024))
    assert.equal((await get('/roomy/x')).status, 503)
    open.use(await openStreams(`/many-sockets${ENDLESS}`, 1100))
    assert.equal((await get('/many-sockets/x')).status, 200)
  })
})

/** Sends a body piece by piece, the pieces so far apart. */
async function upload(path: string, pieces: number, apartMs: number, version: HttpVersion) {
  const url = new URL(stack.url('app', path))
  if (version === '1.1') {
    const { request: ask } = await import('node:https')
    return await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const outgoing = ask(
        {
          host: '127.0.0.1',
          port: url.port,
          path: url.pathname,
          method: 'POST',
          servername: url.hostname,
          headers: { host: url.host },
          ca: ca.cert,
          agent: false,
        },
        (incoming) => {
          let text = ''
          incoming.on('data', (chunk) => {
            text += String(chunk)
          })
          incoming.once('end', () => resolve({ status: incoming.statusCode ?? 0, text }))
        },
      )
      outgoing.once('error', reject)
      void send(outgoing, pieces, apartMs)
    })
  }
  const session = connectHttp2(url, ca.cert)
  try {
    return await new Promise<{ status: number; text: string }>((resolve, reject) => {
      session.once('error', reject)
      const stream = session.request({ ':method': 'POST', ':path': url.pathname, ':authority': url.host })
      let status = 0
      let text = ''
      stream.on('response', (headers) => {
        status = Number(headers[':status'])
      })
      stream.on('data', (chunk) => {
        text += String(chunk)
      })
      stream.once('error', reject)
      stream.once('close', () => resolve({ status, text }))
      void send(stream, pieces, apartMs)
    })
  } finally {
    session.destroy()
  }
}

async function send(stream: NodeJS.WritableStream, pieces: number, apartMs: number): Promise<void> {
  for (let count = 0; count < pieces && stream.writable; count += 1) {
    stream.write(Buffer.alloc(10_000, 'x'))
    await pause(apartMs)
  }
  stream.end()
}

describe('how long a stream may last', () => {
  for (const version of ['1.1', '2'] as const) {
    for (const path of ['/usual/', '/h2c/']) {
      it(`a body goes on for longer than any idle limit: HTTP/${version} to ${path}`, async () => {
        const { status, text } = await upload(path, 8, SILENCE_MS / 4, version)
        assert.equal(status, 200)
        assert.match(text, /80000 bytes/)
      })
    }

    it(`an answer goes on for longer than that over HTTP/${version}`, async () => {
      const { status, text } = await get(`/usual/sse?count=8&every=${SILENCE_MS / 4}`, version)
      assert.equal(status, 200)
      assert.match(text, /data: 8\n/)
    })

    it(`an app that says nothing is answered for over HTTP/${version}`, async () => {
      const { status, text } = await get('/usual/slow?ms=10000', version, { accept: 'text/html' })
      assert.equal(status, 504)
      assert.match(text, /The app takes too long/)
    })

    it(`a client that stops in the middle of a body is not waited for over HTTP/${version}`, async () => {
      const { status } = await upload('/usual/', 2, SILENCE_MS * 3, version)
      assert.equal(status, 408)
    })
  }

  it('a total that the route names cuts an answer in the middle', async () => {
    await assert.rejects(get('/total/sse?count=8&every=400'))
  })

  it('a total that is longer than the usual idle limit allows that idle time too', async () => {
    assert.equal((await get(`/patient/slow?ms=${SILENCE_MS * 2}`)).status, 200)
  })
})

describe('an upgrade that is allowed globally', () => {
  it('leaves upstreams of HTTP/2 alone', async () => {
    const { status, text } = await get('/h2c/x', '2')
    assert.equal(status, 200)
    assert.match(text, /"httpVersion":"2.0"/)
  })
})

describe('a request whose upstream cannot be reached', () => {
  for (const path of ['/half/x', '/half-h2c/x']) {
    it(`goes to another one: ${path}`, async () => {
      const answers = Array.from({ length: 40 }, async (_, index) =>
        index % 2 === 0
          ? await get(path)
          : await request({ url: stack.url('app', path), ca: ca.cert, method: 'POST', body: 'x' }),
      )
      assert.deepEqual(new Set((await Promise.all(answers)).map(({ status }) => status)), new Set([200]))
    })
  }

  it('fails where retries are turned off', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => get('/half-once/x')))
    assert.ok(answers.some(({ status }) => status === 503))
  })

  it('is sent again when the upstream refuses its stream', async () => {
    assert.equal((await get('/refusing/x')).status, 200)
  })

  it('is not sent again when a part of its body is there', async () => {
    const { status } = await request({
      url: stack.url('app', '/rude/x'),
      ca: ca.cert,
      method: 'POST',
      body: 'x'.repeat(300_000),
    })
    assert.equal(status, 503)
    assert.equal(rudeRequests, 1)
  })
})
