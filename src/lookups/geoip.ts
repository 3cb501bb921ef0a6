/**
 * Where an address is, by MaxMind DB files: MaxMind's own, and those of others in the same format.
 *
 * @see https://maxmind.github.io/MaxMind-DB/
 * @module
 */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { Reader, type Response } from 'mmdb-lib'

/** What a policy may ask of an address; codes as the files have them. */
export interface Place {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country?: string
  /** `AF`, `AN`, `AS`, `EU`, `NA`, `OC` or `SA`. */
  readonly continent?: string
  /** Second part of ISO 3166-2, upper case. */
  readonly subdivision?: string
  /** In English. */
  readonly city?: string
  /** Number of the autonomous system. */
  readonly asn?: number
}

export interface PlaceTable {
  /** Epoch milliseconds at which the file was made. */
  readonly builtAt: number
  /** `undefined` for an address that the file does not know, such as a private one. */
  find(ip: string): Place | undefined
}

/** @throws {Error} for bytes that are no such file */
export function readPlaces(bytes: Buffer): PlaceTable {
  const reader = new Reader<Response>(bytes)
  return {
    builtAt: reader.metadata.buildEpoch.getTime(),
    find(ip) {
      if (isIP(ip) === 0) return undefined
      // Dual-stack sockets report IPv4 inside IPv6.
      const address = ipaddr.process(ip)
      // A table of IPv4 alone has nothing to say of IPv6, and the library would throw.
      if (address.kind() === 'ipv6' && reader.metadata.ipVersion === 4) return undefined
      const found: unknown = reader.get(address.toString())
      return isMembers(found) ? placeOf(found) : undefined
    },
  }
}

/** Several tables as one: what an earlier one does not say of an address, a later one may. */
export function findPlace(tables: readonly PlaceTable[], ip: string): Place | undefined {
  let place: Place | undefined
  for (const table of tables) {
    const found = table.find(ip)
    if (found !== undefined) place = { ...found, ...place }
  }
  return place
}

type Members = Readonly<Record<string, unknown>>

/** The forms of MaxMind, DB-IP and IPinfo, and the flat ones that are made of public registers. */
function placeOf(row: Members): Place {
  const country = codeOf(row, 'country', 'iso_code') ?? textOf(row['country_code'])
  const continent =
    codeOf(row, 'continent', 'code') ?? textOf(row['continent_code']) ?? textOf(row['continent'])
  const subdivisions = row['subdivisions']
  const subdivision = Array.isArray(subdivisions) ? textOf(membersOf(subdivisions[0])['iso_code']) : undefined
  const city = textOf(membersOf(membersOf(row['city'])['names'])['en']) ?? textOf(row['city'])
  const asn = asnOf(row['autonomous_system_number'] ?? row['asn'])
  return {
    ...(country !== undefined && { country: country.toUpperCase() }),
    ...(continent !== undefined && { continent: continent.toUpperCase() }),
    ...(subdivision !== undefined && { subdivision: subdivision.toUpperCase() }),
    ...(city !== undefined && { city }),
    ...(asn !== undefined && { asn }),
  }
}

/** `{country: {iso_code: 'NZ'}}`, or `{country: 'NZ'}`. */
function codeOf(row: Members, name: string, code: string): string | undefined {
  return textOf(membersOf(row[name])[code]) ?? textOf(row[name])
}

/** A number, or a text such as `AS13335`. */
function asnOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  const digits = typeof value === 'string' ? /^(?:AS)?(\d+)$/i.exec(value)?.[1] : undefined
  return digits === undefined ? undefined : Number(digits)
}

function membersOf(value: unknown): Members {
  return isMembers(value) ? value : {}
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
