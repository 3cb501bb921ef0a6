/**
 * How a cluster treats sick upstreams: health checks, outlier detection, circuit breakers.
 *
 * The configuration has Envoy's own messages, with durations in milliseconds.
 *
 * @module
 */

import type { HealthCheck, OutlierDetection, Route, Settings } from '../config/config.ts'
import { duration, type Fields } from './envoy-json.ts'

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

function circuitBreakersOf(route: Route, settings: Settings): Fields {
  const thresholds = { ...settings.circuit_breaker_thresholds, ...route.circuit_breaker_thresholds }
  return Object.keys(thresholds).length === 0 ? {} : { circuit_breakers: { thresholds: [thresholds] } }
}

export function resilienceOf(route: Route, settings: Settings): Fields {
  const checks = route.health_checks ?? []
  return {
    ...circuitBreakersOf(route, settings),
    ...(checks.length === 0
      ? {}
      : {
          health_checks: checks.map(inEnvoyForm),
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
