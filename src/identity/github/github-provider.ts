/**
 * Signing in at GitHub, or at a GitHub Enterprise Server: OAuth 2.0 with PKCE, and its API in place of an ID
 * token.
 *
 * @module
 */

import { calculatePKCECodeChallenge } from 'openid-client'
import { z } from 'zod'
import { Fault } from '../../errors.ts'
import { createHttpClient, HttpFailure } from '../../outbound/http-client.ts'
import { createAsking } from '../openid/asking.ts'
import type { IdentityProviderOptions } from '../openid/openid-provider.ts'
import { type Step, toProviderFault } from '../openid/provider-faults.ts'
import { LONG_AGO } from '../openid/sign-in-facts.ts'
import { github } from '../presets/github.ts'
import { type IdentityTokens, NO_TOKENS, type OpenProvider } from '../provider.ts'
import { assertSafe, identityProviderId, plainHttpOf } from '../provider-address.ts'
import { gitHubProfile } from './github-profile.ts'

/**
 * Tokens of an OAuth app never end, those of a GitHub app last eight hours. What GitHub says of the person is
 * asked again sooner: whoever has left an organization, or has taken the authorization back, is noticed.
 */
const ASK_AGAIN_MS = 3_600_000
/** For a session whose token is not refreshed but asked with again. */
const NOTHING_TO_REFRESH = 'none'

const TokenAnswer = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive().optional(),
  refresh_token: z.string().min(1).optional(),
})
const TokenError = z.object({ error: z.string(), error_description: z.string().optional() })

/** @throws {Fault} IDP_NOT_CONFIGURED */
export function openGitHubProvider(options: IdentityProviderOptions): OpenProvider {
  const { client, redirectUri, now = Date.now, logger } = options
  const { provider_url: issuer, client_id: clientId, client_secret: secret } = client
  assertSafe(client)
  const { scopes = github.scopes, request_params: requestParams } = client
  const base = issuer.replace(/\/$/, '')
  const apiUrl = base === 'https://github.com' ? 'https://api.github.com' : `${base}/api/v3`
  const http = createHttpClient({ trustedCa: options.trustedCa, ...plainHttpOf(client) })
  const asked = createAsking({ issuer, now, logger })

  async function askForTokens(step: Step, grant: Readonly<Record<string, string>>): Promise<IdentityTokens> {
    const body = new URLSearchParams({
      ...grant,
      client_id: clientId,
      ...(secret && { client_secret: secret.reveal() }),
    })
    const answer = await http.fetch(`${base}/login/oauth/access_token`, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body,
    })
    if (answer.status !== 200) throw new Error('GitHub gives no token', { cause: answer })
    const json: unknown = await answer.json().catch(() => undefined)
    // It says 200 to everything, and in the body what is wrong.
    const refused = TokenError.safeParse(json).data
    if (refused !== undefined) throw refusal(step, refused)
    const tokens = TokenAnswer.safeParse(json).data
    if (tokens === undefined) throw new Fault('IDP_ANSWER_INVALID', `${issuer}, ${step}: it gave no token`)
    return tokensOf(tokens)
  }

  function tokensOf(tokens: z.output<typeof TokenAnswer>): IdentityTokens {
    const { access_token: accessToken, expires_in: seconds, refresh_token: refreshToken } = tokens
    const endsIn = seconds === undefined ? ASK_AGAIN_MS : Math.min(ASK_AGAIN_MS, Math.floor(seconds * 1000))
    return {
      accessToken,
      accessTokenExpiresAt: now() + endsIn,
      refreshToken: refreshToken ?? NOTHING_TO_REFRESH,
      idToken: undefined,
      idTokenExpiresAt: undefined,
    }
  }

  function refusal(step: Step, { error, error_description: description = '' }: z.output<typeof TokenError>) {
    const isOurs = error === 'incorrect_client_credentials' || error === 'redirect_uri_mismatch'
    const words = `${issuer}, ${step}: it answered ${error.slice(0, 60)} ${description.slice(0, 200)}`.trim()
    return isOurs
      ? new Fault('IDP_NOT_CONFIGURED', `${words}: check client id, secret and callback URL`)
      : new Fault('IDP_REFUSED', words)
  }

  const profile = (accessToken: string) => gitHubProfile({ http, apiUrl, accessToken })

  return {
    id: identityProviderId(issuer, clientId),
    name: client.name,
    label: client.label ?? github.label,
    get status() {
      return asked.status
    },

    /** It has no discovery document: any answer of its API will do. */
    check() {
      return asked.check(async () => {
        const { status } = await http.fetch(apiUrl, {
          method: 'HEAD',
          headers: { 'user-agent': 'sallyport' },
        })
        if (status >= 500) throw new HttpFailure(`HEAD ${apiUrl}: it answered ${status}`)
      })
    },

    async authorizationUrl({ oauthState, codeVerifier }, { isSwitch = false } = {}) {
      const url = new URL(`${base}/login/oauth/authorize`)
      const parameters = {
        ...requestParams,
        ...(isSwitch && { prompt: 'select_account' }),
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        state: oauthState,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      }
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
      return url
    },

    exchange({ callbackUrl: { searchParams: answer }, oauthState, codeVerifier }) {
      if (answer.get('state') !== oauthState)
        return Promise.reject(
          new Fault('OAUTH_STATE_INVALID', 'the callback bears another state than was sent'),
        )
      return asked.ask('sign-in', async () => {
        // RFC 9207: an answer that another provider has given is not for this one.
        const from = answer.get('iss')
        if (from !== null && from.replace(/\/$/, '') !== base && !from.startsWith(`${base}/login/oauth`))
          throw new Fault('IDP_ANSWER_INVALID', `${issuer}, sign-in: the answer comes from another provider`)
        const code = answer.get('code') ?? ''
        const tokens = await askForTokens('sign-in', {
          code,
          redirect_uri: redirectUri,
          code_verifier: codeVerifier,
        })
        return { ...(await profile(tokens.accessToken ?? '')), tokens }
      })
    },

    refresh(current) {
      const { refreshToken, accessToken } = current.tokens
      if (refreshToken === undefined || accessToken === undefined)
        return Promise.reject(new Fault('IDP_REFUSED', `${issuer}, refresh: the session has no token`))
      return asked.ask('refresh', async () => {
        const isRefreshed = refreshToken !== NOTHING_TO_REFRESH
        const tokens = isRefreshed
          ? await askForTokens('refresh', { grant_type: 'refresh_token', refresh_token: refreshToken })
          : tokensOf({ access_token: accessToken })
        try {
          const person = await profile(tokens.accessToken ?? '')
          if (person.userId !== current.userId)
            throw new Fault('IDP_REFUSED', `${issuer}, refresh: the token is another person's`)
          return { ...person, tokens }
        } catch (error) {
          const fault = toProviderFault(error, 'userinfo', issuer, now())
          // The old refresh token is used up: what fails for the moment must not lose the new one.
          if (!isRefreshed || !(fault instanceof Fault) || fault.code !== 'IDP_UNREACHABLE') throw fault
          const { userId, email, name, claims, groups } = current
          return { userId, email, name, claims, groups, tokens }
        }
      })
    },

    /** Where there is nothing to refresh, a refresh reads the person only. */
    reread(current) {
      return this.refresh({ ...current, tokens: { ...current.tokens, refreshToken: NOTHING_TO_REFRESH } })
    },

    identify(kind, token) {
      return asked.ask('token', async () => {
        if (kind === 'id_token')
          throw new Fault('IDP_NOT_CONFIGURED', `${issuer}, token: GitHub gives no ID tokens`)
        const tokens = { ...NO_TOKENS, accessToken: token }
        return {
          identity: { ...(await profile(token)), tokens },
          audiences: undefined,
          issuedAt: LONG_AGO,
          authenticatedAt: LONG_AGO,
          expiresAt: undefined,
        }
      })
    },

    letsChooseAccount: () => Promise.resolve(true),

    /** GitHub has none: its own session goes on. */
    endSessionUrl: () => Promise.resolve(undefined),

    async revoke({ accessToken }) {
      if (accessToken === undefined || secret === undefined) return
      try {
        const credentials = Buffer.from(`${clientId}:${secret.reveal()}`).toString('base64')
        await http.fetch(`${apiUrl}/applications/${encodeURIComponent(clientId)}/token`, {
          method: 'DELETE',
          headers: {
            accept: 'application/vnd.github+json',
            authorization: `Basic ${credentials}`,
            'content-type': 'application/json',
            'user-agent': 'sallyport',
          },
          body: JSON.stringify({ access_token: accessToken }),
        })
      } catch (error) {
        logger?.warn(
          { issuer, err: error instanceof Error ? error.message : '' },
          'tokens could not be revoked',
        )
      }
    },

    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]()
    },
  }
}
