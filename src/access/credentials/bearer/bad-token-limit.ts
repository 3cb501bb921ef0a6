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
import { clientNetworkOf } from '../../../edge/client-network.ts'
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
    const { network, site } = clientNetworkOf(address)
    return [
      [this.#networks, network],
      ...(site === undefined ? [] : ([[this.#sites, site]] as const)),
      [this.#together, ALL],
    ]
  }
}
