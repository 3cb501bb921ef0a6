/**
 * Whose an address is, where senders are counted: over IPv6 whoever has one address has a network of them.
 *
 * @module
 */
import { isIPv6 } from 'node:net'

export interface ClientNetwork {
  /** The address itself, or of one of IPv6 the first 64 bits: what one subscriber has. */
  readonly network: string
  /** Of an IPv6 address the first 48 bits: what a site has. */
  readonly site?: string
}

const GROUPS = 8
const GROUPS_OF_NETWORK = 4
const GROUPS_OF_SITE = 3

/** Any text that is no address of IPv6 stands for itself. */
export function clientNetworkOf(address: string): ClientNetwork {
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return { network: address }
  const groups = groupsOf(bare)
  // An IPv4 address in IPv6 form is that of one sender, as it is in its own form.
  if (isIpv4Within(groups))
    return {
      network: groups
        .slice(6)
        .flatMap((group) => [group >> 8, group & 0xff])
        .join('.'),
    }
  return { network: beginningOf(groups, GROUPS_OF_NETWORK), site: beginningOf(groups, GROUPS_OF_SITE) }
}

/**
 * RFC 4291 section 2.5.5.2, and RFC 6052 section 2.1: through a translator all of IPv4 comes from one network
 * of IPv6.
 */
const IPV4_WITHIN: readonly (readonly number[])[] = [
  [0, 0, 0, 0, 0, 0xffff],
  [0x64, 0xff9b, 0, 0, 0, 0],
]

const isIpv4Within = (groups: readonly number[]): boolean =>
  IPV4_WITHIN.some((prefix) => prefix.every((group, index) => groups[index] === group))

const beginningOf = (groups: readonly number[], count: number): string =>
  groups
    .slice(0, count)
    .map((group) => group.toString(16))
    .join(':')

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const [head = [], tail = []] = address.split('::').map((half) =>
    half.split(':').flatMap((group) => {
      if (group === '') return []
      if (!group.includes('.')) return [Number.parseInt(group, 16)]
      const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
      return [a * 256 + b, c * 256 + d]
    }),
  )
  return [...head, ...Array.from({ length: GROUPS - head.length - tail.length }, () => 0), ...tail]
}
