/**
 * The protobuf wire format, as far as one request and one answer need it.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 * @module
 */
import { Fault } from '../errors.ts'

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** Ten bytes carry 64 bits; a longer varint is not one. */
const LONGEST_VARINT = 10

/**
 * Walks over encoded fields. Every step moves on or throws, so no input can hold it or lead it out of bounds.
 */
export class WireReader {
  readonly bytes: Buffer
  at = 0
  /** Range of the last length-delimited field. */
  from = 0
  to = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /**
   * Moves to the next length-delimited field before `end`; `from` and `to` are then its content.
   *
   * Fields of other wire types are skipped: nothing that is read here has one.
   *
   * @returns its number, or 0 at the end
   * @throws {Fault} `CHECK_MALFORMED`
   */
  next(end: number): number {
    while (this.at < end) {
      const tag = this.#varint(end)
      const field = Math.floor(tag / 8)
      if (field === 0) throw malformed()
      switch (tag % 8) {
        case BYTES: {
          const length = this.#varint(end)
          if (length > end - this.at) throw malformed()
          this.from = this.at
          this.to = this.at += length
          return field
        }
        case VARINT:
          this.#varint(end)
          break
        case FIXED64:
          this.#skip(8, end)
          break
        case FIXED32:
          this.#skip(4, end)
          break
        default:
          throw malformed()
      }
    }
    return 0
  }

  /** Goes into the message that `next` found; the caller goes on until its end, which this returns. */
  enter(): number {
    this.at = this.from
    return this.to
  }

  text(): string {
    return this.bytes.toString('utf8', this.from, this.to)
  }

  #varint(end: number): number {
    let value = 0
    let scale = 1
    const last = Math.min(end, this.at + LONGEST_VARINT)
    while (this.at < last) {
      const byte = this.bytes[this.at++] ?? 0
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    throw malformed()
  }

  #skip(length: number, end: number): void {
    if (length > end - this.at) throw malformed()
    this.at += length
  }
}

const malformed = () => new Fault('CHECK_MALFORMED', 'CheckRequest is not well-formed protobuf')

/** A message under construction: parts are gathered and copied once, at the end. */
export class WireWriter {
  readonly #parts: (Buffer | string)[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  varint(field: number, value: number): this {
    this.#push(varintBytes(field * 8 + VARINT))
    this.#push(varintBytes(value))
    return this
  }

  /** A string or bytes field; strings are written as UTF-8. */
  bytes(field: number, value: string | Buffer): this {
    const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length
    this.#push(varintBytes(field * 8 + BYTES))
    this.#push(varintBytes(length))
    this.#parts.push(value)
    this.#size += length
    return this
  }

  message(field: number, value: WireWriter): this {
    this.#push(varintBytes(field * 8 + BYTES))
    this.#push(varintBytes(value.#size))
    this.#parts.push(...value.#parts)
    this.#size += value.#size
    return this
  }

  finish(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.#size)
    let at = 0
    for (const part of this.#parts)
      at += typeof part === 'string' ? bytes.write(part, at) : part.copy(bytes, at)
    return bytes
  }

  #push(part: Buffer): void {
    this.#parts.push(part)
    this.#size += part.length
  }
}

const ONE_BYTE = Array.from({ length: 128 }, (_, value) => Buffer.from([value]))

function varintBytes(value: number): Buffer {
  const short = ONE_BYTE[value]
  if (short !== undefined) return short
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
  return Buffer.from(bytes)
}
