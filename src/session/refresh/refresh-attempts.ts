/**
 * One attempt to refresh a session: the lease, the question to its provider, and what comes of the answer.
 *
 * A provider that doesn't answer costs nobody their session; one that says no ends it.
 *
 * @module
 */
import { Fault } from '../../errors.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { Session } from '../session.ts'
import type { SessionStore } from '../store.ts'
import type { FindRefreshingProvider } from './ports.ts'
import type { ProviderPauses } from './provider-pauses.ts'
import type { RefreshMetrics } from './refresh-metrics.ts'
import type { RefreshWaits } from './refresh-waits.ts'

/** Attempts are numbered, and each number is for one replica only. */
const CLAIM_MS = 900_000

/** These say something of the provider, whichever session it was asked about. */
const PROVIDER_FAILURES: ReadonlySet<string> = new Set(['IDP_UNREACHABLE', 'IDP_ANSWER_INVALID'])

export interface AttemptOptions {
  readonly sessions: Pick<SessionStore, 'find' | 'save' | 'delete' | 'claimOnce'>
  readonly provider: FindRefreshingProvider
  readonly waits: RefreshWaits
  readonly pauses: ProviderPauses
  readonly logger: Logger
  readonly metrics: RefreshMetrics
}

export class RefreshAttempts {
  readonly #options: AttemptOptions
  readonly #running = new Map<string, Promise<void>>()

  constructor(options: AttemptOptions) {
    this.#options = options
  }

  isRunning(id: string): boolean {
    return this.#running.has(id)
  }

  /** One at a time for a session, whoever asks; rejects only with a bug or when the store can't be used. */
  refresh(session: Session): Promise<void> {
    const known = this.#running.get(session.id)
    if (known !== undefined) return known
    const running = this.#attempt(session).finally(() => this.#running.delete(session.id))
    this.#running.set(session.id, running)
    return running
  }

  /** Resolves when none is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values())
  }

  async #attempt(session: Session): Promise<void> {
    const { sessions, waits, pauses, logger, metrics } = this.#options
    const log = logger.child({ 'session-id': session.id, user: session.userId })
    const attempts = waits.attemptsFor(session)
    const lease = `refresh:${session.id}:${session.version}:${attempts}`
    if (!pauses.begin(session.idpId)) return
    try {
      if (!(await sessions.claimOnce(lease, CLAIM_MS))) {
        pauses.release(session.idpId)
        return waits.begunElsewhere(session, attempts)
      }
      const identity = await this.#ask(session)
      pauses.answered(session.idpId)
      const current = (await sessions.find(session.id)) ?? session
      // Meanwhile its owner has signed in anew: those tokens are the younger ones.
      if (current.tokens.refreshToken !== session.tokens.refreshToken) return
      const saved = await sessions.save({ ...current, ...identity })
      waits.refreshed(saved, identity.tokens)
      metrics.refresh('success')
      log.debug('session refreshed')
    } catch (error) {
      await this.#fail(session, error, log)
    }
  }

  async #ask(session: Session) {
    const provider = this.#options.provider(session.idpId)
    if (provider === undefined) throw new Fault('IDP_NOT_CONFIGURED', 'its provider is not configured now')
    return session.tokens.refreshToken === undefined
      ? await provider.reread(session)
      : await provider.refresh(session)
  }

  async #fail(session: Session, error: unknown, log: Logger): Promise<void> {
    const { waits, pauses, metrics } = this.#options
    const code = error instanceof Fault ? error.code : undefined
    if (code === 'SESSION_GONE') return
    if (code === 'IDP_REFUSED') {
      pauses.answered(session.idpId)
      return this.#end(session, String(error), log)
    }
    if (code !== undefined && PROVIDER_FAILURES.has(code)) pauses.failed(session.idpId, error)
    else pauses.release(session.idpId)
    const attempts = waits.failed(session)
    metrics.refresh('postponed')
    // Of a provider that is down one line is enough.
    if (pauses.mayAsk(session.idpId))
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
}
