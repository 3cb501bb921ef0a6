/**
 * Who the sessions of a log were, in the order in which it says so.
 *
 * Decisions may stand before the line that says who it was, when a log was rotated in between: they wait for
 * it.
 *
 * @module
 */
import { BoundedMap } from '../../bounded-map.ts'
import type { LoggedDecision, LoggedSubject } from './log-lines.ts'

/** Memory is bounded: the ones told longest ago go, and lines that wait for longest are answered without. */
const MOST_CHARACTERS = 128 * 1024 * 1024
const MOST_WAITING = 20_000

type Ready = (decision: LoggedDecision, who: LoggedSubject | undefined) => void

export class KnownSubjects {
  readonly #known = new BoundedMap<string, LoggedSubject>(Infinity, (_, { length }) => {
    this.#characters -= length
  })
  #characters = 0
  readonly #waiting = new Map<string, LoggedDecision[]>()
  #waitingCount = 0
  readonly #ready: Ready
  readonly #mostCharacters: number

  constructor(ready: Ready, mostCharacters = MOST_CHARACTERS) {
    this.#ready = ready
    this.#mostCharacters = mostCharacters
  }

  tell(who: LoggedSubject): void {
    this.#characters += who.length - (this.#known.get(who.fingerprint)?.length ?? 0)
    this.#known.set(who.fingerprint, who)
    this.#known.forgetWhile(() => this.#characters > this.#mostCharacters)
    this.#release(who.fingerprint, who)
  }

  decide(decision: LoggedDecision): void {
    const { subject } = decision
    const who = subject === undefined ? undefined : this.#known.get(subject)
    if (subject === undefined || who !== undefined) {
      this.#ready(decision, who)
      return
    }
    const others = this.#waiting.get(subject)
    if (others === undefined) this.#waiting.set(subject, [decision])
    else others.push(decision)
    this.#waitingCount++
    const [first] = this.#waiting.keys()
    if (this.#waitingCount > MOST_WAITING && first !== undefined) this.#release(first, undefined)
  }

  /** The log has ended: nobody will say any more who they were. */
  end(): void {
    for (const fingerprint of this.#waiting.keys()) this.#release(fingerprint, undefined)
  }

  #release(fingerprint: string, who: LoggedSubject | undefined): void {
    const waiting = this.#waiting.get(fingerprint)
    if (waiting === undefined) return
    this.#waiting.delete(fingerprint)
    this.#waitingCount -= waiting.length
    for (const decision of waiting) this.#ready(decision, who)
  }
}
