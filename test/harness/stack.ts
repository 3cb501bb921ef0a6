/**
 * Everything that one end-to-end test file needs, on ports of its own: an OpenID provider, an echo app, a
 * certificate, and Sallyport with its Envoy between them.
 *
 * Hosts are `<name>.localhost`; routes are written as in the configuration file, with `to` filled in by the
 * test.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HttpVersion } from './http-client.ts'
import { freePorts, tempDir } from './ports.ts'
import { type RealProvider, type RealProviderOptions, startRealProvider } from './real-provider.ts'
import {
  type ConfigDocument,
  type Route,
  type Sallyport,
  type ServeOptions,
  startSallyport,
  type WrittenForm,
} from './sallyport.ts'
import { createTestCa, type KeyPair, type TestCa, writeKeyPair } from './test-ca.ts'
import { startUpstream, type Upstream } from './upstream.ts'
import { UserAgent } from './user-agent.ts'

/** Policy: whoever is of that group. */
export const groupPolicy = (group: string): object => ({ allow: { and: [{ groups: { has: group } }] } })
export const STAFF_ONLY = { policy: groupPolicy('staff') } as const
export const PUBLIC = { allow_public_unauthenticated_access: true } as const
export const ANYONE_SIGNED_IN = { allow_any_authenticated_user: true } as const

export interface Edge {
  readonly port: number
  readonly redirectPort: number
  readonly healthPort: number
  readonly metricsPort: number
}

/** What an identity provider is to the configuration. */
export interface ClientRegistration {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
}

export interface StackContext {
  readonly upstream: Upstream
  readonly folder: string
  readonly ca: TestCa
  /** The public origin of a host: `https://<name>.localhost:<port>`. */
  readonly url: (host: string, path?: string) => string
}

export interface StackOptions {
  /** The routes, once the parts they name are up. */
  readonly routes: (context: StackContext) => readonly Route[]
  /** Runs when nothing is served yet: for files that the configuration names, or to stop the provider. */
  readonly beforeServe?: (context: StackContext & { readonly provider: RealProvider }) => Promise<void>
  readonly settings?: Readonly<Record<string, unknown>>
  readonly provider?: Omit<RealProviderOptions, 'redirectUris'>
  /** Another provider than the stack's own, which is then not started. */
  readonly externalProvider?: (
    redirectUri: string,
    postLogoutRedirectUri: string,
  ) => Promise<ClientRegistration>
  readonly serve?: Partial<Pick<ServeOptions, 'env' | 'envoy' | 'untilReady'>>
  /** The host of the sign-in pages; `authenticate` by default. */
  readonly authenticate?: string
  /** More names for the certificate than the usual. */
  readonly hosts?: readonly string[]
}

export interface Stack extends StackContext, AsyncDisposable {
  readonly edge: Edge
  readonly provider: RealProvider
  readonly certificate: KeyPair
  readonly config: ConfigDocument
  sallyport: Sallyport
  /** A new browser. */
  agent(options?: {
    readonly version?: HttpVersion
    readonly headers?: Readonly<Record<string, string>>
  }): UserAgent
  /** Opens `url` as that user: through the login form when one is asked for. */
  signIn(agent: UserAgent, url: string, login?: string): ReturnType<UserAgent['visit']>
  /** Writes the configuration anew, with other routes or settings. */
  edit(change: {
    readonly routes?: readonly Route[]
    readonly settings?: Readonly<Record<string, unknown>>
    readonly form?: WrittenForm
  }): Promise<void>
  /** Ends Sallyport and starts it again on the same folder. */
  restart(): Promise<void>
}

const HOSTS = ['authenticate', 'app', 'api', 'public', 'wiki', 'ws', 'grpc', 'other', 'lab']

export async function startStack(options: StackOptions): Promise<Stack> {
  await using undo = new AsyncDisposableStack()
  const [port = 0, redirectPort = 0, healthPort = 0, metricsPort = 0] = await freePorts(4)
  const { authenticate = 'authenticate' } = options
  const edge: Edge = { port, redirectPort, healthPort, metricsPort }
  const url = (host: string, path = '/'): string => `https://${host}.localhost:${port}${path}`

  const { path: folder } = undo.use(await tempDir('sp'))
  const ca = await createTestCa()
  const names = [...HOSTS, authenticate, ...(options.hosts ?? [])].map((host) => `${host}.localhost`)
  const certificate = await ca.issue({ names: [...names, '*.localhost'] })
  const { certFile, keyFile } = await writeKeyPair(join(folder, 'tls'), 'edge', certificate)
  await writeFile(join(folder, 'tls', 'ca.pem'), ca.cert)

  const redirectUri = url(authenticate, '/oauth2/callback')
  const signedOut = url(authenticate, '/.pomerium/signed_out')
  const provider = undo.use(
    await startRealProvider({
      redirectUris: [redirectUri],
      postLogoutRedirectUris: [signedOut],
      ...options.provider,
    }),
  )
  const registration = (await options.externalProvider?.(redirectUri, signedOut)) ?? provider
  const upstream = undo.use(await startUpstream())
  const context: StackContext = { upstream, folder, ca, url }

  const configOf = (
    routes: readonly Route[],
    settings: Readonly<Record<string, unknown>>,
  ): ConfigDocument => ({
    address: `127.0.0.1:${port}`,
    http_redirect_addr: `127.0.0.1:${redirectPort}`,
    health_check_addr: `127.0.0.1:${healthPort}`,
    metrics_address: `127.0.0.1:${metricsPort}`,
    authenticate_service_url: url(authenticate, ''),
    shared_secret: sharedSecret,
    certificates: [{ cert: certFile, key: keyFile }],
    idp_provider: 'oidc',
    idp_provider_url: registration.issuer,
    idp_client_id: registration.clientId,
    idp_client_secret: registration.clientSecret,
    pass_identity_headers: true,
    ...settings,
    routes,
  })
  const sharedSecret = randomBytes(32).toString('base64')
  await options.beforeServe?.({ ...context, provider })
  let { settings = {} } = options
  let routes = options.routes(context)
  const config = configOf(routes, settings)

  const serve = async (): Promise<Sallyport> =>
    await startSallyport({ folder, config: configOf(routes, settings), healthPort, ...options.serve })
  const stack: Stack = {
    ...context,
    edge,
    provider,
    certificate,
    config,
    sallyport: await serve(),
    agent: (how = {}) => new UserAgent({ ca: ca.cert, ...how }),
    async signIn(agent, target, login = 'alice') {
      const page = await agent.visit(target)
      return page.url.origin === provider.issuer ? await agent.submit(page, { login }) : page
    },
    async edit(change) {
      routes = change.routes ?? routes
      settings = { ...settings, ...change.settings }
      await stack.sallyport.write(configOf(routes, settings), change.form)
    },
    async restart() {
      await stack.sallyport[Symbol.asyncDispose]()
      stack.sallyport = await serve()
    },
    async [Symbol.asyncDispose]() {
      await stack.sallyport[Symbol.asyncDispose]()
      await rest.disposeAsync()
    },
  }
  const rest = undo.move()
  return stack
}
