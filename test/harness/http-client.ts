/**
 * One HTTP request exactly as told, over HTTP/1.1 or HTTP/2: no pool, no redirects, no cookies of its own.
 *
 * Every host name is taken to loopback: `*.localhost` is that by RFC 6761, and the made-up names of the tests
 * too.
 *
 * @module
 */
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { connect as tlsConnect } from 'node:tls'

export type HttpVersion = '1.1' | '2'

export interface Client {
  readonly cert: string
  readonly key: string
}

export interface HttpRequest {
  readonly url: string | URL
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  readonly version?: HttpVersion
  /** PEM that the server's certificate must chain to. Without it the system's. */
  readonly ca?: string
  /** Shown in the TLS handshake: PEM of the chain and of the key. */
  readonly client?: Client
  readonly withinMs?: number
}

export interface HttpResponse {
  readonly status: number
  /** Lower-case names; several values of one name are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly setCookies: readonly string[]
  readonly body: Buffer
  readonly text: string
  readonly trailers: Readonly<Record<string, string>>
  readonly url: URL
  json<T>(): T
}

const LOOPBACK = '127.0.0.1'

const flatten = (headers: Record<string, string | string[] | number | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || name.startsWith(':')
        ? []
        : [[name, Array.isArray(value) ? value.join(', ') : String(value)]],
    ),
  )

interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly setCookies: readonly string[]
  readonly body: Buffer
  readonly trailers: Record<string, string>
}

export async function request(options: HttpRequest): Promise<HttpResponse> {
  const url = new URL(options.url)
  const answer = await (options.version === '2' ? http2Request(url, options) : http1Request(url, options))
  const text = answer.body.toString()
  return { ...answer, text, url, json: <T>() => JSON.parse(text) as T }
}

const portOf = (url: URL): number => Number(url.port || (url.protocol === 'https:' ? 443 : 80))

function http1Request(url: URL, options: HttpRequest): Promise<Answer> {
  const { withinMs = 20_000 } = options
  const secure = url.protocol === 'https:'
  return new Promise((resolve, reject) => {
    const outgoing = (secure ? https : http).request({
      host: LOOPBACK,
      port: portOf(url),
      path: url.pathname + url.search,
      method: options.method ?? 'GET',
      headers: { host: url.host, ...(options.headers as Record<string, string | string[]>) },
      agent: false,
      ...(secure ? { servername: url.hostname, ca: options.ca, ...options.client } : {}),
    })
    const timer = setTimeout(
      () => outgoing.destroy(new Error(`no answer from ${url.href} in ${withinMs} ms`)),
      withinMs,
    )
    outgoing.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    outgoing.once('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.once('error', reject)
      incoming.once('end', () => {
        clearTimeout(timer)
        resolve({
          status: incoming.statusCode ?? 0,
          headers: flatten(incoming.headers),
          setCookies: incoming.headers['set-cookie'] ?? [],
          body: Buffer.concat(chunks),
          trailers: flatten(incoming.trailers),
        })
      })
    })
    outgoing.end(options.body)
  })
}

/** A session of its own per request, so that each request meets the listener as a stranger. */
export function connectHttp2(url: URL, ca?: string, client?: Client): http2.ClientHttp2Session {
  if (url.protocol === 'http:') return http2.connect(`http://${LOOPBACK}:${portOf(url)}`)
  return http2.connect(url.origin, {
    createConnection: () =>
      tlsConnect({
        host: LOOPBACK,
        port: portOf(url),
        servername: url.hostname,
        ALPNProtocols: ['h2'],
        ...(ca === undefined ? {} : { ca }),
        ...client,
      }),
  })
}

async function http2Request(url: URL, options: HttpRequest): Promise<Answer> {
  const { withinMs = 20_000 } = options
  const session = connectHttp2(url, options.ca, options.client)
  try {
    return await new Promise((resolve, reject) => {
      session.once('error', reject)
      const { host, ...headers } = (options.headers ?? {}) as Record<string, string | string[]>
      const stream = session.request({
        ':method': options.method ?? 'GET',
        ':path': url.pathname + url.search,
        ':authority': typeof host === 'string' ? host : url.host,
        ':scheme': url.protocol.slice(0, -1),
        ...headers,
      })
      stream.setTimeout(withinMs, () =>
        stream.destroy(new Error(`no answer from ${url.href} in ${withinMs} ms`)),
      )
      let head: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {}
      let trailers: Record<string, string> = {}
      const chunks: Buffer[] = []
      stream.once('error', reject)
      stream.once('response', (incoming) => {
        head = incoming
      })
      stream.once('trailers', (incoming) => {
        trailers = flatten(incoming)
      })
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.once('close', () => {
        const status = head[':status']
        if (status === undefined) {
          reject(new Error(`${url.href}: stream closed with code ${stream.rstCode}`))
        } else {
          resolve({
            status,
            headers: flatten(head),
            setCookies: head['set-cookie'] ?? [],
            body: Buffer.concat(chunks),
            trailers,
          })
        }
      })
      stream.end(options.body)
    })
  } finally {
    session.destroy()
  }
}
