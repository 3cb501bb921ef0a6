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
  refreshTokenGrant,
  tokenRevocation,
} from 'openid-client'
import type { SignInProvider } from '../../config/config.ts'
import { Fault } from '../../errors.ts'
import { type RawClaims, unreadMark } from '../../flat-claims.ts'
import { isLoopback } from '../../loopback.ts'
import { createHttpClient, HttpFailure } from '../../outbound/http-client.ts'
import { areGroupsElsewhere, claimsOver, type Profile, profileOf } from '../claims.ts'
import { watchClaims } from '../claims-seen.ts'
import { groupsClaimsOf } from '../groups-claims.ts'
import { presetOf } from '../presets/table.ts'
import { type Identity, type IdentityTokens, NO_TOKENS, type OpenProvider } from '../provider.ts'
import { LONGEST_SIGN_OUT_URL, logoutHintOf, type SignOutHints } from '../sign-out-hints.ts'
import { appleClientAuth, postedName } from './apple-secret.ts'
import { createAsking, type ProviderLogger } from './asking.ts'
import { demandParameters, letsChoose } from './authorization-parameters.ts'
import { createDiscovery, type DiscoveredProvider } from './discovery.ts'
import { verifyIdTokenSignature } from './id-token.ts'
import { groupsAtGraph } from './microsoft-graph.ts'
import { claimsOfAccessToken, claimsOfEntraToken, claimsOfIdToken } from './presented-token.ts'
import { clockSkewFault, type Step, toProviderFault } from './provider-faults.ts'
import { accessTokenFacts, idTokenFacts, signInFactsOf } from './sign-in-facts.ts'
import { tokenEndpointOf } from './token-endpoint.ts'
import { askUserInfo, hasUserInfo } from './user-info.ts'

export interface IdentityProviderOptions {
  readonly client: SignInProvider
  /** Where the provider sends user agents back to: `/oauth2/callback` of the authenticate service. */
  readonly redirectUri: string
  /** PEM of roots that are trusted beside the system's. */
  readonly trustedCa?: readonly string[] | undefined
  readonly now?: () => number
  readonly logger?: ProviderLogger | undefined
  /** Claims that the configuration in force copies to upstreams. */
  readonly copiedClaims?: (() => readonly string[]) | undefined
}

/**
 * Asks nothing of the provider before somebody signs in, so that Sallyport starts without it.
 *
 * @throws {Fault} IDP_NOT_CONFIGURED
 */
export function openOpenIdProvider(options: IdentityProviderOptions): OpenProvider {
  const { client, redirectUri, now = Date.now, logger } = options
  const { provider_url: issuer, client_id: clientId } = client
  assertSafe(client)
  const preset = presetOf(client.provider)
  const { scopes = preset.scopes, request_params: requestParams = preset.requestParams } = client
  const groupsClaims = groupsClaimsOf(client)
  const seen = watchClaims({ client, logger, copied: options.copiedClaims })
  const http = createHttpClient({ trustedCa: options.trustedCa, ...plainHttpOf(client) })
  const discover = createDiscovery({
    issuer,
    clientId,
    clientSecret: client.client_secret?.reveal(),
    clientAuth: appleClientAuth(client, now),
    hasTenants: preset.hasTenants,
    http,
    now,
  })
  const asked = createAsking({ issuer, now, logger })
  const asking = <T>(step: Step, act: (provider: DiscoveredProvider) => Promise<T>) =>
    asked.ask(step, async () => act(await discover()))
  const userIdOf = (claims: RawClaims & { readonly sub: string }) => preset.userId?.(claims) ?? claims.sub

  /**
   * ID token claims with userinfo over them: many providers put into either what they leave out of the other.
   *
   * Who somebody is the ID token says. Where userinfo does not tell, as for an access token that is meant for
   * another API, the rest of what it would say is not known.
   *
   * @throws {Fault} IDP_ANSWER_INVALID when it is about somebody else
   */
  async function userInfoOver(
    provider: DiscoveredProvider,
    accessToken: string,
    idTokenClaims: RawClaims,
    sub: string,
  ): Promise<Told> {
    if (!hasUserInfo(provider)) return { raw: idTokenClaims }
    let told: RawClaims
    try {
      told = await askUserInfo({ provider, clientId, accessToken, now })
    } catch (error) {
      const fault = toProviderFault(error, 'userinfo', issuer, now())
      if (!(fault instanceof Fault)) throw fault
      asked.noteUserInfo(fault)
      return { raw: idTokenClaims, trouble: fault }
    }
    if (told['sub'] !== sub)
      throw new Fault(
        'IDP_ANSWER_INVALID',
        `${issuer}, userinfo: it is about another person than the ID token`,
      )
    asked.noteUserInfo(undefined)
    return { raw: claimsOver(idTokenClaims, told) }
  }

  /** @param known groups that a passing trouble must not make unknown */
  async function profileFrom(
    { configuration }: DiscoveredProvider,
    accessToken: string | undefined,
    { raw, trouble }: Told,
    known: Identity['groups'] = 'unknown',
  ): Promise<Profile & Pick<Identity, 'withoutUserInfo'>> {
    const claims = preset.amend?.(raw, configuration.serverMetadata()) ?? raw
    seen.note(claims)
    // An address of a tenant that may be anybody's is one under whatever name.
    const isForeign = preset.hasTenants === true && claims !== raw
    const emailClaim = isForeign ? undefined : client.email_claim
    // Microsoft's userinfo never tells groups.
    const isWhole = trouble === undefined || preset.hasGraph === true
    const told = profileOf(claims, { groups: groupsClaims, email: emailClaim }, isWhole)
    const profile =
      trouble === undefined
        ? told
        : { ...told, claims: { ...told.claims, ...unreadMark('') }, withoutUserInfo: true as const }
    if (profile.groups !== 'unknown' || preset.hasGraph !== true || !areGroupsElsewhere(claims))
      return profile
    if (accessToken === undefined) return profile
    const groups = await graphGroups(accessToken, known)
    return groups === 'unknown' ? profile : { ...profile, groups, claims: { ...profile.claims, groups } }
  }

  async function graphGroups(accessToken: string, known: Identity['groups']): Promise<Identity['groups']> {
    try {
      return await groupsAtGraph({ http, accessToken, ...client })
    } catch (error) {
      const why = error instanceof Error ? error.message : ''
      logger?.warn(
        { issuer, err: why },
        'groups are too many for a token, and Microsoft Graph does not tell them',
      )
      return error instanceof HttpFailure ? known : 'unknown'
    }
  }

  function isPkceUsed({ configuration }: DiscoveredProvider): boolean {
    return preset.pkceIfAdvertised !== true || configuration.serverMetadata().supportsPKCE()
  }

  return {
    id: identityProviderId(issuer, clientId),
    name: client.name,
    label: client.label ?? preset.label,
    refreshEveryMs: preset.refreshEveryMs,
    get status() {
      return asked.status
    },

    check() {
      return asked.check(discover.anew)
    },

    authorizationUrl({ oauthState, idTokenNonce, codeVerifier }, demand = {}) {
      return asking('sign-in', async (provider) =>
        buildAuthorizationUrl(provider.configuration, {
          ...requestParams,
          client_id: clientId,
          response_type: 'code',
          redirect_uri: redirectUri,
          scope: scopes.join(' '),
          state: oauthState,
          nonce: idTokenNonce,
          ...(isPkceUsed(provider) && {
            code_challenge: await calculatePKCECodeChallenge(codeVerifier),
            code_challenge_method: 'S256',
          }),
          ...demandParameters(demand, requestParams, promptsOf(provider)),
        }),
      )
    },

    exchange({ callbackUrl, oauthState, idTokenNonce, codeVerifier }) {
      if (callbackUrl.searchParams.get('state') !== oauthState)
        return Promise.reject(
          new Fault('OAUTH_STATE_INVALID', 'the callback bears another state than was sent'),
        )
      return asking('sign-in', async (provider) => {
        // Envoy's view of scheme and host may differ from the registered redirect URI; only the query is
        // news.
        const answer = new URL(redirectUri)
        answer.search = callbackUrl.search
        const tokens = await authorizationCodeGrant(provider.configuration, answer, {
          expectedState: oauthState,
          expectedNonce: idTokenNonce,
          ...(isPkceUsed(provider) && { pkceCodeVerifier: codeVerifier }),
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (claims === undefined || tokens.id_token === undefined)
          throw new Fault('IDP_ANSWER_INVALID', `${issuer}, sign-in: it gave no ID token`)
        await verifyIdTokenSignature(tokens.id_token, provider.jwks)
        assertIssuedNow(claims.iat, now())
        const told = await userInfoOver(provider, tokens.access_token, claims, claims.sub)
        const profile = await profileFrom(provider, tokens.access_token, told)
        const name = preset.namesOnce === true ? postedName(answer.searchParams.get('user')) : undefined
        return {
          userId: userIdOf(claims),
          ...profile,
          ...signInFactsOf(claims, now()),
          ...(name !== undefined && { name }),
          tokens: tokensOf(tokens, claims.exp, now(), preset.refreshEveryMs),
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
        // From here on the old refresh token may be used up: what fails for the moment must not lose the new
        // one.
        const claims = tokens.claims()
        if (claims !== undefined && userIdOf(claims) !== current.userId)
          throw new Fault('IDP_REFUSED', `${issuer}, refresh: the ID token is about another person`)
        const old = current.tokens
        const given = tokensOf(tokens, claims?.exp, now(), preset.refreshEveryMs)
        const kept = { ...given, refreshToken: given.refreshToken ?? refreshToken }
        const keptIdToken = { idToken: old.idToken, idTokenExpiresAt: old.idTokenExpiresAt }
        try {
          if (tokens.id_token !== undefined) await verifyIdTokenSignature(tokens.id_token, provider.jwks)
          const idTokenClaims = claims ?? claimsOf(old.idToken)
          const sub = typeof idTokenClaims['sub'] === 'string' ? idTokenClaims['sub'] : current.userId
          const told = await userInfoOver(provider, tokens.access_token, idTokenClaims, sub)
          assertStillTold(told, current)
          const profile = await profileFrom(provider, tokens.access_token, told, current.groups)
          const nextTokens = claims === undefined ? { ...kept, ...keptIdToken } : kept
          const name = preset.namesOnce === true ? current.name : profile.name
          return { withoutUserInfo: undefined, userId: current.userId, ...profile, name, tokens: nextTokens }
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

    async reread(current) {
      const { accessToken, idToken } = current.tokens
      if (accessToken === undefined) return current
      return await asking('userinfo', async (provider) => {
        const idTokenClaims = claimsOf(idToken)
        const sub = typeof idTokenClaims['sub'] === 'string' ? idTokenClaims['sub'] : current.userId
        const told = await userInfoOver(provider, accessToken, idTokenClaims, sub)
        assertStillTold(told, current)
        const profile = await profileFrom(provider, accessToken, told, current.groups)
        const name = preset.namesOnce === true ? current.name : profile.name
        return {
          withoutUserInfo: undefined,
          userId: current.userId,
          ...profile,
          name,
          tokens: current.tokens,
        }
      })
    },

    identify(kind, token) {
      return asking('token', async (provider) => {
        const given = { provider, clientId, now }
        const isAccessToken = kind === 'access_token'
        const found = isAccessToken
          ? await (preset.hasTenants === true ? claimsOfEntraToken : claimsOfAccessToken)(token, given)
          : await claimsOfIdToken(token, given)
        if ('problem' in found) return found
        const { claims, signed, audiences, expiresAt } = found
        const { issuedAt, authenticatedAt, acr } = (isAccessToken ? accessTokenFacts : idTokenFacts)(
          signed,
          now(),
        )
        return {
          identity: {
            userId: userIdOf(claims),
            ...(await profileFrom(provider, isAccessToken ? token : undefined, { raw: claims })),
            ...(acr !== undefined && { acr }),
            tokens: {
              ...NO_TOKENS,
              ...(isAccessToken
                ? { accessToken: token, accessTokenExpiresAt: expiresAt }
                : { idToken: token, idTokenExpiresAt: expiresAt }),
            },
          },
          audiences,
          issuedAt,
          authenticatedAt,
          expiresAt,
          ...(preset.hasTenants === true && { ownAudiences: [clientId, `api://${clientId}`] }),
        }
      })
    },

    async letsChooseAccount() {
      try {
        return letsChoose(requestParams?.['prompt'], promptsOf(await discover()))
      } catch {
        return false
      }
    },

    async endSessionUrl({ postLogoutRedirectUri, ...hints }) {
      try {
        const { configuration } = await discover()
        const metadata = configuration.serverMetadata()
        const urlWith = ({ idTokenHint, logoutHint }: SignOutHints) => {
          const own = preset.endSession?.(metadata, { clientId, idTokenHint, postLogoutRedirectUri })
          if (preset.endSession !== undefined && own !== 'standard') return own
          if (metadata.end_session_endpoint === undefined) return undefined
          return buildEndSessionUrl(configuration, {
            ...(idTokenHint !== undefined && { id_token_hint: idTokenHint }),
            ...(logoutHint !== undefined && { logout_hint: logoutHint }),
            post_logout_redirect_uri: postLogoutRedirectUri,
          })
        }
        const url = urlWith(hints)
        const isTooLong = url !== undefined && url.href.length > LONGEST_SIGN_OUT_URL
        return isTooLong && hints.idTokenHint !== undefined ? urlWith(logoutHintOf(hints.idTokenHint)) : url
      } catch {
        return undefined
      }
    },

    async tokenEndpoint() {
      return tokenEndpointOf(await discover(), http)
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

/**
 * Of somebody for whom userinfo has told before, a refusal ends the session; all else passes by itself.
 *
 * @throws {Fault} IDP_REFUSED, IDP_UNREACHABLE
 */
function assertStillTold({ trouble }: Told, { withoutUserInfo }: Identity): void {
  if (trouble === undefined || withoutUserInfo === true) return
  throw trouble.code === 'IDP_REFUSED' ? trouble : new Fault('IDP_UNREACHABLE', trouble.message)
}

/** Stable over restarts and changes of the secret. */
export function identityProviderId(issuer: string, clientId: string): string {
  const content = `${issuer.replace(/\/$/, '')}\n${clientId}`
  return createHash('sha256').update(content).digest('base64url').slice(0, 22)
}

/**
 * The configuration is held to it as well; here it is where the tokens go. @throws {Fault} IDP_NOT_CONFIGURED
 */
export function assertSafe({ provider_url: issuer, allow_insecure_http: mayBePlain }: SignInProvider): void {
  const { protocol, hostname } = new URL(issuer)
  if (protocol !== 'https:' && mayBePlain !== true && !isLoopback(hostname))
    throw new Fault('IDP_NOT_CONFIGURED', `idp_provider_url ${issuer} must be https: tokens go over it`)
}

/** Whom the HTTP client of a provider may ask without TLS: that very host, where its operator says so. */
export function plainHttpOf({ provider_url: issuer, allow_insecure_http: mayBePlain }: SignInProvider): {
  readonly plainHttpTo?: string
} {
  return mayBePlain === true ? { plainHttpTo: new URL(issuer).hostname } : {}
}

/** openid-client checks the end of an ID token, but lets one pass that is issued in the future. */
function assertIssuedNow(issuedAt: number, now: number): void {
  const skew = clockSkewFault(issuedAt, now)
  if (skew !== undefined) throw skew
  if (issuedAt * 1000 > now + 60_000)
    throw new Fault('IDP_ANSWER_INVALID', 'the ID token is issued in the far future')
}

/** What the provider says of somebody, and why it does not say all of it. */
interface Told {
  readonly raw: RawClaims
  readonly trouble?: Fault
}

interface TokenAnswer {
  readonly access_token: string
  readonly expires_in?: number | undefined
  readonly refresh_token?: string | undefined
  readonly id_token?: string | undefined
}

/** @param refreshEveryMs for a provider that does not want to be asked as often as its tokens end */
function tokensOf(
  answer: TokenAnswer,
  idTokenExp: number | undefined,
  now: number,
  refreshEveryMs: number | undefined,
): IdentityTokens {
  const {
    access_token: accessToken,
    expires_in: expiresIn,
    refresh_token: refreshToken,
    id_token: idToken,
  } = answer
  if (refreshEveryMs !== undefined)
    return {
      accessToken,
      accessTokenExpiresAt: now + refreshEveryMs,
      refreshToken,
      idToken,
      idTokenExpiresAt: undefined,
    }
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

/** What it says that it can be asked. @see Initiating User Registration 1.0 section 4.1 */
function promptsOf({ configuration }: DiscoveredProvider): unknown {
  return configuration.serverMetadata()['prompt_values_supported']
}
