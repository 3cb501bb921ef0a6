/**
 * Reads from the bytes of a `CheckRequest` what a decision needs, and nothing else.
 *
 * A full decode costs ten times as much; a property test compares this one with it. Headers are only
 * located here and become text when somebody asks for them.
 *
 * @see envoy/service/auth/v3/attribute_context.proto
 * @module
 */
import { WireReader } from './wire.ts'

/** Field numbers by message. */
const CheckRequestField = { attributes: 1 } as const
const AttributesField = { source: 1, request: 4, contextExtensions: 10 } as const
const PeerField = { address: 1 } as const
const AddressField = { socketAddress: 1 } as const
const SocketAddressField = { address: 2 } as const
const RequestField = { http: 2 } as const
const HttpField = {
  id: 1,
  method: 2,
  headers: 3,
  path: 4,
  host: 5,
  scheme: 6,
  protocol: 10,
  headerMap: 13,
} as const
const HeaderMapField = { headers: 1 } as const
/** A map entry has `key` and `value`; `HeaderValue` has the same and `raw_value` besides. */
const EntryField = { key: 1, value: 2, rawValue: 3 } as const

const ROUTE_ID = Buffer.from('route_id')

/** Numbers kept per header: where its name and its value begin and end. */
const STRIDE = 4
/** Room for the headers of most requests at once: a list that grows is copied again and again. */
const USUAL_HEADERS = 32

/** Where the headers stand in the message. */
interface Ranges {
  readonly at: number[]
  length: number
}

const NONE: Ranges = { at: [], length: 0 }

export class CheckRequest {
  readonly #bytes: Buffer
  /** Of `headers`, where Envoy has joined repeated ones by commas. */
  #joined = NONE
  /** Of `header_map`, where repeated headers stand one by one. */
  #listed = NONE
  /** Envoy's id of the stream; the decision id is the header `x-request-id`. */
  id = ''
  method = ''
  /** With query, as Envoy has normalised it. */
  path = ''
  host = ''
  scheme = ''
  protocol = ''
  /** IP address of the connection's peer. */
  sourceAddress = ''
  /** `context_extensions.route_id`, by which Envoy tells which route it has matched. */
  routeId = ''

  /** @throws {Fault} `CHECK_MALFORMED` */
  constructor(bytes: Buffer) {
    this.#bytes = bytes
    const reader = new WireReader(bytes)
    for (let field; (field = reader.next(bytes.length)) !== 0; ) {
      if (field === CheckRequestField.attributes) this.#readAttributes(reader, reader.enter())
    }
  }

  /** Value of a header by its lower-case name; repeated ones are joined as HTTP joins them. */
  header(name: string): string | undefined {
    return this.#find(name, 'utf8')
  }

  /** One character per byte, so that what is kept of it can be written back unchanged. */
  get cookie(): string | undefined {
    return this.#find('cookie', 'latin1')
  }

  /** Names of all headers, as they stand. */
  headerNames(): string[] {
    const names = new Set<string>()
    for (const ranges of [this.#joined, this.#listed])
      for (let at = 0; at < ranges.length; at += STRIDE)
        names.add(this.#bytes.toString('latin1', ranges.at[at], ranges.at[at + 1]))
    return [...names]
  }

  /** Names of which their bytes say so: for who looks at each and wants few. */
  namesThat(isWanted: (bytes: Buffer, from: number, to: number) => boolean): string[] {
    const names: string[] = []
    for (const ranges of [this.#joined, this.#listed])
      for (let at = 0; at < ranges.length; at += STRIDE) {
        const from = ranges.at[at] ?? 0
        const to = ranges.at[at + 1] ?? 0
        if (isWanted(this.#bytes, from, to)) names.push(this.#bytes.toString('latin1', from, to))
      }
    return names
  }

  /** All headers by name: for policies that read headers, not for the common path. */
  headers(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.headerNames().map((name) => [name, this.header(name) ?? '']))
  }

  /** Of the whole message, which is little more than the request's headers. */
  get byteLength(): number {
    return this.#bytes.length
  }

  #find(name: string, encoding: 'utf8' | 'latin1'): string | undefined {
    let value: string | undefined
    for (let at = 0; at < this.#listed.length; at += STRIDE) {
      if (!this.#isNamed(this.#listed, at, name)) continue
      const part = this.#bytes.toString(encoding, this.#listed.at[at + 2], this.#listed.at[at + 3])
      value = value === undefined ? part : value + (name === 'cookie' ? '; ' : ',') + part
    }
    if (value !== undefined) return value
    // Backwards, since the last of two map entries with one key counts.
    for (let at = this.#joined.length - STRIDE; at >= 0; at -= STRIDE) {
      if (this.#isNamed(this.#joined, at, name))
        return this.#bytes.toString(encoding, this.#joined.at[at + 2], this.#joined.at[at + 3])
    }
    return undefined
  }

  #isNamed({ at: ranges }: Ranges, at: number, name: string): boolean {
    const from = ranges[at] ?? 0
    return (ranges[at + 1] ?? 0) - from === name.length && this.#startsWith(from, name)
  }

  #startsWith(from: number, text: string): boolean {
    for (let index = 0; index < text.length; index++) {
      if (this.#bytes[from + index] !== text.charCodeAt(index)) return false
    }
    return true
  }

  #readAttributes(reader: WireReader, end: number): void {
    for (let field; (field = reader.next(end)) !== 0; ) {
      if (field === AttributesField.request) this.#readRequest(reader, reader.enter())
      else if (field === AttributesField.source) this.#readPeer(reader, reader.enter())
      else if (field === AttributesField.contextExtensions) this.#readContext(reader, reader.enter())
    }
  }

  #readRequest(reader: WireReader, end: number): void {
    for (let field; (field = reader.next(end)) !== 0; ) {
      if (field === RequestField.http) this.#readHttp(reader, reader.enter())
    }
  }

  #readHttp(reader: WireReader, end: number): void {
    for (let field; (field = reader.next(end)) !== 0; ) {
      switch (field) {
        case HttpField.headers:
          if (this.#joined === NONE) this.#joined = newRanges()
          this.#readEntry(reader, reader.enter(), this.#joined)
          break
        case HttpField.headerMap:
          this.#readHeaderMap(reader, reader.enter())
          break
        case HttpField.id:
          this.id = reader.text()
          break
        case HttpField.method:
          this.method = reader.text()
          break
        case HttpField.path:
          this.path = reader.text()
          break
        case HttpField.host:
          this.host = reader.text()
          break
        case HttpField.scheme:
          this.scheme = reader.text()
          break
        case HttpField.protocol:
          this.protocol = reader.text()
          break
        default:
      }
    }
  }

  #readHeaderMap(reader: WireReader, end: number): void {
    for (let field; (field = reader.next(end)) !== 0; ) {
      if (field !== HeaderMapField.headers) continue
      if (this.#listed === NONE) this.#listed = newRanges()
      this.#readEntry(reader, reader.enter(), this.#listed)
    }
  }

  #readEntry(reader: WireReader, end: number, ranges: Ranges): void {
    let keyFrom = 0
    let keyTo = 0
    let valueFrom = 0
    let valueTo = 0
    for (let field; (field = reader.next(end)) !== 0; ) {
      if (field === EntryField.key) {
        keyFrom = reader.from
        keyTo = reader.to
      } else if (field === EntryField.value || field === EntryField.rawValue) {
        valueFrom = reader.from
        valueTo = reader.to
      }
    }
    const { at, length } = ranges
    at[length] = keyFrom
    at[length + 1] = keyTo
    at[length + 2] = valueFrom
    at[length + 3] = valueTo
    ranges.length = length + STRIDE
  }

  #readContext(reader: WireReader, end: number): void {
    let isRouteId = false
    let value = ''
    for (let field; (field = reader.next(end)) !== 0; ) {
      if (field === EntryField.key) isRouteId = ROUTE_ID.compare(this.#bytes, reader.from, reader.to) === 0
      else if (field === EntryField.value) value = reader.text()
    }
    if (isRouteId) this.routeId = value
  }

  #readPeer(reader: WireReader, end: number): void {
    for (let field; (field = reader.next(end)) !== 0; ) {
      if (field !== PeerField.address) continue
      for (let inner, last = reader.enter(); (inner = reader.next(last)) !== 0; ) {
        if (inner !== AddressField.socketAddress) continue
        for (let leaf, stop = reader.enter(); (leaf = reader.next(stop)) !== 0; ) {
          if (leaf === SocketAddressField.address) this.sourceAddress = reader.text()
        }
      }
    }
  }
}

function newRanges(): Ranges {
  // oxlint-disable-next-line unicorn/no-new-array -- room for so many, not an array of one number
  return { at: new Array<number>(USUAL_HEADERS * STRIDE), length: 0 }
}
