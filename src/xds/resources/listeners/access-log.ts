/**
 * The access log: one JSON line per request on Envoy's standard output, in the shape of our own log lines.
 *
 * @module
 */

import type { Settings } from '../../../config/config.ts'
import { isCredentialHeader } from '../../../config/values/secret-headers.ts'
import {
  MARK_KEY,
  MARK_NAMESPACE,
  REPORT_EVERY_MS,
  REPORTS_WAIT_MS,
  TOLD_AT_ONCE,
} from '../../../edge/open-requests.ts'
import { duration, extension, type Fields } from '../envoy-json.ts'
import { AUTHZ_CLUSTER } from '../names.ts'
import { REQUESTED_PATH } from '../routes/requested-path.ts'

/** Field → Envoy's command operator. Query strings may hold secrets, so only `query` brings one. */
const OPERATORS: Readonly<Record<string, string | Fields>> = {
  'upstream-cluster': '%UPSTREAM_CLUSTER%',
  'cluster-stat-name': '%UPSTREAM_CLUSTER%',
  'client-certificate': {
    fingerprint: '%DOWNSTREAM_PEER_FINGERPRINT_256%',
    subject: '%DOWNSTREAM_PEER_SUBJECT%',
    issuer: '%DOWNSTREAM_PEER_ISSUER%',
    serial: '%DOWNSTREAM_PEER_SERIAL%',
  },
  method: '%REQ(:METHOD)%',
  authority: '%REQ(X-FORWARDED-HOST?:AUTHORITY)%',
  path: REQUESTED_PATH,
  query: '%QUERY_PARAMS%',
  'user-agent': '%REQ(USER-AGENT)%',
  referer: '%REQ_WITHOUT_QUERY(REFERER)%',
  'forwarded-for': '%REQ(X-FORWARDED-FOR)%',
  ip: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  // What was refused too early to have been given one has the one of its answer.
  'request-id':
    '%COALESCE({"operators":[{"command":"REQ","param":"x-request-id"},{"command":"RESP","param":"x-request-id"}]})%',
  duration: '%DURATION%',
  size: '%BYTES_SENT%',
  'response-code': '%RESPONSE_CODE%',
  'response-code-details': '%RESPONSE_CODE_DETAILS%',
}

const HEADER_FIELD = /^headers\.([\w-]+)$/

function operatorOf(field: string): string | Fields | undefined {
  const header = HEADER_FIELD.exec(field)?.[1]
  if (header === undefined) return OPERATORS[field]
  // Here a request has the headers that the upstream gets, tokens among them.
  return isCredentialHeader(header.toLowerCase()) ? '[secret]' : `%REQ(${header.toUpperCase()})%`
}

export function accessLog(settings: Settings): Fields {
  const fields = settings.access_log_fields.flatMap((field) => {
    const operator = operatorOf(field)
    return operator === undefined ? [] : [[field, operator]]
  })
  return {
    // One line a request, when it has ended, however often it is reported before.
    filter: { log_type_filter: { types: ['DownstreamPeriodic'], exclude: true } },
    ...extension('stdout', 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
      log_format: {
        json_format: {
          level: 'info',
          time: '%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%',
          msg: 'http-request',
          ...Object.fromEntries(fields),
        },
        formatters: [
          extension('req_without_query', 'envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery'),
        ],
      },
    }),
  }
}

const markIs = (value: Fields): Fields => ({
  metadata_filter: {
    matcher: { filter: MARK_NAMESPACE, path: [{ key: MARK_KEY }], value },
    match_if_key_not_found: false,
  },
})

/**
 * Periodic ones come when a request is as old; a clock that is a little behind must not leave out the first.
 */
const LONG_MS = REPORT_EVERY_MS * 0.9

const isLong: Fields = {
  duration_filter: {
    comparison: { op: 'GE', value: { default_value: LONG_MS, runtime_key: 'open_requests.unused' } },
  },
}

const REPORTS_BYTES = 16_384

/**
 * Reports of open requests to those who count them; see edge/open-requests.ts. Most requests are not reported
 * at all.
 */
export const openRequestReports: Fields = {
  filter: {
    or_filter: {
      filters: [
        markIs({ string_match: { prefix: TOLD_AT_ONCE } }),
        { and_filter: { filters: [isLong, markIs({ present_match: true })] } },
      ],
    },
  },
  ...extension(
    'envoy.access_loggers.open_telemetry',
    'envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig',
    {
      // Envoy 1.40 takes the wait and the size from here alone, though it calls this place deprecated.
      common_config: {
        log_name: 'open-requests',
        transport_api_version: 'V3',
        grpc_service: { envoy_grpc: { cluster_name: AUTHZ_CLUSTER } },
        buffer_flush_interval: duration(REPORTS_WAIT_MS),
        buffer_size_bytes: REPORTS_BYTES,
      },
      disable_builtin_labels: true,
      body: { string_value: `%ACCESS_LOG_TYPE% %DYNAMIC_METADATA(${MARK_NAMESPACE}:${MARK_KEY})%` },
    },
  ),
}
