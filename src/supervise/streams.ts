/**
 * The streams that are open, by what they were opened with.
 *
 * @module
 */
import type { Permitted } from './judge.ts'

/** One request that stays open, with the channel by which it can be ended. */
export interface LiveStream extends Permitted {
  /** Envoy's `x-request-id`. */
  readonly decisionId: string
  /** Epoch milliseconds. */
  readonly openedAt: number
  /** When it is to be judged again. */
  goodUntil: number
  /** Since when it can't be told whether it may go on; epoch milliseconds. */
  inDoubtSince: number | undefined
  /** Ends it, for the client and the upstream. */
  cut(end: StreamEnd): void
  /** Lets it go on; it can't be ended any more. */
  release(): void
}

/** How a stream is ended, as far as the client can still be told. */
export interface StreamEnd {
  readonly status: 401 | 403 | 503
  readonly reason: string
}

export class Streams {
  readonly #all = new Set<LiveStream>()
  /** By sessions and service accounts. */
  readonly #byHolder = new Map<string, Set<LiveStream>>()

  get size(): number {
    return this.#all.size
  }

  all(): Iterable<LiveStream> {
    return this.#all
  }

  of(holder: string): Iterable<LiveStream> {
    return this.#byHolder.get(holder) ?? []
  }

  add(stream: LiveStream): void {
    this.#all.add(stream)
    for (const holder of holdersOf(stream)) {
      const streams = this.#byHolder.get(holder)
      if (streams === undefined) this.#byHolder.set(holder, new Set([stream]))
      else streams.add(stream)
    }
  }

  delete(stream: LiveStream): void {
    this.#all.delete(stream)
    for (const holder of holdersOf(stream)) {
      const streams = this.#byHolder.get(holder)
      streams?.delete(stream)
      if (streams?.size === 0) this.#byHolder.delete(holder)
    }
  }

  has(stream: LiveStream): boolean {
    return this.#all.has(stream)
  }
}

const holdersOf = ({ permit }: LiveStream): readonly string[] => [
  ...permit.sessionIds,
  ...permit.serviceAccountIds,
]
