/**
 * Listen addresses: `:443`, `127.0.0.1:8443`, `[::]:443`, `localhost:8080`.
 *
 * @module
 */

import { isIP, isIPv4, isIPv6 } from 'node:net'
import { z } from 'zod'

export interface ListenAddress {
  /** An IP address without brackets; a listener is never bound by name. */
  readonly host: string
  readonly port: number
}

/** An empty host means all IPv4 addresses; write `[::]:443` to listen on IPv6 too. */
export function parseListenAddress(text: string): ListenAddress | { readonly wrong: string } {
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  if (parts === null)
    return { wrong: `"${text}" is not an address to listen on; write ":443" or "127.0.0.1:8443"` }
  const port = Number(parts[3])
  if (port < 1 || port > 65_535) return { wrong: `port ${port} is not between 1 and 65535` }
  const bracketed = parts[1]
  if (bracketed !== undefined) {
    return isIPv6(bracketed) ? { host: bracketed, port } : { wrong: `"${bracketed}" is not an IPv6 address` }
  }
  const host = parts[2] ?? ''
  if (host === '') return { host: '0.0.0.0', port }
  if (host === 'localhost') return { host: '127.0.0.1', port }
  return isIPv4(host)
    ? { host, port }
    : { wrong: `"${host}" is not an IP address; a listener is bound to an address, not to a name` }
}

export const ListenAddress = z.string().transform((text, context) => {
  const parsed = parseListenAddress(text)
  if (!('wrong' in parsed)) return parsed
  context.addIssue({ code: 'custom', message: parsed.wrong })
  return z.NEVER
})

/** A DNS server in the form that c-ares gets: `udp://1.1.1.1:53`. */
export const DnsResolver = z.string().transform((text, context): ListenAddress => {
  const parsed = /^(?:udp:\/\/)?(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text)
  const host = parsed?.[1] ?? parsed?.[2] ?? ''
  const port = Number(parsed?.[3] ?? '53')
  if (isIP(host) !== 0 && port >= 1 && port <= 65_535) return { host, port }
  context.addIssue({ code: 'custom', message: `"${text}" is not a DNS server; write "udp://1.1.1.1:53"` })
  return z.NEVER
})
