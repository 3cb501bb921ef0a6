/**
 * Host names as requests write them, in the one form that they are compared in.
 *
 * @module
 */

/** Lower case, without port and final dot; IPv6 without brackets. */
export function canonicalHost(authority: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(authority)?.[1]
  const name = bracketed ?? authority.replace(/:\d*$/, '')
  return name.replace(/\.$/, '').toLowerCase()
}

/** What a session handle is bound to on this host: the cookie domain if the host is in it, else the host. */
export function handleAudience(host: string, cookieDomain: string | undefined): string {
  if (cookieDomain === undefined) return host
  return host === cookieDomain || host.endsWith(`.${cookieDomain}`) ? cookieDomain : host
}
