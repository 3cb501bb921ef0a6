/**
 * The HTTP connection manager of the edge: what a request must look like to be let in at all, and the filters
 * it then passes, in the order that security depends on.
 *
 * What the path rules of a policy judge must be what the upstream gets, so paths are normalised here, before
 * anything looks at them. The check then refuses forms that two programs may read differently.
 *
 * @see "Configuring Envoy as an edge proxy" in Envoy's documentation
 * @module
 */

import type { Settings } from '../../../config/config.ts'
import { PLAIN_AUTHORITY } from '../../../config/values/host-name.ts'
import { REPORT_EVERY_MS } from '../../../edge/open-requests.ts'
import {
  duration,
  extension,
  type Fields,
  FROM_ADS_FOR_SURE,
  KEEP_HEADER_CASE,
  setHeader,
} from '../envoy-json.ts'
import { AUTHZ_CLUSTER, REDIRECT_CONFIGURATION, ROUTE_CONFIGURATION } from '../names.ts'
import { impersonateGroups } from '../routes/kubernetes.ts'
import { cookieBytes, withoutOurSetCookies } from '../routes/own-cookies.ts'
import { requestedPath } from '../routes/requested-path.ts'
import { RESPONSE_HEADER_LUA } from '../routes/response-headers.ts'
import { retryOfChecks } from '../routes/retries.ts'
import { accessLog, openRequestReports } from './access-log.ts'
import { withoutClientHeaders } from './client-headers.ts'
import { asksForCertificates, CERTIFICATE_HEADER, forwardedCertificate } from './client-validation.ts'
import { localReplies } from './local-replies.ts'
import { supervision } from './supervision.ts'

/**
 * Twice what the check lets pass: it refuses with 431 and a sentence, in HTTP/2 too, where Envoy's own
 * refusal of more is a broken stream. All of it is carried to the check, and held per stream.
 */
const MAX_REQUEST_HEADERS_KB = 96
const MAX_HEADERS = 1000

/** A request line and headers come in one go; who needs longer is holding connections open. */
const REQUEST_HEADERS_TIMEOUT_MS = 10_000

const DELAYED_CLOSE_MS = 50

const HTTP_PACKAGE = 'envoy.extensions.filters.http'

/**
 * Envoy has this setting for all routes of a listener, so they are kept here, and the check rejects them on
 * all routes but those with `allow_escaped_slashes`. Its answer is a page, and the log has the path as it
 * came.
 */
const slashesAction = ({ path_with_escaped_slashes_action: action }: Settings): string =>
  action === 'REJECT_REQUEST' ? 'KEEP_UNCHANGED' : action

/** Settings that all HTTP listeners share. */
function edgeOptions(settings: Settings): Fields {
  return {
    codec_type: { auto: 'AUTO', http1: 'HTTP1', http2: 'HTTP2' }[settings.codec_type],
    use_remote_address: true,
    skip_xff_append: settings.skip_xff_append,
    xff_num_trusted_hops: settings.xff_num_trusted_hops,
    // No client is "internal", or it could steer Envoy by x-envoy-* headers. An empty list would mean Envoy's
    // default.
    internal_address_config: { cidr_ranges: [{ address_prefix: '0.0.0.0', prefix_len: 32 }] },
    normalize_path: settings.normalize_path,
    merge_slashes: settings.merge_slashes,
    path_with_escaped_slashes_action: slashesAction(settings),
    strip_trailing_host_dot: true,
    // No Server header of the upstream or of Envoy: see RouteConfiguration.response_headers_to_remove.
    server_header_transformation: 'PASS_THROUGH',
    max_request_headers_kb: MAX_REQUEST_HEADERS_KB,
    request_timeout: duration(settings.timeout_read),
    request_headers_timeout: duration(REQUEST_HEADERS_TIMEOUT_MS),
    stream_idle_timeout: duration(settings.timeout_idle),
    // A client of HTTP/1.1 learns only then that its stream was ended. Never 0: one that does not read would
    // keep its connection for ever.
    delayed_close_timeout: duration(DELAYED_CLOSE_MS),
    common_http_protocol_options: {
      idle_timeout: duration(settings.timeout_idle),
      ...(settings.timeout_write === 0 ? {} : { max_stream_duration: duration(settings.timeout_write) }),
      max_headers_count: MAX_HEADERS,
      headers_with_underscores_action: settings.headers_with_underscores_action,
    },
    http_protocol_options: {
      ...KEEP_HEADER_CASE,
      // What nginx speaks to its upstreams unless told otherwise. Envoy then takes any odd version for 1.0.
      accept_http_10: settings.insecure_server,
      // Over HTTP/2 they pass anyway: Vault's LIST, and what is still to be invented.
      allow_custom_methods: true,
    },
    http2_protocol_options: {
      max_concurrent_streams: 100,
      initial_stream_window_size: 65_536,
      initial_connection_window_size: 1_048_576,
    },
    // The decision id, in every answer, so that a user can quote it.
    always_set_request_id_in_response: true,
    local_reply_config: localReplies(settings.authenticate_service_url !== undefined),
    access_log: [accessLog(settings)],
  }
}

/**
 * How users reach an app is what `from` says, whoever ends TLS: a proxy before us that speaks plain HTTP to
 * us must not make apps write links to http, or set cookies without `Secure`.
 */
const HTTPS_OUTSIDE: Fields = { append: setHeader('x-forwarded-proto', 'https') }

/** Before anything that could take a part of the host for the whole. */
const refuseOddForms: Fields = extension('envoy.filters.http.rbac', `${HTTP_PACKAGE}.rbac.v3.RBAC`, {
  rules: {
    action: 'DENY',
    policies: {
      'odd-host': anybodyWith({
        not_rule: {
          header: { name: ':authority', string_match: { safe_regex: { regex: PLAIN_AUTHORITY } } },
        },
      }),
    },
  },
})

function anybodyWith(permission: Fields): Fields {
  return { permissions: [permission], principals: [{ any: true }] }
}

/** The filters of a protected request. Identity that a client claims is gone before anybody judges it. */
function filters(settings: Settings): readonly Fields[] {
  return [
    withoutClientHeaders(asksForCertificates(settings) ? [CERTIFICATE_HEADER] : [], [HTTPS_OUTSIDE]),
    refuseOddForms,
    extension('envoy.filters.http.ext_authz', `${HTTP_PACKAGE}.ext_authz.v3.ExtAuthz`, {
      transport_api_version: 'V3',
      grpc_service: {
        envoy_grpc: { cluster_name: AUTHZ_CLUSTER },
        timeout: duration(settings.grpc_client_timeout),
        retry_policy: retryOfChecks(settings.grpc_client_timeout),
      },
      failure_mode_allow: false,
      // Becomes 503 in local-replies.ts, which can tell it from the 503 of a decision by that.
      status_on_error: { code: 'GatewayTimeout' },
      validate_mutations: true,
      clear_route_cache: false,
      include_peer_certificate: false,
      // Byte by byte and line by line: joined lines could not be told from a comma that somebody has put in.
      encode_raw_headers: true,
    }),
    {
      ...extension('envoy.filters.http.lua', `${HTTP_PACKAGE}.lua.v3.Lua`, {
        default_source_code: { inline_string: RESPONSE_HEADER_LUA },
        clear_route_cache: false,
      }),
      // Only routes with rewrite_response_headers pay for it.
      disabled: true,
    },
    impersonateGroups,
    cookieBytes,
    withoutOurSetCookies(settings),
    requestedPath,
    supervision,
    extension('envoy.filters.http.router', `${HTTP_PACKAGE}.router.v3.Router`, {
      suppress_envoy_headers: true,
    }),
  ]
}

const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'

export function mainConnectionManager(settings: Settings): Fields {
  return extension('envoy.filters.network.http_connection_manager', HCM, {
    stat_prefix: 'main',
    ...edgeOptions(settings),
    access_log: [accessLog(settings), openRequestReports],
    access_log_options: { access_log_flush_interval: duration(REPORT_EVERY_MS) },
    // Redirects of routes, and the scheme that the check and HTTP/2 upstreams are told.
    scheme_header_transformation: { scheme_to_overwrite: 'https' },
    ...(asksForCertificates(settings) ? forwardedCertificate : {}),
    rds: { config_source: FROM_ADS_FOR_SURE, route_config_name: ROUTE_CONFIGURATION },
    http_filters: filters(settings),
  })
}

/** Its routes are in `redirect-routes.ts`. */
export function redirectConnectionManager(settings: Settings): Fields {
  return extension('envoy.filters.network.http_connection_manager', HCM, {
    stat_prefix: 'http_redirect',
    ...edgeOptions(settings),
    codec_type: 'AUTO',
    // The port of the Host header is that of this listener, not the one to go to.
    strip_any_host_port: true,
    rds: { config_source: FROM_ADS_FOR_SURE, route_config_name: REDIRECT_CONFIGURATION },
    http_filters: [
      withoutClientHeaders([]),
      refuseOddForms,
      extension('envoy.filters.http.router', `${HTTP_PACKAGE}.router.v3.Router`),
    ],
  })
}
