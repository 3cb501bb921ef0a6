/**
 * How a cluster treats sick upstreams: health checks, outlier detection, circuit breakers.
 *
 * The configuration has Envoy's own messages, with durations in milliseconds.
 *
 * @module
 */

import type { HealthCheck, OutlierDetection, Route, Settings } from '../../../config/config.ts'
import {
  mayLastForEver,
  requestLimitOf,
  thresholdsOf,
  usualLimitOf,
} from '../../../config/keys/upstream/request-limits.ts'
import { duration, type Fields } from '../envoy-json.ts'

const UINT32_MAX = 4_294_967_295

const DURATIONS: ReadonlySet<string> = new Set([
  'timeout',
  'interval',
  'initial_jitter',
  'interval_jitter',
  'no_traffic_interval',
  'no_traffic_healthy_interval',
  'unhealthy_interval',
  'unhealthy_edge_interval',
  'healthy_edge_interval',
  'base_ejection_time',
  'max_ejection_time',
  'max_ejection_time_jitter',
] satisfies (keyof HealthCheck | keyof OutlierDetection)[])

/** The message with its own durations in Envoy's form; none of ours has a duration deeper down. */
function inEnvoyForm(message: HealthCheck | OutlierDetection): Fields {
  return Object.fromEntries(
    Object.entries(message).map(([key, value]) => [
      key,
      DURATIONS.has(key) && typeof value === 'number' ? duration(value) : value,
    ]),
  ) as Fields
}

/**
 * The cluster offers what requests speak in its handshakes. A server would take a probe that speaks another
 * for garbage.
 */
const probeOf = (check: HealthCheck): Fields => ({
  ...inEnvoyForm(check),
  ...(check.http_health_check === undefined
    ? {}
    : {
        tls_options: {
          alpn_protocols: [check.http_health_check.codec_client_type === 'HTTP2' ? 'h2' : 'http/1.1'],
        },
      }),
})

/**
 * The limit of requests is reached before that of connections, because Envoy answers 503 at once for the
 * first and lets requests wait for the second.
 *
 * Where streams may last for ever that wait would have no end. There a limit of connections, of which each
 * stream has one, counts as a limit of requests.
 */
function circuitBreakersOf(route: Route, settings: Settings): Fields {
  const wanted = thresholdsOf(route, settings)
  const usual = usualLimitOf(route, settings)
  const isStrict = wanted.max_connections !== undefined && !mayLastForEver(route, settings)
  const requests = requestLimitOf(route, settings)
  const pending = wanted.max_pending_requests ?? usual
  return {
    circuit_breakers: {
      thresholds: [
        {
          max_connections: isStrict ? wanted.max_connections : Math.min(requests + pending, UINT32_MAX),
          max_pending_requests: pending,
          max_requests: requests,
          max_retries: wanted.max_retries ?? usual,
          ...(wanted.max_connection_pools === undefined
            ? {}
            : { max_connection_pools: wanted.max_connection_pools }),
        },
      ],
    },
  }
}

export function resilienceOf(route: Route, settings: Settings): Fields {
  const checks = route.health_checks ?? []
  return {
    ...circuitBreakersOf(route, settings),
    ...(checks.length === 0
      ? {}
      : {
          health_checks: checks.map(probeOf),
          // Otherwise an upstream taken out of the file is used on for as long as it is healthy.
          ignore_health_on_host_removal: true,
        }),
    ...(route.outlier_detection === undefined
      ? {}
      : { outlier_detection: inEnvoyForm(route.outlier_detection) }),
    ...(route.healthy_panic_threshold === undefined
      ? {}
      : { common_lb_config: { healthy_panic_threshold: { value: route.healthy_panic_threshold } } }),
  }
}
