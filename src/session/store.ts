/**
 * The store port: sessions, and the small single-use records of login flows.
 *
 * Drivers are proved by exported suites (driver.suite.ts). `find` may answer from a copy in the process,
 * never older than one second.
 *
 * @module
 */
import type { Session } from './session.ts'

export type MaybePromise<T> = T | Promise<T>

/** A session that the refresher should look at. */
export interface Due extends Pick<Session, 'id' | 'idpId' | 'version'> {
  /** When its tokens end, or when the provider last spoke of it. */
  readonly at: number
}

/** Of a list in the order of `at`: how far it reaches, and after which entry the page begins. */
export interface DuePage {
  readonly before: number
  readonly after?: Pick<Due, 'id' | 'at'> | undefined
  readonly limit: number
}

export interface SessionStore extends AsyncDisposable {
  /**
   * The live session, or `undefined` when there is none or it has expired. @throws {Fault} STORE_UNAVAILABLE
   */
  find(id: string): MaybePromise<Session | undefined>
  /**
   * Insert or replace; answers the record as stored, with its new version.
   *
   * An id that was deleted stays deleted: a refresh that ends after a sign-out must not bring the session
   * back.
   *
   * @throws {Fault} SESSION_GONE, STORE_UNAVAILABLE
   */
  save(session: Omit<Session, 'version'>): MaybePromise<Session>
  /**
   * When it answers, the deletion is on the disk, so that a power cut brings nobody back in. A disk that
   * can't be written does not keep anybody in: the session is gone for this process at once, and is deleted
   * when that can be done.
   *
   * @throws {Fault} STORE_UNAVAILABLE when even that can't be had
   */
  delete(id: string): MaybePromise<boolean>
  list(filter?: { readonly userId?: string }): MaybePromise<readonly Session[]>
  /** Ends several, with turns of the event loop between some; answers how many there were. */
  deleteAll(ids: readonly string[]): MaybePromise<number>
  /** Sessions whose tokens should be refreshed at or before `before` and that have a refresh token. */
  dueForRefresh(page: DuePage): MaybePromise<readonly Due[]>
  /**
   * Sessions of which the provider has said nothing since, and whose provider can be asked; the oldest first.
   */
  withOldClaims(page: DuePage): MaybePromise<readonly Due[]>
  /** Remembers a key for `ttlMs`; `false` when it is already there: how a single-use thing is used once. */
  claimOnce(key: string, ttlMs: number): MaybePromise<boolean>
  /**
   * Notes that somebody uses the session, without writing each time: what is on disk may be behind by
   * `precisionMs`. Never throws for a store that fails.
   */
  touch(session: Session, at: number, precisionMs: number): void
  /**
   * The longest time that nobody used the session since it began or was renewed, the present idle time
   * included. Exact below `limitMs`; what reaches it has asked the other processes first.
   *
   * @throws {Fault} STORE_UNAVAILABLE
   */
  idleTimeOf(session: Session, at: number, limitMs: number): MaybePromise<number>
  /**
   * Ids of sessions that nobody seems to have used since, give or take the precision of `touch`: some at a
   * time, with turns of the event loop between.
   */
  idleSince(before: number): AsyncIterable<readonly string[]>
  /** Drops expired sessions and records; answers how many sessions went. */
  sweep(): MaybePromise<number>
  /**
   * Whether the wall clock has leapt forward a short while ago, which may turn out to be a mistake. What is
   * too old by such a clock is refused, but not deleted.
   */
  readonly isClockInDoubt: boolean
  /** Called when a session has changed or gone, in this process or another; the listener must not throw. */
  onChange(listener: (id: string) => void): Disposable
  /** Live sessions; where the driver answers later, by its last answer. */
  readonly count: number
  /** A sentence on what is wrong with the store; `undefined` when all is well. */
  readonly problem: string | undefined
}
