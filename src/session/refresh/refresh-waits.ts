/**
 * Which sessions wait before they are refreshed (again), until when, and why.
 *
 * @module
 */
import { each, inTurns } from '../../turns.ts'
import type { Session } from '../session.ts'
import type { Due } from '../store.ts'

/** Tokens are refreshed so long before they expire. */
export const LEAD_MS = 60_000
/** Of the lead, the part over which sessions that expire together are spread. */
const SPREAD_MS = 20_000
/** Providers with tokens of a minute are not asked more often. */
const MIN_INTERVAL_MS = 10_000
const FIRST_RETRY_MS = 10_000
const MAX_RETRY_MS = 300_000
/** After another replica has begun an attempt: longer than any attempt takes. */
const AFTER_YOU_MS = 45_000
/** Tokens that end sooner than they can be used must not make us ask all the time. */
const LEAST_PAUSE_MS = 1000

interface Wait {
  readonly at: number
  readonly since: number
  readonly why: 'spread' | 'fresh' | 'failed' | 'theirs'
  /**
   * Of a refresh: whether there was a good ID token after it. Many providers bring no new one, asked ever so
   * often.
   */
  readonly hasIdToken: boolean
  /** Of the session that failed; a newer one begins afresh. */
  readonly version: number
  readonly attempts: number
}

type SessionVersion = Pick<Session, 'id' | 'version'>

export class RefreshWaits {
  readonly #waits = new Map<string, Wait>()
  readonly #now: () => number
  readonly #random: () => number

  constructor(now: () => number, random: () => number) {
    this.#now = now
    this.#random = random
  }

  /**
   * Whether a session that is due is refreshed in this tick.
   *
   * @param end when its tokens end, for all that is known
   */
  isItsTurn(due: Due, end: number, now: number): boolean {
    const known = this.#waits.get(due.id)
    // A clock that was set back makes nobody wait for longer.
    if (known !== undefined) return known.at <= now || now < known.since
    const at = Math.min(now + this.#random() * SPREAD_MS, Math.max(now, end - LEAD_MS + SPREAD_MS))
    this.#wait(due, at, 0, 'spread')
    return at <= now
  }

  /** Whether a session may be refreshed because somebody asks for it. */
  mayAskNow({ id, version, tokens }: Session): boolean {
    const wait = this.#waits.get(id)
    if (wait === undefined || wait.version !== version || wait.why === 'spread') return true
    const now = this.#now()
    if (now >= wait.at || now < wait.since) return true
    // One that failed may have met a passing trouble, and somebody is waiting for it.
    if (wait.why === 'failed') return wait.attempts === 1 && now >= wait.since + LEAST_PAUSE_MS
    if (wait.why !== 'fresh' || now < wait.since + LEAST_PAUSE_MS) return false
    const hasEnded = (end: number | undefined) => end !== undefined && end <= now
    return hasEnded(tokens.accessTokenExpiresAt) || (wait.hasIdToken && hasEnded(tokens.idTokenExpiresAt))
  }

  /** Whether another replica has begun to refresh it, less than `ms` ago. */
  isTheirs(id: string, ms: number): boolean {
    const wait = this.#waits.get(id)
    return wait?.why === 'theirs' && this.#now() - wait.since < ms
  }

  /** Attempts for this version that have failed, here or in another replica. */
  attemptsFor({ id, version }: SessionVersion): number {
    const known = this.#waits.get(id)
    return known?.version === version ? known.attempts : 0
  }

  refreshed(session: SessionVersion, tokens: Session['tokens']): void {
    const now = this.#now()
    const pause = Math.max(MIN_INTERVAL_MS, (firstEndOf(tokens) - now) / 2)
    this.#wait(session, now + pause, 0, 'fresh', (tokens.idTokenExpiresAt ?? 0) > now)
  }

  /** @param attempts that have failed before the one that another replica has begun */
  begunElsewhere(session: SessionVersion, attempts: number): void {
    this.#wait(session, this.#now() + AFTER_YOU_MS, attempts + 1, 'theirs')
  }

  /** Answers how many attempts have failed by now. */
  failed(session: SessionVersion): number {
    const attempts = this.attemptsFor(session) + 1
    const delay = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), MAX_RETRY_MS)
    this.#wait(session, this.#now() + delay * (1 + this.#random() / 4), attempts, 'failed')
    return attempts
  }

  /** Forgets sessions that need not wait, because they are not due any more. */
  async keepOnly(isDue: (id: string) => boolean): Promise<void> {
    await inTurns(
      each(this.#waits.keys(), (id) => {
        if (!isDue(id)) this.#waits.delete(id)
      }),
    )
  }

  #wait(
    { id, version }: SessionVersion,
    at: number,
    attempts: number,
    why: Wait['why'],
    hasIdToken = false,
  ): void {
    this.#waits.set(id, { at, since: this.#now(), why, hasIdToken, version, attempts })
  }
}

/** When the first of them expires; `Infinity` when it never says. */
function firstEndOf(tokens: Session['tokens']): number {
  return Math.min(tokens.accessTokenExpiresAt ?? Infinity, tokens.idTokenExpiresAt ?? Infinity)
}
