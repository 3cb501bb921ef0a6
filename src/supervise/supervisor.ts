/**
 * Judges open streams again when something has changed that they depend on, and ends those that may not go
 * on.
 *
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Verdict } from '../access/access.ts'
import { Fault } from '../errors.ts'
import type { Logger } from '../telemetry/log.ts'
import { inTurns, type Work } from '../turns.ts'
import type { Judge, Judgement } from './judge.ts'
import type { LiveStream, StreamEnd, Streams } from './streams.ts'

/** How often it is looked for streams whose time has come. */
const TICK_MS = 200

/** For so long a stream goes on although it can't be told whether it may: a store or a provider is away. */
const MOST_DOUBT_MS = 60_000
const ASK_AGAIN_MS = 1000
/** Who does not answer counts as away. Less than Envoy waits for the first verdict on a stream. */
const ANSWER_WITHIN_MS = 5000

export interface SupervisorOptions {
  readonly streams: Streams
  readonly judge: Judge
  readonly now: () => number
  readonly logger: Logger
  readonly onEnd: (reason: string) => void
}

export class Supervisor implements Disposable {
  readonly #options: SupervisorOptions
  readonly #timer: NodeJS.Timeout
  #due = new Set<LiveStream>()
  #isJudging = false
  /** Those about whom somebody is being asked; true: something has changed since. */
  readonly #asked = new Map<LiveStream, boolean>()
  #lookedAt = -Infinity

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#lookAtTimes(), TICK_MS)
    this.#timer.unref()
  }

  /** Of a session or service account that has changed or gone. */
  changed(holder: string): void {
    this.#judgeSoon(this.#options.streams.of(holder))
  }

  /** Something of which it isn't known whom it concerns. */
  allChanged(): void {
    this.#judgeSoon(this.#options.streams.all())
  }

  /**
   * What is to be done with a stream, now.
   *
   * There is one judgement at a time: who asks during it makes it be repeated, and leaves the answer to
   * whoever asked first. So no late verdict takes the place of a newer one. And those that wait for a store
   * don't pile up.
   */
  async judge(stream: LiveStream): Promise<StreamEnd | undefined> {
    const isBegun = this.#asked.has(stream)
    this.#asked.set(stream, isBegun)
    if (isBegun) return undefined
    try {
      for (;;) {
        const end = await this.#ask(stream)
        // Who is away is asked again in their own time.
        if (end !== undefined || stream.inDoubtSince !== undefined || this.#asked.get(stream) !== true)
          return end
        this.#asked.set(stream, false)
      }
    } finally {
      this.#asked.delete(stream)
    }
  }

  async #ask(stream: LiveStream): Promise<StreamEnd | undefined> {
    const { judge, logger } = this.#options
    try {
      const asked = judge(stream)
      const judgement = asked instanceof Promise ? await inTime(asked) : asked
      if (judgement === undefined) return this.#doubt(stream)
      stream.inDoubtSince = undefined
      if (judgement === 'route gone') return { status: 403, reason: 'the route is not there any more' }
      if (judgement === 'not known') return { status: 403, reason: 'the policy asks for more than is known' }
      stream.goodUntil = judgement.goodUntil
      return endOf(judgement)
    } catch (error) {
      if (error instanceof Fault) return this.#doubt(stream)
      logger.error({ 'request-id': stream.decisionId, err: error }, 'bug in judging an open stream')
      return { status: 503, reason: 'it could not be judged' }
    }
  }

  #doubt(stream: LiveStream): StreamEnd | undefined {
    const now = this.#options.now()
    const since = (stream.inDoubtSince ??= now)
    if (now - since >= MOST_DOUBT_MS || now < since)
      return { status: 503, reason: 'it could not be told whether it may go on' }
    stream.goodUntil = now + ASK_AGAIN_MS
    return undefined
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#due.clear()
  }

  #lookAtTimes(): void {
    const { streams, now } = this.#options
    const at = now()
    const due: LiveStream[] = []
    // Times that were worked out by a clock that was ahead are too late, if only for looking again.
    if (at < this.#lookedAt) this.allChanged()
    this.#lookedAt = at
    for (const stream of streams.all())
      if (stream.goodUntil <= at && !this.#asked.has(stream)) due.push(stream)
    this.#judgeSoon(due)
  }

  #judgeSoon(streams: Iterable<LiveStream>): void {
    for (const stream of streams) this.#due.add(stream)
    if (!this.#isJudging && this.#due.size > 0) void this.#judgeDue()
  }

  /** In turns of some milliseconds, also for thousands. */
  async #judgeDue(): Promise<void> {
    this.#isJudging = true
    while (this.#due.size > 0) {
      // Several changes at a time are one.
      await nextTurn()
      const due = this.#due
      this.#due = new Set()
      await inTurns(this.#judging(due))
    }
    this.#isJudging = false
  }

  *#judging(due: Iterable<LiveStream>): Work<void> {
    for (const stream of due) {
      void this.#judgeOne(stream)
      yield
    }
  }

  async #judgeOne(stream: LiveStream): Promise<void> {
    const { streams, logger, onEnd } = this.#options
    if (!streams.has(stream)) return
    const end = await this.judge(stream)
    if (end === undefined || !streams.has(stream)) return
    const { routeId, sessionIds } = stream.permit
    logger.info(
      {
        'request-id': stream.decisionId,
        'route-id': routeId,
        'session-id': sessionIds[0],
        reason: end.reason,
      },
      'open stream ended',
    )
    onEnd(end.reason)
    stream.cut(end)
  }
}

/** `undefined` when it takes too long. */
async function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  const { promise: tooLate, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, ANSWER_WITHIN_MS, undefined)
  try {
    return await Promise.race([answer, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

function endOf({ verdict }: Judgement): StreamEnd | undefined {
  switch (verdict.outcome) {
    case 'allow':
      return undefined
    case 'sign-in':
      return { status: 401, reason: 'signed out' }
    case 'step-up':
      return { status: 401, reason: 'the sign-in is too old or too weak' }
    case 'deny':
      return { status: 403, reason: 'denied by policy' }
    case 'refuse':
      return refused(verdict)
  }
}

const refused = ({ reason }: Extract<Verdict, { outcome: 'refuse' }>): StreamEnd => ({
  status: reason === 'account-deactivated' ? 403 : 401,
  reason,
})
