/**
 * By what a provider knows whose sign-out it is asked for.
 *
 * The ID token says it best. One that names many groups makes a URL that providers refuse: then it is the
 * name by which the person signs in.
 *
 * @module
 * @see OpenID Connect RP-Initiated Logout 1.0 section 2
 */
import { decodeJwt } from 'jose'

export interface SignOutHints {
  readonly idTokenHint?: string | undefined
  readonly logoutHint?: string | undefined
}

/** Of all URLs of a sign-out. Microsoft Entra ID refuses those of some 2,000 to 4,000 bytes. */
export const LONGEST_SIGN_OUT_URL = 2000
/** With it, and all else that it needs, a URL is no longer than that. */
const LONGEST_ID_TOKEN = 1400
const LONGEST_LOGOUT_HINT = 256

export function signOutHints(idToken: string | undefined): SignOutHints {
  if (idToken === undefined) return {}
  return idToken.length <= LONGEST_ID_TOKEN ? { idTokenHint: idToken } : logoutHintOf(idToken)
}

/**
 * `login_hint` is what Entra ID wants to be given back; it is there where the app registration asks for it.
 */
export function logoutHintOf(idToken: string): SignOutHints {
  const claims = claimsOf(idToken)
  const logoutHint = ['login_hint', 'preferred_username', 'upn', 'email']
    .map((name) => claims[name])
    .find((value) => typeof value === 'string' && value !== '' && value.length <= LONGEST_LOGOUT_HINT)
  return typeof logoutHint === 'string' ? { logoutHint } : {}
}

function claimsOf(idToken: string): Readonly<Record<string, unknown>> {
  try {
    return decodeJwt(idToken)
  } catch {
    return {}
  }
}
