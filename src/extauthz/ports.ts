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
import type { SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'
import type { UpstreamPorts } from '../upstream/contributors.ts'

/** The generation in force, and word of each new one. */
interface ConfigSource {
  readonly current: Config
  onGeneration(listener: (config: Config) => void): Disposable
}

export interface Ports extends RoutePorts, UpstreamPorts {
  readonly config: ConfigSource
  readonly sessions: SessionStore
  readonly serviceAccounts?: ServiceAccountSource
  /** Records and places that policies look up. */
  readonly data?: DataSources
  readonly bearer?: BearerSource
  readonly keys: Keyring
  readonly signingKeys: SigningKeys
  /** Unset: groups are those of the session. */
  readonly directory?: DirectoryPort | undefined
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly logger: Logger
}
