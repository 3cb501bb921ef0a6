/**
 * The cookies of the browser flows: read strictly, written with every attribute.
 *
 * @module
 */

/**
 * On the authenticate host: which browser began a sign-in. All tabs share one, but tabs that are opened at the
 * very same moment each get their own, so its name ends in three random characters lest they overwrite each other.
 */
export const LOGIN_COOKIE_PREFIX = '__Host-sallyport_login_'
/** On an app's host: how often in a row a session cookie was set that did not come back. */
export const ROUNDS_COOKIE = '__Host-sallyport_rounds'

/** On the authenticate host: the id of the identity provider that this browser took last. */
export const PROVIDER_COOKIE = '__Host-sallyport_provider'

/** All values that a `Cookie` header gives to a name, in its order. */
export function cookieValues(header: string | undefined, name: string): readonly string[] {
  if (header === undefined) return []
  return header.split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at > 0 && pair.slice(0, at).trim() === name ? [unquote(pair.slice(at + 1).trim())] : []
  })
}

/** The value of a `__Host-` cookie. Browsers keep only one, so two are a forgery and count as none. */
export function hostCookie(header: string | undefined, name: `__Host-${string}`): string | undefined {
  const values = cookieValues(header, name)
  return values.length === 1 && /^[\w.-]{1,64}$/.test(values[0] ?? '') ? values[0] : undefined
}

export interface HostCookie {
  readonly name: `__Host-${string}`
  readonly value: string
}

/** The login cookies of the browser, without those that come twice. */
export function loginCookies(header = ''): readonly HostCookie[] {
  const names = [...header.matchAll(/(?:^|;)\s*(__Host-sallyport_login_[\w-]{3})=/g)].map(
    ([, name = '']) => name,
  )
  return [...new Set(names)].flatMap((text) => {
    const name = `__Host-${text.slice('__Host-'.length)}` as const
    const value = hostCookie(header, name)
    return value === undefined ? [] : [{ name, value }]
  })
}

function unquote(value: string): string {
  return /^"(.*)"$/.exec(value)?.[1] ?? value
}

export interface CookieSettings {
  readonly cookie_name: string
  readonly cookie_domain?: string | undefined
  readonly cookie_http_only: boolean
  readonly cookie_same_site?: 'strict' | 'lax' | 'none' | undefined
  /** Milliseconds. */
  readonly cookie_expire: number
}

/** For a host outside `cookie_domain` the cookie is the host's own: a browser would refuse the domain. */
function cookieDomainFor(host: string, settings: CookieSettings): string | undefined {
  const domain = settings.cookie_domain?.toLowerCase().replace(/^\./, '')
  if (domain === undefined || domain === '') return undefined
  return host === domain || host.endsWith(`.${domain}`) ? domain : undefined
}

/** What a session handle is bound to on this host. */
export function handleAudience(host: string, settings: CookieSettings): string {
  return cookieDomainFor(host, settings) ?? host
}

export function sessionCookie(value: string, host: string, settings: CookieSettings): string {
  return sessionCookieWith(value, host, settings, Math.floor(settings.cookie_expire / 1000))
}

export function clearedSessionCookie(host: string, settings: CookieSettings): string {
  return sessionCookieWith('', host, settings, 0)
}

function sessionCookieWith(value: string, host: string, settings: CookieSettings, maxAge: number): string {
  const domain = cookieDomainFor(host, settings)
  const sameSite = settings.cookie_same_site
  return [
    `${settings.cookie_name}=${value}; Path=/; Max-Age=${maxAge}`,
    domain === undefined ? '' : `; Domain=${domain}`,
    '; Secure',
    settings.cookie_http_only ? '; HttpOnly' : '',
    sameSite === undefined ? '' : `; SameSite=${capitalised(sameSite)}`,
  ].join('')
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

/** A cookie that only this very host can set and read. Lax: it must come back on the redirects of a sign-in. */
export function hostOnlyCookie(name: `__Host-${string}`, value: string, maxAgeSeconds: number): string {
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; Secure; HttpOnly; SameSite=Lax`
}
