/**
 * Request headers by which a client could pose as us, or as somebody: none may reach an upstream.
 *
 * Envoy removes them before it asks; this is the second gate, and it costs a glance at each name. What it knows
 * besides is how this route's own headers are called, which no client may imitate with other separators.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { CERTIFICATE_HEADER } from '../access/credentials/client-certificate/forwarded.ts'
import { BEGINNING_LENGTH, BEGINNINGS, isForgeable, withHyphens } from '../config/keys/forgeable-headers.ts'
import type { CheckRequest } from './check-request.ts'

interface ForgeableRoute {
  /** Whether Envoy writes the header of client certificates, which goes another way. */
  readonly asksForCertificates: boolean
  /** Lower-case names that are set on this route, with `-` between words. */
  readonly ownHeaders: ReadonlySet<string>
}

/** Names of the headers to take off, as the request has them; nearly always none. */
export const forgedHeaders = (request: CheckRequest, route: ForgeableRoute): readonly string[] =>
  request
    .namesThat(deserveALook)
    .filter((name) =>
      isKnownForgeable(name)
        ? name !== CERTIFICATE_HEADER || !route.asksForCertificates
        : imitates(name, route.ownHeaders),
    )

const beginnings = new Set([...BEGINNINGS].map((text) => Buffer.from(text).readUInt32BE()))

/** Told from the bytes, since most names are harmless and making text of each costs more than all else here. */
function deserveALook(bytes: Buffer, from: number, to: number): boolean {
  if (bytes[from] === 0x3a) return false
  for (let index = from; index < to; index++) {
    const byte = bytes[index] ?? 0
    const isPlain = (byte >= 0x61 && byte <= 0x7a) || byte === 0x2d || (byte >= 0x30 && byte <= 0x39)
    if (!isPlain) return true
  }
  return to - from >= BEGINNING_LENGTH && beginnings.has(bytes.readUInt32BE(from))
}

/** The header of that very name is set or taken off by what made it the route's own. */
function imitates(name: string, own: ReadonlySet<string>): boolean {
  return name.includes('_') && !own.has(name) && own.has(withHyphens(name))
}

const MOST_NAMES = 2000
const LONGEST_NAME = 64
const known = new Map<string, boolean>()

/** Requests have the same few names again and again; strangers' inventions push them out at worst. */
function isKnownForgeable(name: string): boolean {
  let isForged = known.get(name)
  if (isForged !== undefined) return isForged
  isForged = isForgeable(name)
  if (known.size >= MOST_NAMES) known.clear()
  if (name.length <= LONGEST_NAME) known.set(name, isForged)
  return isForged
}
