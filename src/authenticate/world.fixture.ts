/**
 * A small world for tests: the service on a real socket, a store, an identity provider and browsers.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mayOpenBy } from '../access/may-open.ts'
import type { Config, Route } from '../config/config.ts'
import { parseConfig } from '../config/parse.ts'
import { deriveKeyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/seal.ts'
import { openSigningKeys } from '../crypto/signing-keys.ts'
import { type AuthenticationRequirement, NO_DEMAND } from '../edge/authentication-requirement.ts'
import { sessionCookieAt } from '../edge/session-cookie.ts'
import { openReference } from '../edge/session-reference.ts'
import type { IdentityProvider } from '../identity/provider.ts'
import { compilePolicy } from '../policy/compile.ts'
import { policyOf } from '../policy/compiled-policies.ts'
import { openSqliteStore } from '../session/file-store.ts'
import type { Session } from '../session/session.ts'
import type { SessionStore } from '../session/store.ts'
import { createLogger } from '../telemetry/log.ts'
import { createMetrics, type Metrics } from '../telemetry/metrics.ts'
import { APP, AUTHENTICATE, IDP } from './addresses.fixture.ts'
import { Browser, type Surroundings } from './browser.fixture.ts'
import { FakeProvider } from './fake-provider.fixture.ts'
import type { Row } from './pipeline.ts'
import type { DirectoryPort } from './ports.ts'
import { serveAuthenticate } from './service.ts'

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

export interface Options {
  readonly config?: Config
  readonly pipeline?: readonly Row[]
  /** Instead of the fake one. */
  readonly realProvider?: IdentityProvider
}

export class World implements AsyncDisposable, Surroundings {
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
