/**
 * How many bad tokens may come from one address, and from all together, before others have to wait.
 *
 * Over IPv6 one subscriber has a network (/64) and often a site (/48) of addresses, which count as one
 * sender.
 *
 * Each is a question to the identity provider: whoever sends garbage must not make us ask in a flood.
 *
 * @module
 */
import { isIPv6 } from 'node:net'
import { type Allowance, RateLimiter } from '../../../rate-limiter.ts'

const ALL = ''
/** Of what one address may send, a site may send so many times as much. */
const SITE_SHARE = 3

export class BadTokenLimit {
  readonly #networks: RateLimiter
  readonly #sites: RateLimiter
  readonly #together: RateLimiter

  constructor(each: Allowance, together: Allowance) {
    this.#networks = new RateLimiter(each)
    this.#sites = new RateLimiter({ most: each.most * SITE_SHARE, everyMs: each.everyMs / SITE_SHARE })
    this.#together = new RateLimiter(together)
  }

  isSpent(address: string, now: number): boolean {
    return this.#limits(address).some(([limiter, key]) => limiter.isSpent(key, now))
  }

  spend(address: string, now: number): void {
    for (const [limiter, key] of this.#limits(address)) limiter.spend(key, now)
  }

  /** Senders that are remembered. */
  get size(): number {
    return this.#networks.size + this.#sites.size
  }

  /** What a bad token from there is counted for. */
  #limits(address: string): readonly (readonly [limiter: RateLimiter, key: string])[] {
    const { network, site } = senderOf(address)
    return [
      [this.#networks, network],
      ...(site === undefined ? [] : ([[this.#sites, site]] as const)),
      [this.#together, ALL],
    ]
  }
}

const GROUPS = 8

/** Of an IPv6 address its /64 and its /48; any other text stands for itself. */
function senderOf(address: string): { readonly network: string; readonly site?: string } {
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return { network: address }
  const groups = groupsOf(bare)
  // An IPv4 address in IPv6 form is that of one sender, as it is in its own form.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return {
      network: groups
        .slice(6)
        .flatMap((group) => [group >> 8, group & 0xff])
        .join('.'),
    }
  const [a = 0, b = 0, c = 0, d = 0] = groups
  return { network: `${[a, b, c, d].join(':')}/64`, site: `${[a, b, c].join(':')}/48` }
}

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
