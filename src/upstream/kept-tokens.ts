/**
 * Tokens that somebody outside gives: asked for once by all who wait, renewed behind the scenes, and kept
 * until shortly before they end.
 *
 * Each is kept for a holder, such as a session, with a proof of whose it is: with another proof what is kept
 * counts for nothing. A failure is kept too, for ever longer, so that whoever fails is not asked once a
 * request.
 *
 * @module
 */
import { BoundedMap } from '../bounded-map.ts'
import type { MaybePromise } from '../session/store.ts'

/** Epoch milliseconds. */
export interface TokenTimes {
  /** When it was asked for. */
  readonly begunAt: number
  readonly renewAt: number
  /** Until when a request may begin with it. */
  readonly goodUntil: number
}

/** For whom, and what: both may come from outside, so they are bounded. */
export interface TokenPlace {
  readonly holder: string
  readonly key: string
  /** Whose it is, and with what it was got. */
  readonly proof: string
}

export interface KeptTokensOptions<Token extends TokenTimes, Failure> {
  readonly now: () => number
  readonly isToken: (found: Token | Failure) => found is Token
  readonly bytesOf: (token: Token) => number
  /** How long somebody is not asked who has failed so often: milliseconds. */
  readonly pauseAfter: (failure: Failure, times: number) => number
  readonly tooManyAtOnce: Failure
}

interface Flight<Token, Failure> {
  readonly proof: string
  readonly answer: Promise<Token | Failure>
}

interface Slot<Token, Failure> {
  bytes: number
  /** Whether it has been let go of while somebody waited. */
  isForgotten?: true
  kept?: { readonly token: Token; readonly proof: string }
  pending?: Flight<Token, Failure> | undefined
  failed?:
    | { readonly failure: Failure; readonly proof: string; readonly times: number; readonly at: number }
    | undefined
}

const MOST_HOLDERS = 20_000
const MOST_BYTES = 64 * 1024 * 1024
/** Of one that holds nothing yet. */
const SLOT_BYTES = 500
/** Whoever takes a tenth of a second for an answer could not give more in time. */
const MOST_PENDING = 500

const FIRST_PAUSE_MS = 1000
export const LONGEST_PAUSE_MS = 30_000

/** @param wantedMs what was asked for by who failed */
export function growingPause(times: number, wantedMs = 0): number {
  const own = FIRST_PAUSE_MS * 2 ** Math.min(times - 1, 10)
  return Math.min(Math.max(own, wantedMs), LONGEST_PAUSE_MS)
}

export class KeptTokens<Token extends TokenTimes, Failure> {
  readonly #options: KeptTokensOptions<Token, Failure>
  readonly #slots: BoundedMap<string, Map<string, Slot<Token, Failure>>>
  #bytes = 0
  #pendingCount = 0

  constructor(options: KeptTokensOptions<Token, Failure>) {
    this.#options = options
    this.#slots = new BoundedMap(MOST_HOLDERS, (_, ofHolder) => this.#letGo(ofHolder))
  }

  /**
   * At once while one is at hand, or where nobody may be asked.
   *
   * @param whyNot why nobody may be asked now, apart from what was kept here
   */
  obtain(
    place: TokenPlace,
    ask: () => Promise<Token | Failure>,
    whyNot: () => Failure | undefined = () => undefined,
  ): MaybePromise<Token | Failure> {
    const { holder, key, proof } = place
    const at = this.#options.now()
    const slot = this.#slots.get(holder)?.get(key)
    const kept = usable(slot?.kept, proof, at)
    if (kept !== undefined && at < kept.renewAt) return kept
    const pending = slot?.pending?.proof === proof ? slot.pending.answer : undefined
    const answer = pending ?? this.#pausedBy(slot, proof, at) ?? whyNot() ?? this.#begin(place, ask)
    if (kept === undefined) return answer
    if (answer instanceof Promise) answer.catch(() => undefined)
    return kept
  }

  forget(holder: string): void {
    const ofHolder = this.#slots.get(holder)
    if (ofHolder === undefined) return
    this.#letGo(ofHolder)
    this.#slots.delete(holder)
  }

  clear(): void {
    for (const ofHolder of this.#slots.values()) this.#letGo(ofHolder)
    this.#slots.clear()
  }

  /** What was wrong may have been mended. */
  forgetFailures(): void {
    for (const ofHolder of this.#slots.values()) for (const slot of ofHolder.values()) slot.failed = undefined
  }

  /** Undefined where somebody may be asked. */
  #pausedBy(slot: Slot<Token, Failure> | undefined, proof: string, at: number): Failure | undefined {
    const failed = slot?.failed
    if (failed !== undefined && failed.proof === proof) {
      const since = at - failed.at
      // False too after the clock was set back.
      if (since >= 0 && since < this.#options.pauseAfter(failed.failure, failed.times)) return failed.failure
    }
    return this.#pendingCount >= MOST_PENDING ? this.#options.tooManyAtOnce : undefined
  }

  /** Who comes meanwhile with the same proof waits for the same answer. */
  #begin(place: TokenPlace, ask: () => Promise<Token | Failure>): Promise<Token | Failure> {
    const slot = this.#slotFor(place)
    const flight: Flight<Token, Failure> = {
      proof: place.proof,
      answer: this.#await(slot, () => flight, ask),
    }
    slot.pending = flight
    return flight.answer
  }

  async #await(
    slot: Slot<Token, Failure>,
    flight: () => Flight<Token, Failure>,
    ask: () => Promise<Token | Failure>,
  ): Promise<Token | Failure> {
    const { isToken, now } = this.#options
    this.#pendingCount += 1
    try {
      const found = await ask()
      // A newer one may have taken its place, with another proof.
      const isCurrent = slot.pending === flight()
      if (isCurrent && isToken(found)) this.#keep(slot, found, flight().proof)
      else if (isCurrent && !isToken(found)) {
        const { proof } = flight()
        const times = slot.failed?.proof === proof ? slot.failed.times + 1 : 1
        slot.failed = { failure: found, proof, times, at: now() }
      }
      return found
    } finally {
      this.#pendingCount -= 1
      if (slot.pending === flight()) slot.pending = undefined
    }
  }

  #slotFor({ holder, key }: TokenPlace): Slot<Token, Failure> {
    const ofHolder = this.#slots.get(holder) ?? new Map<string, Slot<Token, Failure>>()
    let slot = ofHolder.get(key)
    if (slot === undefined) {
      ofHolder.set(key, (slot = { bytes: SLOT_BYTES }))
      this.#bytes += SLOT_BYTES
    }
    // Set again, it is the youngest.
    this.#slots.set(holder, ofHolder)
    this.#forgetTheOldest()
    return slot
  }

  #keep(slot: Slot<Token, Failure>, token: Token, proof: string): void {
    const bytes = SLOT_BYTES + this.#options.bytesOf(token) + proof.length
    if (slot.isForgotten !== true) this.#bytes += bytes - slot.bytes
    slot.bytes = bytes
    slot.kept = { token, proof }
    slot.failed = undefined
    this.#forgetTheOldest()
  }

  #forgetTheOldest(): void {
    this.#slots.forgetWhile(() => this.#bytes > MOST_BYTES)
  }

  #letGo(ofHolder: ReadonlyMap<string, Slot<Token, Failure>>): void {
    for (const slot of ofHolder.values()) {
      this.#bytes -= slot.bytes
      slot.isForgotten = true
    }
  }
}

/** Whatever has ended, or is not theirs, is not there. */
function usable<Token extends TokenTimes>(
  kept: { readonly token: Token; readonly proof: string } | undefined,
  proof: string,
  at: number,
): Token | undefined {
  if (kept === undefined || kept.proof !== proof) return undefined
  const { token } = kept
  // False too after the clock was set back.
  return at >= token.begunAt && at < token.goodUntil ? token : undefined
}
