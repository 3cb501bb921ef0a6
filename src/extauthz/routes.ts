/**
 * The routes of the generation in force, by the id that Envoy names, each made ready on first use.
 *
 * @module
 */

import { readsRequest } from '../access/reads-request.ts'
import type { RoutePorts } from '../access/route.ts'
import type { Config, Route, Settings } from '../config/config.ts'
import { clientShareOf } from '../config/keys/upstream/request-limits.ts'
import { isSupervised } from '../config/keys/upstream/supervision.ts'
import { fitsWildcard, type Router, routerFor } from '../config/routing/route-match.ts'
import { readingsOf, unescapePath } from '../policy/matching/path-readings.ts'
import { UpstreamRoute } from '../upstream/route.ts'
import { OwnHeaders } from './forged-headers.ts'
import type { Ports } from './ports.ts'

/**
 * How long an id that a new generation no longer has stays known. Envoy goes over to the new routes a
 * moment later than we do, and requests under way must not be lost in between.
 */
const GRACE_MS = 5000

export class CompiledRoute extends UpstreamRoute {
  readonly #router: Router
  /** What is set or taken off here. */
  readonly ownHeaders: OwnHeaders
  /** Whether its streams are judged again while they are open. */
  readonly isSupervised: boolean
  /** Whether that needs more of each request than who asks. */
  readonly keepsFacts: boolean
  /** The most requests that one client may have open; undefined: they are not counted. */
  readonly clientShare: number | undefined

  /** @throws {Fault} `CONFIG_INVALID` for a policy that does not compile: config/ should have refused it */
  constructor(route: Route, config: Config, router: Router, ports: RoutePorts) {
    super(route, config, ports)
    this.#router = router
    this.isSupervised = isSupervised(route)
    this.keepsFacts = this.isSupervised && readsRequest(this.policy)
    this.clientShare = clientShareOf(route, config.settings)
    this.ownHeaders = new OwnHeaders([...this.contributions.headers, ...(route.remove_request_headers ?? [])])
  }

  /** Why the upstream might read another path than the one that is judged; undefined: it can't. */
  pathProblem(authority: string, path: string): string | undefined {
    return this.#router.problemOf({ route: this.route, authority, path })
  }
}

/** The routes of one generation; each is compiled when it is first asked for. */
class Generation {
  readonly config: Config
  readonly #routes: ReadonlyMap<string, Route>
  readonly #router: Router
  readonly #compiled = new Map<string, CompiledRoute>()
  readonly #ports: RoutePorts

  constructor(config: Config, ports: RoutePorts) {
    this.config = config
    this.#router = routerFor(config, { readingsOf, unescapePath })
    this.#routes = new Map(config.routes.map((route) => [route.id, route]))
    this.#ports = ports
  }

  find(id: string): CompiledRoute | undefined {
    const ready = this.#compiled.get(id)
    if (ready !== undefined) return ready
    const route = this.#routes.get(id)
    if (route === undefined) return undefined
    const compiled = new CompiledRoute(route, this.config, this.#router, this.#ports)
    this.#compiled.set(id, compiled)
    return compiled
  }
}

/** Not when it lies further ahead than it was ever set: the clock went back, and the grace must not grow. */
const isAhead = (until: number, now: number) => now < until && until - now <= GRACE_MS

export class RouteTable {
  readonly #ports: Pick<Ports, 'policyOf' | 'idpIdsFor' | 'now'>
  #current: Generation
  /** Generations that were in force a moment ago, the youngest first. */
  #retired: readonly { readonly generation: Generation; readonly until: number }[] = []

  constructor(config: Config, ports: Pick<Ports, 'policyOf' | 'idpIdsFor' | 'now'>) {
    this.#ports = ports
    this.#current = new Generation(config, ports)
  }

  /** Takes over a new generation. */
  replace(config: Config): void {
    const now = this.#ports.now()
    const young = this.#retired.filter(({ until }) => isAhead(until, now))
    this.#retired = [{ generation: this.#current, until: now + GRACE_MS }, ...young]
    this.#current = new Generation(config, this.#ports)
  }

  /** A route that the generation in force has is never answered from an older one. */
  find(id: string): CompiledRoute | undefined {
    const found = this.#current.find(id)
    if (found !== undefined || this.#retired.length === 0) return found
    const now = this.#ports.now()
    this.#retired = this.#retired.filter(({ until }) => isAhead(until, now))
    for (const { generation } of this.#retired) {
      const retired = generation.find(id)
      if (retired !== undefined) return retired
    }
    return undefined
  }

  /**
   * Whether a browser at this origin is at one of our routes: on another port of the host may be a stranger's
   * server.
   */
  isOurOrigin(origin: string): boolean {
    const url = URL.parse(origin)
    if (url === null || url.origin !== origin || url.protocol !== 'https:') return false
    const { routes, settings } = this.#current.config
    const asked = portOf(url)
    const served = publicPort(settings)
    return routes.some(({ origin: { host, port = served, wildcard } }) => {
      const isHost = wildcard ? fitsWildcard(url.hostname, host) : url.hostname === host
      return isHost && port === asked
    })
  }
}

const HTTPS_PORT = 443

const portOf = ({ port }: URL): number => (port === '' ? HTTPS_PORT : Number(port))

/**
 * That of the sign-in page, which browsers reach by the same listener; what ends TLS before us may have
 * another.
 */
function publicPort({ authenticate_service_url: url, insecure_server: isPlain, address }: Settings): number {
  if (url !== undefined) return portOf(new URL(url))
  return isPlain ? HTTPS_PORT : address.port
}
