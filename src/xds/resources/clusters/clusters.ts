/**
 * The upstreams of a route as an Envoy cluster, with its endpoints.
 *
 * Endpoints that are addresses are a resource of their own (EDS): changing them touches neither connections
 * nor health of the others. Names are looked up by Envoy, so they stand in the cluster.
 *
 * @module
 */

import { isIP, isIPv6 } from 'node:net'
import type { Route, Settings, Upstream } from '../../../config/config.ts'
import { upgradesOf } from '../../../config/keys/upgrades.ts'
import { isServerless } from '../../../config/keys/upstream/google-serverless.ts'
import { makeResource, type Resource, TYPE_URL } from '../../ads/resource.ts'
import {
  CONNECTION_BUFFER_BYTES,
  duration,
  extension,
  type Fields,
  FROM_ADS,
  KEEP_HEADER_CASE,
  socketAddress,
  typed,
} from '../envoy-json.ts'
import { NAME_NAMESPACE } from '../names.ts'
import { resilienceOf } from './resilience.ts'
import { isTls, serverNameOf, upstreamTls } from './upstream-tls.ts'

const CONNECT_TIMEOUT_MS = 10_000

/**
 * Envoy starts, and takes further changes, when each new name was looked up or the look-up failed. With its
 * own 5 s and four tries a silent DNS server was seen to hold everything up for two minutes; so it is some
 * five seconds.
 */
const DNS_QUERY_TIMEOUT_MS = 1000
const DNS_QUERY_TRIES = 2

const nameMetadata = ({ health_checks: checks, outlier_detection: outliers }: Route): Fields =>
  checks !== undefined || outliers !== undefined
    ? {}
    : { metadata: { filter_metadata: { [NAME_NAMESPACE]: { is_looked_up: true } } } }

const isAddress = ({ host, socketPath }: Upstream): boolean => socketPath !== undefined || isIP(host) !== 0

/** What the upstream gets as Host when nothing else is configured: as a user agent would write it. */
function authorityOf({ host, port, scheme }: Upstream): string {
  const name = isIPv6(host) ? `[${host}]` : host
  const isDefaultPort = port === (scheme === 'https' ? 443 : 80)
  return isDefaultPort ? name : `${name}:${port}`
}

const TLS_MATCH_KEY = 'server_name'

interface Target {
  readonly route: Route
  readonly upstreams: readonly Upstream[]
  readonly cluster: string
  /** Names expected in certificates; more than one needs a TLS context per endpoint. */
  readonly serverNames: readonly string[]
}

function endpoint(target: Target, upstream: Upstream): Fields {
  const { route, serverNames } = target
  const authority = upstream.socketPath === undefined ? authorityOf(upstream) : route.origin.host
  return {
    endpoint: {
      address:
        upstream.socketPath === undefined
          ? socketAddress(upstream.host, upstream.port)
          : { pipe: { path: upstream.socketPath } },
      hostname: authority,
      ...(route.health_checks === undefined ? {} : { health_check_config: { hostname: authority } }),
    },
    ...(upstream.weight === undefined ? {} : { load_balancing_weight: upstream.weight }),
    ...(serverNames.length < 2
      ? {}
      : {
          metadata: {
            filter_metadata: {
              'envoy.transport_socket_match': { [TLS_MATCH_KEY]: serverNameOf(route, upstream) },
            },
          },
        }),
  }
}

const loadAssignment = (target: Target): Fields => ({
  cluster_name: target.cluster,
  endpoints: [{ lb_endpoints: target.upstreams.map((upstream) => endpoint(target, upstream)) }],
})

function dnsResolver(settings: Settings): Fields {
  const {
    dns_resolvers: resolvers,
    dns_query_timeout: timeoutMs,
    dns_query_tries: tries,
    dns_use_tcp: useTcp,
    dns_udp_max_queries: udpMaxQueries,
  } = settings
  return extension(
    'envoy.network.dns_resolver.cares',
    'envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
    {
      ...(resolvers === undefined
        ? {}
        : { resolvers: resolvers.map(({ host, port }) => socketAddress(host, port)) }),
      ...(useTcp === true ? { dns_resolver_options: { use_tcp_for_dns_lookups: true } } : {}),
      query_timeout_seconds: Math.max(1, Math.ceil((timeoutMs ?? DNS_QUERY_TIMEOUT_MS) / 1000)),
      query_tries: tries ?? DNS_QUERY_TRIES,
      udp_max_queries: udpMaxQueries,
    },
  )
}

function dnsDiscovery(route: Route, settings: Settings): Fields {
  const {
    dns_lookup_family: family,
    dns_refresh_rate: refreshMs,
    dns_failure_refresh_rate: failureMs,
  } = settings
  return {
    cluster_type: extension('envoy.clusters.dns', 'envoy.extensions.clusters.dns.v3.DnsCluster', {
      respect_dns_ttl: true,
      // Google's serverless addresses are reached by IPv4 from networks without IPv6, where a name has both.
      dns_lookup_family: isServerless(route) ? 'V4_ONLY' : family,
      ...(refreshMs === undefined ? {} : { dns_refresh_rate: duration(refreshMs) }),
      ...(failureMs === undefined
        ? {}
        : { dns_failure_refresh_rate: { base_interval: duration(failureMs) } }),
      typed_dns_resolver_config: dnsResolver(settings),
    }),
  }
}

type HttpVersion = 'http1' | 'http2' | 'negotiated'

/** Upgrades are HTTP/1.1 only; else TLS negotiates, and cleartext is HTTP/1.1 unless the URL says h2c. */
function httpVersionOf({ route, upstreams }: Target, settings: Settings): HttpVersion {
  if (upgradesOf(route, settings).length > 0) return 'http1'
  if (upstreams.some(({ scheme }) => scheme === 'h2c')) return 'http2'
  return upstreams.some(isTls) ? 'negotiated' : 'http1'
}

const ALPN: Readonly<Record<HttpVersion, readonly string[]>> = {
  http1: ['http/1.1'],
  http2: ['h2'],
  negotiated: ['h2', 'http/1.1'],
}

const HTTP_PROTOCOL_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

/** As many as a client may send; Envoy's own limit of a hundred is below what some apps answer with. */
const MAX_RESPONSE_HEADERS = 1000

const httpOptions = (options: Fields): Fields => ({
  [HTTP_PROTOCOL_OPTIONS]: typed(HTTP_PROTOCOL_OPTIONS, {
    common_http_protocol_options: { max_headers_count: MAX_RESPONSE_HEADERS },
    ...options,
  }),
})

const HTTP_OPTIONS: Readonly<Record<HttpVersion, Fields>> = {
  http1: httpOptions({ explicit_http_config: { http_protocol_options: KEEP_HEADER_CASE } }),
  http2: httpOptions({ explicit_http_config: { http2_protocol_options: {} } }),
  negotiated: httpOptions({
    auto_config: { http_protocol_options: KEEP_HEADER_CASE, http2_protocol_options: {} },
  }),
}

function transportSocket(target: Target, alpn: readonly string[]): Fields {
  const { route, cluster, serverNames } = target
  const [first, ...others] = serverNames
  if (first === undefined) return {}
  return {
    // Also the one for endpoints that match none, and what Envoy looks at to see whether ALPN can work.
    transport_socket: upstreamTls(route, cluster, first, alpn),
    ...(others.length === 0
      ? {}
      : {
          transport_socket_matches: serverNames.map((name) => ({
            name,
            match: { [TLS_MATCH_KEY]: name },
            transport_socket: upstreamTls(route, cluster, name, alpn),
          })),
        }),
  }
}

/** The cluster of a route, and its endpoints where they are a resource of their own. */
export function clusterOf(
  route: Route,
  upstreams: readonly Upstream[],
  name: string,
  settings: Settings,
): readonly Resource[] {
  const serverNames = [...new Set(upstreams.filter(isTls).map((upstream) => serverNameOf(route, upstream)))]
  const target: Target = { route, upstreams, cluster: name, serverNames }
  const version = httpVersionOf(target, settings)
  const isEds = upstreams.every(isAddress)
  const cluster = makeResource(TYPE_URL.cluster, name, {
    name,
    ...(isEds
      ? { type: 'EDS', eds_cluster_config: { eds_config: FROM_ADS } }
      : {
          ...dnsDiscovery(route, settings),
          ...nameMetadata(route),
          load_assignment: loadAssignment(target),
        }),
    connect_timeout: duration(CONNECT_TIMEOUT_MS),
    per_connection_buffer_limit_bytes: CONNECTION_BUFFER_BYTES,
    lb_policy: route.load_balancing_policy ?? 'ROUND_ROBIN',
    ...resilienceOf(route, settings),
    ...transportSocket(target, ALPN[version]),
    typed_extension_protocol_options: HTTP_OPTIONS[version],
  })
  return isEds ? [cluster, makeResource(TYPE_URL.endpoints, name, loadAssignment(target))] : [cluster]
}
