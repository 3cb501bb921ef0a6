/**
 * Keeps sessions fresh: gets new tokens and claims before the old ones expire, and sweeps what has ended.
 *
 * One refresh per session at a time, over all replicas: a claim in the store is the lease. A provider that
 * doesn't answer costs nobody their session; one that says no ends it.
 *
 * @module
 */
import { Fault } from '../errors.ts'
import type { Session } from '../session/session.ts'
import type { SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'
import type { AuthenticateMetrics } from './metrics.ts'
import type { FindProvider } from './ports.ts'

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
  readonly timers?: Timers
  /** In 0 ≤ x < 1: spreads sessions that were begun together. */
  readonly random?: () => number
}

const TICK_MS = 2000
const SWEEP_MS = 60_000
/** Tokens are refreshed so long before they expire. */
const LEAD_MS = 60_000
/** Of the lead, the part over which sessions that expire together are spread. */
const SPREAD_MS = 20_000
/** Providers with tokens of a minute are not asked more often. */
const MIN_INTERVAL_MS = 10_000
const MAX_PARALLEL = 8
const BATCH = 256
const FIRST_RETRY_MS = 10_000
/** After another replica has begun an attempt: longer than any attempt takes. */
const AFTER_YOU_MS = 45_000
/** Attempts are numbered, and each number is for one replica only. */
const CLAIM_MS = 900_000
const MAX_RETRY_MS = 300_000

/** Works in the background until disposed, which waits for refreshes under way. */
export function openRefresher(options: RefresherOptions): AsyncDisposable {
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
      guarded('sweep of sessions', async () => void (await options.sessions.sweep())),
    ),
  )
  stack.use(
    timers.every(
      TICK_MS,
      guarded('refresh of sessions', () => refresher.refreshDue()),
    ),
  )
  return stack
}

interface Wait {
  readonly at: number
  /** Of the session that failed; a newer one begins afresh. */
  readonly version: number
  readonly attempts: number
}

class Refresher {
  readonly #options: RefresherOptions
  readonly #random: () => number
  /** Sessions that wait: after an error, after a refresh, or to be spread. */
  readonly #notBefore = new Map<string, Wait>()

  constructor(options: RefresherOptions) {
    this.#options = options
    this.#random = options.random ?? Math.random
  }

  async refreshDue(): Promise<void> {
    const { sessions, now } = this.#options
    const start = now()
    const due = await sessions.dueForRefresh(start + LEAD_MS, BATCH + this.#notBefore.size)
    const ids = new Set(due.map(({ id }) => id))
    for (const id of this.#notBefore.keys()) if (!ids.has(id)) this.#notBefore.delete(id)
    const waiting = due.filter((session) => this.#isItsTurn(session, start))
    const worker = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await this.#refresh(next)
    }
    await Promise.all(Array.from({ length: MAX_PARALLEL }, worker))
  }

  #isItsTurn(session: Session, now: number): boolean {
    const known = this.#notBefore.get(session.id)
    if (known !== undefined) return known.at <= now
    const at = Math.min(
      now + this.#random() * SPREAD_MS,
      Math.max(now, expiryOf(session) - LEAD_MS + SPREAD_MS),
    )
    this.#waitUntil(session, at, 0)
    return at <= now
  }

  async #refresh(session: Session): Promise<void> {
    const { sessions, provider, now, logger, metrics } = this.#options
    const log = logger.child({ 'session-id': session.id, user: session.userId })
    const attempts = this.#attempts(session)
    try {
      const isOurs = await sessions.claimOnce(
        `refresh:${session.id}:${session.version}:${attempts}`,
        CLAIM_MS,
      )
      if (!isOurs) return this.#waitUntil(session, now() + AFTER_YOU_MS, attempts + 1)
      const identityProvider = provider(session.idpId)
      if (identityProvider === undefined)
        throw new Fault('IDP_NOT_CONFIGURED', 'its provider is not configured now')
      const identity = await identityProvider.refresh(session)
      const saved = await sessions.save({ ...session, ...identity })
      this.#waitUntil(saved, now() + Math.max(MIN_INTERVAL_MS, (expiryOf(identity) - now()) / 2), 0)
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
    if (code === 'IDP_REFUSED') return this.#end(session, String(error), log)
    const attempts = this.#attempts(session) + 1
    const delay = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), MAX_RETRY_MS)
    this.#waitUntil(session, this.#options.now() + delay * (1 + this.#random() / 4), attempts)
    metrics.refresh('postponed')
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

  #waitUntil({ id, version }: Session, at: number, attempts: number): void {
    this.#notBefore.set(id, { at, version, attempts })
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
