/** The cookies of a test browser: by the rules of RFC 6265 that matter to us, and the `__Host-` prefix. */
export class CookieJar {
  readonly #cookies = new Map<
    string,
    { readonly domain: string; readonly isHostOnly: boolean; name: string; value: string }
  >()
  /** A browser that keeps none. */
  isBlocked = false
  /** `host name` of cookies that this browser loses. */
  readonly lost = new Set<string>()

  keep(host: string, setCookies: readonly string[]): void {
    if (this.isBlocked) return
    for (const line of setCookies) this.#keepOne(host, line)
  }

  #keepOne(host: string, line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    const name = pair.slice(0, pair.indexOf('='))
    const value = pair.slice(pair.indexOf('=') + 1)
    const attribute = (wanted: string) =>
      attributes.find((part) => part.toLowerCase().split('=')[0] === wanted)?.split('=')[1]
    const domain = attribute('domain')?.toLowerCase()
    if (!/;\s*secure/i.test(line)) throw new Error(`a cookie without Secure: ${line}`)
    if (name.startsWith('__Host-') && (domain !== undefined || attribute('path') !== '/')) return
    if (domain !== undefined && host !== domain && !host.endsWith(`.${domain}`)) return
    if (this.lost.has(`${host} ${name}`)) return
    const key = `${domain ?? host} ${domain === undefined} ${name}`
    if (attribute('max-age') === '0') this.#cookies.delete(key)
    else this.#cookies.set(key, { domain: domain ?? host, isHostOnly: domain === undefined, name, value })
  }

  #at(host: string) {
    return [...this.#cookies.values()].filter(
      ({ domain, isHostOnly }) => host === domain || (!isHostOnly && host.endsWith(`.${domain}`)),
    )
  }

  get(host: string, name: string): string | undefined {
    return this.#at(host).find((cookie) => cookie.name === name)?.value
  }

  set(host: string, name: string, value: string): void {
    this.#cookies.set(`${host} true ${name}`, { domain: host, isHostOnly: true, name, value })
  }

  /** Back to what `header` said before. */
  restore(host: string, header: string): void {
    for (const [key, cookie] of this.#cookies) if (cookie.domain === host) this.#cookies.delete(key)
    for (const pair of header.split('; ')) {
      const at = pair.indexOf('=')
      if (at > 0) this.set(host, pair.slice(0, at), pair.slice(at + 1))
    }
  }

  header(host: string): string {
    return this.#at(host)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }
}
