/**
 * Health checks and outlier detection: Envoy's own messages in its JSON form, limited to what can be checked
 * here.
 *
 * @module
 */

import { z } from 'zod'
import { Duration, PositiveDuration } from '../../values/duration.ts'
import { ChangeableHeaderName, HeaderValue } from '../../values/header.ts'
import { Authority } from '../../values/host-name.ts'
import { Uint32 } from '../shared-keys.ts'

const Percent = z.int().min(0).max(100)

/** Bytes of a probe, in the two spellings of Envoy's `HealthCheck.Payload`. */
const Payload = z
  .strictObject({
    text: z
      .string()
      .regex(/^(?:[0-9a-fA-F]{2})+$/, 'must be bytes in hexadecimal, such as "70696e67" for "ping"')
      .optional()
      .meta({ description: 'Bytes in hexadecimal.' }),
    binary: z.base64().min(1).optional().meta({ description: 'Bytes in base64.' }),
  })
  .refine(
    (payload) => (payload.text === undefined) !== (payload.binary === undefined),
    'needs one of text and binary',
  )

const StatusRange = z
  .strictObject({
    start: z.int().min(100).max(599).meta({ description: 'First status of the range.' }),
    end: z.int().min(101).max(600).meta({ description: 'End of the range; not part of it.' }),
  })
  .refine((range) => range.start < range.end, 'start must be below end, and end is not part of the range')

const HttpMethod = z.enum(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'])

const HttpHealthCheck = z.strictObject({
  host: Authority.optional().meta({
    description: 'Host header of the probe; unset: the name of the cluster.',
  }),
  path: HeaderValue.min(1).meta({ description: 'Path of the probe.', examples: ['/healthz'] }),
  method: HttpMethod.optional().meta({ description: 'Method of the probe; unset: GET.' }),
  send: Payload.optional().meta({ description: 'Body of the probe; its method must allow one.' }),
  receive: z
    .array(Payload)
    .optional()
    .meta({ description: 'Bytes that must occur in the answer, in this order.' }),
  response_buffer_size: z
    .int()
    .min(0)
    .max(4_294_967_295)
    .optional()
    .meta({ description: 'Bytes of the answer that are looked at.' }),
  expected_statuses: z
    .array(StatusRange)
    .optional()
    .meta({ description: 'Statuses that count as healthy; unset: 200.' }),
  retriable_statuses: z.array(StatusRange).optional().meta({
    description: 'Statuses that count towards `unhealthy_threshold` instead of failing at once.',
  }),
  codec_client_type: z
    .enum(['HTTP1', 'HTTP2'])
    .optional()
    .meta({ description: 'HTTP version of the probe; unset: HTTP1.' }),
  request_headers_to_remove: z
    .array(ChangeableHeaderName)
    .optional()
    .meta({ description: 'Headers taken off the probe.' }),
})

const TcpHealthCheck = z.strictObject({
  send: Payload.optional().meta({
    description: 'Bytes that are sent; unset: connecting is the whole probe.',
  }),
  receive: z.array(Payload).optional().meta({ description: 'Bytes that must come back, in this order.' }),
})

const GrpcHealthCheck = z.strictObject({
  service_name: z.string().optional().meta({ description: 'Service asked for by `grpc.health.v1.Health`.' }),
  authority: Authority.optional().meta({
    description: ':authority of the probe; unset: the name of the cluster.',
  }),
})

/** Envoy's `config.core.v3.HealthCheck`. */
export const HealthCheck = z
  .strictObject({
    timeout: PositiveDuration.meta({ description: 'How long one probe may take.', examples: ['1s'] }),
    interval: PositiveDuration.meta({ description: 'Time between probes.', examples: ['10s'] }),
    unhealthy_threshold: Uint32.meta({
      description: 'Failed probes in a row that take an upstream out.',
      examples: [3],
    }),
    healthy_threshold: Uint32.meta({
      description: 'Good probes in a row that bring it back.',
      examples: [2],
    }),
    initial_jitter: Duration.optional().meta({
      description: 'Random wait before the first probe, at most this.',
    }),
    interval_jitter: Duration.optional().meta({
      description: 'Random addition to each interval, at most this.',
    }),
    interval_jitter_percent: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .meta({ description: 'The same, in per cent of the interval.' }),
    reuse_connection: z
      .boolean()
      .optional()
      .meta({ description: 'Whether probes share a connection; unset: true.' }),
    no_traffic_interval: PositiveDuration.optional().meta({
      description: 'Interval while the cluster had no traffic; unset: 60s.',
    }),
    no_traffic_healthy_interval: PositiveDuration.optional().meta({
      description: 'The same, once an upstream was found healthy.',
    }),
    unhealthy_interval: PositiveDuration.optional().meta({
      description: 'Interval while an upstream is unhealthy.',
    }),
    unhealthy_edge_interval: PositiveDuration.optional().meta({
      description: 'Interval right after it became unhealthy.',
    }),
    healthy_edge_interval: PositiveDuration.optional().meta({
      description: 'Interval right after it became healthy.',
    }),
    always_log_health_check_failures: z
      .boolean()
      .optional()
      .meta({ description: 'Log each failed probe, not only the first.' }),
    http_health_check: HttpHealthCheck.optional().meta({ description: 'Probe by an HTTP request.' }),
    tcp_health_check: TcpHealthCheck.optional().meta({ description: 'Probe by a TCP connection.' }),
    grpc_health_check: GrpcHealthCheck.optional().meta({
      description: 'Probe by the gRPC health protocol; the upstream must speak HTTP/2 (h2c or https).',
    }),
  })
  .refine(
    (check) =>
      [check.http_health_check, check.tcp_health_check, check.grpc_health_check].filter(
        (probe) => probe !== undefined,
      ).length === 1,
    'needs exactly one of http_health_check, tcp_health_check and grpc_health_check',
  )

/** Envoy's `config.cluster.v3.OutlierDetection`. */
export const OutlierDetection = z.strictObject({
  consecutive_5xx: Uint32.optional().meta({
    description: '5xx answers in a row that eject an upstream; unset: 5.',
  }),
  interval: PositiveDuration.optional().meta({ description: 'Time between sweeps; unset: 10s.' }),
  base_ejection_time: PositiveDuration.optional().meta({
    description: 'Time out for the first ejection, times the number of ejections; unset: 30s.',
  }),
  max_ejection_time: PositiveDuration.optional().meta({
    description: 'Longest time out; unset: 300s or base_ejection_time.',
  }),
  max_ejection_time_jitter: Duration.optional().meta({
    description: 'Random addition to the time out; unset: 0s.',
  }),
  max_ejection_percent: Percent.optional().meta({
    description: 'Share of upstreams that may be out, per cent; unset: 10.',
  }),
  always_eject_one_host: z
    .boolean()
    .optional()
    .meta({ description: 'Eject one upstream whatever that share says.' }),
  enforcing_consecutive_5xx: Percent.optional().meta({
    description: 'Chance that such a row ejects, per cent; unset: 100.',
  }),
  consecutive_gateway_failure: Uint32.optional().meta({
    description: '502, 503, 504 in a row that eject; unset: 5.',
  }),
  enforcing_consecutive_gateway_failure: Percent.optional().meta({
    description: 'Chance that such a row ejects; unset: 0.',
  }),
  enforcing_success_rate: Percent.optional().meta({
    description: 'Chance that a poor success rate ejects; unset: 100.',
  }),
  success_rate_minimum_hosts: Uint32.optional().meta({
    description: 'Upstreams needed to compare success rates; unset: 5.',
  }),
  success_rate_request_volume: Uint32.optional().meta({
    description: 'Requests per sweep needed for that; unset: 100.',
  }),
  success_rate_stdev_factor: Uint32.optional().meta({
    description: 'Standard deviations, times 1000, below the mean that eject; unset: 1900.',
  }),
  split_external_local_origin_errors: z.boolean().optional().meta({
    description: 'Count connection failures apart from error answers; unset: false.',
  }),
  consecutive_local_origin_failure: Uint32.optional().meta({
    description: 'Connection failures in a row that eject; unset: 5.',
  }),
  enforcing_consecutive_local_origin_failure: Percent.optional().meta({
    description: 'Chance that such a row ejects; unset: 100.',
  }),
  enforcing_local_origin_success_rate: Percent.optional().meta({
    description: 'Chance that a poor rate of them ejects; unset: 100.',
  }),
  failure_percentage_threshold: Percent.optional().meta({
    description: 'Failures, per cent, that eject; unset: 85.',
  }),
  enforcing_failure_percentage: Percent.optional().meta({
    description: 'Chance that this share ejects; unset: 0.',
  }),
  enforcing_failure_percentage_local_origin: Percent.optional().meta({
    description: 'The same for connection failures; unset: 0.',
  }),
  failure_percentage_minimum_hosts: Uint32.optional().meta({
    description: 'Upstreams needed to look at shares; unset: 5.',
  }),
  failure_percentage_request_volume: Uint32.optional().meta({
    description: 'Requests per sweep needed for that; unset: 50.',
  }),
  successful_active_health_check_uneject_host: z.boolean().optional().meta({
    description: 'A good health check ends the time out; unset: true.',
  }),
})
