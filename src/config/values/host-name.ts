/**
 * Names of hosts as they may stand in a URL, a Host header or a certificate.
 *
 * @module
 */

import { isIP } from 'node:net'
import { z } from 'zod'
import { BoundedMap } from '../../bounded-map.ts'

/** RFC 1123 labels, and the underscore that container networks use. `*` never is part of one. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i

export function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.')
  return text.length <= 253 && labels.every((label) => LABEL.test(label))
}

/** A host name or IP address, lower case, no port. */
export const HostName = z
  .string()
  .refine((text) => isHostName(text) || isIP(text) !== 0, {
    error: (issue) => `"${String(issue.input)}" is not a host name`,
  })
  .transform((text) => text.toLowerCase())

/** Reads `host` or `host:port` (IPv6 in brackets); undefined when it is neither. */
export function parseAuthority(
  text: string,
): { readonly host: string; readonly port: number | undefined } | undefined {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/?#@\s]+))(?::(\d{1,5}))?$/i.exec(text)
  const host = (parts?.[1] ?? parts?.[2] ?? '').toLowerCase()
  if (host === '' || (parts?.[1] !== undefined ? isIP(host) !== 6 : !isHostName(host))) return undefined
  const port = parts?.[3] === undefined ? undefined : Number(parts[3])
  return port !== undefined && (port < 1 || port > 65_535) ? undefined : { host, port }
}

/** `host` or `host:port`, as in a Host header. */
export const Authority = z
  .string()
  .refine((text) => parseAuthority(text) !== undefined, {
    error: (issue) => `"${String(issue.input)}" is not a host name, with or without a port`,
  })
  .transform((text) => text.toLowerCase())

const LABELS = '[A-Za-z0-9_-]+(?:[.][A-Za-z0-9_-]+)*'
const BRACKETED = String.raw`\[[0-9A-Fa-f:.]+\]`
/** 1 to 65535, as a URL has it: no sign, no leading zero. */
const PORT = '[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]'

/**
 * The only form in which a request may name its host, in the syntax that RE2 and JavaScript share. Envoy
 * refuses whatever else there is before it asks for a decision: `app.example.com:443.evil.com` would be any
 * port of the app to its virtual hosts.
 */
export const PLAIN_AUTHORITY = `(?:${LABELS}|${BRACKETED})(?::(?:${PORT}))?`

const plainAuthority = new RegExp(`^(${LABELS}|${BRACKETED})(?::(${PORT}))?$`)

const LONGEST_NAME = 253
const NUMBER_LAST = /(?:^|\.)(?:\d+|0x[\da-f]*)$/

/** Where a request goes: lower case, IPv6 without brackets. */
export interface Place {
  readonly host: string
  readonly port: number | undefined
}

/**
 * Reads a Host header or `:authority`. What has no such form names no place, and is refused wherever it is
 * asked: a host that two readers could take for two would be judged as one and served as the other.
 */
export function placeOf(authority: string): Place | undefined {
  const known = places.get(authority)
  if (known !== undefined) return known
  const place = readPlace(authority)
  if (place === undefined) return undefined
  places.set(authority, Object.freeze(place))
  return place
}

/**
 * Each request asks twice for the place of one of a few hosts. What names no place is not kept, as it may be
 * long.
 */
const places = new BoundedMap<string, Place>(1000)

function readPlace(authority: string): Place | undefined {
  const [, name = '', port] = plainAuthority.exec(authority) ?? []
  const isAddress = name.startsWith('[')
  const host = (isAddress ? name.slice(1, -1) : name).toLowerCase()
  if (host === '' || host.length > LONGEST_NAME || (isAddress && isIP(host) !== 6)) return undefined
  // Such a name is an address in some notation to URL parsers, which read it as another host, or not at all.
  if (!isAddress && NUMBER_LAST.test(host) && isIP(host) !== 4) return undefined
  if (!URL.canParse(`https://${authority}`)) return undefined
  return { host, port: port === undefined ? undefined : Number(port) }
}

/** Without the dot that may end a name: Envoy takes one off before it looks. */
export const withoutFinalDot = (authority: string): string =>
  authority.endsWith('.') || authority.includes('.:') ? authority.replace(FINAL_DOT, '') : authority

const FINAL_DOT = /\.(?=:[^:]*$|$)/
