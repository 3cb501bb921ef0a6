/**
 * The address that a request came from, past the proxies that the operator trusts.
 *
 * Envoy works it out too, but tells ext_authz the address of the connection only (seen in 1.40). This counts
 * as Envoy does. Where Envoy falls back to the connection's peer, which is a proxy, the address is unknown
 * here: a rule about addresses must not take a stranger for the proxy.
 *
 * @see HttpConnectionManager.xff_num_trusted_hops
 * @module
 */
import { isIP } from 'node:net'

interface Forwarding {
  readonly xff_num_trusted_hops: number
  readonly skip_xff_append: boolean
}

interface Arrived {
  /** Address of the connection's peer; undefined where nobody has told. */
  readonly peer: string | undefined
  /** `X-Forwarded-For` as Envoy shows it. */
  readonly forwardedFor: string | undefined
}

/** Criteria take a text that is no address for an unknown one. */
const UNKNOWN = ''

/** Empty where the header has too few entries, or the entry is no address. */
export function clientAddress(
  { peer, forwardedFor = '' }: Arrived,
  { xff_num_trusted_hops: hops, skip_xff_append: isPeerLeftOut }: Forwarding,
): string {
  if (hops === 0 && peer !== undefined) return peer
  const entries = forwardedFor.split(',')
  // Unless told not to, Envoy has put the peer at the end before it asks us.
  if (hops === 0) return isPeerLeftOut ? UNKNOWN : addressIn(entries.at(-1))
  return addressIn(entries.at(isPeerLeftOut ? -hops : -hops - 1))
}

/** Some proxies write the port of the client too, and then brackets around an address of IPv6. */
const WITH_PORT = /^(?:\[([\da-f:.]+)\]|([\d.]+)(?=:))(?::\d{1,5})?$/i

function addressIn(entry = ''): string {
  const text = entry.trim()
  const [, inBrackets, beforePort] = WITH_PORT.exec(text) ?? []
  const address = inBrackets ?? beforePort ?? text
  const version = isIP(address)
  if (inBrackets !== undefined) return version === 6 ? address : UNKNOWN
  return version === 0 ? UNKNOWN : address
}
