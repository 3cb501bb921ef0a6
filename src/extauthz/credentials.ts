/**
 * Session handles that a request carries in headers: programmatic clients have no cookie jar.
 *
 * @module
 */
import type { CheckRequest } from './check-request.ts'

export interface HeaderCredentials {
  readonly handles: readonly string[]
  /** Whether `authorization` is ours to take: the upstream must not see it. */
  readonly isAuthorizationOurs: boolean
  /** Ours and another's in one `authorization`: whose it is can't be told. */
  readonly isMixed: boolean
}

const NONE: HeaderCredentials = { handles: [], isAuthorizationOurs: false, isMixed: false }

/** `Pomerium <handle>` and `Bearer Pomerium-<handle>`; schemes compare without case (RFC 9110 section 11.1). */
const OURS = /^(?:pomerium +|bearer +pomerium-)(\S*)$/i
const MENTIONS_OURS = /(?:^|,)\s*(?:pomerium |bearer +pomerium-)/i

export const HANDLE_HEADER = 'x-pomerium-authorization'

export function headerCredentials(request: CheckRequest): HeaderCredentials {
  const authorization = request.header('authorization')
  const direct = request.header(HANDLE_HEADER)
  if (authorization === undefined && direct === undefined) return NONE
  const handles = direct === undefined ? [] : [direct.trim()]
  if (authorization === undefined) return { handles, isAuthorizationOurs: false, isMixed: false }
  const handle = OURS.exec(authorization.trim())?.[1]
  const isAuthorizationOurs = handle !== undefined || MENTIONS_OURS.test(authorization)
  const isMixed = isAuthorizationOurs && (handle === undefined || handle.includes(','))
  if (handle !== undefined) handles.push(handle)
  return { handles, isAuthorizationOurs, isMixed }
}
