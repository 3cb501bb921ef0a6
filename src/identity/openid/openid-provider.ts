/**
 * Signing in at any OpenID provider: authorization code with PKCE, state and nonce, through openid-client.
 *
 * @module
 */
import { authorizationCodeGrant, buildAuthorizationUrl, calculatePKCECodeChallenge } from 'openid-client'
import type { SignInProvider } from '../../config/config.ts'
import { Fault } from '../../errors.ts'
import { createHttpClient } from '../../outbound/http-client.ts'
import { presetOf } from '../presets/table.ts'
import { NO_TOKENS, type OpenProvider } from '../provider.ts'
import { assertSafe, identityProviderId, plainHttpOf } from '../provider-address.ts'
import { appleClientAuth, postedName } from './apple-secret.ts'
import { createAsking, type ProviderLogger } from './asking.ts'
import { demandParameters, letsChoose } from './authorization-parameters.ts'
import { createDiscovery, type DiscoveredProvider } from './discovery.ts'
import { verifyIdTokenSignature } from './id-token.ts'
import { createPersonReader } from './person.ts'
import { claimsOfAccessToken, claimsOfEntraToken, claimsOfIdToken } from './presented-token.ts'
import type { Step } from './provider-faults.ts'
import { createRefresh } from './refresh.ts'
import { accessTokenFacts, idTokenFacts, signInFactsOf } from './sign-in-facts.ts'
import { createSignOut } from './sign-out.ts'
import { assertIssuedNow, tokensOf } from './token-answer.ts'
import { tokenEndpointOf } from './token-endpoint.ts'

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
  const person = createPersonReader({ client, http, asked, now, logger, copiedClaims: options.copiedClaims })

  function isPkceUsed({ configuration }: DiscoveredProvider): boolean {
    return preset.pkceIfAdvertised !== true || configuration.serverMetadata().supportsPKCE()
  }

  return {
    ...createRefresh({ client, person, asking, now, logger }),
    ...createSignOut({ client, discover, now, logger }),

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
        const said = await person.userInfoOver(provider, tokens.access_token, claims, claims.sub)
        const profile = await person.profileFrom(provider, tokens.access_token, said)
        const name = preset.namesOnce === true ? postedName(answer.searchParams.get('user')) : undefined
        return {
          userId: person.userIdOf(claims),
          ...profile,
          ...signInFactsOf(claims, now()),
          ...(name !== undefined && { name }),
          tokens: tokensOf(tokens, claims.exp, now(), preset.refreshEveryMs),
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
            userId: person.userIdOf(claims),
            ...(await person.profileFrom(provider, isAccessToken ? token : undefined, { raw: claims })),
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

    async tokenEndpoint() {
      return tokenEndpointOf(await discover(), http)
    },

    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]()
    },
  }
}

/** What it says that it can be asked. @see Initiating User Registration 1.0 section 4.1 */
function promptsOf({ configuration }: DiscoveredProvider): unknown {
  return configuration.serverMetadata()['prompt_values_supported']
}
