/**
 * Keeps sessions fresh: gets new tokens before the old ones expire, and new claims before they are outdated;
 * sweeps what has ended.
 *
 * One refresh per session at a time, over all replicas: a claim in the store is the lease. A provider that
 * doesn't answer costs nobody their session; one that says no ends it. Whoever needs a token that has all but
 * ended may ask for a refresh at once, and shares it with all who ask meanwhile.
 *
 * @module
 */
import { setTimeout } from 'node:timers/promises'
import { Fault } from '../errors.ts'
import type { Session } from '../session/session.ts'
import type { Due, SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'
import { DueSessions } from './due-sessions.ts'
import type { AuthenticateMetrics } from './metrics.ts'
import type { FindProvider } from './ports.ts'
import { ProviderPauses } from './provider-pauses.ts'

/** What the refresher waits with. */
export interface Timers {
  /** Calls `work` again and again until disposed, never two at a time. */
  every(intervalMs: number, work: () => Promise<void>): AsyncDisposable
}

export interface RefresherOptions {
  readonly sessions: SessionStore
  readonly provider: FindProvider
  readonly now: () => number
  readonly logger: Logger
  readonly metrics: AuthenticateMetrics
  /** `claims_refresh_interval` of the configuration in force. */
  readonly claimsInterval?: () => number
  /** `session_idle_timeout` of the configuration in force. */
  readonly idleTimeout?: () => number | undefined
  readonly timers?: Timers
  /** In 0 ≤ x < 1: spreads sessions that were begun together. */
  readonly random?: () => number
}

const TICK_MS = 2000
const SWEEP_MS = 60_000
const IDLE_MARGIN = 1.2
/** Tokens are refreshed so long before they expire. */
const LEAD_MS = 60_000
/** Of the lead, the part over which sessions that expire together are spread. */
const SPREAD_MS = 20_000
/** Providers with tokens of a minute are not asked more often. */
const MIN_INTERVAL_MS = 10_000
/** For each provider. */
const MAX_PARALLEL = 8
/** After that no more questions are begun in one tick: others have become due. */
const LONGEST_TICK_MS = 5000
const BATCH = 256
const FIRST_RETRY_MS = 10_000
/** After another replica has begun an attempt: longer than any attempt takes. */
const AFTER_YOU_MS = 45_000
/** Attempts are numbered, and each number is for one replica only. */
const CLAIM_MS = 900_000
const MAX_RETRY_MS = 300_000

/** Tokens that end sooner than they can be used must not make us ask all the time. */
const LEAST_PAUSE_MS = 1000
/** How long another replica's refresh is waited for, and between two looks at it. */
const THEIR_TIME_MS = 3500
const LOOK_MS = 100

/** These say something of the provider, whichever session it was asked about. */
const PROVIDER_FAILURES: ReadonlySet<string> = new Set(['IDP_UNREACHABLE', 'IDP_ANSWER_INVALID'])

export interface SessionRefresher extends AsyncDisposable {
  /**
   * Refreshes a session now, unless that has failed or was done a moment ago; never rejects. When it resolves
   * the store has what came of it.
   */
  readonly refreshNow: (session: Session) => Promise<void>
}

/** Works in the background until disposed, which waits for refreshes under way. */
export function openRefresher(options: RefresherOptions): SessionRefresher {
  const { timers = realTimers, logger } = options
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
      guarded('sweep of sessions', () => sweep(options)),
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

/** Also of those that nobody uses any more: a request would end them, but none may ever come. */
async function sweep({ sessions, now, idleTimeout, logger }: RefresherOptions): Promise<void> {
  const limit = idleTimeout?.()
  if (limit !== undefined) {
    // By what is on disk, which may be a little behind.
    let ended = 0
    for await (const silent of sessions.idleSince(now() - limit * IDLE_MARGIN))
      ended += await sessions.deleteAll(silent)
    if (ended > 0) logger.info({ sessions: ended }, 'sessions ended: nobody has used them')
  }
  await sessions.sweep()
}

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

class Refresher {
  readonly #options: RefresherOptions
  readonly #random: () => number
  /** Sessions that wait: after an error, after a refresh, or to be spread. */
  readonly #notBefore = new Map<string, Wait>()
  /** Refreshes under way, and the waits of those who have asked for one at once. */
  readonly #running = new Map<string, Promise<void>>()
  readonly #asked = new Map<string, Promise<void>>()
  readonly #pauses: ProviderPauses
  readonly #due: readonly DueSessions[]
  /** Sessions that were due since the last round of each list. */
  readonly #seen: readonly Set<string>[]
  #lastRounds: readonly Set<string>[]

  constructor(options: RefresherOptions) {
    this.#options = options
    this.#random = options.random ?? Math.random
    this.#pauses = new ProviderPauses(options)
    const { sessions } = options
    this.#due = [
      new DueSessions(async (page) => sessions.dueForRefresh(page)),
      new DueSessions(async (page) => sessions.withOldClaims(page)),
    ]
    this.#seen = this.#due.map(() => new Set())
    this.#lastRounds = this.#due.map(() => new Set())
  }

  async refreshDue(): Promise<void> {
    const start = this.#options.now()
    const interval = this.#options.claimsInterval?.() ?? Infinity
    const ends = await this.#turnsOf(0, start + LEAD_MS, start, (due) => due.at)
    // Of whom the provider has said nothing for long, because their tokens live longer.
    const outdated = await this.#turnsOf(1, start - interval, start, ({ idpId }) =>
      (this.#options.provider(idpId)?.refreshEveryMs ?? 0) <= interval ? Infinity : undefined,
    )
    const waiting = [...new Map([...ends, ...outdated].map((due) => [due.id, due])).values()]
    const until = performance.now() + LONGEST_TICK_MS
    const work = async (mine: Due[]) => {
      for (let next = mine.shift(); next !== undefined && performance.now() < until; next = mine.shift()) {
        if (!this.#pauses.mayAsk(next.idpId)) continue
        const session = await this.#options.sessions.find(next.id)
        if (session !== undefined) await this.#refresh(session)
      }
    }
    // A provider that is slow holds up its own sessions only.
    const ofProvider = Map.groupBy(waiting, ({ idpId }) => idpId)
    await Promise.all(
      [...ofProvider.values()].flatMap((mine) => Array.from({ length: MAX_PARALLEL }, () => work(mine))),
    )
  }

  /** @param endOf when its tokens end, for all that is known; `undefined` for sessions to pass over */
  #turnsOf(
    list: 0 | 1,
    before: number,
    now: number,
    endOf: (due: Due) => number | undefined,
  ): Promise<readonly Due[]> {
    const due = this.#due[list]
    if (due === undefined || before === -Infinity) return Promise.resolve([])
    return due.next({
      before,
      most: BATCH,
      wants: (entry) => {
        this.#seen[list]?.add(entry.id)
        const end = endOf(entry)
        return end !== undefined && this.#pauses.mayAsk(entry.idpId) && this.#isItsTurn(entry, end, now)
      },
      onRound: () => this.#endRound(list),
    })
  }

  /** What was in no list for a whole round is not due any more, and need not wait. */
  #endRound(list: 0 | 1): void {
    this.#lastRounds = this.#lastRounds.map((round, index) =>
      index === list ? new Set(this.#seen[list]) : round,
    )
    this.#seen[list]?.clear()
    const rounds = [...this.#lastRounds, ...this.#seen]
    for (const id of this.#notBefore.keys())
      if (!rounds.some((round) => round.has(id))) this.#notBefore.delete(id)
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
    await Promise.allSettled([...this.#running.values(), ...this.#asked.values()])
  }

  async #ask(session: Session): Promise<void> {
    if (this.#running.has(session.id) || this.#mayAskNow(session)) await this.#refresh(session)
    const wait = this.#notBefore.get(session.id)
    const isRecent = wait !== undefined && this.#options.now() - wait.since < THEIR_TIME_MS
    if (isRecent && wait.why === 'theirs') await this.#theirTurn(session)
  }

  #mayAskNow({ id, idpId, version, tokens }: Session): boolean {
    if (!this.#pauses.mayAsk(idpId)) return false
    const wait = this.#notBefore.get(id)
    if (wait === undefined || wait.version !== version || wait.why === 'spread') return true
    const now = this.#options.now()
    if (now >= wait.at || now < wait.since) return true
    // One that failed may have met a passing trouble, and somebody is waiting for it.
    if (wait.why === 'failed') return wait.attempts === 1 && now >= wait.since + LEAST_PAUSE_MS
    if (wait.why !== 'fresh' || now < wait.since + LEAST_PAUSE_MS) return false
    const hasEnded = (end: number | undefined) => end !== undefined && end <= now
    return hasEnded(tokens.accessTokenExpiresAt) || (wait.hasIdToken && hasEnded(tokens.idTokenExpiresAt))
  }

  /** Another replica has the lease: what it gets is in the store soon. */
  async #theirTurn({ id, version }: Session): Promise<void> {
    for (let waited = 0; waited < THEIR_TIME_MS; waited += LOOK_MS) {
      if ((await this.#options.sessions.find(id))?.version !== version) return
      await setTimeout(LOOK_MS)
    }
  }

  #isItsTurn(due: Due, end: number, now: number): boolean {
    const known = this.#notBefore.get(due.id)
    // A clock that was set back makes nobody wait for longer.
    if (known !== undefined) return known.at <= now || now < known.since
    const at = Math.min(now + this.#random() * SPREAD_MS, Math.max(now, end - LEAD_MS + SPREAD_MS))
    this.#waitUntil(due, at, 0, 'spread')
    return at <= now
  }

  /** One at a time for a session, whoever asks. */
  #refresh(session: Session): Promise<void> {
    const known = this.#running.get(session.id)
    if (known !== undefined) return known
    const running = this.#attempt(session).finally(() => this.#running.delete(session.id))
    this.#running.set(session.id, running)
    return running
  }

  async #attempt(session: Session): Promise<void> {
    const { sessions, provider, now, logger, metrics } = this.#options
    const log = logger.child({ 'session-id': session.id, user: session.userId })
    const attempts = this.#attempts(session)
    if (!this.#pauses.begin(session.idpId)) return
    try {
      const isOurs = await sessions.claimOnce(
        `refresh:${session.id}:${session.version}:${attempts}`,
        CLAIM_MS,
      )
      if (!isOurs) {
        this.#pauses.release(session.idpId)
        return this.#waitUntil(session, now() + AFTER_YOU_MS, attempts + 1, 'theirs')
      }
      const identityProvider = provider(session.idpId)
      if (identityProvider === undefined)
        throw new Fault('IDP_NOT_CONFIGURED', 'its provider is not configured now')
      const identity =
        session.tokens.refreshToken === undefined
          ? await identityProvider.reread(session)
          : await identityProvider.refresh(session)
      this.#pauses.answered(session.idpId)
      const current = (await sessions.find(session.id)) ?? session
      // Meanwhile its owner has signed in anew: those tokens are the younger ones.
      if (current.tokens.refreshToken !== session.tokens.refreshToken) return
      const saved = await sessions.save({ ...current, ...identity })
      const pause = Math.max(MIN_INTERVAL_MS, (expiryOf(identity) - now()) / 2)
      this.#waitUntil(saved, now() + pause, 0, 'fresh', (identity.tokens.idTokenExpiresAt ?? 0) > now())
      metrics.refresh('success')
      log.debug('session refreshed')
    } catch (error) {
      await this.#fail(session, error, log)
    }
  }

  async #fail(session: Session, error: unknown, log: Logger): Promise<void> {
    const { metrics } = this.#options
    const code = error instanceof Fault ? error.code : undefined
    if (code === 'SESSION_GONE') return
    if (code === 'IDP_REFUSED') {
      this.#pauses.answered(session.idpId)
      return this.#end(session, String(error), log)
    }
    if (code !== undefined && PROVIDER_FAILURES.has(code)) this.#pauses.failed(session.idpId, error)
    else this.#pauses.release(session.idpId)
    const attempts = this.#attempts(session) + 1
    const delay = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), MAX_RETRY_MS)
    this.#waitUntil(session, this.#options.now() + delay * (1 + this.#random() / 4), attempts, 'failed')
    metrics.refresh('postponed')
    // Of a provider that is down one line is enough.
    if (this.#pauses.mayAsk(session.idpId))
      log.warn({ err: error, attempts }, 'session could not be refreshed, it stays for now')
  }

  async #end({ id, version }: Session, reason: string, log: Logger): Promise<void> {
    const { sessions, metrics } = this.#options
    const current = await sessions.find(id)
    // A token that works once is refused the second time: then another replica was faster, and all is well.
    if (current === undefined || current.version !== version) return
    await sessions.delete(id)
    metrics.refresh('refused')
    log.info({ reason }, 'session ended: the provider refuses to refresh it')
  }

  #attempts({ id, version }: Session): number {
    const known = this.#notBefore.get(id)
    return known?.version === version ? known.attempts : 0
  }

  #waitUntil(
    { id, version }: Pick<Session, 'id' | 'version'>,
    at: number,
    attempts: number,
    why: Wait['why'],
    hasIdToken = false,
  ): void {
    this.#notBefore.set(id, { at, since: this.#options.now(), why, hasIdToken, version, attempts })
  }
}

/** When the first of its tokens expires; `Infinity` when it never says. */
function expiryOf({ tokens }: Pick<Session, 'tokens'>): number {
  return Math.min(tokens.accessTokenExpiresAt ?? Infinity, tokens.idTokenExpiresAt ?? Infinity)
}

const realTimers: Timers = {
  every(intervalMs, work) {
    let running: Promise<void> | undefined
    const timer = setInterval(() => {
      running ??= work().finally(() => {
        running = undefined
      })
    }, intervalMs)
    timer.unref()
    return {
      async [Symbol.asyncDispose]() {
        clearInterval(timer)
        await running
      },
    }
  },
}
