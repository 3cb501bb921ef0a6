/**
 * Reads DER (X.690), as far as certificates and revocation lists are looked into here.
 *
 * Strict where two readers could differ: a length that is not what it says ends the reading.
 *
 * @module
 */

export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/**
 * One element. Its bytes are cut out when they are asked for: a revocation list may have a hundred thousand.
 */
export class DerElement {
  /** The identifier octet. */
  readonly tag: number
  readonly bytes: Buffer
  /** Where the element, its content and what follows it begin. */
  readonly at: number
  readonly from: number
  readonly end: number

  constructor(bytes: Buffer, at: number, from: number, end: number) {
    this.tag = bytes[at] ?? 0
    this.bytes = bytes
    this.at = at
    this.from = from
    this.end = end
  }

  get content(): Buffer {
    return this.bytes.subarray(this.from, this.end)
  }

  /** With identifier and length. */
  get raw(): Buffer {
    return this.bytes.subarray(this.at, this.end)
  }
}

/** A context-specific tag, such as `[0]`. */
export const context = (number: number, isConstructed = true): number =>
  (isConstructed ? 0xa0 : 0x80) | number

const malformed = () => new RangeError('is not well-formed DER')

/**
 * The elements that stand one after another.
 *
 * @throws {RangeError} when the bytes are not that
 */
export function elementsOf(bytes: Buffer, begin = 0, end = bytes.length): readonly DerElement[] {
  const elements: DerElement[] = []
  for (let at = begin; at < end; ) {
    const element = elementAt(bytes, at, end)
    elements.push(element)
    at = element.end
  }
  return elements
}

function elementAt(bytes: Buffer, at: number, limit: number): DerElement {
  // tags above 30 take more octets and stand in no structure that is read here
  if (((bytes[at] ?? 0) & 0x1f) === 0x1f || at + 2 > limit) throw malformed()
  const first = bytes[at + 1] ?? 0
  const count = first < 0x80 ? 0 : first & 0x7f
  const from = at + 2 + count
  if (first === 0x80 || count > 4 || from > limit) throw malformed()
  const length = count === 0 ? first : bytes.readUIntBE(at + 2, count)
  // the shortest form is the only one
  if (count > 0 && (length < 0x80 || length < 2 ** (8 * (count - 1)))) throw malformed()
  if (length > limit - from) throw malformed()
  return new DerElement(bytes, at, from, from + length)
}

/** @throws {RangeError} */
export function onlyElement(bytes: Buffer, tag: number): DerElement {
  const [element, ...others] = elementsOf(bytes)
  if (element === undefined || element.tag !== tag || others.length > 0) throw malformed()
  return element
}

/** What a constructed element holds. @throws {RangeError} */
export function childrenOf(element: DerElement | undefined, tag: number): readonly DerElement[] {
  if (element === undefined || element.tag !== tag) throw malformed()
  return elementsOf(element.bytes, element.from, element.end)
}

/** `2.5.29.17`. @throws {RangeError} */
export function oidOf(element: DerElement | undefined): string {
  if (element === undefined || element.tag !== Tag.oid || element.content.length === 0) throw malformed()
  const arcs: number[] = []
  let arc = 0
  for (const byte of element.content) {
    arc = arc * 128 + (byte & 0x7f)
    if (arc > Number.MAX_SAFE_INTEGER) throw malformed()
    if (byte < 0x80) {
      arcs.push(arc)
      arc = 0
    }
  }
  const [first = 0, ...rest] = arcs
  const root = Math.min(2, Math.floor(first / 40))
  return [root, first - root * 40, ...rest].join('.')
}

/** Whole numbers that are small by their nature, such as a path length. @throws {RangeError} */
export function smallInteger(element: DerElement | undefined): number {
  if (element === undefined || element.tag !== Tag.integer) throw malformed()
  const { content } = element
  if (content.length === 0 || content.length > 4 || (content[0] ?? 0) > 0x7f) throw malformed()
  return content.readUIntBE(0, content.length)
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/

/**
 * Epoch milliseconds.
 *
 * @throws {RangeError}
 * @see RFC 5280 section 4.1.2.5
 */
export function timeOf(element: DerElement | undefined): number {
  if (element === undefined) throw malformed()
  const isUtc = element.tag === Tag.utcTime
  if (!isUtc && element.tag !== Tag.generalizedTime) throw malformed()
  const parts = (isUtc ? UTC_TIME : GENERALIZED_TIME).exec(element.content.toString('latin1'))
  if (parts === null) throw malformed()
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number)
  const fullYear = isUtc ? year + (year >= 50 ? 1900 : 2000) : year
  const time = Date.UTC(fullYear, month - 1, day, hour, minute, second)
  // Date.UTC takes years below 100 for others, and the 31st of April for the 1st of May
  const made = new Date(time)
  if (made.getUTCFullYear() !== fullYear || made.getUTCMonth() !== month - 1 || made.getUTCDate() !== day)
    throw malformed()
  return time
}

/** `true` only as DER writes it. @throws {RangeError} */
export function booleanOf(element: DerElement | undefined): boolean {
  if (element === undefined || element.tag !== Tag.boolean || element.content.length !== 1) throw malformed()
  const byte = element.content[0]
  if (byte !== 0 && byte !== 0xff) throw malformed()
  return byte === 0xff
}

/** One extension of a certificate, a revocation list or an entry of one. */
export interface Extension {
  readonly oid: string
  readonly isCritical: boolean
  /** DER of what the extension holds. */
  readonly value: Buffer
}

/** @throws {RangeError} also when one stands twice, or none at all: the sequence is then to be left out */
export function extensionsOf(sequence: DerElement | undefined): readonly Extension[] {
  const extensions = childrenOf(sequence, Tag.sequence).map((element): Extension => {
    const [oid, ...rest] = childrenOf(element, Tag.sequence)
    const critical = rest.length > 1 ? rest[0] : undefined
    const value = rest.at(-1)
    if (rest.length > 2 || value?.tag !== Tag.octetString) throw malformed()
    return {
      oid: oidOf(oid),
      isCritical: critical !== undefined && booleanOf(critical),
      value: value.content,
    }
  })
  const areDistinct = new Set(extensions.map(({ oid }) => oid)).size === extensions.length
  if (extensions.length === 0 || !areDistinct) throw malformed()
  return extensions
}
