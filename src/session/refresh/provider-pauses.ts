/**
 * Providers that do not answer: asked once in a while for all their sessions, and told of once.
 *
 * @module
 */
import type { Logger } from '../../telemetry/log.ts'

/** Failures in a row, of whatever sessions: one session's trouble is not the provider's. */
const FAILURES_TO_PAUSE = 3
const FIRST_PAUSE_MS = 10_000
const LONGEST_PAUSE_MS = 300_000
/** A question that has not come back after that is taken for failed. */
const LONGEST_QUESTION_MS = 60_000

interface State {
  failures: number
  /** Unset while the provider counts as well. */
  pausedUntil: number | undefined
  /** When that was said: a clock that was set back makes no pause longer. */
  pausedAt: number
  /** When the one question that a pause allows was begun. */
  askedAt: number | undefined
  since: number
}

export class ProviderPauses {
  readonly #states = new Map<string, State>()
  readonly #now: () => number
  readonly #logger: Logger

  constructor(options: { readonly now: () => number; readonly logger: Logger }) {
    this.#now = options.now
    this.#logger = options.logger
  }

  /** Whether it may be asked now. During a pause the answer is no; after it, yes for one question. */
  mayAsk(idpId: string): boolean {
    const state = this.#states.get(idpId)
    if (state?.pausedUntil === undefined) return true
    const now = this.#now()
    const { askedAt } = state
    const isAsked = askedAt !== undefined && now >= askedAt && now - askedAt < LONGEST_QUESTION_MS
    return !isPaused(state, now) && !isAsked
  }

  /**
   * Before a question is asked: takes the one that is allowed after a pause. `false`: it may not be asked.
   */
  begin(idpId: string): boolean {
    if (!this.mayAsk(idpId)) return false
    const state = this.#states.get(idpId)
    if (state?.pausedUntil !== undefined) state.askedAt = this.#now()
    return true
  }

  /** The question was not asked after all. */
  release(idpId: string): void {
    const state = this.#states.get(idpId)
    if (state !== undefined) state.askedAt = undefined
  }

  answered(idpId: string): void {
    const state = this.#states.get(idpId)
    this.#states.delete(idpId)
    if (state?.pausedUntil === undefined) return
    const seconds = Math.round((this.#now() - state.since) / 1000)
    this.#logger.info({ provider: idpId, seconds }, 'the provider answers again: its sessions are refreshed')
  }

  failed(idpId: string, error: unknown): void {
    const now = this.#now()
    const state = this.#states.get(idpId) ?? {
      failures: 0,
      pausedUntil: undefined,
      pausedAt: now,
      askedAt: undefined,
      since: now,
    }
    this.#states.set(idpId, state)
    // Questions that were under way when the pause began say nothing new.
    if (isPaused(state, now)) return
    state.failures++
    state.askedAt = undefined
    if (state.failures < FAILURES_TO_PAUSE) return
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (state.failures - FAILURES_TO_PAUSE), LONGEST_PAUSE_MS)
    if (state.pausedUntil === undefined)
      this.#logger.warn(
        { err: error, provider: idpId },
        'the provider does not answer: its sessions stay, and it is asked once in a while',
      )
    state.pausedUntil = now + pause
    state.pausedAt = now
  }
}

function isPaused({ pausedUntil, pausedAt }: State, now: number): boolean {
  return pausedUntil !== undefined && now >= pausedAt && now < pausedUntil
}
