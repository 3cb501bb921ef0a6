/**
 * The access log: one JSON line per request on Envoy's standard output, in the shape of our own log lines.
 *
 * @module
 */

import type { Settings } from '../../../config/config.ts'
import { isCredentialHeader } from '../../../config/values/secret-headers.ts'
import { extension, type Fields } from '../envoy-json.ts'

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
  path: '%PATH(NQ:ORIG_OR_PATH)%',
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
  return extension('stdout', 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
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
  })
}
