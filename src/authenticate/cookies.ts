/**
 * The cookies of the browser flows: read strictly, written with every attribute.
 *
 * @module
 */
import { type SessionCookie, sessionCookieAt } from '../edge/session-cookie.ts'
import { makeReference } from '../edge/session-reference.ts'
import { cookiePairs } from '../transport/cookie-header.ts'
import type { HostCookie, Visit } from './visit.ts'

/**
 * On the authenticate host: which browser began a sign-in. All tabs share one, but tabs that are opened at
 * the very same moment each get their own, so its name ends in three random characters lest they overwrite
 * each other.
 */
export const LOGIN_COOKIE_PREFIX = '__Host-sallyport_login_'
/** On an app's host: how often in a row a session cookie was set that did not come back. */
export const ROUNDS_COOKIE = '__Host-sallyport_rounds'

/** On the authenticate host: the id of the identity provider that this browser took last. */
export const PROVIDER_COOKIE = '__Host-sallyport_provider'

/** On the authenticate host: where a sign-in goes on that has led over the sign-out of a provider. */
export const RETURN_COOKIE = '__Host-sallyport_return'

/** All values that a `Cookie` header gives to a name, in its order. */
export function cookieValues(header: string | undefined, name: string): readonly string[] {
  return cookiePairs(header).flatMap((pair) => (pair.name === name ? [pair.value] : []))
}

/** The value of a `__Host-` cookie. Browsers keep only one, so two are a forgery and count as none. */
export function hostCookie(header: string | undefined, name: `__Host-${string}`): string | undefined {
  const values = cookieValues(header, name)
  return values.length === 1 && /^[\w.-]{1,64}$/.test(values[0] ?? '') ? values[0] : undefined
}

/** The login cookies of the browser, without those that come twice. */
export function loginCookies(header: string | undefined): readonly HostCookie[] {
  const names = cookiePairs(header).map(({ name }) => name)
  return [...new Set(names)].filter(isLoginCookie).flatMap((name) => {
    const value = hostCookie(header, name)
    return value === undefined ? [] : [{ name, value }]
  })
}

const isLoginCookie = (name: string): name is `__Host-${string}` =>
  name.startsWith(LOGIN_COOKIE_PREFIX) && /^[\w-]{3}$/.test(name.slice(LOGIN_COOKIE_PREFIX.length))

export interface CookieSettings {
  readonly cookie_http_only: boolean
  readonly cookie_same_site: 'strict' | 'lax' | 'none'
}

/** Its name on this host, and what its reference is bound to. */
export function sessionCookieOf({ site, config }: Visit): SessionCookie {
  return sessionCookieAt(site.host, config.settings, site.kind)
}

/** A session cookie that names a session. */
export function sessionCookie(visit: Visit, sessionId: string): string {
  const cookie = sessionCookieOf(visit)
  const reference = makeReference({ sessionId, ...cookie }, visit.services.keys.cookie)
  const { settings } = visit.config
  return writeSessionCookie(cookie, reference, settingsAt(visit), Math.floor(settings.cookie_expire / 1000))
}

export function clearedSessionCookie(visit: Visit): string {
  return writeSessionCookie(sessionCookieOf(visit), '', settingsAt(visit), 0)
}

/** With that of the authenticate host a script of an app there would be signed in at every other app. */
function settingsAt({ site, config: { settings } }: Visit): CookieSettings {
  return site.kind === 'app' ? settings : { ...settings, cookie_http_only: true }
}

export function writeSessionCookie(
  { cookieName, domain }: SessionCookie,
  value: string,
  settings: CookieSettings,
  maxAge: number,
): string {
  return [
    `${cookieName}=${value}; Path=/; Max-Age=${maxAge}`,
    domain === undefined ? '' : `; Domain=${domain}`,
    '; Secure',
    settings.cookie_http_only ? '; HttpOnly' : '',
    `; SameSite=${capitalised(settings.cookie_same_site)}`,
  ].join('')
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

/**
 * A cookie that only this very host can set and read. Lax: it must come back on the redirects of a sign-in.
 */
export function hostOnlyCookie(name: `__Host-${string}`, value: string, maxAgeSeconds: number): string {
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; Secure; HttpOnly; SameSite=Lax`
}
