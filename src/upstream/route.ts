/**
 * What a route tells its upstream of who asks, made ready once a generation.
 *
 * @module
 */
import { AccessRoute, type RoutePorts } from '../access/route.ts'
import type { Config, Route } from '../config/config.ts'
import {
  isServerless,
  serverlessAudience,
  serverlessHeaderOf,
} from '../config/keys/upstream/google-serverless.ts'
import { tokenHeadersOf } from '../config/values/secret-headers.ts'
import { groupsClaimsIn } from '../identity/groups-claims.ts'
import { GroupsFilter } from './groups-filter.ts'
import { type TokenUse, tokenUseOf } from './idp-tokens.ts'
import { Impersonation } from './impersonation.ts'
import { compileTemplate, type HeaderTemplate } from './request-header-template.ts'

export class UpstreamRoute extends AccessRoute {
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
  constructor(route: Route, config: Config, ports: RoutePorts) {
    super(route, config, ports)
    const { settings, policy } = this
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
    this.needsRoutingKey =
      route.load_balancing_policy === 'RING_HASH' || route.load_balancing_policy === 'MAGLEV'
    this.platform = isServerless(route)
      ? { audience: serverlessAudience(route), header: serverlessHeaderOf(route) }
      : undefined
    const token = route.kubernetes_service_account_token
    this.impersonation = token && new Impersonation(token, this)
  }
}

const IDENTITY = { true: 'full', minimal: 'minimal', false: 'none' } as const
