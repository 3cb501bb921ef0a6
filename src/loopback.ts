/**
 * Whether a host is this machine by its very name or address: secrets may go to it in plain HTTP.
 *
 * Names under `.localhost` are (RFC 6761 section 6.3), with or without the dot at the end that makes a name a
 * whole one.
 *
 * @module
 */
import { BlockList, isIP, isIPv4 } from 'node:net'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** @param hostname of a URL, or an address */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (isIP(host) !== 0) return LOOPBACK.check(host, isIPv4(host) ? 'ipv4' : 'ipv6')
  return /(^|\.)localhost\.?$/.test(host)
}
