/**
 * One credential, shown over each protocol that an app may be asked by.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { grpcClient } from './grpc.ts'
import { type HttpResponse, request } from './http-client.ts'
import { rawHttp1, rawHttp2, requestFrames } from './raw-http.ts'
import type { Stack } from './stack.ts'
import type { KeyPair } from './test-ca.ts'
import { ask, openWebSocket } from './web-socket.ts'

/** What one client shows. */
export interface Shown {
  readonly headers?: Readonly<Record<string, string>>
  readonly client?: KeyPair
}

/** The gRPC app of a host is at `<host>-grpc`. */
export function everyProtocol({ url, ca, edge }: Pick<Stack, 'url' | 'ca' | 'edge'>) {
  const get = async (
    host: string,
    { headers, client }: Shown,
    version: '1.1' | '2' = '2',
  ): Promise<HttpResponse> =>
    await request({
      url: url(host, '/matrix'),
      ca: ca.cert,
      version,
      headers: { accept: 'application/json', ...headers },
      ...(client === undefined ? {} : { client }),
    })

  async function webSocketStatus(host: string, { headers, client }: Shown): Promise<number> {
    try {
      const socket = await openWebSocket({
        url: url(host, '/ws'),
        ca: ca.cert,
        headers: headers ?? {},
        client,
      })
      assert.equal(await ask(socket, 'hello'), 'echo:hello')
      socket.terminate()
      return 101
    } catch (error) {
      return Number(/Unexpected server response: (\d+)/.exec(String(error))?.[1] ?? 0)
    }
  }

  async function grpcCode(host: string, { headers, client }: Shown): Promise<number> {
    using caller = grpcClient({ host: `${host}-grpc.localhost`, port: edge.port, ca: ca.cert, client })
    return (await caller.call('Unary', Buffer.from('hi'), { ...headers })).code
  }

  /** Plain CONNECT over HTTP/1.1 and HTTP/2, and extended CONNECT for something else than a WebSocket. */
  async function connectStatuses(host: string, { headers, client }: Shown): Promise<readonly number[]> {
    const authority = `${host}.localhost:${edge.port}`
    const target = { port: edge.port, servername: `${host}.localhost`, ca: ca.cert, client }
    const given = Object.entries(headers ?? {})
    const lines = given.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const one = await rawHttp1(
      target,
      `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${lines}\r\nHELO\r\n`,
    )
    const two = await rawHttp2(
      target,
      requestFrames([[':method', 'CONNECT'], [':authority', authority], ...given]),
    )
    const extended = await rawHttp2(
      target,
      requestFrames([
        [':method', 'CONNECT'],
        [':protocol', 'connect-udp'],
        [':scheme', 'https'],
        [':authority', authority],
        [':path', '/.well-known/masque/udp/127.0.0.1/53/'],
        ...given,
      ]),
      // It is answered by the end of the connection, which Envoy takes its time for.
      { withinMs: 500 },
    )
    return [one.status, two.status, extended.status]
  }

  return { get, webSocketStatus, grpcCode, connectStatuses }
}
