/**
 * A request that stays open, as each protocol has them, and how it ends.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import * as grpc from '@grpc/grpc-js'
import { connectHttp2 } from './http-client.ts'
import { openWebSocket } from './web-socket.ts'

export const STREAM_KINDS = ['WebSocket', 'events over HTTP/1.1', 'events over HTTP/2', 'gRPC'] as const
export type StreamKind = (typeof STREAM_KINDS)[number]

export interface LiveStream extends Disposable {
  /** What its end looks like to the client. */
  readonly ended: Promise<string>
  readonly isOpen: boolean
  /** Resolves when something has come through it after the call. */
  alive(): Promise<void>
}

export interface StreamTarget {
  /** Origin of the app. */
  readonly url: string
  readonly ca: string
  readonly headers: Readonly<Record<string, string>>
  /** Of events; unset: those of the echo app. */
  readonly path?: string
}

const EVENTS = '/sse?count=0&every=20'

/** @throws when it is refused; the message names the status */
export async function openStream(kind: StreamKind, target: StreamTarget): Promise<LiveStream> {
  switch (kind) {
    case 'WebSocket':
      return await webSocketStream(target)
    case 'events over HTTP/1.1':
      return await eventsOverHttp1(target)
    case 'events over HTTP/2':
      return await eventsOverHttp2(target)
    case 'gRPC':
      return await grpcStream(target)
  }
}

/** Counts what comes, and knows when it has ended. */
class Watched implements LiveStream {
  readonly ended: Promise<string>
  readonly #close: () => void
  readonly #poke: () => void
  #isOpen = true
  #resolveEnd: (how: string) => void = () => undefined
  #waiting: (() => void)[] = []

  constructor(close: () => void, poke: () => void = () => undefined) {
    this.#close = close
    this.#poke = poke
    this.ended = new Promise((resolve) => {
      this.#resolveEnd = resolve
    })
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  came(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting = []
  }

  end(how: string): void {
    this.#isOpen = false
    this.#resolveEnd(how)
  }

  async alive(): Promise<void> {
    const came = new Promise<string>((resolve) => {
      this.#waiting.push(() => resolve(''))
    })
    this.#poke()
    const how = await Promise.race([came, this.ended])
    if (how !== '') throw new Error(`the stream has ended: ${how}`)
  }

  [Symbol.dispose](): void {
    this.#close()
  }
}

async function webSocketStream({ url, ca, headers }: StreamTarget): Promise<LiveStream> {
  const webSocket = await openWebSocket({ url: `${url}/ws`, ca, headers })
  const stream = new Watched(
    () => webSocket.terminate(),
    () => webSocket.send('are you there'),
  )
  webSocket.on('message', () => stream.came())
  webSocket.on('close', (code) => stream.end(`close ${code}`))
  return stream
}

async function eventsOverHttp1({ url, ca, headers, path = EVENTS }: StreamTarget): Promise<LiveStream> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = https.get(`${url}${path}`, {
      ca,
      agent: false,
      headers,
      lookup: (_host, options, callback) =>
        options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4),
    })
    request.once('response', resolve).once('error', reject)
  })
  if (response.statusCode !== 200) {
    response.resume()
    throw new Error(`refused with ${response.statusCode}`)
  }
  const stream = new Watched(() => response.destroy())
  response.on('data', () => stream.came())
  response.on('error', () => undefined)
  response.on('close', () => stream.end(response.complete ? 'complete' : 'aborted'))
  return stream
}

async function eventsOverHttp2({ url, ca, headers, path = EVENTS }: StreamTarget): Promise<LiveStream> {
  const session = connectHttp2(new URL(url), ca)
  session.on('error', () => undefined)
  const request = session.request({ ':path': path, ...headers })
  const status = await new Promise<number | undefined>((resolve, reject) => {
    request.once('response', (head) => resolve(head[':status'])).once('error', reject)
    request.once('close', () => reject(new Error(`closed without an answer, by code ${request.rstCode}`)))
  })
  if (status !== 200) {
    session.destroy()
    throw new Error(`refused with ${status}`)
  }
  const stream = new Watched(() => session.destroy())
  request.on('data', () => stream.came())
  request.on('error', () => undefined)
  request.on('close', () => {
    stream.end(`reset ${request.rstCode}`)
    session.destroy()
  })
  return stream
}

const bytes = (value: Buffer) => value

async function grpcStream({ url, ca, headers }: StreamTarget): Promise<LiveStream> {
  const { host, hostname, port } = new URL(url)
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createSsl(Buffer.from(ca)), {
    'grpc.ssl_target_name_override': hostname,
    'grpc.default_authority': host,
  })
  const metadata = new grpc.Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  const call = client.makeBidiStreamRequest('/test.Echo/Chat', bytes, bytes, metadata)
  const stream = new Watched(
    () => client.close(),
    () => void call.write(Buffer.from('are you there')),
  )
  call.on('data', () => stream.came())
  call.on('error', () => undefined)
  call.on('status', ({ code }) => {
    stream.end(`status ${code}`)
    client.close()
  })
  await stream.alive()
  return stream
}
