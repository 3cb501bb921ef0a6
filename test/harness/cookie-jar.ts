/**
 * Cookies as a browser keeps them: by host, domain, path and age; `__Host-` and `Secure` as RFC 6265bis says.
 *
 * @module
 */

export interface Cookie {
  readonly name: string
  readonly value: string
  readonly host: string
  /** Whether it came without `Domain`: it then goes to this very host only. */
  readonly hostOnly: boolean
  readonly path: string
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite: string | undefined
  readonly expiresAt: number | undefined
}

const pathMatches = (path: string, cookiePath: string): boolean =>
  path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`)

/** One `Set-Cookie` header; `undefined` where a browser would ignore it. */
export function parseSetCookie(line: string, url: URL, now: number): Cookie | undefined {
  const [pair = '', ...attributes] = line.split(';')
  const equals = pair.indexOf('=')
  const name = pair.slice(0, equals).trim()
  if (equals < 1) return undefined
  const given = new Map(
    attributes.map((attribute) => {
      const [key = '', ...rest] = attribute.split('=')
      return [key.trim().toLowerCase(), rest.join('=').trim()]
    }),
  )
  const domain = given.get('domain')?.replace(/^\./, '').toLowerCase()
  const path = given.get('path')
  const maxAge = given.get('max-age')
  const expires = given.get('expires')
  const secure = given.has('secure')
  if (name.startsWith('__Host-') && (!secure || domain !== undefined || path !== '/')) return undefined
  if (name.startsWith('__Secure-') && !secure) return undefined
  if (domain && url.hostname !== domain && !url.hostname.endsWith(`.${domain}`)) return undefined
  return {
    name,
    value: pair.slice(equals + 1).trim(),
    host: domain || url.hostname,
    hostOnly: !domain,
    path: path?.startsWith('/') ? path : '/',
    secure,
    httpOnly: given.has('httponly'),
    sameSite: given.get('samesite')?.toLowerCase(),
    expiresAt:
      maxAge !== undefined
        ? now + Number(maxAge) * 1000
        : expires === undefined
          ? undefined
          : Date.parse(expires),
  }
}

export class CookieJar {
  #cookies: Cookie[] = []

  get all(): readonly Cookie[] {
    return this.#cookies
  }

  take(url: URL, lines: readonly string[], now = Date.now()): void {
    for (const line of lines) {
      const cookie = parseSetCookie(line, url, now)
      if (cookie !== undefined) this.put(cookie, now)
    }
  }

  put(cookie: Cookie, now = Date.now()): void {
    this.#cookies = this.#cookies.filter(
      (old) => old.name !== cookie.name || old.host !== cookie.host || old.path !== cookie.path,
    )
    if (cookie.expiresAt === undefined || cookie.expiresAt > now) this.#cookies.push(cookie)
  }

  clear(): void {
    this.#cookies = []
  }

  for(url: URL, now = Date.now()): readonly Cookie[] {
    return this.#cookies.filter(
      (cookie) =>
        (cookie.hostOnly ? url.hostname === cookie.host : `.${url.hostname}`.endsWith(`.${cookie.host}`)) &&
        pathMatches(url.pathname, cookie.path) &&
        (!cookie.secure || url.protocol === 'https:' || url.hostname === '127.0.0.1') &&
        (cookie.expiresAt === undefined || cookie.expiresAt > now),
    )
  }

  header(url: URL): string | undefined {
    const cookies = this.for(url)
    return cookies.length === 0 ? undefined : cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  }

  find(name: string, host: string): Cookie | undefined {
    return this.#cookies.find((cookie) => cookie.name === name && cookie.host === host)
  }
}
