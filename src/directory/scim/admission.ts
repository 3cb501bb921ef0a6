/**
 * Who may push: whoever shows the token of a source, which is also how it is told which one. In the order
 * that matters.
 *
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { RateLimiter } from '../../rate-limiter.ts'
import { ScimRefusal } from './refusal.ts'
import type { ScimSource } from './scim-source.ts'

export interface AdmittedSource {
  readonly tokenHash: Buffer
  readonly source: ScimSource
  readonly rate: RateLimiter
}

export interface Admission {
  readonly sources: () => readonly AdmittedSource[]
  /** Of requests that show no token that is known. */
  readonly strangers: RateLimiter
  /** Milliseconds. */
  readonly now: () => number
}

/** 300 a second: a connector sends a few dozens at most. */
export const SOURCE_ALLOWANCE = { most: 1000, everyMs: 1000 / 300 } as const
export const STRANGER_ALLOWANCE = { most: 50, everyMs: 100 } as const
/** Each limiter counts one thing. */
const ALL = ''

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** The source that the token is of. @throws {ScimRefusal} 401, 429 */
export function admit(authorization: string | undefined, { sources, strangers, now }: Admission): ScimSource {
  const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  const admitted = token === undefined ? undefined : find(hashToken(token), sources())
  if (admitted === undefined) {
    // Counted only now: however many strangers ask, they keep no client out.
    if (!strangers.take(ALL, now())) throw new ScimRefusal(429, 'too many requests without a good token')
    throw new ScimRefusal(401, 'show the token of a directory source as a bearer token')
  }
  if (!admitted.rate.take(ALL, now())) throw new ScimRefusal(429, 'too many requests in a second')
  return admitted.source
}

/** All are compared, so that the time tells nothing. */
function find(hash: Buffer, sources: readonly AdmittedSource[]): AdmittedSource | undefined {
  let found: AdmittedSource | undefined
  for (const source of sources) if (timingSafeEqual(source.tokenHash, hash)) found = source
  return found
}
