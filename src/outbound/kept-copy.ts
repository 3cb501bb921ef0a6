/**
 * A copy of something that lies elsewhere and is fetched again and again: a failure costs its freshness, not
 * the copy.
 *
 * @module
 */
import { reasonOf } from '../errors.ts'

export interface CopyStatus {
  /** `waiting` before the first good copy; `failing` while the last attempt failed. */
  readonly state: 'waiting' | 'ready' | 'failing'
  /** Epoch milliseconds of the last good copy. */
  readonly asOf?: number | undefined
  /** Whether that is longer ago than it may be: what it says counts as unknown. */
  readonly isTooOld: boolean
  readonly lastFailure?: { readonly at: number; readonly message: string } | undefined
}

export interface KeptCopy<T> extends AsyncDisposable {
  /** The last good copy; `undefined` before there is one and when it is too old. */
  readonly current: T | undefined
  /** The last good copy, of whatever age. */
  readonly last: T | undefined
  readonly status: CopyStatus
  /**
   * Fetches now, and once more if that is under way: it may have read what has changed since. Never rejects.
   */
  refresh(): Promise<void>
  /** Resolves when no attempt is under way: at the start, after the first one. */
  settled(): Promise<void>
}

interface CopyLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface KeptCopyOptions<T> {
  /** As messages call it: `records "employees"`. */
  readonly name: string
  /**
   * @throws {Error} whose message tells an operator what is wrong; {SourceFailure} to say when to try again
   */
  readonly fetch: (signal: AbortSignal) => Promise<T>
  /**
   * Between two attempts that go well; unset: only `refresh` fetches, and an attempt that failed is repeated.
   */
  readonly intervalMs?: number | undefined
  /** Unset: a copy of any age counts. */
  readonly maxAgeMs?: number | undefined
  /** A copy from before a restart. */
  readonly initial?: { readonly value: T; readonly asOf: number } | undefined
  /** There is another copy now. */
  readonly onChange?: (value: T, asOf: number) => void
  readonly now: () => number
  readonly logger: CopyLogger
  readonly timers?: CopyTimers
  /** In 0 ≤ x < 1: keeps replicas from asking all at once. */
  readonly random?: () => number
}

export interface CopyTimers {
  /** Calls `work` once unless disposed before. */
  after(ms: number, work: () => void): Disposable
}

/** An attempt that failed, and when the other side wants the next one. */
export class SourceFailure extends Error {
  override readonly name = 'SourceFailure'
  readonly retryAfterMs: number | undefined

  /** @param message for the operator; never put a token in it */
  constructor(message: string, retryAfterMs?: number) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

const FIRST_RETRY_MS = 2000
const LAST_RETRY_MS = 300_000
/** Of a wait, the part that is left to chance. */
const JITTER = 0.2

/** Begins with the first attempt at once. */
export function keepCopy<T>(options: KeptCopyOptions<T>): KeptCopy<T> {
  return new Keeper(options)
}

class Keeper<T> implements KeptCopy<T> {
  readonly #options: KeptCopyOptions<T>
  readonly #abort = new AbortController()
  #copy: { readonly value: T; readonly asOf: number } | undefined
  #lastFailure: CopyStatus['lastFailure']
  #failures = 0
  #isWanted = false
  #running: Promise<void> | undefined
  #next: Disposable | undefined

  constructor(options: KeptCopyOptions<T>) {
    this.#options = options
    this.#copy = options.initial
    void this.refresh()
  }

  get current(): T | undefined {
    return this.#copy === undefined || this.#isTooOld ? undefined : this.#copy.value
  }

  get last(): T | undefined {
    return this.#copy?.value
  }

  get status(): CopyStatus {
    const waiting = this.#copy === undefined ? 'waiting' : 'ready'
    return {
      state: this.#failures > 0 ? 'failing' : waiting,
      asOf: this.#copy?.asOf,
      isTooOld: this.#isTooOld,
      lastFailure: this.#lastFailure,
    }
  }

  get #isTooOld(): boolean {
    const { maxAgeMs, now } = this.#options
    if (maxAgeMs === undefined || this.#copy === undefined) return false
    const age = now() - this.#copy.asOf
    // A clock that was set back makes nothing young: a copy from the future is not believed for longer than
    // its limit.
    return Math.abs(age) > maxAgeMs
  }

  async refresh(): Promise<void> {
    this.#isWanted = true
    this.#running ??= this.#run()
    await this.#running
  }

  async settled(): Promise<void> {
    await this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort()
    this.#next?.[Symbol.dispose]()
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#isWanted && !this.#abort.signal.aborted) {
      this.#isWanted = false
      await this.#attempt()
    }
    this.#running = undefined
  }

  async #attempt(): Promise<void> {
    const { fetch, intervalMs, now, onChange, name, logger } = this.#options
    this.#next?.[Symbol.dispose]()
    try {
      const value = await fetch(this.#abort.signal)
      if (this.#abort.signal.aborted) return
      const asOf = now()
      if (this.#failures > 0) logger.info({ source: name }, `${name} can be had again`)
      this.#copy = { value, asOf }
      this.#failures = 0
      onChange?.(value, asOf)
      if (intervalMs !== undefined) this.#scheduleIn(intervalMs)
    } catch (error) {
      if (this.#abort.signal.aborted) return
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    const { now, name, logger, intervalMs } = this.#options
    const message = reasonOf(error)
    // Once for each trouble, not for each attempt.
    if (this.#lastFailure?.message !== message || this.#failures === 0) {
      const meanwhile = this.#copy === undefined ? 'what it says is unknown' : 'the last good copy stays'
      logger.warn({ source: name, err: message }, `${name} can not be had, ${meanwhile}`)
    }
    this.#failures += 1
    this.#lastFailure = { at: now(), message }
    const wanted = error instanceof SourceFailure ? error.retryAfterMs : undefined
    const backOff = Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), intervalMs ?? LAST_RETRY_MS)
    this.#scheduleIn(Math.max(wanted ?? 0, Math.min(backOff, LAST_RETRY_MS)))
  }

  #scheduleIn(ms: number): void {
    const { timers = realTimers, random = Math.random } = this.#options
    this.#next = timers.after(ms * (1 + JITTER * random()), () => void this.refresh())
  }
}

/** Node counts timers in 31 bits. */
const LONGEST_TIMER_MS = 2_147_483_647

const realTimers: CopyTimers = {
  after(ms, work) {
    const timer = setTimeout(work, Math.min(ms, LONGEST_TIMER_MS)).unref()
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
}
