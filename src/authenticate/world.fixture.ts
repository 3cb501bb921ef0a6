/**
 * A small world for tests: the service on a real socket, an OpenID provider of three functions, and browsers
 * with cookie jars that follow redirects over several hosts. The gate before the apps stands in for
 * ext_authz.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mayOpenBy } from '../access/may-open.ts'
import { meetsDemand } from '../access/sign-in-age.ts'
import type { Config, Route } from '../config/config.ts'
import { parseConfig } from '../config/parse.ts'
import { deriveKeyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/seal.ts'
import { openSigningKeys } from '../crypto/signing-keys.ts'
import { type AuthenticationRequirement, NO_DEMAND } from '../edge/authentication-requirement.ts'
import { flowHash, newFlowCookieValue } from '../edge/flow.ts'
import { sessionCookieAt } from '../edge/session-cookie.ts'
import { openReference } from '../edge/session-reference.ts'
import { buildSignInUrl } from '../edge/sign-in-url.ts'
import { Fault } from '../errors.ts'
import type { SignInFacts } from '../identity/openid/sign-in-facts.ts'
import type { Identity, IdentityProvider, RequestedAuthentication } from '../identity/provider.ts'
import type { SignOutHints } from '../identity/sign-out-hints.ts'
import { compilePolicy } from '../policy/compile.ts'
import { policyOf } from '../policy/compiled-policies.ts'
import { openSqliteStore } from '../session/file-store.ts'
import type { Session } from '../session/session.ts'
import type { SessionStore } from '../session/store.ts'
import { createLogger } from '../telemetry/log.ts'
import { createMetrics, type Metrics } from '../telemetry/metrics.ts'
import { CookieJar } from './cookie-jar.fixture.ts'
import type { Row } from './pipeline.ts'
import type { DirectoryPort } from './ports.ts'
import { serveAuthenticate } from './service.ts'

export const AUTHENTICATE = 'https://authenticate.example.com'
export const APP = 'https://app.example.com'
const IDP = 'https://idp.test'

const CONFIG = `
authenticate_service_url: ${AUTHENTICATE}
idp_provider: oidc
idp_provider_url: ${IDP}
idp_client_id: client
idp_client_secret: planted-client-secret
shared_secret: ${Buffer.alloc(32, 1).toString('base64')}
routes:
  - {from: '${APP}', to: 'http://127.0.0.1:1', name: App <1>, allow_any_authenticated_user: true, depends_on: [api.other.test, dead.example.com]}
  - {from: 'https://api.other.test', to: 'http://127.0.0.1:1', allow_any_authenticated_user: true}
  - {from: 'https://admin.example.com', prefix: /secret, to: 'http://127.0.0.1:1', allowed_users: [root@example.com]}
  - {from: 'https://*.apps.example.com', to: 'http://127.0.0.1:1', allow_any_authenticated_user: true}
`

export function testConfig(settings = ''): Config {
  const parsed = parseConfig(settings + CONFIG, { file: 'config.yaml' })
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems))
  return parsed.config
}

/** Knows one code per sign-in, and holds the caller to PKCE and nonce as a real one does. */
export class FakeProvider implements IdentityProvider {
  readonly id: string
  readonly name: string
  readonly label: string
  readonly origin: string
  readonly status = { state: 'ready' } as const
  readonly revoked: string[] = []
  readonly refreshes: string[] = []
  readonly rereads: string[] = []
  hasEndSession = true
  hasAccountChoice = false
  readonly letsChooseAccount = () => Promise.resolve(this.hasAccountChoice)
  idToken = 'planted-id-token'
  refreshEveryMs: number | undefined
  /** What each sign-in was asked to bring. */
  readonly demands: RequestedAuthentication[] = []
  /** When and how people show who they are there. */
  signInFacts: (demand: RequestedAuthentication) => SignInFacts = () => ({})
  /** Thrown instead of whatever is asked next. */
  fault: Fault | undefined
  readonly #codes = new Map<
    string,
    { readonly challenge: string; readonly nonce: string; readonly user: string }
  >()
  #count = 0

  constructor({ id = 'fake', name = 'default', label = 'Fake', origin = IDP } = {}) {
    this.id = id
    this.name = name
    this.label = label
    this.origin = origin
  }

  authorizationUrl(
    signIn: { oauthState: string; idTokenNonce: string; codeVerifier: string },
    demand: RequestedAuthentication = {},
  ): Promise<URL> {
    if (this.fault !== undefined) return Promise.reject(this.fault)
    this.demands.push(demand)
    const url = new URL('/authorize', this.origin)
    url.searchParams.set('state', signIn.oauthState)
    url.searchParams.set('nonce', signIn.idTokenNonce)
    url.searchParams.set('code_challenge', hash(signIn.codeVerifier))
    return Promise.resolve(url)
  }

  /** What the provider does when somebody signs in there: the address of the callback. */
  approve(authorizationUrl: URL, user: string): URL {
    const parameters = authorizationUrl.searchParams
    const code = `${this.id}-code-${(this.#count += 1)}`
    this.#codes.set(code, {
      challenge: parameters.get('code_challenge') ?? '',
      nonce: parameters.get('nonce') ?? '',
      user,
    })
    const callback = new URL('/oauth2/callback', AUTHENTICATE)
    callback.searchParams.set('code', code)
    callback.searchParams.set('state', parameters.get('state') ?? '')
    return callback
  }

  async exchange(callback: {
    callbackUrl: URL
    idTokenNonce: string
    codeVerifier: string
  }): Promise<Identity> {
    await Promise.resolve()
    if (this.fault !== undefined) throw this.fault
    const code = callback.callbackUrl.searchParams.get('code') ?? ''
    const known = this.#codes.get(code)
    this.#codes.delete(code)
    if (known === undefined) throw new Fault('IDP_REFUSED', 'invalid_grant: code unknown or used')
    if (known.challenge !== hash(callback.codeVerifier)) throw new Fault('IDP_REFUSED', 'invalid_grant: PKCE')
    if (known.nonce !== callback.idTokenNonce) throw new Fault('IDP_ANSWER_INVALID', 'nonce mismatch')
    const { tokens, ...identity } = identityOf(known.user)
    const { idToken } = this
    return { ...identity, tokens: { ...tokens, idToken }, ...this.signInFacts(this.demands.at(-1) ?? {}) }
  }

  async refresh(current: Identity): Promise<Identity> {
    await Promise.resolve()
    this.refreshes.push(current.userId)
    if (this.fault !== undefined) throw this.fault
    return { ...identityOf(current.userId), groups: ['refreshed'] }
  }

  async reread(current: Identity): Promise<Identity> {
    await Promise.resolve()
    this.rereads.push(current.userId)
    if (this.fault !== undefined) throw this.fault
    return { ...identityOf(current.userId), groups: ['reread'], tokens: current.tokens }
  }

  endSessionUrl(ask: SignOutHints & { postLogoutRedirectUri: string }): Promise<URL | undefined> {
    if (!this.hasEndSession) return Promise.resolve(undefined)
    const url = new URL('/end', this.origin)
    if (ask.idTokenHint !== undefined) url.searchParams.set('id_token_hint', ask.idTokenHint)
    if (ask.logoutHint !== undefined) url.searchParams.set('logout_hint', ask.logoutHint)
    url.searchParams.set('post_logout_redirect_uri', ask.postLogoutRedirectUri)
    return Promise.resolve(url)
  }

  revoke(tokens: { refreshToken: string | undefined }): Promise<void> {
    this.revoked.push(tokens.refreshToken ?? '')
    return Promise.resolve()
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function identityOf(user: string): Identity {
  return {
    userId: user,
    email: `${user}@example.com`,
    name: `<i>${user}</i>`,
    claims: { locale: ['de'], '<script>': ['alert(1)'] },
    groups: user === 'alice' ? ['staff'] : [],
    tokens: {
      accessToken: 'planted-access-token',
      accessTokenExpiresAt: undefined,
      refreshToken: 'planted-refresh-token',
      idToken: 'planted-id-token',
      idTokenExpiresAt: undefined,
    },
  }
}

export interface Reply {
  readonly url: URL
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly setCookies: readonly string[]
  readonly body: string
}

export interface Options {
  readonly config?: Config
  readonly pipeline?: readonly Row[]
  /** Instead of the fake one. */
  readonly realProvider?: IdentityProvider
}

export class World implements AsyncDisposable {
  readonly provider = new FakeProvider()
  readonly keys = deriveKeyring(Buffer.alloc(32, 1))
  readonly sealer = createSealer(this.keys.state)
  readonly logLines: string[] = []
  readonly metrics: Metrics = createMetrics()
  readonly sessions: SessionStore
  readonly config: { current: Config }
  readonly socketPath: string
  readonly #directory: string
  readonly #stack = new AsyncDisposableStack()
  now = Date.UTC(2026, 8, 1, 12)
  idpId = ''
  /** Further providers, to be chosen beside the first. */
  readonly others: FakeProvider[] = []
  /** Ids of those whose sessions count on a host. */
  idsAt: (host: string) => readonly string[] = () => [this.idpId]
  /** What the directory says, by user id: the groups of somebody, or that they have left. */
  readonly directory = new Map<string, readonly string[] | 'deactivated'>()
  /** What the gate asks of those whom it lets in. */
  demand: AuthenticationRequirement = NO_DEMAND

  private constructor(sessions: SessionStore, config: Config, directory: string) {
    this.sessions = sessions
    this.config = { current: config }
    this.#directory = directory
    this.socketPath = join(directory, 'http.sock')
  }

  static async open({ config = testConfig(), pipeline, realProvider }: Options = {}): Promise<World> {
    const directory = mkdtempSync(join(tmpdir(), 'authenticate-'))
    let world: World | undefined
    const sessions = await openSqliteStore({
      file: ':memory:',
      sealer: createSealer(Buffer.alloc(32, 2)),
      now: () => world?.now ?? Date.UTC(2026, 8, 1, 12),
      pollMs: 0,
    })
    world = new World(sessions, config, directory)
    await world.#serve(pipeline, realProvider ?? world.provider)
    world.idpId = realProvider?.id ?? world.provider.id
    return world
  }

  async #serve(pipeline: readonly Row[] | undefined, provider: IdentityProvider): Promise<void> {
    const destination = { write: (line: string) => void this.logLines.push(line) }
    const { logger } = createLogger({ level: 'debug', destination })
    const idpIdsFor = (route?: Route) =>
      route === undefined ? [provider, ...this.others].map(({ id }) => id) : this.idsAt(route.origin.host)
    const directory: DirectoryPort = {
      apply: (session) => {
        const groups = this.directory.get(session.userId)
        return groups === undefined || groups === 'deactivated' ? session : { ...session, groups }
      },
      isDeactivated: ({ userId }) => this.directory.get(userId) === 'deactivated',
    }
    this.#stack.use(this.metrics)
    this.#stack.use(this.sessions)
    this.#stack.use(
      await serveAuthenticate({
        socketPath: this.socketPath,
        config: this.config,
        sessions: this.sessions,
        provider: (idpId) => [provider, ...this.others].find(({ id }) => id === idpId),
        idpIdsFor,
        mayOpen: mayOpenBy(
          { sessions: this.sessions, directory, now: () => this.now, logger },
          { policyOf, idpIdsFor },
        ),
        mentionedGroups: (route) => compilePolicy(route).policy?.mentionedGroups ?? [],
        directory,
        keys: this.keys,
        signingKeys: openSigningKeys({ derivedFrom: this.keys.signing }),
        now: () => this.now,
        logger,
        meter: this.metrics.meter,
        ...(pipeline && { pipeline }),
      }),
    )
  }

  browser(user = 'alice'): Browser {
    return new Browser(this, user)
  }

  /** Whose session a browser's cookie opens on a host, as ext_authz would see it. */
  async userAt(host: string, cookie: string | undefined): Promise<string | undefined> {
    return (await this.sessionAt(host, cookie))?.userId
  }

  async sessionAt(host: string, cookie: string | undefined): Promise<Session | undefined> {
    const sessionId = openReference(cookie ?? '', this.#cookieAt(host), this.keys.cookie)
    return sessionId === undefined ? undefined : await this.sessions.find(sessionId)
  }

  #cookieAt(host: string) {
    const kind = host === new URL(AUTHENTICATE).host ? 'authenticate' : 'app'
    return sessionCookieAt(host, this.config.current.settings, kind)
  }

  /** What the session cookie is called there. */
  cookieNameAt(host: string): string {
    return this.#cookieAt(host).cookieName
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
    rmSync(this.#directory, { recursive: true, force: true })
  }
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
  readonly #world: World

  constructor(world: World, user: string) {
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
