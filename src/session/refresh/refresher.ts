/**
 * Keeps sessions fresh: gets new tokens before the old ones expire, and new claims before they are outdated;
 * sweeps what has ended.
 *
 * One refresh per session at a time, over all replicas: a claim in the store is the lease. Whoever needs a
 * token that has all but ended may ask for a refresh at once, and shares it with all who ask meanwhile.
 *
 * @module
 */
import { setTimeout } from 'node:timers/promises'
import type { Logger } from '../../telemetry/log.ts'
import type { Session } from '../session.ts'
import type { Due, SessionStore } from '../store.ts'
import { DueSessions } from './due-sessions.ts'
import type { FindRefreshingProvider } from './ports.ts'
import { ProviderPauses } from './provider-pauses.ts'
import { RefreshAttempts } from './refresh-attempts.ts'
import type { RefreshMetrics } from './refresh-metrics.ts'
import { LEAD_MS, RefreshWaits } from './refresh-waits.ts'
import { sweepSessions } from './session-sweep.ts'
import { realTimers, type Timers } from './timers.ts'

export interface RefresherOptions {
  readonly sessions: SessionStore
  readonly provider: FindRefreshingProvider
  readonly now: () => number
  readonly logger: Logger
  readonly metrics: RefreshMetrics
  /** `claims_refresh_interval` of the configuration in force. */
  readonly claimsInterval?: () => number
  /** `session_idle_timeout` of the configuration in force. */
  readonly idleTimeout?: () => number | undefined
  /** Tests bring their own. */
  readonly timers?: Timers
  /** In 0 ≤ x < 1: spreads sessions that were begun together. */
  readonly random?: () => number
}

const TICK_MS = 2000
const SWEEP_MS = 60_000
/** For each provider. */
const MAX_PARALLEL = 8
/** After that no more questions are begun in one tick: others have become due. */
const LONGEST_TICK_MS = 5000
const BATCH = 256

/** How long another replica's refresh is waited for, and between two looks at it. */
const THEIR_TIME_MS = 3500
const LOOK_MS = 100

export interface SessionRefresher extends AsyncDisposable {
  /**
   * Refreshes a session now, unless that has failed or was done a moment ago; never rejects. When it resolves
   * the store has what came of it.
   */
  readonly refreshNow: (session: Session) => Promise<void>
}

/** Works in the background until disposed, which waits for refreshes under way. */
export function openRefresher(given: RefresherOptions): SessionRefresher {
  const logger = given.logger.child({ service: 'session' })
  const options = { ...given, logger }
  const { timers = realTimers } = options
  const refresher = new Refresher(options)
  const stack = new AsyncDisposableStack()
  const guarded = (name: string, work: () => Promise<void>) => async () => {
    try {
      await work()
    } catch (error) {
      logger.error({ err: error }, `${name} failed, will be tried again`)
    }
  }
  stack.use(
    timers.every(
      SWEEP_MS,
      guarded('sweep of sessions', () => sweepSessions(options)),
    ),
  )
  stack.use(
    timers.every(
      TICK_MS,
      guarded('refresh of sessions', () => refresher.refreshDue()),
    ),
  )
  return {
    refreshNow: (session) => refresher.refreshNow(session),
    async [Symbol.asyncDispose]() {
      await stack.disposeAsync()
      await refresher.settled()
    },
  }
}

class Refresher {
  readonly #options: RefresherOptions
  readonly #waits: RefreshWaits
  readonly #pauses: ProviderPauses
  readonly #attempts: RefreshAttempts
  /** The waits of those who have asked for a refresh at once. */
  readonly #asked = new Map<string, Promise<void>>()
  readonly #endingTokens: DueSessions
  readonly #oldClaims: DueSessions

  constructor(options: RefresherOptions) {
    const { sessions, now, random = Math.random } = options
    this.#options = options
    this.#waits = new RefreshWaits(now, random)
    this.#pauses = new ProviderPauses(options)
    this.#attempts = new RefreshAttempts({ ...options, waits: this.#waits, pauses: this.#pauses })
    this.#endingTokens = new DueSessions(async (page) => sessions.dueForRefresh(page))
    this.#oldClaims = new DueSessions(async (page) => sessions.withOldClaims(page))
  }

  async refreshDue(): Promise<void> {
    const start = this.#options.now()
    const interval = this.#options.claimsInterval?.() ?? Infinity
    const ends = await this.#turnsOf(this.#endingTokens, start + LEAD_MS, start, (due) => due.at)
    // Of whom the provider has said nothing for long, because their tokens live longer.
    const outdated = await this.#turnsOf(this.#oldClaims, start - interval, start, ({ idpId }) =>
      (this.#options.provider(idpId)?.refreshEveryMs ?? 0) <= interval ? Infinity : undefined,
    )
    const waiting = [...new Map([...ends, ...outdated].map((due) => [due.id, due])).values()]
    const until = performance.now() + LONGEST_TICK_MS
    const work = async (mine: Due[]) => {
      for (let next = mine.shift(); next !== undefined && performance.now() < until; next = mine.shift()) {
        if (!this.#pauses.mayAsk(next.idpId)) continue
        const session = await this.#options.sessions.find(next.id)
        // What has changed since it was found due may have been refreshed, by another replica or on demand.
        if (session?.version === next.version) await this.#attempts.refresh(session)
      }
    }
    // A provider that is slow holds up its own sessions only.
    const ofProvider = Map.groupBy(waiting, ({ idpId }) => idpId)
    await Promise.all(
      [...ofProvider.values()].flatMap((mine) => Array.from({ length: MAX_PARALLEL }, () => work(mine))),
    )
  }

  /** @param endOf when its tokens end, for all that is known; `undefined` for sessions to pass over */
  async #turnsOf(
    list: DueSessions,
    before: number,
    now: number,
    endOf: (due: Due) => number | undefined,
  ): Promise<readonly Due[]> {
    if (before === -Infinity) return []
    return await list.next({
      before,
      most: BATCH,
      wants: (due) => {
        const end = endOf(due)
        return end !== undefined && this.#pauses.mayAsk(due.idpId) && this.#waits.isItsTurn(due, end, now)
      },
      onRound: () => this.#waits.keepOnly((id) => this.#endingTokens.had(id) || this.#oldClaims.had(id)),
    })
  }

  refreshNow(session: Session): Promise<void> {
    const asked = this.#asked.get(session.id)
    if (asked !== undefined) return asked
    const asking = this.#ask(session)
      .catch((error: unknown) => this.#options.logger.error({ err: error }, 'refresh of a session failed'))
      .finally(() => this.#asked.delete(session.id))
    this.#asked.set(session.id, asking)
    return asking
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#attempts.settled(), ...this.#asked.values()])
  }

  async #ask(session: Session): Promise<void> {
    const mayAsk = () => this.#pauses.mayAsk(session.idpId) && this.#waits.mayAskNow(session)
    if (this.#attempts.isRunning(session.id) || mayAsk()) await this.#attempts.refresh(session)
    if (this.#waits.isTheirs(session.id, THEIR_TIME_MS)) await this.#theirTurn(session)
  }

  /** Another replica has the lease: what it gets is in the store soon. */
  async #theirTurn({ id, version }: Session): Promise<void> {
    for (let waited = 0; waited < THEIR_TIME_MS; waited += LOOK_MS) {
      if ((await this.#options.sessions.find(id))?.version !== version) return
      await setTimeout(LOOK_MS)
    }
  }
}
