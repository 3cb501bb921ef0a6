/**
 * Keys that are part of the configuration language but not (or no longer) of this version, and what to do
 * instead.
 *
 * A key that is neither here nor in the schema is unknown, which is another message: it may be a slip of the
 * pen.
 *
 * @module
 */

export interface Unsupported {
  /** `later`: will come; `never`: another way is meant to be used. */
  readonly when: 'later' | 'never'
  readonly instead: string
}

export type Table = Readonly<Record<string, Unsupported>>

function all(keys: string, when: Unsupported['when'], instead: string): Table {
  return Object.fromEntries(keys.split(/\s+/).map((key) => [key, { when, instead }]))
}

const DATABROKER = 'sessions are kept in a local database beside the config file; remove the key'
const ONE_PROCESS = 'all services run in one process; remove the key'
const MANAGED_ENVOY = 'Envoy is driven over private sockets; remove the key'

export const UNSUPPORTED_SETTINGS: Table = {
  ...all(
    'grpc_address grpc_insecure authenticate_internal_service_url override_certificate_name tls_derive',
    'later',
    ONE_PROCESS,
  ),
  ...all('authorize_service_url authorize_service_urls authorize_internal_service_url', 'later', ONE_PROCESS),
  ...all(
    'databroker_service_url databroker_service_urls databroker_internal_service_url databroker_storage_type databroker_storage_connection_string databroker_storage_connection_string_file databroker_cluster_node_id databroker_cluster_nodes databroker_cluster_leader_id databroker_raft_bind_address',
    'later',
    DATABROKER,
  ),
  ...all(
    'envoy_admin_address envoy_admin_access_log_path envoy_admin_profile_path debug_address',
    'later',
    MANAGED_ENVOY,
  ),
  ...all(
    'envoy_bind_config_source_address envoy_bind_config_freebind envoy_dynamic_extensions',
    'later',
    MANAGED_ENVOY,
  ),
  ...all('health_check_systemd_disabled installation_id', 'later', 'remove the key'),
  ...all(
    'autocert autocert_ca autocert_email autocert_dir autocert_use_staging autocert_must_staple autocert_eab_key_id autocert_eab_mac_key autocert_trusted_ca autocert_trusted_ca_file',
    'later',
    'name certificate files under `certificates`; a renewed file is picked up at once',
  ),
  ...all('blob_storage session_recording_concurrency', 'later', 'sessions are not recorded; remove the key'),
  ...all(
    'otel_traces_exporter otel_exporter_otlp_endpoint otel_exporter_otlp_protocol otel_exporter_otlp_headers otel_exporter_otlp_timeout otel_exporter_otlp_traces_endpoint otel_exporter_otlp_traces_protocol otel_exporter_otlp_traces_headers otel_exporter_otlp_traces_timeout otel_traces_sampler_arg otel_resource_attributes otel_bsp_schedule_delay otel_bsp_max_export_batch_size otel_log_level otel_attribute_value_length_limit',
    'later',
    'traces are not exported; remove the key',
  ),
  ...all(
    'metrics_basic_auth metrics_certificate metrics_certificate_file metrics_certificate_key metrics_certificate_key_file metrics_client_ca metrics_client_ca_file',
    'later',
    'bind `metrics_address` to a loopback or private address',
  ),
  ...all('proxy_log_level', 'later', 'use `log_level`'),
  ...all(
    'ssh_address ssh_host_keys ssh_host_key_files ssh_user_ca_key ssh_user_ca_key_file ssh_rls_enabled ssh_rls_additional_entries',
    'later',
    'SSH is not served; remove the key',
  ),
  ...all(
    'mcp_allowed_client_id_domains mcp_allowed_as_metadata_domains',
    'later',
    'MCP is not served; remove the key',
  ),
  ...all('policy_file', 'never', 'put the routes under `routes`'),
  ...all('cookie_secure', 'never', 'cookies are always Secure; remove the key'),
  ...all('authenticate_callback_path', 'never', 'the callback is always `/oauth2/callback`; remove the key'),
  ...all(
    'forward_auth_url',
    'never',
    'let Envoy serve the app by a route of its own; there is no forward-auth mode',
  ),
  ...all('lb_policy', 'never', 'use `load_balancing_policy` on a route'),
  ...all('headers', 'never', 'use `set_response_headers`'),
  ...all('signing_key_algorithm', 'never', 'the algorithm follows from the key; remove the key'),
  ...all(
    'idp_service_account idp_refresh_directory_interval idp_refresh_directory_timeout',
    'never',
    'groups come from the claims of the identity provider and from the sources of `directory`',
  ),
  ...all('client_ca client_ca_file', 'never', 'use `ca` or `ca_file` of `downstream_mtls`'),
  ...all('client_crl client_crl_file', 'never', 'use `crl` or `crl_file` of `downstream_mtls`'),
  ...all('idp_qps', 'never', 'identity providers are asked as seldom as they allow; remove the key'),
  ...all(
    'always_log_health_check_success',
    'never',
    'health checks that succeed are not logged; remove the key',
  ),
  ...all('administrators', 'never', 'use policies; there are no administrators in the file'),
  ...all('pomerium_debug', 'never', 'use `log_level: debug`'),
  ...all(
    'tracing_provider tracing_sample_rate tracing_otlp_endpoint tracing_otlp_protocol tracing_datadog_address tracing_jaeger_collector_endpoint tracing_jaeger_agent_endpoint tracing_zipkin_endpoint',
    'never',
    'remove the key; traces will be set by the OpenTelemetry keys',
  ),
}

export const UNSUPPORTED_ROUTE_KEYS: Table = {
  ...all('mcp', 'later', 'MCP routes are not served; remove the key to serve the upstream as plain HTTP'),
  ...all('upstream_tunnel', 'later', 'name an upstream under `to`'),
  ...all('session_recording', 'later', 'sessions are not recorded; remove the key'),
  ...all('stat_name', 'later', 'use `name`'),
  ...all('id', 'never', 'the id is made from the route itself; remove the key'),
  ...all('allowed_groups', 'never', 'use `policy` with the criterion `groups`, or `allowed_idp_claims`'),
  ...all('source', 'never', 'use `from`'),
  ...all('lb_policy', 'never', 'use `load_balancing_policy`'),
  ...all('lb_config', 'never', 'only `load_balancing_policy` can be chosen; remove the key'),
  ...all(
    'set_authorization_header',
    'never',
    'use `pass_idp_token`, or `set_request_headers` with `$pomerium.access_token`, `$pomerium.id_token` or `$pomerium.jwt`',
  ),
  ...all('destination', 'never', 'use `to`'),
}

/** Of a named policy. */
export const UNSUPPORTED_POLICY_KEYS: Table = {
  ...all('rego', 'never', 'write the rules into `policy`; there is no second language beside it'),
  ...all('source_ppl ppl', 'never', 'write the rules into `policy`'),
}

export const UNSUPPORTED_RUNTIME_FLAGS: Table = all(
  'add_extra_metrics_labels allow_any_sign_out_redirect_uri authorize_use_synced_data config_hot_reload debug_admin_endpoints envoy_resource_manager grpc_databroker_keepalive mcp mcp_dynamic_client_registration pomerium_jwt_endpoint refresh_session_at_id_token_expiration routes_portal set_envoy_concurrency_to_go_max_procs ssh_allow_direct_tcpip ssh_routes_portal ssh_upstream_tunnel',
  'later',
  'remove the flag',
)

const OTHER_PROVIDERS: Table = {
  ...all('hosted', 'never', 'there is no hosted sign-in; run your own provider and use `oidc`'),
}

const OTHER_SERVICES: Table = all(
  'authenticate authorize databroker cache proxy',
  'later',
  'use `all`, or remove the key',
)

/** Values of a key that are known but not supported, by key. */
export const UNSUPPORTED_VALUES: Readonly<Record<string, Table>> = {
  codec_type: all('http3', 'later', 'use `auto`'),
  idp_provider: OTHER_PROVIDERS,
  provider: OTHER_PROVIDERS,
  services: OTHER_SERVICES,
}

/** Values that ask for nothing, or for what is done anyway: such a key is passed over. */
const HARMLESS: Readonly<Record<string, readonly unknown[]>> = {
  always_log_health_check_success: [false],
  autocert: [false],
  autocert_use_staging: [false],
  autocert_must_staple: [false],
  cookie_secure: [true],
  databroker_storage_type: ['memory'],
  envoy_bind_config_freebind: [false],
  grpc_insecure: [true],
  health_check_systemd_disabled: [true],
  pomerium_debug: [false],
  ssh_rls_enabled: [false],
  allow_any_sign_out_redirect_uri: [false],
  config_hot_reload: [true],
  debug_admin_endpoints: [false],
  mcp: [false],
  mcp_dynamic_client_registration: [false],
  pomerium_jwt_endpoint: [false],
  routes_portal: [true],
  ssh_allow_direct_tcpip: [false],
  ssh_routes_portal: [false],
  ssh_upstream_tunnel: [false],
}

/** The keys without those that ask for nothing; the very same object when there are none. */
export function withoutHarmless(raw: Readonly<Record<string, unknown>>, table: Table): typeof raw {
  const isIdle = (key: string) =>
    Object.hasOwn(table, key) && Object.hasOwn(HARMLESS, key) && HARMLESS[key]?.includes(raw[key]) === true
  return Object.keys(raw).some(isIdle)
    ? Object.fromEntries(Object.entries(raw).filter(([key]) => !isIdle(key)))
    : raw
}

/** The sentence after the name of the key or value. */
export function unsupportedMessage({ when, instead }: Unsupported): string {
  return `${when === 'later' ? 'is not supported yet' : 'is not supported'}: ${instead}`
}
