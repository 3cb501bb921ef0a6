/**
 * Global keys of the HTTP edge: addresses, timeouts, paths, DNS.
 *
 * @module
 */

import { z } from 'zod'
import { DnsResolver, ListenAddress } from '../values/address.ts'
import { Duration, PositiveDuration } from '../values/duration.ts'
import { sharedKeys, Uint32 } from './shared-keys.ts'

/** Envoy's own name of a choice, in either case; the program holds Envoy's spelling. */
function envoyChoice<const Names extends readonly [string, ...string[]]>(names: Names) {
  const lower = names.map((name) => name.toLowerCase())
  return z.enum([...lower, ...names]).transform((name) => name.toUpperCase() as Names[number])
}

const shared = sharedKeys('global')

export const addresses = {
  address: ListenAddress.optional().meta({
    description:
      'Where Envoy listens. Without a host: all IPv4 addresses; `[::]:443` for IPv6 too. Envoy `Listener.address`. Unset: `:443`, or `:80` with `insecure_server`.',
    examples: [':443', '127.0.0.1:8443'],
  }),
  http_redirect_addr: ListenAddress.optional().meta({
    description: 'Where plain HTTP is answered with a redirect to https. Unset: nowhere.',
    examples: [':80'],
  }),
  insecure_server: z.boolean().default(false).meta({
    description:
      'Serves plain HTTP on `address`: only behind something that ends TLS. Apps are told `X-Forwarded-Proto: https` all the same, as that is how users reach them.',
  }),
  health_check_addr: ListenAddress.prefault('127.0.0.1:28080').meta({
    description:
      'Where `/healthz`, `/readyz`, `/startupz` and `/status` are answered. Takes effect at the next start.',
  }),
  metrics_address: ListenAddress.optional().meta({
    description: 'Where Prometheus may read `/metrics`. Unset: nowhere. Takes effect at the next start.',
    examples: ['127.0.0.1:9090'],
  }),
  use_proxy_protocol: z.boolean().default(false).meta({
    description:
      'Requires a PROXY protocol header (v1 or v2) on each connection. Envoy listener filter `proxy_protocol`.',
  }),
  services: z
    .literal('all')
    .default('all')
    .meta({ description: 'Which services this process runs; only `all` so far.' }),
}

export const behaviour = {
  codec_type: z.enum(['auto', 'http1', 'http2']).default('auto').meta({
    description: 'HTTP versions that clients may speak. Envoy `HttpConnectionManager.codec_type`.',
  }),
  timeout_read: Duration.prefault('0s').meta({
    description:
      'Longest time to receive a whole request, on all routes. `0s` is no limit, so that large uploads and gRPC client streams go through. What is idle for too long is ended by `timeout_idle`. Envoy `HttpConnectionManager.request_timeout`.',
  }),
  timeout_write: Duration.prefault('0s').meta({
    description:
      'Longest life of one stream; `0s` is no limit. Envoy `HttpProtocolOptions.max_stream_duration`.',
  }),
  timeout_idle: Duration.prefault('5m').meta({
    description:
      'Longest idle time of a stream or connection; `0s` is no limit. Envoy `HttpConnectionManager.stream_idle_timeout`.',
  }),
  default_upstream_timeout: Duration.prefault('30s').meta({
    description:
      'Longest idle time of a stream on routes without `timeout`; `0s` leaves `timeout_idle`. An upstream that sends nothing for so long is answered for with 504. A download or a stream of events may last as long as it goes on. Envoy `RouteAction.idle_timeout`.',
  }),
  grpc_client_timeout: PositiveDuration.prefault('10s').meta({
    description:
      'Longest wait of Envoy for a decision; then the request is refused. Envoy `ExtAuthz.grpc_service.timeout`.',
  }),
  drain_timeout: Duration.prefault('8s').meta({
    description:
      'Longest wait for requests under way when Sallyport is told to stop and Envoy is its child; WebSockets are not waited for. Keep it below the time after which the service manager kills, 10s with Docker.',
  }),
  drain_delay: Duration.prefault('0s').meta({
    description:
      'Time in which new connections are still taken then, while `/readyz` says no, so that a load balancer may notice; part of `drain_timeout`.',
    examples: ['5s'],
  }),
  skip_xff_append: z.boolean().default(false).meta({
    description: 'Leaves X-Forwarded-For as it came. Envoy `HttpConnectionManager.skip_xff_append`.',
  }),
  xff_num_trusted_hops: Uint32.default(0).meta({
    description:
      'Trusted proxies in front of Envoy whose X-Forwarded-For entries count. A client whose entry is missing or no address has an unknown one. Envoy `HttpConnectionManager.xff_num_trusted_hops`.',
  }),
  allow_upgrades: shared.allow_upgrades,
  merge_slashes: z.boolean().default(true).meta({
    description:
      'Joins adjacent slashes of the path before matching. Envoy `HttpConnectionManager.merge_slashes`.',
  }),
  normalize_path: z.boolean().default(true).meta({
    description:
      'Resolves dot segments before matching (RFC 3986 section 6). Envoy `HttpConnectionManager.normalize_path`.',
  }),
  path_with_escaped_slashes_action: envoyChoice([
    'KEEP_UNCHANGED',
    'REJECT_REQUEST',
    'UNESCAPE_AND_REDIRECT',
    'UNESCAPE_AND_FORWARD',
  ])
    .prefault('reject_request')
    .meta({
      description:
        'What happens to paths with `%2F` or `%5C`; `allow_escaped_slashes` of a route lets `%2F` through where they are rejected. `unescape_and_redirect` needs `merge_slashes` and `normalize_path`. Envoy `HttpConnectionManager.path_with_escaped_slashes_action`.',
    }),
  headers_with_underscores_action: envoyChoice(['ALLOW', 'REJECT_REQUEST', 'DROP_HEADER'])
    .prefault('drop_header')
    .meta({
      description:
        'What happens to headers with `_`, which many servers take for `-`. `drop_header` takes them off. `reject_request` answers 400 over HTTP/1.1 and resets the stream over HTTP/2. `allow` passes them on, save those that could be taken for a header of identity. Envoy `HttpProtocolOptions.headers_with_underscores_action`.',
    }),
  circuit_breaker_thresholds: shared.circuit_breaker_thresholds,
  retry_policy: shared.retry_policy,
  set_response_headers: shared.set_response_headers,
  runtime_flags: z
    .strictObject({
      match_any_incoming_port: z.boolean().default(true).meta({
        description: 'A route without a port in `from` matches any port of the Host header.',
      }),
    })
    .prefault({})
    .meta({ description: 'Switches of single behaviours.' }),
}

/** Envoy wants more than a millisecond here. */
const DnsRate = Duration.refine((ms) => ms > 1, 'must be at least 2ms')

export const dns = {
  dns_lookup_family: z
    .enum(['AUTO', 'V4_ONLY', 'V6_ONLY', 'V4_PREFERRED', 'ALL'])
    .default('V4_PREFERRED')
    .meta({
      description: 'Which addresses of an upstream are used. Envoy `Cluster.dns_lookup_family`.',
    }),
  dns_refresh_rate: DnsRate.optional().meta({
    description:
      'Time between look-ups where the record has no TTL. Envoy `Cluster.dns_refresh_rate`. Unset: 5s.',
  }),
  dns_failure_refresh_rate: DnsRate.optional().meta({
    description:
      'Time until a failed look-up is repeated. Envoy `Cluster.dns_failure_refresh_rate.base_interval`. Unset: dns_refresh_rate.',
  }),
  dns_query_timeout: PositiveDuration.optional().meta({
    description:
      'Longest wait for one query. Envoy `CaresDnsResolverConfig.query_timeout_seconds`, so whole seconds. Unset: 5s.',
  }),
  dns_query_tries: Uint32.min(1).optional().meta({
    description: 'Queries before a look-up fails. Envoy `CaresDnsResolverConfig.query_tries`. Unset: 4.',
  }),
  dns_udp_max_queries: Uint32.default(100).meta({
    description:
      'Queries over one UDP socket before a new one is opened; 0 is no limit. Envoy `CaresDnsResolverConfig.udp_max_queries`.',
  }),
  dns_use_tcp: z.boolean().optional().meta({
    description: 'Asks over TCP only. Envoy `DnsResolverOptions.use_tcp_for_dns_lookups`. Unset: false.',
  }),
  dns_resolvers: z
    .array(DnsResolver)
    .min(1)
    .optional()
    .meta({
      description: 'DNS servers. Envoy `CaresDnsResolverConfig.resolvers`. Unset: those of the system.',
      examples: [['udp://1.1.1.1:53']],
    }),
}
