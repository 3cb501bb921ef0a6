/**
 * Signing out at a provider: its end-session page, and taking the tokens back.
 *
 * Nothing here throws: who wants to be out is out of ours, whatever the provider answers.
 *
 * @module
 */
import { buildEndSessionUrl, tokenRevocation } from 'openid-client'
import type { SignInProvider } from '../../config/config.ts'
import { presetOf } from '../presets/table.ts'
import type { OpenProvider } from '../provider.ts'
import { LONGEST_SIGN_OUT_URL, logoutHintOf, type SignOutHints } from '../sign-out-hints.ts'
import type { ProviderLogger } from './asking.ts'
import type { Discovery } from './discovery.ts'
import { toProviderFault } from './provider-faults.ts'

type SignOut = Pick<OpenProvider, 'endSessionUrl' | 'revoke'>

export interface SignOutOptions {
  readonly client: SignInProvider
  readonly discover: Discovery
  readonly now: () => number
  readonly logger?: ProviderLogger | undefined
}

export function createSignOut({ client, discover, now, logger }: SignOutOptions): SignOut {
  const { provider_url: issuer, client_id: clientId } = client
  const preset = presetOf(client.provider)

  const endSessionUrl: SignOut['endSessionUrl'] = async ({ postLogoutRedirectUri, ...hints }) => {
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
  }

  const revoke: SignOut['revoke'] = async ({ refreshToken, accessToken }) => {
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
  }

  return { endSessionUrl, revoke }
}
