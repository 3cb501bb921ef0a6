/**
 * What the judgement needs to know of a route, made ready once a generation.
 *
 * @module
 */
import type { Config, Route, Settings } from '../config/config.ts'
import type { AuthenticationRequirement } from '../edge/authentication-requirement.ts'
import { Fault } from '../errors.ts'
import { providerNameIn } from '../identity/provider-names.ts'
import type { Compilation } from '../policy/compile.ts'
import type { CompiledPolicy } from '../policy/decision.ts'
import type { Session } from '../session/session.ts'
import { verifierFor } from './credentials/client-certificate/trust.ts'
import type { Verifier } from './credentials/client-certificate/verifier.ts'

export interface RoutePorts {
  /** The policy of a route of that generation. */
  readonly policyOf: (config: Config, route: Route) => Compilation
  /** Which identity providers' sessions count on a route. Asked by every request: it answers from memory. */
  readonly idpIdsFor: (route: Route) => readonly string[]
}

export class AccessRoute {
  readonly #idpIdsFor: RoutePorts['idpIdsFor']
  readonly #config: Config
  readonly route: Route
  readonly settings: Settings
  readonly policy: CompiledPolicy
  /** What is asked of the sign-in of those who may pass. */
  readonly demand: AuthenticationRequirement
  readonly isDemanding: boolean
  /** Longest idle time of a session that still counts here; milliseconds. */
  readonly idleTimeout: number | undefined
  /** Whether Envoy asks clients for a certificate, and tells of it with each request. */
  readonly asksForCertificates: boolean
  /** Judges them; undefined where none could be valid. */
  readonly certificates: Verifier | undefined
  /** Whether bearer tokens are verified here, instead of being the upstream's affair. */
  readonly takesBearer: boolean

  /** @throws {Fault} `CONFIG_INVALID` for a policy that does not compile: config/ should have refused it */
  constructor(route: Route, config: Config, ports: RoutePorts) {
    const { settings } = config
    this.#config = config
    this.#idpIdsFor = ports.idpIdsFor
    this.route = route
    this.settings = settings
    const { policy } = ports.policyOf(config, route)
    if (policy === undefined)
      throw new Fault('CONFIG_INVALID', `the policy of route ${route.id} does not compile`)
    this.policy = policy
    this.demand = { maxAge: route.max_age, acrValues: route.acr_values ?? [] }
    this.isDemanding = route.max_age !== undefined || route.acr_values !== undefined
    this.idleTimeout = route.session_idle_timeout ?? settings.session_idle_timeout
    this.asksForCertificates = settings.downstream_mtls !== undefined
    this.certificates = verifierFor(route, settings)
    this.takesBearer = (route.bearer_token_format ?? settings.bearer_token_format ?? 'default') !== 'default'
  }

  /** Name of the identity provider of a session. */
  providerOf({ idpId }: Session): string | undefined {
    return providerNameIn(this.#config, idpId)
  }

  /** Where ids of several might be mistaken for one another. */
  providerToTell(session: Session): string | undefined {
    return this.settings.sign_in_providers.length > 1 ? this.providerOf(session) : undefined
  }

  /** Sessions of other identity providers don't count here. Asked each time: providers come and go. */
  get idpIds(): readonly string[] {
    return this.#idpIdsFor(this.route)
  }
}

/**
 * Each made ready when it is first asked for, and anew for each generation: a route that an edit leaves alone
 * is the same object in both, and the settings beside it may be others.
 */
export function accessRoutes(ports: RoutePorts): (config: Config, route: Route) => AccessRoute {
  const generations = new WeakMap<Config, Map<Route, AccessRoute>>()
  return (config, route) => {
    let ready = generations.get(config)
    if (ready === undefined) generations.set(config, (ready = new Map()))
    let made = ready.get(route)
    if (made === undefined) ready.set(route, (made = new AccessRoute(route, config, ports)))
    return made
  }
}
