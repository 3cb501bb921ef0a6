/**
 * Addresses and CIDR ranges of `source_ip`.
 *
 * IPv4 addresses written inside IPv6 (`::ffff:10.0.0.1`, as dual-stack sockets report them) count as IPv4.
 *
 * @module
 */
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

export interface IpRange {
  readonly network: Address
  readonly prefixLength: number
}

let last: { readonly text: string; readonly address: Address | undefined } = { text: '', address: undefined }

/** `undefined` for anything but a plain address. The last answer is kept: rules come in rows. */
export function addressOf(text: string): Address | undefined {
  if (text !== last.text) last = { text, address: parse(text) }
  return last.address
}

export function isInside(address: Address, { network, prefixLength }: IpRange): boolean {
  if (address instanceof ipaddr.IPv4)
    return network instanceof ipaddr.IPv4 && address.match(network, prefixLength)
  return network instanceof ipaddr.IPv6 && address.match(network, prefixLength)
}

/**
 * An address alone is a range of one; host bits beyond the prefix are ignored. `undefined` if it is neither.
 */
export function rangeOf(text: string): IpRange | undefined {
  const [addressText = '', prefixText, ...rest] = text.split('/')
  const network = parse(addressText)
  if (network === undefined || rest.length > 0) return undefined
  const bits = network instanceof ipaddr.IPv4 ? 32 : 128
  if (prefixText === undefined) return { network, prefixLength: bits }
  if (!/^(?:0|[1-9]\d{0,2})$/.test(prefixText)) return undefined
  // a prefix written for the IPv6 spelling of an IPv4 network counts the 96 bits before it
  const prefixLength = Number(prefixText) - (bits === 32 && addressText.includes(':') ? 96 : 0)
  return prefixLength >= 0 && prefixLength <= bits ? { network, prefixLength } : undefined
}

function parse(text: string): Address | undefined {
  // ipaddr.js also reads 010.1, 0x7f.1 and 2130706433; no socket reports those, and a rule must not mean them
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  return ipaddr.IPv6.isValid(text) && text.includes(':') ? ipaddr.process(text) : undefined
}
