/**
 * The port through which people sign in, whatever the provider behind it.
 *
 * @module
 */

import type { AuthenticationRequirement } from '../edge/authentication-requirement.ts'
import type { HttpClient } from '../outbound/http-client.ts'
import type { SignOutHints } from './sign-out-hints.ts'

/** What a provider says of somebody; a session holds the same and is accepted wherever this is. */
export interface Identity {
  /** The `sub` of the ID token, or what the provider has in its place: unique at this provider only. */
  readonly userId: string
  /** Absent when the provider gives none, or says that it is not verified. */
  readonly email: string | undefined
  readonly name: string | undefined
  /** Flattened to lists of scalars; `address.city` is the claim `address/city`. */
  readonly claims: Readonly<Record<string, readonly string[]>>
  /** `unknown` when the provider says that there are groups but not which. */
  readonly groups: readonly string[] | 'unknown'
  readonly tokens: IdentityTokens
  /**
   * When they last showed who they are, by our clock; only a sign-in tells, and only where the provider does.
   */
  readonly authenticatedAt?: number | undefined
  /** How they did (`acr`). */
  readonly acr?: string | undefined
  /** The provider has signed them in and told no more of them: what only userinfo says is not known. */
  readonly withoutUserInfo?: true | undefined
}

/** Times are epoch milliseconds. */
export interface IdentityTokens {
  readonly accessToken: string | undefined
  readonly accessTokenExpiresAt: number | undefined
  readonly refreshToken: string | undefined
  readonly idToken: string | undefined
  readonly idTokenExpiresAt: number | undefined
}

export const NO_TOKENS: IdentityTokens = {
  accessToken: undefined,
  accessTokenExpiresAt: undefined,
  refreshToken: undefined,
  idToken: undefined,
  idTokenExpiresAt: undefined,
}

/** Secrets of one sign-in, kept from the first redirect to the callback. */
export interface SignInSecrets {
  readonly oauthState: string
  readonly idTokenNonce: string
  /** @see RFC 7636 section 4.1 */
  readonly codeVerifier: string
}

/** What a sign-in must bring, beyond who it is. @see OpenID Connect Core section 3.1.2.1 */
export interface RequestedAuthentication extends Partial<AuthenticationRequirement> {
  /** For a provider that has passed over the age before: it must not let anybody in by an older sign-in. */
  readonly isForced?: boolean
  /** Somebody else is to sign in than the last time: it must not go on with whom it knows. */
  readonly isSwitch?: boolean
}

export type PresentedKind = 'access_token' | 'id_token'

/** A token that a client has brought, verified. */
export interface Presented {
  readonly identity: Identity
  /** For whom it was issued; `undefined` when the token does not say so verifiably. */
  readonly audiences: readonly string[] | undefined
  /** Those that are as good as meant for us, where the configuration names none; unset: any. */
  readonly ownAudiences?: readonly string[]
  /** When it was issued, and when the person showed who they are: epoch milliseconds, by the token alone. */
  readonly issuedAt: number
  readonly authenticatedAt: number
  /** Epoch milliseconds; `undefined` when the token does not say. */
  readonly expiresAt: number | undefined
}

/** Why a token is not accepted: the end of a sentence that begins "the token is not accepted:". */
export interface TokenProblem {
  readonly problem: string
}

export interface ProviderStatus {
  /**
   * `idle` until it is asked for the first time; `invalid` while it answers, and not as the provider that the
   * configuration names.
   */
  readonly state: 'idle' | 'ready' | 'unreachable' | 'invalid'
  readonly lastFault?: ProviderTrouble | undefined
  /** Why people are signed in by their ID token alone; unset while the UserInfo endpoint tells of them. */
  readonly userInfo?: ProviderTrouble | undefined
}

interface ProviderTrouble {
  /** Epoch milliseconds. */
  readonly at: number
  readonly message: string
}

/** Where a client gets tokens. */
export interface TokenEndpoint {
  readonly url: string
  /** As the provider itself is asked: it may be the only one that may be asked in plain HTTP. */
  readonly fetch?: HttpClient['fetch']
  /** Puts into a request what shows that it is of the client by which people sign in. */
  authenticate(form: URLSearchParams, headers: Headers): void
}

export interface IdentityProvider {
  /** Same provider and OAuth client, same id: it scopes user ids and session references. */
  readonly id: string
  /** In the configuration. */
  readonly name: string
  /** For the button by which people choose it. */
  readonly label: string
  readonly status: ProviderStatus
  /** For one that does not want to be asked about somebody more often. */
  readonly refreshEveryMs?: number | undefined

  /** Where to send the user agent. @throws {Fault} IDP_UNREACHABLE, IDP_ANSWER_INVALID */
  authorizationUrl(signIn: SignInSecrets, demand?: RequestedAuthentication): Promise<URL>

  /**
   * Turns the answer that the user agent brought into an identity.
   *
   * @param callbackUrl the whole URL of the callback as the user agent asked for it, query included
   * @throws {Fault} IDP_REFUSED, IDP_UNREACHABLE, IDP_ANSWER_INVALID, CLOCK_SKEW, OAUTH_STATE_INVALID
   */
  exchange(callback: SignInSecrets & { readonly callbackUrl: URL }): Promise<Identity>

  /**
   * Gets new tokens and what the provider says of the person today.
   *
   * Tokens may have been used up by the call: store the answer before anything else.
   *
   * @throws {Fault} IDP_REFUSED ends the session; IDP_UNREACHABLE asks to try again later
   */
  refresh(current: Identity): Promise<Identity>

  /**
   * What the provider says of the person today, where there is nothing to refresh; tokens stay as they are.
   *
   * @throws {Fault} IDP_REFUSED ends the session; IDP_UNREACHABLE asks to try again later
   */
  reread(current: Identity): Promise<Identity>

  /**
   * Whether somebody whom it knows can become somebody else in a sign-in. Else they must sign out there
   * first, where that can be done. Never throws.
   */
  letsChooseAccount(): Promise<boolean>

  /**
   * Where RP-initiated logout goes; `undefined` when the provider has none or can't be asked. Never throws.
   */
  endSessionUrl(signOut: SignOutHints & { readonly postLogoutRedirectUri: string }): Promise<URL | undefined>

  /**
   * For grants other than signing in; answers from memory while it can. Unset: the provider knows none.
   *
   * @throws {Fault} IDP_UNREACHABLE, IDP_ANSWER_INVALID, IDP_ISSUER_DIFFERS
   */
  tokenEndpoint?(): Promise<TokenEndpoint>

  /** Best effort; never throws. @see RFC 7009 */
  revoke(tokens: IdentityTokens): Promise<void>
}

/** What is asked in the background, so that a provider that is not well is known before anybody signs in. */
export interface CheckedProvider {
  /**
   * Asks whether it answers as it should. @throws {Fault} IDP_UNREACHABLE, IDP_ANSWER_INVALID,
   * IDP_ISSUER_DIFFERS
   */
  check(): Promise<void>
}

/** The port through which clients come that bring a token of the provider, instead of signing in here. */
export interface TokenIdentifier {
  readonly id: string

  /**
   * Whose token it is that a client brings along, having got it elsewhere.
   *
   * @throws {Fault} IDP_REFUSED when the provider does not accept it; IDP_UNREACHABLE and others when that
   * can't be told
   */
  identify(kind: PresentedKind, token: string): Promise<Presented | TokenProblem>
}

export type OpenProvider = IdentityProvider & TokenIdentifier & CheckedProvider & AsyncDisposable
