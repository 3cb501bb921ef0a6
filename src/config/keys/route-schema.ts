/**
 * The keys of one route, by topic. What a single key may hold is said here; what holds between keys of
 * several topics is in route-rules.ts.
 *
 * @module
 */

import { z } from 'zod'
import type { Mistake } from '../mistake.ts'
import type { Resolver } from '../resolver.ts'
import { Duration } from '../values/duration.ts'
import { ChangeableHeaderName, HeaderValue, RequestHeaders } from '../values/header.ts'
import { HostName } from '../values/host-name.ts'
import { secretKey } from '../values/reference.ts'
import { routeWorkloads } from './credentials/bearer-keys.ts'
import { readClientAuthority, routeClientAuthority } from './credentials/client-certificates.ts'
import { policiesOfRoute, whoMayPass } from './policy/policy-keys.ts'
import { routeTests } from './policy/policy-test-keys.ts'
import type { RawKeys } from './rule.ts'
import { type Intersection, keysOf } from './sections.ts'
import { sharedKeys } from './shared-keys.ts'
import type { SignInProvider } from './sign-in/resolve-providers.ts'
import { stepUp, tokenPassing } from './sign-in/session-keys.ts'
import { readRouteClient, routeProviders } from './sign-in/sign-in-providers.ts'
import { routeGoogleServerless, serverlessMistakes } from './upstream/google-serverless.ts'
import { kubernetes, kubernetesMistakes, readKubernetes } from './upstream/kubernetes.ts'
import { HealthCheck, OutlierDetection } from './upstream/resilience.ts'
import { additionalHostsAreOthers, matching, pathReading, rewriting } from './upstream/route-target.ts'
import {
  readUpstreamToken,
  upstreamToken,
  upstreamTokenBeside,
  upstreamTokenMistakes,
} from './upstream/upstream-token.ts'

const display = {
  name: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Shown in the portal and in logs. Unset: the id of the route.' }),
  description: z.string().optional().meta({ description: 'Shown in the portal.' }),
  logo_url: z
    .url({ protocol: /^(?:https?|data)$/, error: 'must be an http, https or data URL' })
    .optional()
    .meta({
      description:
        'Icon shown in the portal. Browsers load it from that address, so it should be https. Unset, or not to be had: the first letter of the name.',
    }),
  portal_section: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'Heading in the portal under which this app stands, with others of the same section.',
      examples: ['Monitoring'],
    }),
  portal_hidden: z.boolean().optional().meta({
    description:
      'Whether the portal leaves this app out. Who may open it is not changed. Unset: only the routes of your sign-in providers are left out.',
  }),
}

const authorization = {
  ...whoMayPass,
  ...policiesOfRoute,
  show_error_details: z.boolean().optional().meta({
    description: 'The denial page shows each criterion and why it failed. Unset: false.',
  }),
}

const headers = {
  set_request_headers: RequestHeaders.optional().meta({
    description:
      'Headers set on the request, over what the client sent. `$pomerium.id_token`, `$pomerium.access_token`, `$pomerium.jwt`, `$pomerium.client_cert_fingerprint`, `$pomerium.client_cert_san_dns`, `$pomerium.client_cert_san_email` (of a valid client certificate) and `$pomerium.request.headers["Name"]` are filled in; `$$` is a dollar sign. ext_authz `OkHttpResponse.headers`.',
    examples: [{ 'X-Api-Token': '$pomerium.id_token' }],
  }),
  remove_request_headers: z.array(ChangeableHeaderName).optional().meta({
    description:
      'Headers taken off the request; those set above stay. Envoy `Route.request_headers_to_remove`.',
  }),
  rewrite_response_headers: z
    .array(
      z.strictObject({
        header: ChangeableHeaderName.meta({ description: 'Header of the response.', examples: ['Location'] }),
        prefix: HeaderValue.min(1).meta({ description: 'Text at the start of its value that is replaced.' }),
        value: HeaderValue.meta({ description: 'What stands there instead.' }),
      }),
    )
    .optional()
    .meta({
      description:
        'Replaces the start of response headers, mostly of Location; each line of a header by itself.',
    }),
}

const protocols = {
  timeout: Duration.optional().meta({
    description:
      'Longest time for the whole answer, from the end of the request on; `0s` is no limit. It cuts downloads and streams of events that last longer. Envoy `RouteAction.timeout`. Unset: none, and `default_upstream_timeout` limits idle time.',
    examples: ['30s'],
  }),
  idle_timeout: Duration.optional().meta({
    description:
      'Longest idle time of a stream, in both directions; `0s` allows any. Envoy `RouteAction.idle_timeout`. Unset: any where upgrades are allowed; else `default_upstream_timeout` without `timeout`, and `timeout_idle` or `timeout`, whichever is longer, with it.',
    examples: ['5m'],
  }),
  allow_websockets: z.boolean().optional().meta({
    description: 'Lets WebSockets through; the upstream is spoken to in HTTP/1.1. Unset: false.',
  }),
  supervise: z.enum(['streams', 'none']).optional().meta({
    description:
      'Which requests that stay open are ended when whoever opened them may not go on: after a sign-out, say, or an edit of the policy. `streams`: WebSockets and other upgrades, event streams, gRPC, streams of the Connect protocol and pictures of cameras. Unset: `streams`.',
  }),
  allow_spdy: z.boolean().optional().meta({ description: 'Lets SPDY upgrades through. Unset: false.' }),
}

const tls = {
  tls_skip_verify: z.boolean().optional().meta({
    description: 'Accepts any certificate of the upstream: only for experiments. Unset: false.',
  }),
  tls_server_name: HostName.optional().meta({
    description: 'Name for SNI and for the certificate of the upstream; the next key wins over it.',
  }),
  tls_upstream_server_name: HostName.optional().meta({
    description:
      'Name for SNI (RFC 6066 section 3) and for the certificate. Envoy `UpstreamTlsContext.sni`. Unset: the host of `to`.',
  }),
  tls_downstream_server_name: HostName.transform((name) => name.toLowerCase())
    .optional()
    .meta({
      description: 'A second host name under which this route is reachable. Envoy `VirtualHost.domains`.',
      examples: ['wiki.internal.example.com'],
    }),
  ...secretKey('tls_custom_ca', {
    description:
      'Certificates (PEM, or PEM in base64) that are trusted for this upstream instead of all others. Envoy `CertificateValidationContext.trusted_ca`.',
  }),
  ...secretKey('tls_client_cert', {
    description:
      'Certificate shown to the upstream (PEM, or PEM in base64). Envoy `CommonTlsContext.tls_certificates`.',
  }),
  ...secretKey('tls_client_key', { description: 'Its private key (PEM, or PEM in base64).' }),
  tls_upstream_allow_renegotiation: z.boolean().optional().meta({
    description:
      'Lets the upstream renegotiate TLS 1.2. Envoy `UpstreamTlsContext.allow_renegotiation`. Unset: false.',
  }),
}

function readTls(keys: z.output<z.ZodObject<typeof tls>>, resolver: Resolver) {
  const client = resolver.pair(
    resolver.either(keys, 'tls_client_cert'),
    resolver.either(keys, 'tls_client_key'),
  )
  return {
    /** PEM. */
    tls_custom_ca: resolver.certificates(resolver.either(keys, 'tls_custom_ca')),
    /** PEM, leaf first; always together with the key. */
    tls_client_cert: client?.cert,
    tls_client_key: client?.key,
  }
}

const balancing = {
  load_balancing_policy: z
    .enum(['ROUND_ROBIN', 'LEAST_REQUEST', 'RING_HASH', 'MAGLEV', 'RANDOM'])
    .optional()
    .meta({
      description:
        'How one of several upstreams is chosen; RING_HASH and MAGLEV keep a session on one. Envoy `Cluster.lb_policy`. Unset: ROUND_ROBIN.',
    }),
  health_checks: z
    .array(HealthCheck)
    .max(1, 'may hold one check; several are not supported yet')
    .optional()
    .meta({ description: 'Active probes, one kind for now. Envoy `Cluster.health_checks`.' }),
  outlier_detection: OutlierDetection.optional().meta({
    description: 'Takes out upstreams that fail real requests. Envoy `Cluster.outlier_detection`.',
  }),
  healthy_panic_threshold: z.int().min(0).max(100).optional().meta({
    description:
      'Share of healthy upstreams, per cent, below which all are used. Envoy `CommonLbConfig.healthy_panic_threshold`. Unset: 50.',
  }),
}

const shared = sharedKeys('route')

/** The order of the reference page, and of what editors offer. */
export const ROUTE_SECTIONS = [
  { title: 'Matching and target', keys: matching, beside: additionalHostsAreOthers },
  { title: 'Portal', keys: display },
  {
    title: 'Authorization',
    keys: authorization,
  },
  { title: 'Policy tests', keys: routeTests },
  { title: 'Identity provider', keys: routeProviders, read: readRouteClient },
  { title: 'Age and strength of the sign-in', keys: stepUp },
  { title: 'Machines', keys: routeWorkloads },
  { title: 'Paths that can be read in two ways', keys: pathReading },
  { title: 'Rewriting path and host', keys: rewriting },
  {
    title: 'Headers and identity',
    keys: {
      ...headers,
      set_response_headers: shared.set_response_headers,
      pass_identity_headers: shared.pass_identity_headers,
      jwt_issuer_format: shared.jwt_issuer_format,
      jwt_groups_filter: shared.jwt_groups_filter,
      identity_headers_limit: shared.identity_headers_limit,
      ...tokenPassing,
    },
  },
  {
    title: 'A token for the upstream',
    keys: upstreamToken,
    read: readUpstreamToken,
    mistakes: upstreamTokenMistakes,
    beside: upstreamTokenBeside,
  },
  { title: 'Protocols and timeouts', keys: { ...protocols, allow_upgrades: shared.allow_upgrades } },
  { title: 'TLS to the upstream', keys: tls, read: readTls },
  { title: 'Client certificates', keys: routeClientAuthority, read: readClientAuthority },
  { title: 'Kubernetes', keys: kubernetes, read: readKubernetes, mistakes: kubernetesMistakes },
  { title: 'Google serverless apps', keys: routeGoogleServerless, mistakes: serverlessMistakes },
  {
    title: 'Load balancing and resilience',
    keys: {
      ...balancing,
      circuit_breaker_thresholds: shared.circuit_breaker_thresholds,
      retry_policy: shared.retry_policy,
    },
  },
] as const

export const RouteKeys = z.strictObject(keysOf(ROUTE_SECTIONS)).meta({
  id: 'Route',
  description: 'One protected application: its public origin, its upstream and who may pass.',
})
export type RouteKeys = z.output<typeof RouteKeys>

/** A route whose wrong keys were left out, so that the others can still be judged. */
export const RouteDraft = RouteKeys.partial({ from: true })
export type RouteDraft = z.output<typeof RouteDraft>

type ReadingSection = Extract<(typeof ROUTE_SECTIONS)[number], { readonly read: unknown }>
/** What takes the place of keys that refer to something. */
export type ReadRoute = Readonly<Intersection<ReturnType<ReadingSection['read']>>>

/** All undefined for most routes, which cost nothing here. */
export function readRoute(keys: RouteDraft, resolver: Resolver): ReadRoute {
  const read = ROUTE_SECTIONS.flatMap((section) => ('read' in section ? [section.read(keys, resolver)] : []))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one object with what all have read is their intersection
  return Object.assign({}, ...read) as ReadRoute
}

type BesideSection = Extract<(typeof ROUTE_SECTIONS)[number], { readonly beside: unknown }>
type BesideRoute = Intersection<Parameters<BesideSection['beside']>[0]>

/** What of the settings routes share, and rules look at. */
interface SharedSettings {
  /** Unset while it can’t be told which there are. */
  readonly sign_in_providers: readonly SignInProvider[] | undefined
}

/**
 * What must hold of a topic once its keys are read, and between them and the settings that all routes share.
 */
export function mistakesBeside(route: BesideRoute, settings: SharedSettings): Mistake[] {
  return ROUTE_SECTIONS.flatMap((section) => {
    if (!('beside' in section)) return []
    const beside: (route: BesideRoute, settings: SharedSettings) => Mistake[] = section.beside
    return beside(route, settings)
  })
}

/** What must hold between keys of one topic. */
export function mistakesOfTopics(keys: RouteDraft, raw: RawKeys): Mistake[] {
  return ROUTE_SECTIONS.flatMap((section) => ('mistakes' in section ? section.mistakes(keys, raw) : []))
}
