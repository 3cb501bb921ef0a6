/**
 * Signing in at any OpenID provider: authorization code with PKCE, state and nonce, through openid-client.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  refreshTokenGrant,
  tokenRevocation,
} from 'openid-client'
import { Fault } from '../errors.ts'
import { profileOf, type RawClaims } from './claims.ts'
import { createDiscovery, type DiscoveredProvider } from './discovery.ts'
import { createHttpClient, isLoopback } from './http-client.ts'
import { verifyIdTokenSignature } from './id-token.ts'
import type { IdentityProvider, IdentityTokens, ProviderStatus, SignInDemand } from './provider.ts'
import { clockSkewFault, type Step, toProviderFault } from './provider-faults.ts'
import { signInFactsOf } from './sign-in-facts.ts'

/** The part of the settings that is about the provider. */
export interface ProviderSettings {
  readonly idp_provider_url?: string | undefined
  readonly idp_client_id?: string | undefined
  readonly idp_client_secret?: { reveal(): string } | undefined
  readonly idp_scopes: readonly string[]
  readonly idp_request_params: Readonly<Record<string, string>>
}

export interface IdentityProviderOptions {
  readonly settings: ProviderSettings
  /** Where the provider sends user agents back to: `/oauth2/callback` of the authenticate service. */
  readonly redirectUri: string
  /** PEM of roots that are trusted beside the system's. */
  readonly trustedCa?: readonly string[] | undefined
  readonly now?: () => number
  readonly logger?: ProviderLogger | undefined
}

export interface ProviderLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/**
 * Asks nothing of the provider before somebody signs in, so that Sallyport starts without it.
 *
 * @throws {Fault} IDP_NOT_CONFIGURED
 */
export function openIdentityProvider(options: IdentityProviderOptions): IdentityProvider & AsyncDisposable {
  const { redirectUri, now = Date.now, logger } = options
  const {
    idp_client_secret: secret,
    idp_scopes: scopes,
    idp_request_params: requestParams,
  } = options.settings
  const { issuer, clientId } = requireClient(options.settings)
  const http = createHttpClient({ trustedCa: options.trustedCa })
  const discover = createDiscovery({ issuer, clientId, clientSecret: secret?.reveal(), http, now })
  let status: ProviderStatus = { state: 'idle' }

  /** Runs one exchange with the provider; what it throws is a fault, and noted. */
  async function asking<T>(step: Step, act: (provider: DiscoveredProvider) => Promise<T>): Promise<T> {
    try {
      const provider = await discover()
      const answer = await act(provider)
      if (status.state === 'unreachable') logger?.info({ issuer }, 'identity provider is back')
      status = { ...status, state: 'ready' }
      return answer
    } catch (error) {
      const fault = toProviderFault(error, step, issuer, now())
      if (fault instanceof Fault && fault.code !== 'IDP_REFUSED') {
        logger?.warn({ issuer, code: fault.code, err: fault.message }, `identity provider: ${step} failed`)
        const state = fault.code === 'IDP_UNREACHABLE' ? 'unreachable' : status.state
        status = { state, lastFault: { at: now(), message: fault.message } }
      }
      throw fault
    }
  }

  /** ID token claims with userinfo over them: many providers put into either what they leave out of the other. */
  async function userInfoOver(
    { configuration }: DiscoveredProvider,
    accessToken: string,
    idTokenClaims: RawClaims,
    userId: string,
  ): Promise<RawClaims> {
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return idTokenClaims
    try {
      return { ...idTokenClaims, ...(await fetchUserInfo(configuration, accessToken, userId)) }
    } catch (error) {
      throw toProviderFault(error, 'userinfo', issuer, now())
    }
  }

  return {
    id: identityProviderId(issuer, clientId),
    get status() {
      return status
    },

    authorizationUrl({ oauthState, idTokenNonce, codeVerifier }, demand = {}) {
      return asking('sign-in', async ({ configuration }) =>
        buildAuthorizationUrl(configuration, {
          ...requestParams,
          client_id: clientId,
          response_type: 'code',
          redirect_uri: redirectUri,
          scope: scopes.join(' '),
          state: oauthState,
          nonce: idTokenNonce,
          code_challenge: await calculatePKCECodeChallenge(codeVerifier),
          code_challenge_method: 'S256',
          ...demandParameters(demand),
        }),
      )
    },

    exchange({ callbackUrl, oauthState, idTokenNonce, codeVerifier }) {
      if (callbackUrl.searchParams.get('state') !== oauthState)
        return Promise.reject(
          new Fault('OAUTH_STATE_INVALID', 'the callback bears another state than was sent'),
        )
      return asking('sign-in', async (provider) => {
        // Envoy's view of scheme and host may differ from the registered redirect URI; only the query is news.
        const answer = new URL(redirectUri)
        answer.search = callbackUrl.search
        const tokens = await authorizationCodeGrant(provider.configuration, answer, {
          expectedState: oauthState,
          expectedNonce: idTokenNonce,
          pkceCodeVerifier: codeVerifier,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (claims === undefined || tokens.id_token === undefined)
          throw new Fault('IDP_ANSWER_INVALID', `${issuer}, sign-in: it gave no ID token`)
        await verifyIdTokenSignature(tokens.id_token, provider.jwks)
        assertIssuedNow(claims.iat, now())
        const raw = await userInfoOver(provider, tokens.access_token, claims, claims.sub)
        return {
          userId: claims.sub,
          ...profileOf(raw),
          ...signInFactsOf(claims, now()),
          tokens: tokensOf(tokens, claims.exp, now()),
        }
      })
    },

    refresh(current) {
      const { refreshToken } = current.tokens
      if (refreshToken === undefined)
        return Promise.reject(
          new Fault('IDP_REFUSED', `${issuer}, refresh: the session has no refresh token`),
        )
      return asking('refresh', async (provider) => {
        const tokens = await refreshTokenGrant(provider.configuration, refreshToken)
        // From here on the old refresh token may be used up: what fails for the moment must not lose the new one.
        const claims = tokens.claims()
        if (claims !== undefined && claims.sub !== current.userId)
          throw new Fault('IDP_REFUSED', `${issuer}, refresh: the ID token is about another person`)
        const old = current.tokens
        const given = tokensOf(tokens, claims?.exp, now())
        const kept = { ...given, refreshToken: given.refreshToken ?? refreshToken }
        const keptIdToken = { idToken: old.idToken, idTokenExpiresAt: old.idTokenExpiresAt }
        try {
          if (tokens.id_token !== undefined) await verifyIdTokenSignature(tokens.id_token, provider.jwks)
          const idTokenClaims = claims ?? claimsOf(old.idToken)
          const raw = await userInfoOver(provider, tokens.access_token, idTokenClaims, current.userId)
          const nextTokens = claims === undefined ? { ...kept, ...keptIdToken } : kept
          return { userId: current.userId, ...profileOf(raw), tokens: nextTokens }
        } catch (error) {
          const fault = toProviderFault(error, 'refresh', issuer, now())
          if (!(fault instanceof Fault) || fault.code !== 'IDP_UNREACHABLE') throw fault
          logger?.warn(
            { issuer, err: fault.message },
            'tokens are fresh, but what is known of the person is not',
          )
          const { userId, email, name, claims: known, groups } = current
          return { userId, email, name, claims: known, groups, tokens: { ...kept, ...keptIdToken } }
        }
      })
    },

    async endSessionUrl({ idTokenHint, postLogoutRedirectUri }) {
      try {
        const { configuration } = await discover()
        if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined
        return buildEndSessionUrl(configuration, {
          ...(idTokenHint === undefined ? {} : { id_token_hint: idTokenHint }),
          post_logout_redirect_uri: postLogoutRedirectUri,
        })
      } catch {
        return undefined
      }
    },

    async revoke({ refreshToken, accessToken }) {
      try {
        const { configuration } = await discover()
        if (configuration.serverMetadata().revocation_endpoint === undefined) return
        // Revoking the refresh token ends the grant; where there is none, the access token is all there is.
        if (refreshToken !== undefined)
          await tokenRevocation(configuration, refreshToken, { token_type_hint: 'refresh_token' })
        if (accessToken !== undefined)
          await tokenRevocation(configuration, accessToken, { token_type_hint: 'access_token' })
      } catch (error) {
        const fault = toProviderFault(error, 'sign-in', issuer, now())
        logger?.warn(
          { issuer, err: fault instanceof Error ? fault.message : '' },
          'tokens could not be revoked',
        )
      }
    },

    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]()
    },
  }
}

/** Stable over restarts and changes of the secret. */
export function identityProviderId(issuer: string, clientId: string): string {
  const content = `${issuer.replace(/\/$/, '')}\n${clientId}`
  return createHash('sha256').update(content).digest('base64url').slice(0, 22)
}

function requireClient(settings: ProviderSettings): { readonly issuer: string; readonly clientId: string } {
  const { idp_provider_url: issuer, idp_client_id: clientId } = settings
  if (issuer === undefined || clientId === undefined)
    throw new Fault('IDP_NOT_CONFIGURED', 'idp_provider_url and idp_client_id are needed to sign people in')
  const { protocol, hostname } = new URL(issuer)
  if (protocol !== 'https:' && !isLoopback(hostname))
    throw new Fault('IDP_NOT_CONFIGURED', `idp_provider_url ${issuer} must be https: tokens go over it`)
  return { issuer, clientId }
}

/** openid-client checks the end of an ID token, but lets one pass that is issued in the future. */
function assertIssuedNow(issuedAt: number, now: number): void {
  const skew = clockSkewFault(issuedAt, now)
  if (skew !== undefined) throw skew
  if (issuedAt * 1000 > now + 60_000)
    throw new Fault('IDP_ANSWER_INVALID', 'the ID token is issued in the far future')
}

/** @see OpenID Connect Core section 3.1.2.1 */
function demandParameters({
  maxAge,
  acrValues = [],
  isForced = false,
}: SignInDemand): Record<string, string> {
  return {
    ...(maxAge !== undefined && { max_age: String(Math.floor(maxAge / 1000)) }),
    ...(acrValues.length > 0 && { acr_values: acrValues.join(' ') }),
    ...(isForced && { prompt: 'login' }),
  }
}

interface TokenAnswer {
  readonly access_token: string
  readonly expires_in?: number | undefined
  readonly refresh_token?: string | undefined
  readonly id_token?: string | undefined
}

function tokensOf(answer: TokenAnswer, idTokenExp: number | undefined, now: number): IdentityTokens {
  const {
    access_token: accessToken,
    expires_in: expiresIn,
    refresh_token: refreshToken,
    id_token: idToken,
  } = answer
  return {
    accessToken,
    accessTokenExpiresAt: expiresIn === undefined ? undefined : now + Math.floor(expiresIn * 1000),
    refreshToken,
    idToken,
    idTokenExpiresAt: idTokenExp === undefined ? undefined : Math.floor(idTokenExp * 1000),
  }
}

function claimsOf(idToken: string | undefined): RawClaims {
  return idToken === undefined ? {} : decodeJwt(idToken)
}
