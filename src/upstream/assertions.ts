/**
 * Assertions that were minted and may be shown again: a signature costs more than the rest of a check.
 *
 * @module
 */
import { BoundedMap } from '../bounded-map.ts'
import type { SigningKeys } from '../crypto/signing-keys.ts'
import type { Session } from '../session/session.ts'
import { groupCountOf, type HeaderBudget } from './header-budget.ts'
import { type IdentityHeaders, type IdentityTerms, identityHeaders } from './identity-headers.ts'

/** An assertion lives for five minutes: the upstream always gets one with four of them left. */
const REUSE_MS = 60_000
/** When there are more, all of one session go at once; of the one that was met first. */
const MOST = 20_000

export interface MintedAssertion extends IdentityHeaders {
  readonly mintedAt: number
}

interface Entry extends MintedAssertion {
  readonly sessionVersion: number
}

/** True while something made at that time may be shown again; false too after the clock was set back. */
export function isFresh(madeAt: number, now: number): boolean {
  return now >= madeAt && now - madeAt < REUSE_MS
}

export class Assertions {
  readonly #keys: SigningKeys
  readonly #budget: HeaderBudget
  readonly #most: number
  /** By session id (empty for anonymous), then by route and host. */
  readonly #bySession = new BoundedMap<string, Map<string, Entry>>(Infinity, (_, { size }) => {
    this.#count -= size
  })
  #count = 0

  constructor(keys: SigningKeys, budget: HeaderBudget, most = MOST) {
    this.#keys = keys
    this.#budget = budget
    this.#most = most
  }

  /** One per session version, route and host, minted anew before a minute is over. */
  for(terms: IdentityTerms, host: string, session: Session | undefined, now: number): MintedAssertion {
    const key = `${terms.access.route.id}\n${host}`
    const sessionId = session?.id ?? ''
    const sessionVersion = session?.version ?? 0
    const kept = this.#bySession.get(sessionId)?.get(key)
    if (kept !== undefined && kept.sessionVersion === sessionVersion && isFresh(kept.mintedAt, now))
      return kept
    const entry = { ...this.#mint(terms, host, session, now), sessionVersion }
    this.#bySession.forgetWhile(() => this.#count >= this.#most)
    let ofSession = this.#bySession.get(sessionId)
    if (ofSession === undefined) this.#bySession.set(sessionId, (ofSession = new Map()))
    if (!ofSession.has(key)) this.#count++
    ofSession.set(key, entry)
    return entry
  }

  forgetSession(sessionId: string): void {
    this.#count -= this.#bySession.get(sessionId)?.size ?? 0
    this.#bySession.delete(sessionId)
  }

  clear(): void {
    this.#bySession.clear()
    this.#count = 0
  }

  #mint(terms: IdentityTerms, host: string, session: Session | undefined, now: number): MintedAssertion {
    const minted = identityHeaders(terms, { host, session, nowSeconds: Math.floor(now / 1000) }, this.#keys)
    this.#budget.note(terms.access, minted, groupCountOf(session))
    return { ...minted, mintedAt: now }
  }
}
