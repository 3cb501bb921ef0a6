/**
 * Request headers by which a client could pose as us, or as somebody: none may reach an upstream.
 *
 * Envoy removes them before it asks; this is the second gate, and it costs a glance at each name. What it
 * knows besides is how this route's own headers are called, which no client may imitate with other
 * separators.
 *
 * @module
 */

import { Buffer } from 'node:buffer'
import { CERTIFICATE_HEADER } from '../access/credentials/client-certificate/forwarded.ts'
import { BoundedMap } from '../bounded-map.ts'
import { BEGINNING_LENGTH, BEGINNINGS, isForgeable } from '../config/keys/forgeable-headers.ts'
import type { CheckRequest } from './check-request.ts'

interface ForgeableRoute {
  /** Whether Envoy writes the header of client certificates, which goes another way. */
  readonly asksForCertificates: boolean
  readonly ownHeaders: OwnHeaders
}

/**
 * Headers that a route sets or takes off itself, in exactly this spelling. To CGI, WSGI, Rack and PHP any
 * name with other separators is the same one, and some of them drop or join one of the two: so nobody else
 * may use such a name.
 */
export class OwnHeaders {
  readonly #names: ReadonlySet<string>
  readonly #variables: ReadonlySet<string>
  /** Whether a name of letters, digits and hyphens may imitate one: only then each is looked at. */
  readonly haveOddNames: boolean

  constructor(names: readonly string[]) {
    const lower = names.map((name) => name.toLowerCase())
    this.#names = new Set(lower)
    this.#variables = new Set(lower.map(variableOf))
    this.haveOddNames = lower.some((name) => /[^a-z0-9-]/.test(name))
  }

  /** @param name in lower case */
  areImitatedBy(name: string): boolean {
    if (this.#variables.size === 0 || this.#names.has(name)) return false
    return this.#variables.has(variableOf(name))
  }
}

const MOST_NAMES = 2000
const LONGEST_NAME = 64

/** Requests have the same few names again and again; strangers' inventions push them out at worst. */
function remembered<Value>(tell: (name: string) => Value): (name: string) => Value {
  const known = new BoundedMap<string, Value>(MOST_NAMES)
  return (name) => {
    let value = known.get(name)
    if (value !== undefined) return value
    value = tell(name)
    if (name.length <= LONGEST_NAME) known.set(name, value)
    return value
  }
}

/**
 * As servers make the name of a variable of it: RFC 3875 section 4.1.18, and for all other separators too.
 */
const variableOf = remembered((name) => name.replaceAll(/[^a-z0-9]/g, '_'))

/** Names of the headers to take off, as the request has them; nearly always none. */
export const forgedHeaders = (request: CheckRequest, route: ForgeableRoute): readonly string[] =>
  request
    .namesThat(route.ownHeaders.haveOddNames ? areFields : deserveALook)
    .filter((name) =>
      isKnownForgeable(name)
        ? name !== CERTIFICATE_HEADER || !route.asksForCertificates
        : route.ownHeaders.areImitatedBy(name),
    )

const beginnings = new Set([...BEGINNINGS].map((text) => Buffer.from(text).readUInt32BE()))

/** Pseudo-headers are none. */
const areFields = (bytes: Buffer, from: number): boolean => bytes[from] !== 0x3a

/**
 * Told from the bytes, since most names are harmless and making text of each costs more than all else here.
 */
function deserveALook(bytes: Buffer, from: number, to: number): boolean {
  if (bytes[from] === 0x3a) return false
  for (let index = from; index < to; index++) {
    const byte = bytes[index] ?? 0
    const isPlain = (byte >= 0x61 && byte <= 0x7a) || byte === 0x2d || (byte >= 0x30 && byte <= 0x39)
    if (!isPlain) return true
  }
  return to - from >= BEGINNING_LENGTH && beginnings.has(bytes.readUInt32BE(from))
}

const isKnownForgeable = remembered(isForgeable)
