/**
 * What the session cookie is called on a host, and what its handle is bound to there.
 *
 * @module
 */
import type { HandleScope } from './session-handle.ts'

interface CookieNames {
  readonly cookie_name: string
  readonly cookie_domain?: string | undefined
}

export interface SessionCookie extends HandleScope {
  /** The `Domain` attribute; `undefined` for a cookie of the host alone. */
  readonly domain: string | undefined
}

const HOST_PREFIX = '__Host-'

/**
 * `__Host-` before the configured name, so that no other host of the domain can plant a session, wherever the cookie
 * is not to be shared over a domain. That of the authenticate host never is: everybody else's begins with it.
 *
 * @see draft-ietf-httpbis-rfc6265bis section 4.1.3.2
 */
export function sessionCookieAt(
  host: string,
  { cookie_name: name, cookie_domain: shared }: CookieNames,
  kind: 'app' | 'authenticate',
): SessionCookie {
  const domain = kind === 'app' ? domainFor(host, shared) : undefined
  return domain === undefined
    ? { cookieName: hostOnlyName(name), audience: host, domain }
    : { cookieName: name, audience: domain, domain }
}

export const hostOnlyName = (name: string): string =>
  name.startsWith(HOST_PREFIX) ? name : `${HOST_PREFIX}${name}`

/** For a host outside `cookie_domain` the cookie is the host's own: a browser would refuse the domain. */
function domainFor(host: string, shared: string | undefined): string | undefined {
  const domain = shared?.toLowerCase().replace(/^\./, '')
  if (domain === undefined || domain === '') return undefined
  return host === domain || host.endsWith(`.${domain}`) ? domain : undefined
}
