/**
 * What one criterion can say of one request: a truth, and the reason word that logs and pages carry.
 *
 * The words are those of Pomerium's decision log, so that a log reader moves over unchanged; the `-unknown`
 * ones are ours.
 *
 * @module
 */
import type { RequestFacts, Subject, Truth } from './decision.ts'

export interface Outcome {
  readonly truth: Truth
  readonly reason: Reason
}

/** A compiled criterion: a pure function of who asks and what is asked. */
export type Criterion = (subject: Subject, request: RequestFacts) => Outcome

type Judged = 'user' | 'email' | 'domain' | 'claim' | 'groups' | 'http-method' | 'http-path' | 'source-ip'

export type Reason =
  | `${Judged}-ok`
  | `${Judged}-unauthorized`
  | `${'domain' | 'claim' | 'groups' | 'http-path' | 'source-ip'}-unknown`
  | 'user-unauthenticated'
  | 'accept'
  | 'reject'
  | 'cors-request'
  | 'non-cors-request'

export const hit = (reason: Reason): Outcome => ({ truth: 'hit', reason })
export const miss = (reason: Reason): Outcome => ({ truth: 'miss', reason })
export const unknown = (reason: Reason): Outcome => ({ truth: 'unknown', reason })

/** Somebody not signed in was asked for an e-mail address, a group …: signing in would tell. */
export const UNIDENTIFIED = unknown('user-unauthenticated')

/**
 * Somebody not signed in was asked whether they are. The truth is "no", and signing in would change it:
 * `judge.ts` looks at both.
 */
export const STRANGER = miss('user-unauthenticated')
