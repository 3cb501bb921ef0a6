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

/** Kinds of conditions that hold, don't hold, or can't be decided. */
type Judged =
  | 'claim'
  | 'client-certificate'
  | 'date'
  | 'day-of-week'
  | 'domain'
  | 'email'
  | 'geoip'
  | 'groups'
  | 'http-method'
  | 'http-path'
  | 'record'
  | 'source-ip'
  | 'ssh-ca'
  | 'ssh-username'
  | 'time-of-day'
  | 'user'

/** Kinds of which everything that is asked is always known. */
type Plain = 'device' | 'ssh-publickey'

export type Reason =
  | `${Judged | Plain}-ok`
  | `${Judged | Plain}-unauthorized`
  | `${Judged}-unknown`
  | 'accept'
  | 'client-certificate-required'
  | 'cors-request'
  | 'device-unauthenticated'
  | 'email-absent'
  | 'email-unverified'
  | 'geoip-absent'
  | 'invalid-client-certificate'
  | 'mcp-not-a-tool-call'
  | 'mcp-tool-match'
  | 'mcp-tool-no-match'
  | 'mcp-tool-unknown'
  | 'non-cors-request'
  | 'non-pomerium-route'
  | 'record-absent'
  | 'reject'
  | 'user-unauthenticated'
  | 'valid-client-certificate'

export const hit = (reason: Reason): Outcome => ({ truth: 'hit', reason })
export const miss = (reason: Reason): Outcome => ({ truth: 'miss', reason })
export const unknown = (reason: Reason): Outcome => ({ truth: 'unknown', reason })

/** What one criterion says, by truth. */
export type Outcomes = Readonly<Record<Truth, Outcome>>

export const outcomes = (ok: Reason, not: Reason, undecided: Reason): Outcomes => ({
  hit: hit(ok),
  miss: miss(not),
  unknown: unknown(undecided),
})

/** The provider gives no address of somebody who is signed in, or machines have none. */
export const NO_ADDRESS = unknown('email-absent')

/** Anybody could have typed somebody else's. */
export const UNVERIFIED = unknown('email-unverified')

/** Somebody not signed in was asked for an e-mail address, a group …: signing in would tell. */
export const UNIDENTIFIED = unknown('user-unauthenticated')

/**
 * Somebody not signed in was asked whether they are. The truth is "no", and signing in would change it:
 * `judge.ts` looks at both.
 */
export const STRANGER = miss('user-unauthenticated')
