/**
 * Floods by strangers: whatever they do to their own connections, nobody else loses an answer.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { Agent, request as requestOverTls } from 'node:https'
import { after, describe, it } from 'node:test'
import { ATTACKS, startFlood } from '../harness/flood.ts'
import { connectHttp2 } from '../harness/http-client.ts'
import { PUBLIC, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const stack = await startStack({
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, ...STAFF_ONLY, allow_websockets: true },
    { from: url('public', ''), to: upstream.url, ...PUBLIC },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { port } = stack.edge
const { ca } = stack

/** Somebody who has a connection and asks one thing after the other; 0 stands for no answer. */
interface Bystander extends Disposable {
  get(path: string): Promise<number>
}

function overHttp2(): Bystander {
  const session = connectHttp2(new URL(stack.url('public')), ca.cert)
  session.on('error', () => undefined)
  return {
    get: (path) =>
      new Promise((resolve) => {
        if (session.destroyed) return resolve(0)
        const stream = session.request({
          ':path': path,
          ':authority': `public.localhost:${port}`,
          ':scheme': 'https',
        })
        let status = 0
        stream.on('response', (headers) => {
          status = Number(headers[':status'])
        })
        stream.on('error', () => undefined)
        stream.on('close', () => resolve(status))
        stream.resume().end()
      }),
    [Symbol.dispose]: () => session.destroy(),
  }
}

function overHttp1(): Bystander {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    get: (path) =>
      new Promise((resolve) => {
        const outgoing = requestOverTls({
          agent,
          host: '127.0.0.1',
          port,
          path,
          servername: 'public.localhost',
          headers: { host: `public.localhost:${port}` },
          ca: ca.cert,
        })
        outgoing.once('error', () => resolve(0))
        outgoing.once('response', (incoming) => {
          incoming.resume().once('end', () => resolve(incoming.statusCode ?? 0))
        })
        outgoing.end()
      }),
    [Symbol.dispose]: () => agent.destroy(),
  }
}

const CONNECTIONS = 8
const ANSWERS = 25

/** An app's own path is checked; Sallyport's pages are reached over connections of another kind. */
const TARGETS = [
  { host: 'app', path: '/', what: 'at an app' },
  { host: 'authenticate', path: '/.pomerium/sign_in', what: 'at the sign-in page' },
] as const

for (const { host, path, what } of TARGETS) {
  describe(`a stranger's flood ${what} costs nobody else an answer`, () => {
    for (const attack of Object.keys(ATTACKS) as (keyof typeof ATTACKS)[]) {
      it(attack, async () => {
        using old = overHttp2()
        using older = overHttp1()
        assert.deepEqual([await old.get('/x'), await older.get('/x')], [200, 200])
        const authority = `${host}.localhost:${port}`
        const target = { port, servername: `${host}.localhost`, ca: ca.cert }
        await using flood = startFlood({ target, authority, path, attack, connections: CONNECTIONS })
        await until(() => flood.connections >= CONNECTIONS, { what: 'the flood to begin', withinMs: 30_000 })
        const statuses: number[] = []
        for (let count = 0; count < ANSWERS; count += 1) {
          statuses.push(...(await Promise.all([old.get('/x'), older.get('/.pomerium/')])))
          if (count % 5 > 0) continue
          using newcomer = overHttp2()
          statuses.push(await newcomer.get('/x'))
        }
        assert.deepEqual(new Set(statuses), new Set([200]))
      })
    }
  })
}
