/**
 * What the session cookie is called on a host, and what its reference is bound to there.
 *
 * @module
 */
import type { ReferenceScope } from './session-reference.ts'

interface CookieNames {
  readonly cookie_name: string
  readonly cookie_domain?: string | undefined
}

export interface SessionCookie extends ReferenceScope {
  /** The `Domain` attribute; `undefined` for a cookie of the host alone. */
  readonly domain: string | undefined
}

const HOST_PREFIX = '__Host-'

/**
 * `__Host-` before the configured name, so that no other host of the domain can plant a session, wherever the
 * cookie is not to be shared over a domain. That of the authenticate host never is: everybody else's begins
 * with it.
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

/**
 * Deeper ones are as many as an answer can name; a cookie that is planted below them comes with few
 * addresses.
 */
const MOST_SEGMENTS = 12
const MOST_DOMAINS = 6

/** What a cookie's path can hold, less what would end the attribute. */
const PLAIN_SEGMENT = /^[\w!$%&'()*+.:@~-]*$/

/**
 * `Set-Cookie` lines that end every cookie of the name which comes with a request for `path`, but for the one
 * we set.
 *
 * A browser tells cookies apart by name, domain and path. A neighbour on the domain can set one that differs
 * from ours in the domain or the path, and it then comes beside ours. No host can do that to a `__Host-`
 * cookie.
 */
export function endedBeside(cookie: SessionCookie, host: string, path: string): readonly string[] {
  const { cookieName, domain: ours } = cookie
  if (ours === undefined) return []
  const places = [undefined, ...domainsOf(host)].flatMap((domain) =>
    pathsOf(path).map((each) => ({ domain, path: each })),
  )
  return places
    .filter((place) => place.domain !== ours || place.path !== '/')
    .map(
      (place) =>
        `${cookieName}=; Path=${place.path}; Max-Age=0${place.domain === undefined ? '' : `; Domain=${place.domain}`}; Secure; HttpOnly`,
    )
}

/** The host and the domains above it that a cookie may name; a browser passes over those that it may not. */
function domainsOf(host: string): readonly string[] {
  const labels = host.split('.')
  const above = labels.map((_, index) => labels.slice(index).join('.'))
  return above.filter((domain) => domain.includes('.')).slice(-MOST_DOMAINS)
}

/**
 * The paths of cookies that come with `path`: each of its beginnings, with and without a slash at the end.
 */
function pathsOf(path: string): readonly string[] {
  const segments = path.split('/').slice(1)
  const odd = segments.findIndex((segment) => !PLAIN_SEGMENT.test(segment))
  const plain = segments.slice(0, Math.min(odd < 0 ? segments.length : odd, MOST_SEGMENTS))
  const paths = new Set(['/'])
  for (const [index, segment] of plain.entries()) {
    const upTo = `/${plain.slice(0, index + 1).join('/')}`
    if (segment === '') continue
    paths.add(upTo)
    if (index + 1 < segments.length) paths.add(`${upTo}/`)
  }
  return [...paths]
}
