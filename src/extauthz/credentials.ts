/**
 * Session handles that a request carries in headers: programmatic clients have no cookie jar.
 *
 * @module
 */
import type { CheckRequest } from './check-request.ts'

export interface HeaderCredentials {
  /** Of `x-pomerium-authorization` and of `authorization`, in this order; none is empty. */
  readonly handles: readonly string[]
  /** Whether one of the two headers speaks to us, with a handle that is worth something or not. */
  readonly isPresent: boolean
  /** Whether `authorization` is ours to take: the upstream must not see it. */
  readonly isAuthorizationOurs: boolean
  /** Ours and another's in one `authorization`: whose it is can't be told. */
  readonly isMixed: boolean
  /** What follows `Bearer` in `authorization`, when it is another's. */
  readonly bearer: string | undefined
}

const NONE: HeaderCredentials = {
  handles: [],
  isPresent: false,
  isAuthorizationOurs: false,
  isMixed: false,
  bearer: undefined,
}

/** `Pomerium <handle>` and `Bearer Pomerium-<handle>`; schemes compare without case (RFC 9110 section 11.1). */
const OURS = /^(?:pomerium +|bearer +pomerium-)(\S*)$/i
const BEARER = /^bearer(?: +(.*))?$/i
const HAS_BEARER_BEHIND = /,\s*bearer(?:\s|$)/i
const MENTIONS_OURS = /(?:^|,)\s*(?:pomerium |bearer +pomerium-)/i

export const HANDLE_HEADER = 'x-pomerium-authorization'

export function headerCredentials(request: CheckRequest): HeaderCredentials {
  const authorization = request.header('authorization')
  const direct = request.header(HANDLE_HEADER)
  if (authorization === undefined && direct === undefined) return NONE
  const handle = authorization === undefined ? undefined : OURS.exec(authorization.trim())?.[1]
  const isAuthorizationOurs =
    handle !== undefined || (authorization !== undefined && MENTIONS_OURS.test(authorization))
  return {
    handles: [direct?.trim(), handle].filter((text): text is string => text !== undefined && text !== ''),
    isPresent: direct !== undefined || isAuthorizationOurs,
    isAuthorizationOurs,
    isMixed: isAuthorizationOurs && (handle === undefined || handle.includes(',')),
    bearer: isAuthorizationOurs || authorization === undefined ? undefined : bearerOf(authorization),
  }
}

/**
 * Empty for a header that announces a token and holds none. Where a token stands behind something else, the whole of it: a
 * route that takes tokens must not pass it over.
 */
function bearerOf(authorization: string): string | undefined {
  const [whole, token = ''] = BEARER.exec(authorization.trim()) ?? []
  if (whole !== undefined) return token.trim()
  return HAS_BEARER_BEHIND.test(authorization) ? authorization : undefined
}
