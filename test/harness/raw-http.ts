/**
 * Bytes on a TLS or cleartext connection, as no well-behaved client would send them, and HTTP/2 frames by
 * hand.
 *
 * @module
 */
import { connect as netConnect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import type { KeyPair } from './test-ca.ts'

export interface RawTarget {
  readonly port: number
  /** SNI; without it the connection is cleartext. */
  readonly servername?: string
  readonly ca?: string
  /** Shown in the TLS handshake. */
  readonly client?: KeyPair | undefined
}

export interface RawAnswer {
  /** Status of the first answer, 0 when the connection ended without one. */
  readonly status: number
  /** Statuses of all answers that came. */
  readonly statuses: readonly number[]
  readonly text: string
  /** Whether the server ended the connection within the time. */
  readonly closed: boolean
}

/** A connection to write to by hand, its TLS handshake done. */
export function openRaw(target: RawTarget, alpn: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const where = { host: '127.0.0.1', port: target.port }
    if (target.servername === undefined) {
      const socket = netConnect(where, () => resolve(socket))
      socket.once('error', reject)
      return
    }
    const socket = tlsConnect(
      {
        ...where,
        servername: target.servername,
        ALPNProtocols: [alpn],
        ...(target.ca === undefined ? {} : { ca: target.ca }),
        ...(target.client && { cert: target.client.cert, key: target.client.key }),
      },
      () => resolve(socket),
    )
    socket.once('error', reject)
  })
}

/** Collects what the server sends until it closes, `enough` holds, or time is up. */
async function exchange(
  socket: Socket,
  bytes: Buffer,
  enough: (received: Buffer) => boolean,
  withinMs: number,
): Promise<{ readonly received: Buffer; readonly closed: boolean }> {
  const chunks: Buffer[] = []
  return await new Promise((resolve) => {
    const end = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ received: Buffer.concat(chunks), closed })
    }
    const timer = setTimeout(end, withinMs, false)
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (enough(Buffer.concat(chunks))) end(false)
    })
    // a reset is an answer too: the server would have none of it
    socket.on('error', () => end(true))
    socket.on('close', () => end(true))
    socket.write(bytes)
  })
}

const hasWholeAnswer = (received: Buffer): boolean => {
  const text = received.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const head = text.slice(0, end).toLowerCase()
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1]
  if (length !== undefined) return received.length >= end + 4 + Number(length)
  if (head.includes('transfer-encoding: chunked')) return text.endsWith('0\r\n\r\n')
  return /^http\/1\.1 (1\d\d|204|304)/.test(head)
}

/**
 * Sends `text` as it is. With `answers` waits for so many, else for the first or the end of the connection.
 */
export async function rawHttp1(
  target: RawTarget,
  text: string | Buffer,
  {
    withinMs = 3_000,
    untilClosed = false,
  }: { readonly withinMs?: number; readonly untilClosed?: boolean } = {},
): Promise<RawAnswer> {
  const socket = await openRaw(target, 'http/1.1')
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  const { received, closed } = await exchange(
    socket,
    bytes,
    (soFar) => !untilClosed && hasWholeAnswer(soFar),
    withinMs,
  )
  const answer = received.toString('latin1')
  const statuses = [...answer.matchAll(/(?:^|\n)HTTP\/1\.[01] (\d{3})/g)].map(([, status]) => Number(status))
  return { status: statuses[0] ?? 0, statuses, text: answer, closed }
}

// ---- HTTP/2 by hand (RFC 9113, HPACK of RFC 7541 without compression) ----

export type HeaderList = readonly (readonly [name: string, value: string])[]

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const
export const FLAG = { END_STREAM: 1, ACK: 1, END_HEADERS: 4 } as const

export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(streamId, 5)
  return Buffer.concat([head, payload])
}

function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  // RFC 7541 §5.1: an integer with a 7-bit prefix
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const head = [127]
  let rest = bytes.length - 127
  while (rest >= 128) {
    head.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.concat([Buffer.from([...head, rest]), bytes])
}

/** Each field as "literal without indexing, new name": any octet may stand in it. */
export const headerBlock = (headers: HeaderList): Buffer =>
  Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), hpackString(name), hpackString(value)]))

interface Frame {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly payload: Buffer
}

export function framesOf(received: Buffer): Frame[] {
  const frames: Frame[] = []
  let at = 0
  while (at + 9 <= received.length) {
    const length = received.readUIntBE(at, 3)
    if (at + 9 + length > received.length) break
    frames.push({
      type: received.readUInt8(at + 3),
      flags: received.readUInt8(at + 4),
      streamId: received.readUInt32BE(at + 5) & 0x7fffffff,
      payload: received.subarray(at + 9, at + 9 + length),
    })
    at += 9 + length
  }
  return frames
}

const INDEXED_STATUS = [200, 204, 206, 304, 400, 404, 500]

/** `:status` comes first in every answer: indexed, or a literal whose three digits may be Huffman-coded. */
export function statusOf(block: Buffer): number {
  const [first = 0] = block
  // a dynamic table size update may stand before it
  if (first >> 5 === 1) return statusOf(block.subarray(1))
  if (first >= 0x88 && first <= 0x8e) return INDEXED_STATUS[first - 0x88] ?? 0
  const [, length = 0] = block
  const digits = block.subarray(2, 2 + (length & 0x7f))
  if ((length & 0x80) === 0) return Number(digits.toString('latin1'))
  const bits = [...digits].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let status = ''
  let at = 0
  while (status.length < 3 && at < bits.length) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2)
    if (five <= 2) {
      status += five
      at += 5
    } else {
      status += Number.parseInt(bits.slice(at, at + 6), 2) - 0b011001 + 3
      at += 6
    }
  }
  return Number(status)
}

export interface RawHttp2Answer {
  /** Status on stream 1, 0 when there was none. */
  readonly status: number
  /** Error code of RST_STREAM on stream 1. */
  readonly reset: number | undefined
  /** Error code of GOAWAY, when the whole connection was refused. */
  readonly goAway: number | undefined
  /** Whether the server ended the connection within the time. */
  readonly closed: boolean
  readonly body: string
}

/** Sends the preface, an empty SETTINGS and then `frames`; waits for stream 1 or the connection to end. */
export async function rawHttp2(
  target: RawTarget,
  frames: readonly Buffer[],
  { withinMs = 3_000 }: { readonly withinMs?: number } = {},
): Promise<RawHttp2Answer> {
  const socket = await openRaw(target, 'h2')
  const bytes = Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0), ...frames])
  const isOver = (each: Frame): boolean =>
    (each.streamId === 1 &&
      (each.type === FRAME.RST_STREAM ||
        ((each.type === FRAME.HEADERS || each.type === FRAME.DATA) &&
          (each.flags & FLAG.END_STREAM) !== 0))) ||
    (each.type === FRAME.GOAWAY && each.payload.readUInt32BE(4) !== 0)
  const { received, closed } = await exchange(
    socket,
    bytes,
    (soFar) => framesOf(soFar).some(isOver),
    withinMs,
  )
  const all = framesOf(received)
  const ofStream = all.filter(({ streamId }) => streamId === 1)
  const head = ofStream.find(({ type }) => type === FRAME.HEADERS)
  return {
    status: head === undefined ? 0 : statusOf(head.payload),
    reset: ofStream.find(({ type }) => type === FRAME.RST_STREAM)?.payload.readUInt32BE(0),
    goAway: all.find(({ type }) => type === FRAME.GOAWAY)?.payload.readUInt32BE(4),
    closed,
    body: Buffer.concat(
      ofStream.filter(({ type }) => type === FRAME.DATA).map(({ payload }) => payload),
    ).toString(),
  }
}

/** RFC 9113 §6.5.2: what a peer must take without having said so. */
const MAX_FRAME_BYTES = 16_384

/**
 * One request on stream 1 with exactly these fields; a block too large for one frame is continued in others.
 */
export function requestFrames(headers: HeaderList): readonly Buffer[] {
  const block = headerBlock(headers)
  const starts = Array.from(
    { length: Math.ceil(block.length / MAX_FRAME_BYTES) || 1 },
    (_, index) => index * MAX_FRAME_BYTES,
  )
  return starts.map((start, index) => {
    const type = index === 0 ? FRAME.HEADERS : FRAME.CONTINUATION
    const isLast = index === starts.length - 1
    const flags = (index === 0 ? FLAG.END_STREAM : 0) | (isLast ? FLAG.END_HEADERS : 0)
    return frame(type, flags, 1, block.subarray(start, start + MAX_FRAME_BYTES))
  })
}
