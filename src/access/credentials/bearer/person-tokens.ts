/**
 * Access tokens and ID tokens of the identity provider, which programs bring that act for a person.
 *
 * @module
 */
import { decodeJwt } from 'jose'
import { Fault } from '../../../errors.ts'
import type { Presented, PresentedKind, TokenIdentifier, TokenProblem } from '../../../identity/provider.ts'
import { problem } from '../../../identity/token-problem.ts'
import { BadTokenLimit } from './bad-token-limit.ts'
import { type BearerSession, hashOf, personSession } from './bearer-session.ts'
import { TokenCache } from './token-cache.ts'

/** An access token that was taken back is noticed after this time at the latest. */
const ASK_AGAIN_MS = 300_000
/** When the provider could not be asked again. */
const ASK_LATER_MS = 30_000
/** Questions to providers under way at once. */
const MOST_PENDING = 64

export const TOO_MANY: TokenProblem & { readonly isTooMany: true } = {
  ...problem('too many tokens that are not accepted came from this address'),
  isTooMany: true,
}

export interface PersonTokenRequest {
  readonly provider: TokenIdentifier
  readonly kind: PresentedKind
  readonly token: string
  /** Of which the token must name one; unset: as the provider's kind has it. */
  readonly audiences: readonly string[] | undefined
  readonly sourceAddress: string
  readonly lifetimeMs: number
}

interface Kept {
  readonly presented: Presented
  readonly session: BearerSession
}

type Answer = BearerSession | TokenProblem

/** A session of that age would have ended, too. */
const TOO_OLD = problem('it was issued longer ago than a session lasts (iat)')

export class PersonTokens {
  readonly #cache = new TokenCache<Kept>()
  readonly #now: () => number
  #judged = 0
  /** Ten at once and ten a minute from one address; a hundred at once and ten a second from all. */
  readonly #badTokens = new BadTokenLimit({ most: 10, everyMs: 6000 }, { most: 100, everyMs: 100 })

  constructor(now: () => number) {
    this.#now = now
  }

  /** @throws {Fault} IDP_UNREACHABLE and others when it can't be told */
  session(request: PersonTokenRequest): Answer | Promise<Answer> {
    const { provider, kind, token, audiences, sourceAddress } = request
    const now = this.#now()
    const hash = hashOf(token)
    const key = `${kind}\n${provider.id}\n${hash}`
    const known = this.#cache.find(key, now)
    if (known !== undefined) return 'problem' in known ? known : meantForUs(known, audiences)
    const stale = this.#cache.findLast(key)
    const last = stale !== undefined && now < stale.session.expiresAt ? stale : undefined
    if (last === undefined && isOver(token, now)) return problem('it has expired')
    // Those that were good go on: it is others that are kept out.
    if (
      last === undefined &&
      (this.#badTokens.isSpent(sourceAddress, now) || this.#cache.pending >= MOST_PENDING)
    )
      return TOO_MANY
    return this.#cache
      .judge(key, () => this.#judge(key, hash, request, last))
      .then((found) => ('problem' in found ? found : meantForUs(found, audiences)))
  }

  async #judge(
    key: string,
    hash: string,
    { provider, kind, token, sourceAddress, lifetimeMs }: PersonTokenRequest,
    last: Kept | undefined,
  ): Promise<Kept | TokenProblem> {
    const presented = await this.#ask(provider, kind, token, last)
    const now = this.#now()
    if (presented === undefined && last !== undefined) {
      this.#cache.accept(key, last, now, Math.min(last.session.expiresAt, now + ASK_LATER_MS))
      return last
    }
    if (presented === undefined) throw new Error('a token was neither judged nor known')
    if ('problem' in presented) {
      // An ID token is judged here: nobody is asked about it.
      if (kind === 'access_token') this.#badTokens.spend(sourceAddress, now)
      this.#cache.refuse(key, presented, now)
      return presented
    }
    const session = personSession(presented, hash, {
      idpId: provider.id,
      lifetimeMs,
      confirmedAt: now,
      version: ++this.#judged,
    })
    if (session.expiresAt <= now) {
      this.#cache.refuse(key, TOO_OLD, now)
      return TOO_OLD
    }
    const kept = { presented, session }
    const until = kind === 'access_token' ? now + ASK_AGAIN_MS : Number.POSITIVE_INFINITY
    this.#cache.accept(key, kept, now, Math.min(session.expiresAt, until))
    return kept
  }

  /** `undefined` when the provider can't be asked and the token was good not long ago. */
  async #ask(
    provider: TokenIdentifier,
    kind: PresentedKind,
    token: string,
    last: Kept | undefined,
  ): Promise<Presented | TokenProblem | undefined> {
    try {
      return await provider.identify(kind, token)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (error.code === 'IDP_REFUSED') return problem('the identity provider does not accept it')
      if (error.code === 'IDP_UNREACHABLE' && last !== undefined) return undefined
      throw error
    }
  }
}

function meantForUs({ presented, session }: Kept, listed: readonly string[] | undefined): Answer {
  const accepted = listed ?? presented.ownAudiences
  if (accepted === undefined) return session
  if (presented.audiences === undefined)
    return problem('it does not say for whom it is (aud), or not verifiably')
  return presented.audiences.some((audience) => accepted.includes(audience))
    ? session
    : problem('it is meant for another audience (aud)')
}

/** Whether the token itself says that its time is over: then nobody need be asked. */
function isOver(token: string, now: number): boolean {
  try {
    const { exp } = decodeJwt(token)
    return typeof exp === 'number' && exp * 1000 <= now - 60_000
  } catch {
    return false
  }
}
