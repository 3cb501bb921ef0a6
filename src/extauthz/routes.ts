/**
 * The routes of the generation in force, by the id that Envoy names, each made ready on first use.
 *
 * @module
 */

import { AccessRoute } from '../access/route.ts'
import type { Config, Route, Settings } from '../config/config.ts'
import {
  isServerless,
  serverlessAudience,
  serverlessHeaderOf,
} from '../config/keys/upstream/google-serverless.ts'
import { fitsWildcard, type Router, routerFor } from '../config/routing/route-match.ts'
import { tokenHeadersOf } from '../config/values/secret-headers.ts'
import { groupsClaimsIn } from '../identity/groups-claims.ts'
import { readingsOf, unescapePath } from '../policy/matching/path-readings.ts'
import { GroupsFilter } from '../upstream/groups-filter.ts'
import { compileTemplate, type HeaderTemplate } from '../upstream/request-header-template.ts'
import { OwnHeaders } from './forged-headers.ts'
import { type TokenUse, tokenUseOf } from './idp-tokens.ts'
import { Impersonation } from './impersonation.ts'
import type { Ports } from './ports.ts'

/**
 * How long an id that a new generation no longer has stays known. Envoy goes over to the new routes a
 * moment later than we do, and requests under way must not be lost in between.
 */
const GRACE_MS = 5000

export class CompiledRoute extends AccessRoute {
  readonly #router: Router
  /** How much of who asks the upstream is told. */
  readonly identity: 'none' | 'minimal' | 'full'
  readonly issuerFormat: 'hostOnly' | 'uri'
  readonly groupsFilter: GroupsFilter
  readonly mentionedGroups: ReadonlySet<string>
  /** Claims that hold groups, at any identity provider. */
  readonly groupsClaims: ReadonlySet<string>
  /** `identity_headers_limit`; unset: what most apps take. */
  readonly headersLimit: number | undefined
  /** Claims that are copied into the assertion. */
  readonly jwtClaims: readonly string[]
  /** Lower-case header name and the claim that it carries. */
  readonly claimHeaders: readonly (readonly [header: string, claim: string])[]
  readonly requestHeaders: readonly (readonly [header: string, template: HeaderTemplate])[]
  /** What is set or taken off here. */
  readonly ownHeaders: OwnHeaders
  /** Lower-case names of request headers whose values go into the answer. */
  readonly references: readonly string[]
  readonly needsRoutingKey: boolean
  /** Tokens of the identity provider that the upstream gets; `undefined`: none. */
  readonly tokenUse: TokenUse | undefined
  /** Lower-case names of the headers in which tokens go to the upstream. */
  readonly tokenHeaders: readonly string[]
  /** Where the platform of the upstream wants a token: for whom, and in which header. */
  readonly platform: { readonly audience: string; readonly header: string } | undefined
  /** Of the route of a Kubernetes API. */
  readonly impersonation: Impersonation | undefined

  /** @throws {Fault} `CONFIG_INVALID` for a policy that does not compile: config/ should have refused it */
  constructor(route: Route, config: Config, router: Router, ports: Pick<Ports, 'policyOf' | 'idpIdsFor'>) {
    super(route, config, ports)
    const { settings, policy } = this
    this.#router = router
    this.identity = IDENTITY[`${route.pass_identity_headers ?? settings.pass_identity_headers}`]
    this.issuerFormat = route.jwt_issuer_format ?? settings.jwt_issuer_format
    this.groupsFilter = new GroupsFilter(route, settings, policy.mentionedGroups)
    this.groupsClaims = groupsClaimsIn(settings)
    this.headersLimit = route.identity_headers_limit ?? settings.identity_headers_limit
    this.mentionedGroups = new Set(policy.mentionedGroups)
    this.claimHeaders = Object.entries(settings.jwt_claims_headers).map(([header, claim]) => [
      header.toLowerCase(),
      claim,
    ])
    this.jwtClaims = [...new Set(this.claimHeaders.map(([, claim]) => claim))]
    this.requestHeaders = Object.entries(route.set_request_headers ?? {}).map(([header, text]) => [
      header.toLowerCase(),
      compileTemplate(text),
    ])
    this.references = this.requestHeaders.flatMap(([, template]) => template.requestHeaders)
    this.tokenUse = tokenUseOf(route, this.requestHeaders)
    this.tokenHeaders = tokenHeadersOf(route)
    this.ownHeaders = new OwnHeaders([
      ...[...this.claimHeaders, ...this.requestHeaders].map(([header]) => header),
      ...this.tokenHeaders,
      ...(route.remove_request_headers ?? []),
    ])
    this.needsRoutingKey =
      route.load_balancing_policy === 'RING_HASH' || route.load_balancing_policy === 'MAGLEV'
    this.platform = isServerless(route)
      ? { audience: serverlessAudience(route), header: serverlessHeaderOf(route) }
      : undefined
    const token = route.kubernetes_service_account_token
    this.impersonation = token && new Impersonation(token, this)
  }

  /** Why the upstream might read another path than the one that is judged; undefined: it can't. */
  pathProblem(authority: string, path: string): string | undefined {
    return this.#router.problemOf({ route: this.route, authority, path })
  }
}

const IDENTITY = { true: 'full', minimal: 'minimal', false: 'none' } as const

/** The routes of one generation; each is compiled when it is first asked for. */
class Generation {
  readonly config: Config
  readonly #routes: ReadonlyMap<string, Route>
  readonly #router: Router
  readonly #compiled = new Map<string, CompiledRoute>()
  readonly #ports: Pick<Ports, 'policyOf' | 'idpIdsFor'>

  constructor(config: Config, ports: Pick<Ports, 'policyOf' | 'idpIdsFor'>) {
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

  /** Whether a browser at this origin is at one of our routes: on another port of the host may be a stranger's server. */
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

/** That of the sign-in page, which browsers reach by the same listener; what ends TLS before us may have another. */
function publicPort({ authenticate_service_url: url, insecure_server: isPlain, address }: Settings): number {
  if (url !== undefined) return portOf(new URL(url))
  return isPlain ? HTTPS_PORT : address.port
}
