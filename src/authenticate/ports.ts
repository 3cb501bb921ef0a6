/**
 * What the browser flows need from other rooms, in the terms of this one.
 *
 * @module
 */

import type { MayOpen } from '../access/may-open.ts'
import type { AuditSink, SessionEvent } from '../audit/event.ts'
import type { Config, Route } from '../config/config.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Sealer } from '../crypto/seal.ts'
import type { SigningKeys } from '../crypto/signing-keys.ts'
import type { IdentityProvider } from '../identity/provider.ts'
import type { Session } from '../session/session.ts'
import type { SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'
import type { AuthenticateMetrics } from './metrics.ts'

/** The generation in force. */
export interface CurrentConfig {
  readonly current: Config
}

/** The provider of that id; `undefined` when it is not configured, or not any more. */
export type FindProvider = (idpId: string) => IdentityProvider | undefined

/**
 * Ids of the providers whose sessions count on a route; without a route, of all that people may choose from.
 */
export type IdpIdsFor = (route?: Route) => readonly string[]

/** The groups that the policies of a route name. */
export type MentionedGroups = (route: Route) => readonly string[]

/** What directories say of people, beside their identity provider. */
export interface DirectoryPort {
  /** The session with its effective groups. */
  apply(session: Session): Session
  /** Whether a directory says that this person has left or is locked out. */
  isDeactivated(session: Session): boolean
}

/** All that a step may use besides the visit itself. */
export interface Services {
  readonly config: CurrentConfig
  readonly sessions: SessionStore
  readonly provider: FindProvider
  readonly idpIdsFor: IdpIdsFor
  readonly mayOpen: MayOpen
  readonly mentionedGroups: MentionedGroups
  /** Unset: groups are those of the session. */
  readonly directory?: DirectoryPort | undefined
  readonly keys: Keyring
  /** Over `keys.state`: the OAuth state, the hand-off and the sign-out order travel under it. */
  readonly sealer: Sealer
  readonly signingKeys: SigningKeys
  readonly now: () => number
  readonly logger: Logger
  readonly tell: AuditSink<SessionEvent>
  readonly metrics: AuthenticateMetrics
}
