/**
 * The browser flows: sign-in, hand-off, sign-out and Sallyport's own pages, on every host, over one socket.
 *
 * @module
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { MayOpen } from '../access/may-open.ts'
import { eventLog } from '../audit/event-log.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/seal.ts'
import type { SigningKeys } from '../crypto/signing-keys.ts'
import { REDIRECT_URI_PARAMETER } from '../edge/sign-in-url.ts'
import { Fault } from '../errors.ts'
import type { SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Meter } from '../telemetry/metrics.ts'
import { createHttpServer, listenHttp, sendFault } from '../transport/http-server.ts'
import type { Action } from '../transport/page.ts'
import type { SocketPlace } from '../transport/unix-socket.ts'
import { ENDPOINTS, endpointOf } from './endpoints.ts'
import { createAuthenticateMetrics } from './metrics.ts'
import { PIPELINE, type Row, runPipeline } from './pipeline.ts'
import type {
  CurrentConfig,
  DirectoryPort,
  FindProvider,
  IdpIdsFor,
  MentionedGroups,
  Services,
} from './ports.ts'
import { sitesOf } from './sites.ts'
import { returnCookie } from './steps/leave-account.ts'
import type { Visit } from './visit.ts'

export interface Mount {
  readonly path: string
  readonly add: (server: FastifyInstance) => void
}

export interface AuthenticateOptions {
  readonly socketPath: SocketPlace
  readonly config: CurrentConfig
  readonly sessions: SessionStore
  readonly provider: FindProvider
  readonly idpIdsFor: IdpIdsFor
  readonly mayOpen: MayOpen
  readonly mentionedGroups: MentionedGroups
  readonly directory?: DirectoryPort | undefined
  /** What else is served on the authenticate host, below a path of its own and apart from the pages. */
  readonly mounts?: readonly Mount[] | undefined
  readonly keys: Keyring
  readonly signingKeys: SigningKeys
  readonly now: () => number
  readonly logger: Logger
  readonly meter: Meter
  /** Tests take rows out to see what they protect. */
  readonly pipeline?: readonly Row[]
}

/** Serves until disposed. @throws {Fault} STATE_UNUSABLE, PORT_IN_USE */
export async function serveAuthenticate(options: AuthenticateOptions): Promise<AsyncDisposable> {
  const { socketPath, sessions, meter, pipeline = PIPELINE } = options
  const logger = options.logger.child({ service: 'authenticate' })
  const services: Services = {
    ...options,
    logger,
    tell: eventLog(logger),
    sealer: createSealer(options.keys.state),
    metrics: createAuthenticateMetrics(meter, () => sessions.count),
  }
  const server = createHttpServer({ logger })
  for (const { path, add } of options.mounts ?? [])
    await server.register((scope) => mount(scope, services, add), { prefix: path })
  const serve = (request: FastifyRequest, reply: FastifyReply) => answer(services, pipeline, request, reply)
  server.all('/*', {
    // Before there is a body: what is wrong then is the address or the method, whatever is sent along.
    onRequest: async (request, reply) =>
      hasMethod(services, request) ? undefined : await serve(request, reply),
    handler: serve,
  })
  return await listenHttp(server, socketPath)
}

/** Nothing of it is there on the hosts of apps. */
function mount(scope: FastifyInstance, { config }: Services, add: Mount['add']): void {
  scope.addHook('onRequest', (request, _reply, done) => {
    const isHere = sitesOf(config.current).siteOf(request.headers.host)?.kind === 'authenticate'
    done(isHere ? undefined : new Fault('NOT_FOUND', 'no such page on this host'))
  })
  add(scope)
}

async function answer(
  services: Services,
  pipeline: readonly Row[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  let visit: Visit
  try {
    visit = visitOf(services, request)
  } catch (error) {
    const { authenticateUrl } = sitesOf(services.config.current)
    const href = new URL(PORTAL_PATH, authenticateUrl).href
    return sendFault(error, request, reply, { actions: [{ label: 'Your apps', href, main: true }] })
  }
  try {
    const { status, headers, body } = await runPipeline(visit, pipeline)
    return reply
      .code(status)
      .headers({ ...headers, ...setCookies(visit) })
      .send(body)
  } catch (error) {
    if (visit.endpoint === 'OAUTH_CALLBACK') services.metrics.signIn(isRefusal(error) ? 'refused' : 'failed')
    const actions = await actionsAfter(error, visit)
    reply.headers(setCookies(visit))
    if (error instanceof Fault && error.code === 'METHOD_NOT_ALLOWED')
      reply.header('allow', ENDPOINTS[visit.endpoint].methods.join(', '))
    return sendFault(error, request, reply, {
      detail: visit.found.detail ?? (error instanceof Fault ? error.publicDetail : undefined),
      address: targetOf(visit)?.host,
      actions,
    })
  }
}

function hasMethod({ config }: Services, { headers, raw, method }: FastifyRequest): boolean {
  const site = sitesOf(config.current).siteOf(headers.host)
  const [path] = splitOnce(raw.url ?? '', '?')
  const endpoint = site === undefined ? undefined : endpointOf(site, path)
  const methods: readonly string[] = endpoint === undefined ? [] : ENDPOINTS[endpoint].methods
  return methods.includes(method)
}

/** @throws {Fault} NOT_FOUND for a host or a path that is not ours */
function visitOf(services: Services, request: FastifyRequest): Visit {
  const config = services.config.current
  const sites = sitesOf(config)
  const site = sites.siteOf(request.headers.host)
  if (site === undefined)
    throw new Fault('NOT_FOUND', `no route serves the host ${String(request.headers.host).slice(0, 255)}`)
  const [path, search] = splitOnce(request.raw.url ?? '', '?')
  const endpoint = endpointOf(site, path)
  if (endpoint === undefined)
    throw new Fault('NOT_FOUND', `no page ${path.slice(0, 255)} on a host of kind "${site.kind}"`)
  return {
    services,
    config,
    sites,
    site,
    endpoint,
    request: {
      method: request.method,
      path,
      search: search === undefined ? '' : `?${search}`,
      query: new URLSearchParams(search),
      form: request.body instanceof URLSearchParams ? request.body : undefined,
      headers: request.headers,
      decisionId: request.id === '' ? undefined : request.id,
    },
    now: services.now(),
    found: {},
    cookies: [],
  }
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function setCookies({ cookies }: Visit): { 'set-cookie'?: string[] } {
  return cookies.length === 0 ? {} : { 'set-cookie': [...cookies] }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Fault && error.status < 500
}

/** No page is a dead end: another try where it makes sense, another account where it was that, the apps. */
async function actionsAfter(error: unknown, visit: Visit): Promise<readonly Action[]> {
  const { found, request } = visit
  const code = error instanceof Fault ? error.code : undefined
  const isSeveral = found.otherSessions !== undefined && found.otherSessions.length > 0
  if (isSeveral || code === 'ACCOUNT_SWITCHED_OFF')
    return [{ label: 'Sign out', href: '/.pomerium/sign_out', main: true }]
  const target = targetOf(visit)
  const isPassing = (!(error instanceof Fault) || error.status >= 500) && request.method === 'GET'
  if (target !== undefined)
    return [{ label: 'Try again', href: target.href, main: true }, ...(await others())]
  if (isPassing) return [{ label: 'Try again', href: '', main: true }, ...(await others())]
  return await others()

  async function others(): Promise<readonly Action[]> {
    const apps = { label: found.session === undefined ? 'Sign in' : 'Your apps', href: PORTAL_PATH }
    const signOut = code === 'IDP_REFUSED' ? await signOutThere(visit) : undefined
    return [...(signOut === undefined ? [] : [{ label: 'Use another account', href: signOut.href }]), apps]
  }
}

const PORTAL_PATH = '/.pomerium/routes'

/** An address whose signature is wrong or old still says where somebody wanted to go; ours only. */
function targetOf({ found, sites, request }: Visit): URL | undefined {
  return found.target ?? sites.targetOf(request.query.get(REDIRECT_URI_PARAMETER) ?? '')
}

/** The provider would offer the refused account again until its own session has ended. */
async function signOutThere(visit: Visit): Promise<URL | undefined> {
  const { found, services, sites } = visit
  const { state, target } = found
  const url = await services.provider(state?.idpId ?? '')?.endSessionUrl({
    postLogoutRedirectUri: new URL('/.pomerium/signed_out', sites.authenticateUrl).href,
  })
  const back =
    url === undefined || state === undefined || target === undefined ? undefined : returnCookie(visit, state)
  if (back !== undefined) visit.cookies.push(back)
  return url
}
