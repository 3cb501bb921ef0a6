/**
 * One signed-in user agent family: who it is, until when, and the tokens of its OpenID provider.
 *
 * @module
 */

/** Epoch milliseconds everywhere; protocol seconds are converted at the edge. */
export interface Session {
  /** Whose it is; unset: a person's. Those of machines are made of a credential and never stored. */
  readonly kind?: 'user' | 'service-account' | 'workload' | undefined
  /** 128 random bits, base64url. What cookies refer to. */
  readonly id: string
  /** `<identity provider id>/<sub>`-scoped: the same `sub` at two providers is two users. */
  readonly idpId: string
  readonly userId: string
  readonly email: string | undefined
  readonly name: string | undefined
  readonly claims: Readonly<Record<string, readonly string[]>>
  readonly groups: readonly string[] | 'unknown'
  /**
   * Where `groups` is unknown: those that a directory or the token vouches for all the same. Never stored.
   */
  readonly knownGroups?: readonly string[] | undefined
  readonly issuedAt: number
  /** When the person last showed the provider who they are (`auth_time`); unset where it does not say. */
  readonly authenticatedAt?: number | undefined
  /** How they did (`acr`), in the provider's words. */
  readonly acr?: string | undefined
  /** The provider has signed them in and told no more of them. */
  readonly withoutUserInfo?: true | undefined
  /** Absolute end of the session. */
  readonly expiresAt: number
  readonly tokens: SessionTokens
  /** Grows with every change of the record; reused decisions and assertions are keyed by it. */
  readonly version: number
}

/** All that somebody vouches for, whether or not there may be more. */
export function certainGroupsOf({
  groups,
  knownGroups = NONE,
}: Pick<Session, 'groups' | 'knownGroups'>): readonly string[] {
  return groups === 'unknown' ? knownGroups : groups
}

const NONE: readonly string[] = []

export function isMachine(kind: Session['kind']): boolean {
  return kind === 'service-account' || kind === 'workload'
}

export interface SessionTokens {
  readonly accessToken: string | undefined
  readonly accessTokenExpiresAt: number | undefined
  readonly refreshToken: string | undefined
  readonly idToken: string | undefined
  readonly idTokenExpiresAt: number | undefined
}
