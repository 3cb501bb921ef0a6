/**
 * What the authorizer needs from other rooms, in its own terms.
 *
 * @module
 */

import type { BearerSource, DirectoryPort, ServiceAccountSource } from '../access/ports.ts'
import type { RoutePorts } from '../access/route.ts'
import type { Config } from '../config/config.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { SigningKeys } from '../crypto/signing-keys.ts'
import type { DataSources } from '../policy/decision.ts'
import type { Session } from '../session/session.ts'
import type { MaybePromise, SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'

/** The generation in force, and word of each new one. */
interface ConfigSource {
  readonly current: Config
  onGeneration(listener: (config: Config) => void): Disposable
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

export interface Ports extends RoutePorts {
  readonly config: ConfigSource
  readonly sessions: SessionStore
  readonly serviceAccounts?: ServiceAccountSource
  /** Records and places that policies look up. */
  readonly data?: DataSources
  readonly bearer?: BearerSource
  readonly platformTokens?: PlatformTokens
  readonly keys: Keyring
  readonly signingKeys: SigningKeys
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
