/**
 * How many bad tokens may come from one address, and from all together, before others have to wait.
 *
 * Over IPv6 one subscriber has a network (/64) and often a site (/48) of addresses, which count as one sender.
 *
 * Each is a question to the identity provider: whoever sends garbage must not make us ask in a flood.
 *
 * @module
 */
import { isIPv6 } from 'node:net'

export interface Allowance {
  /** So many at once. */
  readonly most: number
  /** One more after each such time. */
  readonly everyMs: number
}

interface Spent {
  /** Of the allowance; a fraction once some of it has come back. */
  readonly count: number
  readonly at: number
}

const MOST_ADDRESSES = 10_000
const ALL = ''
/** Of what one address may send, a site may send so many times as much. */
const SITE_SHARE = 3

export class FailureBudget {
  readonly #each: Allowance
  readonly #together: Allowance
  readonly #spent = new Map<string, Spent>()

  constructor(each: Allowance, together: Allowance) {
    this.#each = each
    this.#together = together
  }

  isSpent(address: string, now: number): boolean {
    return this.#limits(address).some(
      ([key, allowance]) => this.#used(key, allowance, now) > allowance.most - 1,
    )
  }

  spend(address: string, now: number): void {
    for (const [key, allowance] of this.#limits(address)) {
      const count = this.#used(key, allowance, now) + 1
      this.#spent.delete(key)
      this.#spent.set(key, { count, at: now })
    }
    while (this.#spent.size > MOST_ADDRESSES) {
      const [oldest = ALL] = this.#spent.keys()
      this.#spent.delete(oldest)
    }
  }

  get size(): number {
    return this.#spent.size
  }

  /** What a bad token from there is counted for. */
  #limits(address: string): readonly (readonly [key: string, allowance: Allowance])[] {
    const { network, site } = senderOf(address)
    const { most, everyMs } = this.#each
    const ofSite = { most: most * SITE_SHARE, everyMs: everyMs / SITE_SHARE }
    return [
      [network, this.#each],
      ...(site === undefined ? [] : ([[site, ofSite]] as const)),
      [ALL, this.#together],
    ]
  }

  /** How much of the allowance is in use; it comes back bit by bit. */
  #used(key: string, { everyMs }: Allowance, now: number): number {
    const spent = this.#spent.get(key)
    if (spent === undefined) return 0
    // A clock that was set back gives nothing back.
    const back = Math.max(0, now - spent.at) / everyMs
    return Math.max(0, spent.count - back)
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
