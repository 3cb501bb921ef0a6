/**
 * Asking a provider anew for somebody who has signed in before: with the refresh token, or the access token.
 *
 * @module
 */
import { refreshTokenGrant } from 'openid-client'
import type { SignInProvider } from '../../config/config.ts'
import { Fault } from '../../errors.ts'
import { presetOf } from '../presets/table.ts'
import type { Identity } from '../provider.ts'
import type { ProviderLogger } from './asking.ts'
import type { DiscoveredProvider } from './discovery.ts'
import { verifyIdTokenSignature } from './id-token.ts'
import { assertStillSaid, type PersonReader } from './person.ts'
import { type Step, toProviderFault } from './provider-faults.ts'
import { claimsOf, tokensOf } from './token-answer.ts'

export interface RefreshOptions {
  readonly client: SignInProvider
  readonly person: PersonReader
  readonly asking: <T>(step: Step, act: (provider: DiscoveredProvider) => Promise<T>) => Promise<T>
  readonly now: () => number
  readonly logger?: ProviderLogger | undefined
}

export function createRefresh({ client, person, asking, now, logger }: RefreshOptions) {
  const { provider_url: issuer } = client
  const preset = presetOf(client.provider)

  function refresh(current: Identity): Promise<Identity> {
    const { refreshToken } = current.tokens
    if (refreshToken === undefined)
      return Promise.reject(new Fault('IDP_REFUSED', `${issuer}, refresh: the session has no refresh token`))
    return asking('refresh', async (provider) => {
      const tokens = await refreshTokenGrant(provider.configuration, refreshToken)
      // From here on the old refresh token may be used up: what fails for the moment must not lose the new
      // one.
      const claims = tokens.claims()
      if (claims !== undefined && person.userIdOf(claims) !== current.userId)
        throw new Fault('IDP_REFUSED', `${issuer}, refresh: the ID token is about another person`)
      const old = current.tokens
      const given = tokensOf(tokens, claims?.exp, now(), preset.refreshEveryMs)
      const kept = { ...given, refreshToken: given.refreshToken ?? refreshToken }
      const keptIdToken = { idToken: old.idToken, idTokenExpiresAt: old.idTokenExpiresAt }
      try {
        if (tokens.id_token !== undefined) await verifyIdTokenSignature(tokens.id_token, provider.jwks)
        const idTokenClaims = claims ?? claimsOf(old.idToken)
        const sub = typeof idTokenClaims['sub'] === 'string' ? idTokenClaims['sub'] : current.userId
        const said = await person.userInfoOver(provider, tokens.access_token, idTokenClaims, sub)
        assertStillSaid(said, current)
        const profile = await person.profileFrom(provider, tokens.access_token, said, current.groups)
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
  }

  /** By the access token, which stays. */
  async function reread(current: Identity): Promise<Identity> {
    const { accessToken, idToken } = current.tokens
    if (accessToken === undefined) return current
    return await asking('userinfo', async (provider) => {
      const idTokenClaims = claimsOf(idToken)
      const sub = typeof idTokenClaims['sub'] === 'string' ? idTokenClaims['sub'] : current.userId
      const said = await person.userInfoOver(provider, accessToken, idTokenClaims, sub)
      assertStillSaid(said, current)
      const profile = await person.profileFrom(provider, accessToken, said, current.groups)
      const name = preset.namesOnce === true ? current.name : profile.name
      return {
        withoutUserInfo: undefined,
        userId: current.userId,
        ...profile,
        name,
        tokens: current.tokens,
      }
    })
  }

  return { refresh, reread }
}
