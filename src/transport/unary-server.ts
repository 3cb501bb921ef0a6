/**
 * A gRPC server for unary calls of one trusted peer over a private Unix socket, on `node:http2`.
 *
 * It does what such a call needs and no more: no interceptors, no compression, no metadata, and
 * `grpc-timeout` is not read, because the peer resets a call that it no longer waits for. Messages
 * are bytes; what they mean is the method's business. grpc-server.ts is the general server.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 * @module
 */
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { Fault } from '../errors.ts'
import { GrpcStatus } from './grpc-status.ts'
import { listenUnix, type SocketPlace } from './unix-socket.ts'

/** Answers one call. A `Fault` becomes its gRPC status, anything else thrown `INTERNAL`. */
export type UnaryMethod = (message: Buffer) => Buffer | Promise<Buffer>

export interface UnaryServerOptions {
  readonly socketPath: SocketPlace
  /** By path: `/package.Service/Method`. */
  readonly methods: Readonly<Record<string, UnaryMethod>>
  readonly maxMessageBytes?: number
  /** How long calls under way may take to end once the server is being closed. */
  readonly drainMs?: number
  /** Told of what a method threw that is not a `Fault`. */
  readonly onBug: (error: unknown) => void
}

const PREFIX_BYTES = 5
const OK_HEADERS = { ':status': 200, 'content-type': 'application/grpc' }
const OK_TRAILERS = { 'grpc-status': '0' }
const ANSWER = { waitForTrailers: true, sendDate: false }
const EARLY_END = { endStream: true, sendDate: false }

/** Settings for one trusted peer that keeps thousands of calls open and resets many when its own peers go. */
const SESSION = {
  settings: { initialWindowSize: 1 << 20, maxConcurrentStreams: 10_000 },
  maxSessionMemory: 256,
  streamResetBurst: 1_000_000,
  streamResetRate: 100_000,
}

export async function serveUnary(options: UnaryServerOptions): Promise<AsyncDisposable> {
  const { socketPath, methods, maxMessageBytes = 1 << 20, drainMs = 2000, onBug } = options
  const byPath = new Map(
    Object.entries(methods).map(([path, method]) => [
      path,
      (stream: ServerHttp2Stream, message: Buffer) => answer(stream, method, message, onBug),
    ]),
  )
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer(SESSION)
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    session.setLocalWindowSize(1 << 24)
    session.on('stream', (stream, headers) => {
      stream.on('error', ignore)
      const onMessage = byPath.get(headers[':path'] ?? '')
      const refusal = refuse(headers)
      if (refusal !== undefined || onMessage === undefined) {
        endEarly(stream, refusal ?? GrpcStatus.UNIMPLEMENTED)
        return
      }
      receive(stream, maxMessageBytes, onMessage)
    })
  })
  // A peer that breaks the protocol loses its connection, never the process.
  server.on('sessionError', () => {})
  await listenUnix(server, socketPath)
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      for (const session of sessions) session.close()
      const timer = setTimeout(() => {
        for (const session of sessions) session.destroy()
      }, drainMs)
      await closed
      clearTimeout(timer)
    },
  }
}

/** An HTTP refusal for what is not gRPC, a gRPC one for what is but can't be served. */
type Refusal = { readonly httpStatus: number } | GrpcStatus

/** A call that ends in an error has told its peer; nobody else is interested. */
function ignore(): void {}

function refuse(headers: IncomingHttpHeaders): Refusal | undefined {
  if (headers[':method'] !== 'POST') return { httpStatus: 405 }
  const type = headers['content-type']
  if (type !== 'application/grpc' && !/^application\/grpc(?:\+proto)?(?:;|$)/.test(type ?? '')) {
    return { httpStatus: 415 }
  }
  return undefined
}

/** Collects the one message of a call; a body that is not exactly one message is refused. */
function receive(
  stream: ServerHttp2Stream,
  maxMessageBytes: number,
  onMessage: (stream: ServerHttp2Stream, message: Buffer) => void,
): void {
  let body: Buffer | undefined
  let more: Buffer[] | undefined
  let size = 0
  let isRefused = false
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (isRefused) {
      if (size > 2 * maxMessageBytes) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    } else if (size > maxMessageBytes + PREFIX_BYTES) {
      isRefused = true
      more = undefined
      endEarly(stream, GrpcStatus.RESOURCE_EXHAUSTED)
    } else if (body === undefined) body = chunk
    else if (more === undefined) more = [body, chunk]
    else more.push(chunk)
  })
  stream.on('end', () => {
    if (isRefused) return
    const whole = more === undefined ? body : Buffer.concat(more, size)
    // The stream outlives its call until the next big garbage collection; what it received need not.
    body = undefined
    more = undefined
    if (whole === undefined || whole.length < PREFIX_BYTES) return endEarly(stream, GrpcStatus.INTERNAL)
    if (whole[0] !== 0) return endEarly(stream, GrpcStatus.UNIMPLEMENTED)
    const length = whole.readUInt32BE(1)
    if (length > maxMessageBytes) return endEarly(stream, GrpcStatus.RESOURCE_EXHAUSTED)
    if (length !== whole.length - PREFIX_BYTES) return endEarly(stream, GrpcStatus.INTERNAL)
    onMessage(stream, whole.subarray(PREFIX_BYTES))
  })
}

function answer(
  stream: ServerHttp2Stream,
  method: UnaryMethod,
  message: Buffer,
  onBug: (error: unknown) => void,
): void {
  const fail = (error: unknown) => {
    if (error instanceof Fault) return endEarly(stream, error.grpcStatus)
    onBug(error)
    endEarly(stream, GrpcStatus.INTERNAL)
  }
  try {
    const reply = method(message)
    if (Buffer.isBuffer(reply)) send(stream, reply)
    else reply.then((late) => send(stream, late)).catch(fail)
  } catch (error) {
    fail(error)
  }
}

function send(stream: ServerHttp2Stream, reply: Buffer): void {
  // The peer has reset the call meanwhile: nobody waits for the answer.
  if (stream.destroyed || stream.closed) return
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + reply.length)
  framed[0] = 0
  framed.writeUInt32BE(reply.length, 1)
  reply.copy(framed, PREFIX_BYTES)
  stream.on('wantTrailers', sendOkTrailers)
  stream.respond(OK_HEADERS, ANSWER)
  stream.end(framed)
}

function sendOkTrailers(this: ServerHttp2Stream): void {
  if (!this.destroyed && !this.closed) this.sendTrailers(OK_TRAILERS)
}

/**
 * Answers without a message: gRPC's "trailers-only" form.
 *
 * What the peer still sends is thrown away, not reset: a reset would overtake the answer.
 */
function endEarly(stream: ServerHttp2Stream, refusal: Refusal): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return
  const headers =
    typeof refusal === 'number'
      ? { ...OK_HEADERS, 'grpc-status': String(refusal) }
      : { ':status': refusal.httpStatus }
  stream.respond(headers, EARLY_END)
  stream.resume()
}
