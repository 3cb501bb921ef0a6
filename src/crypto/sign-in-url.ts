/**
 * The redirect that begins a sign-in, and the names of the query parameters of the whole chain.
 *
 * @module
 */
import { NO_DEMAND, type SignInDemand, writeDemand } from './sign-in-demand.ts'
import { signUrl } from './signed-url.ts'

const SIGN_IN_PATH = '/.pomerium/sign_in'

/** Where the user agent wanted to go. */
export const REDIRECT_URI_PARAMETER = 'pomerium_redirect_uri'
/** The id of the identity provider to sign in at; of several, separated by commas, the person chooses one. */
export const IDP_ID_PARAMETER = 'pomerium_idp_id'
/** Asks anew who somebody is, although they are signed in. */
export const CHOOSE_PARAMETER = 'pomerium_choose'
/** Comma list of hosts that also get a cookie before the chain ends. */
export const ADDITIONAL_HOSTS_PARAMETER = 'pomerium_additional_hosts'
/** base64url(sha256(value of the flow cookie)): the browser that began the sign-in. */
export const FLOW_PARAMETER = 'pomerium_flow'
/** The sealed hand-off from the authenticate host to another. */
export const SESSION_ENCRYPTED_PARAMETER = 'pomerium_session_encrypted'

export interface SignInUrlParts {
  /** `authenticate_service_url`. */
  readonly authenticateUrl: string | URL
  readonly redirectUri: string | URL
  readonly idpIds: readonly string[]
  readonly additionalHosts: readonly string[]
  /** Hash of the flow cookie; see FLOW_PARAMETER. */
  readonly flow: string | undefined
  /** What the session must be like; unset: any will do. */
  readonly demand?: SignInDemand | undefined
  /** Whether a session that is there already does not end the matter. */
  readonly choose?: boolean
  readonly key: Uint8Array
  readonly nowMs: number
  /** Unset: five minutes. */
  readonly lifetimeMs?: number
}

/**
 * A signed URL of the authenticate host's sign-in page.
 *
 * The redirect gets the scheme of the authenticate host: Envoy may see plain HTTP behind something that ends TLS.
 */
export function buildSignInUrl(parts: SignInUrlParts): string {
  const signInUrl = new URL(SIGN_IN_PATH, parts.authenticateUrl)
  const redirectUri = new URL(parts.redirectUri)
  redirectUri.protocol = signInUrl.protocol
  signInUrl.searchParams.set(REDIRECT_URI_PARAMETER, redirectUri.href)
  signInUrl.searchParams.set(IDP_ID_PARAMETER, parts.idpIds.join(','))
  if (parts.additionalHosts.length > 0)
    signInUrl.searchParams.set(ADDITIONAL_HOSTS_PARAMETER, parts.additionalHosts.join(','))
  if (parts.flow !== undefined) signInUrl.searchParams.set(FLOW_PARAMETER, parts.flow)
  writeDemand(parts.demand ?? NO_DEMAND, signInUrl.searchParams)
  if (parts.choose === true) signInUrl.searchParams.set(CHOOSE_PARAMETER, 'true')
  return signUrl(signInUrl, parts.key, parts.nowMs, parts.lifetimeMs)
}
