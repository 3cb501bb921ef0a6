/**
 * Upstreams behind sockets, upgrades other than WebSocket, and a second name for a route.
 *
 * @module
 */
import assert from 'node:assert/strict'
import http, { type IncomingMessage, type RequestListener } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { tempDir } from '../harness/ports.ts'
import { PUBLIC, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { createTestCa } from '../harness/test-ca.ts'

const running = new AsyncDisposableStack()
after(() => running.disposeAsync())
const { path: folder } = running.use(await tempDir())
const inner = await createTestCa('Inner CA')
const pair = await inner.issue({ names: ['app.localhost'] })

const answer: RequestListener = (incoming, response) => {
  const { servername } = incoming.socket as { servername?: string }
  response.end(JSON.stringify({ url: incoming.url, host: incoming.headers.host, servername }))
}

async function listen(server: http.Server | https.Server, where: string | 0): Promise<void> {
  running.defer(() => {
    server.close()
    server.closeAllConnections()
  })
  await new Promise<void>((resolve) => {
    if (where === 0) server.listen(0, '127.0.0.1', resolve)
    else server.listen(where, resolve)
  })
}

const plainSocket = join(folder, 'plain.sock')
const tlsSocket = join(folder, 'tls.sock')
await listen(http.createServer(answer), plainSocket)
await listen(https.createServer({ cert: pair.cert, key: pair.key }, answer), tlsSocket)

/** Takes whatever it is asked to upgrade to, and says back what it hears. */
const upgrading = http.createServer(answer)
upgrading.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
  running.defer(() => void socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${incoming.headers.upgrade}\r\n\r\n`,
  )
  socket.pipe(socket)
})
await listen(upgrading, 0)
const upgradingUrl = `http://127.0.0.1:${(upgrading.address() as AddressInfo).port}`
const silent = http.createServer((_request, response) => response.writeHead(200).write('so far'))
await listen(silent, 0)

const stack = running.use(
  await startStack({
    hosts: ['second'],
    routes: ({ upstream, url }) => {
      const app = { from: url('app', ''), ...PUBLIC }
      return [
        { ...app, prefix: '/socket', to: `unix://${plainSocket}` },
        {
          ...app,
          prefix: '/tls-socket',
          to: `https+unix://${tlsSocket}`,
          tls_custom_ca: Buffer.from(inner.cert).toString('base64'),
        },
        { ...app, prefix: '/foreign-socket', to: `https+unix://${tlsSocket}` },
        { ...app, prefix: '/spdy', to: upgradingUrl, allow_spdy: true },
        { ...app, prefix: '/custom', to: upgradingUrl, allow_upgrades: ['x-own'] },
        { ...app, prefix: '/closed', to: upgradingUrl },
        { from: url('app', ''), ...STAFF_ONLY, prefix: '/staff', to: upgradingUrl, allow_spdy: true },
        {
          ...app,
          prefix: '/silent',
          to: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
          timeout: '0s',
          idle_timeout: '300ms',
        },
        {
          from: url('wiki', ''),
          ...STAFF_ONLY,
          to: upstream.url,
          tls_downstream_server_name: 'second.localhost',
        },
      ]
    },
  }),
)
const { url, ca } = stack
const get = async (path: string) => await request({ url: url('app', path), ca: ca.cert })

describe('an upstream behind a Unix socket', () => {
  const host = 'app.localhost'

  it('gets the request, with the host of the route', async () => {
    assert.deepEqual((await get('/socket/a?b')).json(), { url: '/socket/a?b', host })
  })

  it('may speak TLS, under the host of the route', async () => {
    assert.deepEqual((await get('/tls-socket')).json(), { url: '/tls-socket', host, servername: host })
  })

  it('must have a certificate that is trusted', async () => {
    assert.equal((await get('/foreign-socket')).status, 503)
  })
})

/** The status, and what came back over the connection once it was upgraded. */
async function upgrade(path: string, token: string): Promise<string> {
  const target = new URL(url('app', path))
  return await new Promise((resolve, reject) => {
    https
      .request({
        host: '127.0.0.1',
        port: target.port,
        servername: target.hostname,
        path,
        ca: ca.cert,
        headers: { host: target.host, connection: 'Upgrade', upgrade: token },
      })
      .on('upgrade', (response, socket) => {
        socket.once('data', (data: Buffer) => {
          resolve(`${response.statusCode} ${data.toString()}`)
          socket.destroy()
        })
        socket.write('heard')
      })
      .on('response', (response) => resolve(`${response.resume().statusCode}`))
      .on('error', reject)
      .end()
  })
}

describe('an upgrade', () => {
  it('to SPDY goes through where the route says so', async () => {
    assert.equal(await upgrade('/spdy', 'SPDY/3.1'), '101 heard')
  })

  it('to a protocol of one’s own goes through where it is listed, and no other there', async () => {
    assert.equal(await upgrade('/custom', 'x-own'), '101 heard')
    assert.equal(await upgrade('/custom', 'websocket'), '403')
  })

  it('is refused where the route says nothing, and to a stranger', async () => {
    assert.equal(await upgrade('/closed', 'SPDY/3.1'), '403')
    assert.equal(await upgrade('/staff', 'SPDY/3.1'), '401')
  })
})

describe('idle_timeout', () => {
  it('ends an answer that has fallen silent', async () => {
    await assert.rejects(get('/silent'), /aborted|socket hang up|ECONNRESET/)
  })
})

describe('tls_downstream_server_name', () => {
  it('is a second host of the route, with the same policy', async () => {
    const stranger = await request({ url: url('second'), ca: ca.cert, headers: { accept: 'text/html' } })
    assert.equal(stranger.status, 302)
    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, url('second', '/deep'))).status, 200)
    assert.equal((await stack.signIn(stack.agent(), url('second'), 'bob')).status, 403)
  })
})
