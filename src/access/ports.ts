/**
 * What the judgement needs from other rooms, in its own terms.
 *
 * @module
 */
import type { Route } from '../config/config.ts'
import type { DataSources } from '../policy/decision.ts'
import type { Session } from '../session/session.ts'
import type { MaybePromise, SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'
import type { ServiceAccount } from './credentials/service-account/service-account.ts'

/** The accounts that operators have made for machines. */
export interface ServiceAccountSource {
  find(id: string): MaybePromise<ServiceAccount | undefined>
  noteUse(id: string, now: number): void
  onChange(listener: (id: string) => void): Disposable
}

/** What directories say of people, beside their identity provider. */
export interface DirectoryPort {
  /** The session with its effective groups: one and the same object until something changes. */
  apply(session: Session): Session
  /** Whether a directory says that this person has left or is locked out. */
  isDeactivated(session: Session): boolean
  /** Called when what `apply` answers may have changed, for anybody. */
  onChange(listener: () => void): Disposable
}

/** Tokens of other issuers than us. */
export interface BearerSource {
  /**
   * Whose token it is: a session that is never stored, or what is wrong, in words that its sender may read.
   *
   * @throws {Fault} when that can't be found out now
   */
  session(
    route: Route,
    token: string,
    sourceAddress: string,
  ): MaybePromise<Session | { readonly problem: string; readonly isTooMany?: boolean }>
}

/** What the rows of the judgement use besides the request itself. */
export interface AccessDependencies {
  readonly sessions: Pick<SessionStore, 'find' | 'idleTimeOf' | 'delete' | 'isClockInDoubt'>
  readonly serviceAccounts?: ServiceAccountSource | undefined
  readonly bearer?: BearerSource | undefined
  /** Unset: groups are those of the session. */
  readonly directory?: Pick<DirectoryPort, 'apply' | 'isDeactivated'> | undefined
  /** Records and places that policies look up. */
  readonly data?: DataSources | undefined
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly logger: Pick<Logger, 'info' | 'warn'>
}
