/**
 * One client's open requests never cost another client an answer: whoever has a share of an app open gets 429.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { ClientHttp2Session } from 'node:http2'
import { request as ask } from 'node:https'
import { after, describe, it } from 'node:test'
import { connectHttp2, request } from '../harness/http-client.ts'
import type { Route } from '../harness/sallyport.ts'
import { ANYONE_SIGNED_IN, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const USUAL_SHARE = 256
const stack = await startStack({
  routes: ({ upstream, url }) => {
    const at = (prefix: string, route: Route): Route => ({
      from: url('app', ''),
      prefix,
      prefix_rewrite: '/',
      to: upstream.url,
      idle_timeout: '120s',
      ...route,
    })
    return [at('/usual/', ANYONE_SIGNED_IN)]
  },
})
after(() => stack[Symbol.asyncDispose]())
const { ca, url } = stack

const alice = stack.agent()
const bob = stack.agent()
await stack.signIn(alice, url('app', '/usual/x'), 'alice')
await stack.signIn(bob, url('app', '/usual/x'), 'bob')
const cookieOf = (agent: typeof alice) => ({ cookie: agent.jar.header(new URL(url('app'))) ?? '' })
const [ofAlice, ofBob] = [cookieOf(alice), cookieOf(bob)]

const get = async (path: string, headers: Readonly<Record<string, string>>, version: '1.1' | '2' = '1.1') =>
  await request({ url: url('app', path), ca: ca.cert, version, headers })

const SSE = 'sse?count=1000000&every=1000'

/** What became of many requests at once. */
interface Opened extends Disposable {
  readonly statuses: readonly number[]
  readonly open: number
}

function statusesOf(count: number, opened: { statuses: number[] }, dispose: () => void): Promise<Opened> {
  return until(() => opened.statuses.length >= count, { what: `${count} answers`, withinMs: 60_000 }).then(
    () => ({
      statuses: opened.statuses,
      get open() {
        return opened.statuses.filter((status) => status === 200 || status === 101).length
      },
      [Symbol.dispose]: dispose,
    }),
  )
}

async function openHttp2(
  path: string,
  count: number,
  headers: Readonly<Record<string, string>>,
): Promise<Opened> {
  const opened = { statuses: [] as number[] }
  const sessions: ClientHttp2Session[] = Array.from({ length: Math.ceil(count / 100) }, () =>
    connectHttp2(new URL(url('app')), ca.cert),
  )
  for (const session of sessions) session.on('error', () => undefined)
  for (let index = 0; index < count; index += 1) {
    const stream = sessions[index % sessions.length]?.request({
      ':path': path,
      ':authority': new URL(url('app')).host,
      ...headers,
    })
    stream?.on('error', () => undefined)
    stream?.on('response', ({ ':status': status = 0 }) => opened.statuses.push(status))
    stream?.resume()
  }
  return await statusesOf(count, opened, () => {
    for (const session of sessions) session.destroy()
  })
}

async function openHttp1(
  path: string,
  count: number,
  headers: Readonly<Record<string, string>>,
): Promise<Opened> {
  const opened = { statuses: [] as number[] }
  const target = new URL(url('app', path))
  const requests = Array.from({ length: count }, () => {
    const outgoing = ask({
      host: '127.0.0.1',
      port: target.port,
      path: target.pathname + target.search,
      servername: target.hostname,
      headers: { host: target.host, ...headers },
      ca: ca.cert,
      agent: false,
    })
    outgoing.on('error', () => undefined)
    outgoing.on('response', (incoming) => {
      opened.statuses.push(incoming.statusCode ?? 0)
      incoming.on('error', () => undefined)
      incoming.resume()
    })
    outgoing.end()
    return outgoing
  })
  return await statusesOf(count, opened, () => {
    for (const outgoing of requests) outgoing.destroy()
  })
}

const canOpenAgain = async (path: string, headers: Readonly<Record<string, string>>) =>
  await until(async () => (await get(path, headers)).status === 200, {
    what: 'a free place',
    withinMs: 30_000,
  })

describe('a client that opens 1,100 streams', () => {
  for (const [version, open] of [
    ['1.1', openHttp1],
    ['2', openHttp2],
  ] as const)
    it(`over HTTP/${version} has its share of them, and the others are answered at once`, async () => {
      {
        using opened = await open(`/usual/${SSE}`, 1100, ofAlice)
        // Short requests of the last seconds count too, of which there were some.
        assert.ok(opened.open <= USUAL_SHARE && opened.open >= (USUAL_SHARE * 3) / 4, String(opened.open))
        assert.ok(opened.statuses.every((status) => status === 200 || status === 429))
        for (const each of ['1.1', '2'] as const) {
          assert.equal((await get('/usual/x', ofBob, each)).status, 200)
        }
      }
      await canOpenAgain('/usual/x', ofAlice)
    })
})
