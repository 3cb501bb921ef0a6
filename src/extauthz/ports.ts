/**
 * What the authorizer needs from other rooms, in its own terms.
 *
 * @module
 */

import type { ServiceAccount } from '../access/credentials/service-account/service-account.ts'
import type { Config, Route } from '../config/config.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { SigningKeys } from '../crypto/signing-keys.ts'
import type { Compilation } from '../policy/compile.ts'
import type { DataSources } from '../policy/decision.ts'
import type { Session } from '../session/session.ts'
import type { MaybePromise, SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'

/** The generation in force, and word of each new one. */
interface ConfigSource {
  readonly current: Config
  onGeneration(listener: (config: Config) => void): Disposable
}

/** The accounts that operators have made for machines. */
export interface ServiceAccountSource {
  find(id: string): MaybePromise<ServiceAccount | undefined>
  noteUse(id: string, now: number): void
  onChange(listener: (id: string) => void): Disposable
}

/** What directories say of people, beside their identity provider. */
interface DirectoryPort {
  /** The session with its effective groups: one and the same object until something changes. */
  apply(session: Session): Session
  /** Whether a directory says that this person has left or is locked out. */
  isSwitchedOff(session: Session): boolean
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

/** Tokens by which the platform of an upstream knows us. */
export interface PlatformTokens {
  /** At once while one is at hand. @throws {Fault} when there is none, at once or as a rejection */
  tokenFor(audience: string): MaybePromise<PlatformToken>
}

export interface PlatformToken {
  readonly value: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

export interface Ports {
  readonly config: ConfigSource
  /** The policy of a route of that generation. */
  readonly policyOf: (config: Config, route: Route) => Compilation
  readonly sessions: SessionStore
  readonly serviceAccounts?: ServiceAccountSource
  /** Records and places that policies look up. */
  readonly data?: DataSources
  readonly bearer?: BearerSource
  readonly platformTokens?: PlatformTokens
  readonly keys: Keyring
  readonly signingKeys: SigningKeys
  /** Which identity providers' sessions count on a route. Asked by every request: it answers from memory. */
  readonly idpIdsFor: (route: Route) => readonly string[]
  /** Unset: groups are those of the session. */
  readonly directory?: DirectoryPort | undefined
  /**
   * Has the tokens of a session renewed, once for all who ask at the same time; never rejects. When it resolves the
   * store has what came of it: new tokens, the old ones if the provider is not to be reached, or no session any more.
   */
  readonly refreshNow: (session: Session) => Promise<unknown>
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly logger: Logger
}
