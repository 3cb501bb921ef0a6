/**
 * Many requests of one client at once, held open until they are let go.
 *
 * @module
 */
import type { ClientHttp2Session } from 'node:http2'
import { request as ask } from 'node:https'
import { connectHttp2, type HttpVersion } from './http-client.ts'

export interface Held extends Disposable {
  /** Of those that have been answered, in the order of the answers. */
  readonly statuses: readonly number[]
  /** How many got such an answer. */
  count(status: number): number
  /** Lets one go that was opened first. */
  letGoOfOne(): void
}

export interface HeldOptions {
  readonly url: string
  readonly ca: string
  readonly headers: Readonly<Record<string, string>>
  readonly count: number
}

const STREAMS_A_CONNECTION = 100

type Let = { readonly statuses: number[]; readonly go: (() => void)[] }

function hold({ statuses, go }: Let, end: () => void): Held {
  return {
    statuses,
    count: (status) => statuses.filter((each) => each === status).length,
    letGoOfOne: () => go.shift()?.(),
    [Symbol.dispose]: end,
  }
}

function holdHttp2({ url, ca, headers, count }: HeldOptions): Held {
  const made: Let = { statuses: [], go: [] }
  const target = new URL(url)
  const sessions: ClientHttp2Session[] = Array.from({ length: Math.ceil(count / STREAMS_A_CONNECTION) }, () =>
    connectHttp2(target, ca),
  )
  for (const session of sessions) session.on('error', () => undefined)
  for (let index = 0; index < count; index += 1) {
    const stream = sessions[index % sessions.length]?.request({
      ':path': target.pathname + target.search,
      ':authority': target.host,
      ...headers,
    })
    stream?.on('error', () => undefined)
    stream?.on('response', ({ ':status': status = 0 }) => made.statuses.push(status))
    stream?.resume()
    made.go.push(() => stream?.close(8))
  }
  return hold(made, () => {
    for (const session of sessions) session.destroy()
  })
}

/** More handshakes at a time take longer than Envoy waits for a request, on a machine with much to do. */
const HANDSHAKES_AT_A_TIME = 50

function holdHttp1({ url, ca, headers, count }: HeldOptions): Held {
  const made: Let = { statuses: [], go: [] }
  const target = new URL(url)
  let begun = 0
  let isOver = false
  const begin = () => {
    if (isOver || begun === count) return
    begun += 1
    const outgoing = ask({
      host: '127.0.0.1',
      port: target.port,
      path: target.pathname + target.search,
      servername: target.hostname,
      headers: { host: target.host, ...headers },
      ca,
      agent: false,
    })
    outgoing.on('error', () => undefined)
    outgoing.once('finish', begin)
    outgoing.on('response', (incoming) => {
      made.statuses.push(incoming.statusCode ?? 0)
      incoming.on('error', () => undefined)
      incoming.resume()
    })
    outgoing.end()
    made.go.push(() => outgoing.destroy())
  }
  for (let index = 0; index < HANDSHAKES_AT_A_TIME; index += 1) begin()
  return hold(made, () => {
    isOver = true
    for (const letGo of made.go) letGo()
  })
}

/** Over HTTP/1.1 each has a connection of its own, over HTTP/2 a hundred share one. */
export const holdRequests = (version: HttpVersion, options: HeldOptions): Held =>
  version === '2' ? holdHttp2(options) : holdHttp1(options)
