/**
 * One client's open requests never cost another client an answer: whoever has a share of an app open gets
 * 429.
 *
 * Envoy is started apart from Sallyport, so that each of the two can be restarted while the other goes on.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http2'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import type { WebSocket } from 'ws'
import { startEnvoy, type TestEnvoy } from '../harness/envoy.ts'
import { startGrpcUpstream } from '../harness/grpc.ts'
import { type Held, holdRequests } from '../harness/held-requests.ts'
import { connectHttp2, type HttpVersion, request } from '../harness/http-client.ts'
import { freePort } from '../harness/ports.ts'
import type { Route } from '../harness/sallyport.ts'
import { ANYONE_SIGNED_IN, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { openWebSocket } from '../harness/web-socket.ts'

const USUAL_SHARE = 256
const SMALL = { circuit_breaker_thresholds: { max_requests: 8 } }
/** Three quarters of it. */
const SMALL_SHARE = 6

const deadPort = await freePort()
const grpcUpstream = await startGrpcUpstream()
after(() => grpcUpstream[Symbol.asyncDispose]())
let runDirectory = ''
const stack = await startStack({
  serve: { envoy: 'external', untilReady: false },
  beforeServe: async ({ folder }) => {
    runDirectory = join(folder, '.sallyport', 'run')
    await mkdir(runDirectory, { recursive: true, mode: 0o700 })
  },
  routes: ({ upstream, url }) => {
    const at = (prefix: string, route: Route = {}): Route => ({
      from: url('app', ''),
      prefix,
      prefix_rewrite: '/',
      to: upstream.url,
      idle_timeout: '120s',
      ...ANYONE_SIGNED_IN,
      ...route,
    })
    return [
      at('/usual/'),
      at('/sockets/', { allow_websockets: true, circuit_breaker_thresholds: { max_requests: 1024 } }),
      at('/small/', SMALL),
      at('/small-sockets/', { allow_websockets: true, ...SMALL }),
      at('/dead/', { to: `http://127.0.0.1:${deadPort}`, ...SMALL }),
      { from: url('grpc', ''), to: `h2c://127.0.0.1:${grpcUpstream.port}`, ...ANYONE_SIGNED_IN, ...SMALL },
    ]
  },
})
after(() => stack[Symbol.asyncDispose]())
const { ca, url } = stack

let envoy: TestEnvoy = await startEnvoy({ runDirectory })
after(() => envoy.stop())
const isReady = () =>
  until(() => stack.sallyport.isReady(), { what: 'Sallyport and Envoy', withinMs: 30_000 })
await isReady()

async function cookieOf(login: string) {
  const agent = stack.agent()
  for (const host of ['app', 'grpc']) await stack.signIn(agent, url(host, '/usual/x'), login)
  return (host: string) => ({ cookie: agent.jar.header(new URL(url(host))) ?? '' })
}
const [alices, bobs] = [await cookieOf('alice'), await cookieOf('bob')]
const [alice, bob] = [alices('app'), bobs('app')]

type Headers = Readonly<Record<string, string>>
const get = async (path: string, headers: Headers, version: HttpVersion = '1.1') =>
  await request({ url: url('app', path), ca: ca.cert, version, headers })
const statusOf = async (path: string, headers: Headers) => (await get(path, headers)).status

const EVENTS = 'sse?count=1000000&every=1000'
const hold = (version: HttpVersion, path: string, count: number): Held =>
  holdRequests(version, { url: url('app', path), ca: ca.cert, headers: alice, count })

const answered = (held: Held, count: number) =>
  until(() => held.statuses.length >= count, { what: `${count} answers`, withinMs: 60_000 })
const isFree = (path: string) =>
  until(async () => (await statusOf(path, alice)) === 200, { what: 'a free place', withinMs: 30_000 })
const isFull = (path: string) =>
  until(async () => (await statusOf(path, alice)) === 429, { what: 'no free place', withinMs: 30_000 })

describe('a client that opens 1,100 requests', () => {
  for (const version of ['1.1', '2'] as const) {
    it(`to event streams over HTTP/${version} has its share, and the others are answered at once`, async () => {
      {
        using held = hold(version, `/usual/${EVENTS}`, 1100)
        await answered(held, 1100)
        // Short requests of the last seconds count too, of which there were some.
        const open = held.count(200)
        assert.ok(open <= USUAL_SHARE && open >= (USUAL_SHARE * 3) / 4, String(open))
        assert.equal(held.count(429), 1100 - open)
        for (const each of ['1.1', '2'] as const) assert.equal((await get('/usual/x', bob, each)).status, 200)
      }
      await isFree('/usual/x')
    })

    it(`that the app is slow to answer over HTTP/${version} has its share too`, async () => {
      {
        using held = hold(version, '/usual/slow?ms=60000', 1100)
        await answered(held, 1100 - USUAL_SHARE)
        assert.equal(held.count(429), held.statuses.length)
        for (const each of ['1.1', '2'] as const) assert.equal((await get('/usual/x', bob, each)).status, 200)
      }
      await isFree('/usual/x')
    })
  }

  it('to WebSockets has its share', async () => {
    const target = { url: url('app', '/sockets/'), ca: ca.cert }
    const opened: PromiseSettledResult<WebSocket>[] = []
    while (opened.length < 1100)
      opened.push(
        ...(await Promise.allSettled(
          Array.from({ length: 50 }, () => openWebSocket({ ...target, headers: alice })),
        )),
      )
    const sockets = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    assert.ok(
      sockets.length <= USUAL_SHARE && sockets.length >= (USUAL_SHARE * 3) / 4,
      String(sockets.length),
    )
    for (const each of opened) if (each.status === 'rejected') assert.match(String(each.reason), /429/)
    const ofBob = await openWebSocket({ ...target, headers: bob })
    assert.equal(await statusOf('/sockets/x', bob), 200)
    for (const socket of [...sockets, ofBob]) socket.terminate()
    await isFree('/sockets/x')
  })
})

let attempts = 0

/** All that a client may have of the small app, once what went before is over. */
async function holdShare(version: HttpVersion): Promise<Held & { readonly path: string }> {
  return await until(
    async () => {
      attempts += 1
      const path = `/small/sse/${attempts}`
      const held = hold(version, `${path}?count=1000000&every=1000`, SMALL_SHARE)
      await answered(held, SMALL_SHARE)
      if (held.count(200) === SMALL_SHARE) return { ...held, path }
      held[Symbol.dispose]()
      return undefined
    },
    { what: 'the whole share to be free', withinMs: 30_000, everyMs: 500 },
  )
}

const linesOf = (path: string) => envoy.stdout.filter((line) => line.includes(`"${path}"`)).length

describe('at the share', () => {
  it('a client is told so, the log has the reason, and each end makes room at once', async () => {
    using held = await holdShare('2')
    const page = await get('/small/x', { ...alice, accept: 'text/html' })
    assert.equal(page.status, 429)
    assert.match(page.headers['retry-after'] ?? '', /^\d+$/)
    assert.match(page.text, /Too much open at once/)
    const id = page.headers['x-request-id'] ?? ''
    assert.ok(id !== '' && page.text.includes(id))
    const json = await get('/small/x', { ...alice, accept: 'application/json' }, '2')
    const { error, request_id: requestId } = json.json<{ error: string; request_id: string }>()
    assert.deepEqual(
      [json.status, error, requestId],
      [429, 'too_many_open_requests', json.headers['x-request-id']],
    )
    assert.match((await get('/small/x', { ...alice, accept: '*/*' })).text, /open as one client may have/)

    const line = await stack.sallyport.waitForLog('the refusal', (each) => each['request-id'] === id)
    assert.match(JSON.stringify(line), /too-many-open-requests/)
    const { text } = await request({ url: `http://127.0.0.1:${stack.edge.metricsPort}/metrics` })
    assert.match(
      text,
      /^sallyport_client_share_refusals_total\{route_id="\w+",from="https:[^"]+".*\} [1-9]\d*$/m,
    )

    assert.equal(await statusOf('/small/x', bob), 200)
    assert.equal(await statusOf('/usual/x', alice), 200)
    held.letGoOfOne()
    await isFree('/small/x')
  })

  it('a client may have its share of WebSockets, and again when they are closed', async () => {
    const target = { url: url('app', '/small-sockets/'), ca: ca.cert, headers: alice }
    for (let round = 0; round < 2; round += 1) {
      const sockets = await until(
        async () => await Promise.all(Array.from({ length: SMALL_SHARE }, () => openWebSocket(target))),
        { what: 'the sockets' },
      )
      await assert.rejects(openWebSocket(target), /429/)
      for (const socket of sockets) socket.terminate()
      await isFree('/small-sockets/x')
    }
  })

  it('a gRPC client is told to try again', async () => {
    const session = connectHttp2(new URL(url('grpc')), ca.cert)
    const chat = () => {
      const stream = session.request(
        {
          ':method': 'POST',
          ':path': '/test.Echo/Chat',
          ':authority': new URL(url('grpc')).host,
          'content-type': 'application/grpc',
          te: 'trailers',
          ...alices('grpc'),
        },
        { endStream: false },
      )
      stream.on('error', () => undefined)
      stream.write(Buffer.concat([Buffer.from([0, 0, 0, 0, 5]), Buffer.from('hello')]))
      return stream
    }
    let heard = 0
    for (let index = 0; index < SMALL_SHARE; index += 1) chat().on('data', () => (heard += 1))
    await until(() => heard === SMALL_SHARE, { what: 'all calls to be open' })
    // What Envoy makes of 429, as gRPC maps statuses of HTTP.
    const [headers] = await once(chat(), 'response')
    assert.equal((headers as IncomingHttpHeaders)['grpc-status'], String(grpc.status.UNAVAILABLE))
    session.destroy()
  })
})

describe('a request counts no longer', () => {
  it('when the app has answered: one after the other, any number passes', async () => {
    await isFree('/small/x')
    for (let index = 0; index < 100; index += 1) assert.equal(await statusOf('/small/x', alice), 200)
  })

  it('when the app can’t be reached', async () => {
    for (let index = 0; index < 30; index += 1) assert.equal(await statusOf('/dead/x', alice), 503)
  })

  it('when its client has gone before the answer, or before the check', async () => {
    for (let round = 0; round < 5; round += 1) {
      const session = connectHttp2(new URL(url('app')), ca.cert)
      session.on('error', () => undefined)
      for (let index = 0; index < 20; index += 1) {
        const stream = session.request({
          ':path': '/small/slow?ms=60000',
          ':authority': new URL(url('app')).host,
          ...alice,
        })
        stream.on('error', () => undefined)
        if (index % 2 === 0) stream.close(8)
        else setImmediate(() => stream.close(8))
      }
      await until(() => session.state.outboundQueueSize === 0, { what: 'all to be sent' })
      session.destroy()
    }
    assert.equal(await statusOf('/small/x', bob), 200)
    await isFree('/small/x')
  })
})

const LONGER_THAN_IT_IS_REMEMBERED_MS = 14_000

describe('a stream that stays open', () => {
  it('counts all the while, over a restart of Sallyport, and is one line in the access log', async () => {
    let path = ''
    {
      using held = await holdShare('1.1')
      path = held.path
      const openedAt = performance.now()
      await until(
        async () => {
          assert.equal(await statusOf('/small/x', alice), 429)
          return performance.now() - openedAt > LONGER_THAN_IT_IS_REMEMBERED_MS
        },
        { what: 'time to pass', withinMs: 30_000, everyMs: 500 },
      )
      await stack.restart()
      await isReady()
      assert.equal(await statusOf('/small/x', bob), 200)
      await isFull('/small/x')
      assert.equal(await statusOf('/small/x', bob), 200)
      assert.equal(linesOf(path), 0)
    }
    await isFree('/small/x')
    await until(() => linesOf(path) === SMALL_SHARE, { what: 'the lines' })
  })

  it('counts no longer when it has ended while Sallyport was away', async () => {
    const held = await holdShare('1.1')
    assert.equal(await statusOf('/small/x', alice), 429)
    stack.sallyport.process.signal('SIGKILL')
    await stack.sallyport.process.exited
    held[Symbol.dispose]()
    await stack.restart()
    await isReady()
    using again = await holdShare('1.1')
    assert.equal(again.count(200), SMALL_SHARE)
  })

  it('counts no longer when its Envoy is gone', async () => {
    using held = await holdShare('1.1')
    assert.equal(held.count(200), SMALL_SHARE)
    assert.equal(await statusOf('/small/x', alice), 429)
    envoy.running.signal('SIGKILL')
    await envoy.stop()
    envoy = await startEnvoy({ runDirectory })
    await isFree('/small/x')
  })
})
