/**
 * An app to protect: it says what it received, remembers it, and counts every byte that reached it.
 *
 * | path | does |
 * |---|---|
 * | `/sse?count=3&every=20` | server-sent events; with `count=0` until the client goes |
 * | `/slow?ms=500` | answers late |
 * | `/status/503` | that status |
 * | `/headers?name=value` | those response headers |
 * | `/set-cookie?line=a%3D1&header=x:1` | those `Set-Cookie` lines, and other headers |
 * | `/bytes/1000` | so many bytes |
 * | any, `Upgrade: websocket` | echoes messages, each prefixed with `echo:` |
 * | anything else | JSON of the request |
 *
 * @module
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type WebSocket, WebSocketServer } from 'ws'
import type { KeyPair } from './test-ca.ts'

/** What the echo answers with, and what `requests` keeps. */
export interface EchoedRequest {
  readonly method: string
  readonly url: string
  readonly httpVersion: string
  readonly headers: Readonly<Record<string, string>>
  /** Names and values in turn, as they came, doubles included. */
  readonly rawHeaders: readonly string[]
  readonly body: string
  /** Names and values in turn, as they came after the body. */
  readonly rawTrailers: readonly string[]
  /** The name that a TLS upstream was asked for. */
  readonly servername?: string
  /** Common name of the client certificate that a TLS upstream was shown. */
  readonly clientCertificate?: string
  /** Which upstream this is, where a test has several. */
  readonly name: string
}

export interface UpstreamOptions {
  readonly name?: string
  readonly port?: number
  /** Serves TLS; with `clientCa` a client certificate is asked for and must be of that CA. */
  readonly tls?: KeyPair & { readonly clientCa?: string }
  /** Bytes of headers that it takes; unset: what Node takes, 16 KiB. */
  readonly maxHeaderSize?: number
  /** Cleartext HTTP/2 with prior knowledge instead of HTTP/1.1. */
  readonly h2c?: boolean
}

export interface Upstream extends AsyncDisposable {
  readonly port: number
  /** `http://127.0.0.1:port` or with the scheme that `to` needs. */
  readonly url: string
  readonly requests: EchoedRequest[]
  readonly webSockets: ReadonlySet<WebSocket>
  /** Bytes of all connections that ever reached this upstream, headers and bodies. */
  readonly bytes: number
  readonly connections: number
  /** Forgets `requests` and answers the bytes since the last call. */
  drain(): number
}

const LOOPBACK = '127.0.0.1'

const joined = (headers: NodeJS.Dict<string | string[]>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )

async function bodyOf(incoming: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function streamEvents(url: URL, response: ServerResponse): void {
  const count = Number(url.searchParams.get('count') ?? 3)
  const every = Number(url.searchParams.get('every') ?? 20)
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  let sent = 0
  const timer = setInterval(() => {
    sent += 1
    response.write(`data: ${sent}\n\n`)
    if (sent === count) {
      clearInterval(timer)
      response.end()
    }
  }, every)
  response.once('close', () => clearInterval(timer))
}

/** Paths with a behaviour of their own; `false` when the request should be echoed. */
function behave(url: URL, response: ServerResponse): boolean {
  const [, first = '', second = ''] = url.pathname.split('/')
  switch (first) {
    case 'sse':
      streamEvents(url, response)
      return true
    case 'slow':
      setTimeout(() => response.end('slow'), Number(url.searchParams.get('ms') ?? 500))
      return true
    case 'status':
      response.writeHead(Number(second)).end(`status ${second}`)
      return true
    case 'headers':
      response.writeHead(200, Object.fromEntries(url.searchParams)).end('headers')
      return true
    case 'set-cookie':
      for (const header of url.searchParams.getAll('header')) {
        const [name = '', value = ''] = header.split(':')
        response.setHeader(name, value)
      }
      response.writeHead(200, { 'set-cookie': url.searchParams.getAll('line') }).end('cookies')
      return true
    case 'bytes':
      response
        .writeHead(200, { 'content-type': 'application/octet-stream' })
        .end(Buffer.alloc(Number(second), 'x'))
      return true
    default:
      return false
  }
}

export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const { name = 'echo', tls } = options
  const requests: EchoedRequest[] = []
  const webSockets = new Set<WebSocket>()
  const open = new Set<Socket>()
  let closedBytes = 0
  let connections = 0
  let drained = 0

  const bytesSoFar = (): number => [...open].reduce((sum, socket) => sum + socket.bytesRead, closedBytes)

  const describe = (incoming: IncomingMessage, body: string): EchoedRequest => {
    const socket = incoming.socket as Partial<TLSSocket> & Socket
    const subject = socket.getPeerCertificate?.().subject as { CN?: string } | undefined
    return {
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      httpVersion: incoming.httpVersion,
      headers: joined(incoming.headers),
      rawHeaders: incoming.rawHeaders,
      body,
      rawTrailers: incoming.rawTrailers,
      name,
      ...(typeof socket.servername === 'string' ? { servername: socket.servername } : {}),
      ...(subject?.CN === undefined ? {} : { clientCertificate: subject.CN }),
    }
  }

  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(incoming.url ?? '/', 'http://upstream')
    const body = await bodyOf(incoming)
    const echoed = describe(incoming, body.length > 65_536 ? `${body.length} bytes` : body.toString())
    requests.push(echoed)
    if (behave(url, response)) return
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(echoed))
  }
  const onRequest = (incoming: IncomingMessage, response: ServerResponse): void => {
    answer(incoming, response).catch(() => response.destroy())
  }

  const server: Server = options.h2c
    ? // the compatibility API has the parts of http's request that `answer` uses
      http2.createServer(onRequest as never)
    : tls === undefined
      ? http.createServer(
          options.maxHeaderSize === undefined ? {} : { maxHeaderSize: options.maxHeaderSize },
          onRequest,
        )
      : https.createServer(
          {
            cert: tls.cert,
            key: tls.key,
            ...(tls.clientCa === undefined
              ? {}
              : { requestCert: true, rejectUnauthorized: true, ca: tls.clientCa }),
          },
          onRequest,
        )

  const echo = new WebSocketServer({ noServer: true })
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    requests.push(describe(incoming, ''))
    echo.handleUpgrade(incoming, socket, head, (webSocket) => {
      webSockets.add(webSocket)
      webSocket.on('error', () => webSocket.terminate())
      webSocket.on('message', (message: Buffer) => webSocket.send(`echo:${message.toString()}`))
      webSocket.on('close', () => webSockets.delete(webSocket))
    })
  })
  server.on('connection', (socket) => {
    connections += 1
    open.add(socket)
    socket.once('close', () => {
      closedBytes += socket.bytesRead
      open.delete(socket)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, LOOPBACK, resolve)
  })
  const { port } = server.address() as AddressInfo
  const scheme = options.h2c ? 'h2c' : tls === undefined ? 'http' : 'https'

  return {
    port,
    url: `${scheme}://${LOOPBACK}:${port}`,
    requests,
    webSockets,
    get bytes() {
      return bytesSoFar()
    },
    get connections() {
      return connections
    },
    drain() {
      requests.length = 0
      const before = drained
      drained = bytesSoFar()
      return drained - before
    },
    async [Symbol.asyncDispose]() {
      for (const webSocket of webSockets) webSocket.terminate()
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
