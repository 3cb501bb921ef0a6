/**
 * Stands in for our own port to a provider, as the refresher sees it: no server, no tokens, no network.
 *
 * What it answers, and what happens meanwhile, a test sets. For a server that speaks OpenID Connect there are
 * `test/harness/real-provider.ts` and `played-provider.ts`.
 *
 * @module
 */
import type { Fault } from '../../errors.ts'
import type { Identity } from '../../identity/provider.ts'
import type { RefreshingProvider } from './ports.ts'

export class FakeRefreshingProvider implements RefreshingProvider {
  readonly id: string
  readonly refreshes: string[] = []
  readonly rereads: string[] = []
  refreshEveryMs: number | undefined
  /** Thrown instead of whatever is asked next. */
  fault: Fault | undefined
  /** Of the access tokens that a refresh brings. */
  lifetimeMs = 3_600_000
  /** Questions under way, and the most there have been. */
  atOnce = 0
  most = 0
  meanwhile: (() => void) | undefined
  readonly #now: () => number

  constructor(id: string, now: () => number) {
    this.id = id
    this.#now = now
  }

  async refresh(known: Identity): Promise<Identity> {
    this.atOnce += 1
    this.most = Math.max(this.most, this.atOnce)
    try {
      await Promise.resolve()
      this.refreshes.push(known.userId)
      if (this.fault !== undefined) throw this.fault
      this.meanwhile?.()
      const accessTokenExpiresAt = this.#now() + this.lifetimeMs
      return {
        ...known,
        groups: ['refreshed'],
        tokens: { ...known.tokens, accessToken: 'played-access-token', accessTokenExpiresAt },
      }
    } finally {
      this.atOnce -= 1
    }
  }

  async reread(known: Identity): Promise<Identity> {
    await Promise.resolve()
    this.rereads.push(known.userId)
    if (this.fault !== undefined) throw this.fault
    return { ...known, groups: ['reread'] }
  }
}
