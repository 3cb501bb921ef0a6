/**
 * How one kind of provider differs from the standards, or fills in what they leave open.
 *
 * @module
 */
import type { RawClaims } from '../../flat-claims.ts'

/** Of the discovery document; endpoints may be missing. */
export interface ProviderMetadata {
  readonly issuer: string
  readonly authorization_endpoint?: string | undefined
  readonly end_session_endpoint?: string | undefined
}

export interface SignOutRequest {
  readonly clientId: string
  readonly idTokenHint: string | undefined
  readonly postLogoutRedirectUri: string
}

export interface Preset {
  /** What the button says where people choose. */
  readonly label: string
  readonly scopes: readonly string[]
  readonly requestParams?: Readonly<Record<string, string>>
  /**
   * Claims, or paths into them, that may hold the groups; the first that is there counts. Unset: `groups`.
   */
  readonly groupsClaims?: readonly string[]
  /** Brings claims into the form that OpenID Connect gives them. */
  readonly amend?: (raw: RawClaims, metadata: ProviderMetadata) => RawClaims
  /** Who somebody is at this provider, where `sub` is not the best of its claims. */
  readonly userId?: (claims: RawClaims) => string | undefined
  /**
   * The provider's sign-out page, where it has one of its own kind; `standard` for that of RP-initiated
   * logout, if metadata name one.
   */
  readonly endSession?: (metadata: ProviderMetadata, request: SignOutRequest) => URL | 'standard' | undefined
  /** Whether one address stands for many tenants, whose issuers differ from it. */
  readonly hasTenants?: boolean
  /** Whether PKCE is left out where the provider does not say that it knows it. */
  readonly pkceIfAdvertised?: boolean
  /** Whether groups that a token only hints at can be asked of Microsoft Graph. */
  readonly hasGraph?: boolean
  /** Whether the name comes with the first answer only, beside the tokens. */
  readonly namesOnce?: boolean
  /** Where the provider wants a refresh token to be used no more often than so. */
  readonly refreshEveryMs?: number
}

export const STANDARD_SCOPES = ['openid', 'profile', 'email', 'offline_access'] as const
/** Of providers that give a refresh token without being asked, and may refuse the scope for it. */
export const WITHOUT_OFFLINE_ACCESS = ['openid', 'profile', 'email'] as const
