/**
 * A browser with a cookie jar that follows redirects over several hosts, in a world of a service, providers
 * and apps. The gate before the apps stands in for ext_authz.
 *
 * @module
 */
import { request as httpRequest } from 'node:http'
import { meetsDemand } from '../access/sign-in-age.ts'
import type { Config } from '../config/config.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { AuthenticationRequirement } from '../edge/authentication-requirement.ts'
import { flowHash, newFlowCookieValue } from '../edge/flow.ts'
import { buildSignInUrl } from '../edge/sign-in-url.ts'
import type { Session } from '../session/session.ts'
import { AUTHENTICATE, IDP } from './addresses.fixture.ts'
import { CookieJar } from './cookie-jar.fixture.ts'
import type { FakeProvider } from './fake-provider.fixture.ts'

/** What a browser meets. */
export interface Surroundings {
  readonly provider: FakeProvider
  readonly others: readonly FakeProvider[]
  readonly config: { readonly current: Config }
  readonly keys: Keyring
  readonly socketPath: string
  readonly demand: AuthenticationRequirement
  readonly now: number
  readonly idsAt: (host: string) => readonly string[]
  cookieNameAt(host: string): string
  sessionAt(host: string, cookie: string | undefined): Promise<Session | undefined>
}

export interface Reply {
  readonly url: URL
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly setCookies: readonly string[]
  readonly body: string
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
}

const NAVIGATION = {
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  accept: 'text/html',
} as const

export class Browser {
  readonly jar = new CookieJar()
  /** Every address it was at, in order. */
  readonly trail: URL[] = []
  /** Pages from which it went on by itself. */
  readonly passed: Reply[] = []
  user: string
  readonly #world: Surroundings

  constructor(world: Surroundings, user: string) {
    this.#world = world
    this.user = user
  }

  session(host: string): string | undefined {
    return this.jar.get(host, this.#world.cookieNameAt(host))
  }

  /** One request, no redirect followed. */
  async ask(address: URL | string, ask: Ask = {}): Promise<Reply> {
    const url = new URL(address)
    this.trail.push(url)
    const provider = [this.#world.provider, ...this.#world.others].find(({ origin }) => origin === url.origin)
    const reply = provider === undefined ? await this.#askWorld(url, ask) : this.#askProvider(provider, url)
    this.jar.keep(url.hostname, reply.setCookies)
    return reply
  }

  /** Follows redirects, and pages that go on by themselves, to the end, as a tab does. */
  async open(address: URL | string, ask: Ask = {}): Promise<Reply> {
    let reply = await this.ask(address, ask)
    for (let hops = 0; reply.headers['location'] !== undefined; hops += 1) {
      if (hops === 20) throw new Error('too many redirects')
      reply = await this.ask(new URL(reply.headers['location'], reply.url))
    }
    const next = /^0;url=(.*)/.exec(reply.headers['refresh'] ?? '')?.[1]
    if (next === undefined) return reply
    if (this.passed.push(reply) > 5) throw new Error('too many pages that go on')
    return this.open(next)
  }

  /** Follows redirects until the next would go to an address that matches. */
  async openUntil(address: URL | string, pattern: RegExp): Promise<URL> {
    let reply = await this.ask(address)
    for (let hops = 0; hops < 20 && reply.headers['location'] !== undefined; hops += 1) {
      const next = new URL(reply.headers['location'], reply.url)
      if (pattern.test(next.href)) return next
      reply = await this.ask(next)
    }
    throw new Error(`no redirect to ${pattern}, but ${reply.status} at ${reply.url.href}`)
  }

  #askProvider(provider: FakeProvider, url: URL): Reply {
    const next =
      url.pathname === '/authorize'
        ? provider.approve(url, this.user)
        : (url.searchParams.get('post_logout_redirect_uri') ?? IDP)
    return { url, status: 302, headers: { location: String(next) }, setCookies: [], body: '' }
  }

  async #askWorld(url: URL, { method = 'GET', headers = {}, form }: Ask): Promise<Reply> {
    const isOurs = url.origin === AUTHENTICATE || /^\/\.(pomerium|well-known)/.test(url.pathname)
    return isOurs ? this.#send(url, method, headers, form) : this.#gate(url)
  }

  /** What ext_authz does for an app: lets a session in, sends everybody else to sign in. */
  async #gate(url: URL): Promise<Reply> {
    const session = await this.#world.sessionAt(url.hostname, this.session(url.hostname))
    const idpIds = this.#world.idsAt(url.hostname)
    const counts = session !== undefined && idpIds.includes(session.idpId)
    if (counts && meetsDemand(session, this.#world.demand, this.#world.now))
      return { url, status: 200, headers: {}, setCookies: [], body: `app sees ${session.userId}` }
    const kept = this.jar.get(url.hostname, '__Host-sallyport_flow')
    const flow = kept ?? newFlowCookieValue()
    const { current } = this.#world.config
    const location = buildSignInUrl({
      authenticateUrl: AUTHENTICATE,
      redirectUri: url,
      idpIds,
      additionalHosts: current.routes.find(({ origin }) => origin.host === url.hostname)?.depends_on ?? [],
      flow: flowHash(flow),
      demand: this.#world.demand,
      key: this.#world.keys.url,
      nowMs: this.#world.now,
    })
    const setCookies = [`__Host-sallyport_flow=${flow}; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax`]
    return { url, status: 302, headers: { location }, setCookies, body: '' }
  }

  #send(url: URL, method: string, headers: Ask['headers'], form: Ask['form']): Promise<Reply> {
    const cookie = this.jar.header(url.hostname)
    const options = {
      socketPath: this.#world.socketPath,
      method,
      path: url.pathname + url.search,
      headers: {
        host: url.host,
        'x-request-id': 'request-1',
        ...NAVIGATION,
        ...(cookie === '' ? {} : { cookie }),
        ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
    }
    return new Promise((resolve, reject) => {
      const sent = httpRequest(options, (response) => {
        response.setEncoding('utf8')
        let body = ''
        response.on('data', (chunk: string) => {
          body += chunk
        })
        response.on('end', () => {
          const { 'set-cookie': setCookies = [], ...rest } = response.headers
          const plain = Object.entries(rest).map(([name, value]) => [name, String(value)])
          resolve({
            url,
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(plain),
            setCookies,
            body,
          })
        })
      })
      sent.on('error', reject)
      sent.end(form && new URLSearchParams(form).toString())
    })
  }
}
