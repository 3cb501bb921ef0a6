/** Amazon Cognito. Its hosted sign-out page has parameters of its own. */
import { type Preset, WITHOUT_OFFLINE_ACCESS } from './preset.ts'

export const cognito: Preset = {
  label: 'Amazon Cognito',
  scopes: WITHOUT_OFFLINE_ACCESS,
  groupsClaims: ['cognito:groups'],
  endSession({ authorization_endpoint: authorize, end_session_endpoint: endSession }, request) {
    // Metadata name the hosted page since lately; it has always stood beside the authorization endpoint.
    const url = URL.parse(endSession ?? '/logout', endSession === undefined ? authorize : undefined)
    url?.searchParams.set('client_id', request.clientId)
    url?.searchParams.set('logout_uri', request.postLogoutRedirectUri)
    return url ?? undefined
  },
}
