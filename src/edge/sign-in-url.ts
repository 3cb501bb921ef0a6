/**
 * The redirect that begins a sign-in, and the names of the query parameters of the whole chain.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { signUrl } from '../crypto/signed-url.ts'
import { type AuthenticationRequirement, NO_DEMAND, writeDemand } from './authentication-requirement.ts'
import { FLOW_SECONDS } from './flow.ts'

const SIGN_IN_PATH = '/.pomerium/sign_in'
/** On an app's host. */
export const BEGIN_PATH = '/.pomerium/sign_in'

/** Where the user agent wanted to go. */
export const REDIRECT_URI_PARAMETER = 'pomerium_redirect_uri'
/** The id of the identity provider to sign in at; of several, separated by commas, the person chooses one. */
export const IDP_ID_PARAMETER = 'pomerium_idp_id'
/** Asks anew who somebody is, although they are signed in: the mark of the session that they have. */
export const CHOOSE_PARAMETER = 'pomerium_choose'
/** Comma list of hosts that also get a cookie before the chain ends. */
export const ADDITIONAL_HOSTS_PARAMETER = 'pomerium_additional_hosts'
/** base64url(sha256(value of the flow cookie)): the browser that began the sign-in. */
export const FLOW_PARAMETER = 'pomerium_flow'
/** The sealed hand-off from the authenticate host to another. */
export const SESSION_ENCRYPTED_PARAMETER = 'pomerium_session_encrypted'

/** What a route asks of a sign-in. */
interface SignInParts {
  readonly redirectUri: string | URL
  readonly idpIds: readonly string[]
  readonly additionalHosts: readonly string[]
  /** What the session must be like; unset: any will do. */
  readonly demand?: AuthenticationRequirement | undefined
  /** The session that does not end the matter, although it is there: somebody wants to leave it. */
  readonly leaves?: string | undefined
  readonly key: Uint8Array
  readonly nowMs: number
}

export interface SignInUrlParts extends SignInParts {
  /** `authenticate_service_url`. */
  readonly authenticateUrl: string | URL
  /** Hash of the flow cookie; see FLOW_PARAMETER. */
  readonly flow: string | undefined
}

/**
 * A signed URL of the authenticate host's sign-in page, for a redirect at once.
 *
 * The redirect gets the scheme of the authenticate host: Envoy may see plain HTTP behind something that ends
 * TLS.
 */
export function buildSignInUrl(parts: SignInUrlParts): string {
  const url = new URL(SIGN_IN_PATH, parts.authenticateUrl)
  if (parts.flow !== undefined) url.searchParams.set(FLOW_PARAMETER, parts.flow)
  const redirectUri = new URL(parts.redirectUri)
  redirectUri.protocol = url.protocol
  return signSignIn(url, { ...parts, redirectUri })
}

/**
 * A signed URL of the app's own host that begins a sign-in for whoever opens it: for answers that others may
 * read.
 *
 * It holds no flow. With that of a browser's cookie a reader could sign in as themselves, and let the browser
 * take their session over. It is good for as long as a sign-in may take, since people read pages before they
 * follow links.
 */
export function buildBeginUrl(parts: SignInParts & { readonly appOrigin: string }): string {
  return signSignIn(new URL(BEGIN_PATH, parts.appOrigin), parts, FLOW_SECONDS * 1000)
}

/**
 * Tells of a session id no more than that it is the same: nobody can make others leave theirs by a link of
 * their own.
 */
export function sessionMark(sessionId: string): string {
  return createHash('sha256').update(`leave\0${sessionId}`).digest('base64url').slice(0, 22)
}

function signSignIn(url: URL, parts: SignInParts, lifetimeMs?: number): string {
  url.searchParams.set(REDIRECT_URI_PARAMETER, new URL(parts.redirectUri).href)
  url.searchParams.set(IDP_ID_PARAMETER, parts.idpIds.join(','))
  if (parts.additionalHosts.length > 0)
    url.searchParams.set(ADDITIONAL_HOSTS_PARAMETER, parts.additionalHosts.join(','))
  writeDemand(parts.demand ?? NO_DEMAND, url.searchParams)
  if (parts.leaves !== undefined) url.searchParams.set(CHOOSE_PARAMETER, sessionMark(parts.leaves))
  return signUrl(url, parts.key, parts.nowMs, lifetimeMs)
}

/**
 * The same sign-in on the authenticate host, of an address that was verified, for the browser with this flow.
 */
export function continueSignIn(
  begun: URLSearchParams,
  { authenticateUrl, flow, key, nowMs }: Pick<SignInUrlParts, 'authenticateUrl' | 'flow' | 'key' | 'nowMs'>,
): string {
  const url = new URL(SIGN_IN_PATH, authenticateUrl)
  for (const [name, value] of begun) url.searchParams.set(name, value)
  if (flow !== undefined) url.searchParams.set(FLOW_PARAMETER, flow)
  return signUrl(url, key, nowMs)
}
