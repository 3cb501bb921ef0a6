/**
 * Who may push: whoever shows the token of a source, which is also how it is told which one. In the order that matters.
 *
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { ScimRefusal } from './refusal.ts'
import type { ScimSource } from './scim-source.ts'

export interface AdmittedSource {
  readonly tokenHash: Buffer
  readonly source: ScimSource
  readonly pace: Pace
}

export interface Admission {
  readonly sources: () => readonly AdmittedSource[]
  /** Of requests that show no token that is known. */
  readonly strangers: Pace
}

/** A connector sends a few dozens a second at most. */
export const SOURCE_PACE = { perSecond: 300, burst: 1000 } as const
export const STRANGER_PACE = { perSecond: 10, burst: 50 } as const

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** The source that the token is of. @throws {ScimRefusal} 401, 429 */
export function admit(authorization: string | undefined, { sources, strangers }: Admission): ScimSource {
  const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  const admitted = token === undefined ? undefined : find(hashToken(token), sources())
  if (admitted === undefined) {
    // Counted only now: however many strangers ask, they keep no client out.
    if (!strangers.take()) throw new ScimRefusal(429, 'too many requests without a good token')
    throw new ScimRefusal(401, 'show the token of a directory source as a bearer token')
  }
  if (!admitted.pace.take()) throw new ScimRefusal(429, 'too many requests in a second')
  return admitted.source
}

/** All are compared, so that the time tells nothing. */
function find(hash: Buffer, sources: readonly AdmittedSource[]): AdmittedSource | undefined {
  let found: AdmittedSource | undefined
  for (const source of sources) if (timingSafeEqual(source.tokenHash, hash)) found = source
  return found
}

/** So many at once, and so many a second after that. */
export class Pace {
  readonly #perSecond: number
  readonly #burst: number
  readonly #now: () => number
  #left: number
  #at: number

  constructor({ perSecond, burst }: { perSecond: number; burst: number }, now: () => number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#now = now
    this.#left = burst
    this.#at = now()
  }

  take(): boolean {
    const now = this.#now()
    const gained = (Math.max(0, now - this.#at) / 1000) * this.#perSecond
    this.#left = Math.min(this.#burst, this.#left + gained)
    this.#at = now
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
