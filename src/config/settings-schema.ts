/**
 * The global keys, by topic. What a single key may hold is said here; what holds between keys is in rules.ts.
 *
 * @module
 */

import { z } from 'zod'
import { DnsResolver, ListenAddress } from './address.ts'
import { Duration, PositiveDuration } from './duration.ts'
import { HEADER_NAME } from './header.ts'
import { isHostName } from './host-name.ts'
import { AccessLogFields, AuthorizeLogFields } from './log-fields.ts'
import { FilePath, SecretText } from './reference.ts'
import { sharedKeys, Uint32 } from './shared-keys.ts'

const HttpsOrigin = z.string().superRefine((text, context) => {
  const url = URL.parse(text)
  const wrong =
    url === null
      ? `"${text}" is not a URL; write "https://authenticate.example.com"`
      : url.protocol !== 'https:'
        ? 'must be an https URL: its cookies are sent over TLS only'
        : url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== ''
          ? 'must be an origin only, without a path, query or user name'
          : undefined
  if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
})

const HttpUrl = z.string().superRefine((text, context) => {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    context.addIssue({ code: 'custom', message: `"${text}" is not an https URL` })
  }
})

const CookieName = z
  .string()
  .regex(HEADER_NAME, "must be a token: letters, digits and !#$%&'*+-.^_`|~ only")
  .max(64, 'may have at most 64 characters')

const CookieDomain = z
  .string()
  .transform((text) => text.toLowerCase().replace(/^\./, ''))
  .refine(
    (text) => isHostName(text) && text.includes('.'),
    'must be a domain of at least two labels, such as "example.com"',
  )

/** Envoy's own name of a choice, in either case; the program holds Envoy's spelling. */
function envoyChoice<const Names extends readonly [string, ...string[]]>(names: Names) {
  const lower = names.map((name) => name.toLowerCase())
  return z.enum([...lower, ...names]).transform((name) => name.toUpperCase() as Names[number])
}

const shared = sharedKeys('global')

const addresses = {
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
    description: 'Serves plain HTTP on `address`: only behind something that ends TLS.',
  }),
  health_check_addr: ListenAddress.prefault('127.0.0.1:28080').meta({
    description: 'Where `/healthz`, `/readyz`, `/startupz` and `/status` are answered.',
  }),
  metrics_address: ListenAddress.optional().meta({
    description: 'Where Prometheus may read `/metrics`. Unset: nowhere.',
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

const behaviour = {
  codec_type: z.enum(['auto', 'http1', 'http2']).default('auto').meta({
    description: 'HTTP versions that clients may speak. Envoy `HttpConnectionManager.codec_type`.',
  }),
  timeout_read: Duration.prefault('30s').meta({
    description:
      'Longest time to receive a whole request; `0s` is no limit. Envoy `HttpConnectionManager.request_timeout`.',
  }),
  timeout_write: Duration.prefault('0s').meta({
    description:
      'Longest life of one stream; `0s` is no limit. Envoy `HttpProtocolOptions.max_stream_duration`.',
  }),
  timeout_idle: Duration.prefault('5m').meta({
    description:
      'Longest silence on a stream or connection; `0s` is no limit. Envoy `HttpConnectionManager.stream_idle_timeout`.',
  }),
  default_upstream_timeout: Duration.prefault('30s').meta({
    description:
      'Longest wait for an answer, for routes without `timeout`; `0s` is no limit. Envoy `RouteAction.timeout`.',
  }),
  grpc_client_timeout: PositiveDuration.prefault('10s').meta({
    description:
      'Longest wait of Envoy for a decision; then the request is refused. Envoy `ExtAuthz.grpc_service.timeout`.',
  }),
  skip_xff_append: z.boolean().default(false).meta({
    description: 'Leaves X-Forwarded-For as it came. Envoy `HttpConnectionManager.skip_xff_append`.',
  }),
  xff_num_trusted_hops: Uint32.default(0).meta({
    description:
      'Trusted proxies in front of Envoy whose X-Forwarded-For entries count. Envoy `HttpConnectionManager.xff_num_trusted_hops`.',
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
        'What happens to paths with `%2F` or `%5C`. Envoy `HttpConnectionManager.path_with_escaped_slashes_action`.',
    }),
  headers_with_underscores_action: envoyChoice(['ALLOW', 'REJECT_REQUEST', 'DROP_HEADER'])
    .prefault('reject_request')
    .meta({
      description:
        'What happens to headers with `_`. Envoy `HttpProtocolOptions.headers_with_underscores_action`.',
    }),
  circuit_breaker_thresholds: shared.circuit_breaker_thresholds,
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

const dns = {
  dns_lookup_family: z
    .enum(['AUTO', 'V4_ONLY', 'V6_ONLY', 'V4_PREFERRED', 'ALL'])
    .default('V4_PREFERRED')
    .meta({
      description: 'Which addresses of an upstream are used. Envoy `Cluster.dns_lookup_family`.',
    }),
  dns_refresh_rate: PositiveDuration.optional().meta({
    description:
      'Time between look-ups where the record has no TTL. Envoy `Cluster.dns_refresh_rate`. Unset: 5s.',
  }),
  dns_failure_refresh_rate: PositiveDuration.optional().meta({
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

const certificates = {
  certificates: z
    .array(
      z.strictObject({
        cert: SecretText.meta({
          description: 'Certificate chain: a path, `file:path`, `env:NAME` or the PEM text.',
          examples: ['/etc/sallyport/example.com.crt'],
        }),
        key: SecretText.meta({
          description: 'Its private key, in the same forms.',
          examples: ['/etc/sallyport/example.com.key'],
        }),
      }),
    )
    .optional()
    .meta({
      description:
        'Certificates served to clients, chosen by SNI. Envoy SDS `TlsCertificate`. None at all: a local certificate authority makes one.',
    }),
  certificate: SecretText.optional().meta({ description: 'One certificate chain: PEM, or PEM in base64.' }),
  certificate_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
  certificate_key: SecretText.optional().meta({ description: 'Its private key: PEM, or PEM in base64.' }),
  certificate_key_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
  certificate_authority: SecretText.optional().meta({
    description:
      'Certificates (PEM, or PEM in base64) that are trusted for upstreams and the identity provider besides those of the system.',
  }),
  certificate_authority_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
}

const secrets = {
  shared_secret: SecretText.optional().meta({
    description:
      '32 random bytes in base64, from which all keys are derived (RFC 5869). Changing it signs everyone out. Unset: made once and kept beside the config file.',
    examples: ['file:secrets/shared_secret', 'env:SHARED_SECRET'],
  }),
  shared_secret_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
  cookie_secret: SecretText.optional().meta({
    description:
      '32 random bytes in base64 that protect cookies of a sign-in in progress. Unset: derived from `shared_secret`.',
  }),
  cookie_secret_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
  signing_key: SecretText.optional().meta({
    description:
      'Private keys (PEM, or PEM in base64; EC P-256 or RSA) of the identity assertion (RFC 7515). The first signs, all are published. Unset: derived from `shared_secret`.',
  }),
  signing_key_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
}

const sessions = {
  cookie_name: CookieName.default('_pomerium').meta({
    description: 'Name of the session cookie (RFC 6265 section 4.1).',
  }),
  cookie_domain: CookieDomain.optional().meta({
    description: 'Domain attribute of the session cookie; unset: each host has its own.',
    examples: ['example.com'],
  }),
  cookie_http_only: z
    .boolean()
    .default(true)
    .meta({ description: 'HttpOnly attribute: scripts cannot read the cookie.' }),
  cookie_expire: PositiveDuration.prefault('14h').meta({
    description: 'Life of a session and of its cookie.',
  }),
  cookie_same_site: z.enum(['strict', 'lax', 'none']).optional().meta({
    description: 'SameSite attribute of the session cookie. Unset: the attribute is not sent.',
  }),
  jwt_claims_headers: z
    .union([z.array(z.string().min(1)), z.record(z.string(), z.string().min(1))], {
      error: 'must be a list of claims or a map of header → claim',
    })
    .transform((value) =>
      Array.isArray(value)
        ? Object.fromEntries(value.map((claim) => [`X-Pomerium-Claim-${claim}`, claim]))
        : value,
    )
    .superRefine((headers, context) => {
      for (const name of Object.keys(headers)) {
        if (HEADER_NAME.test(name)) continue
        context.addIssue({
          code: 'custom',
          message: `"${name}" is not a header name; name it yourself in a map of header → claim`,
        })
      }
    })
    .prefault({})
    .meta({
      description:
        'Claims that the upstream gets as headers of their own: a list (`X-Pomerium-Claim-<claim>`), or a map of header → claim.',
      examples: [['email', 'groups'], { 'X-Email': 'email' }],
    }),
  jwt_issuer_format: shared.jwt_issuer_format,
  jwt_groups_filter: shared.jwt_groups_filter,
  pass_identity_headers: shared.pass_identity_headers,
  signout_redirect_url: HttpUrl.optional().meta({
    description: 'Where users land after signing out. Unset: a page of ours.',
  }),
  programmatic_redirect_domain_whitelist: z.array(z.string().min(1)).prefault(['localhost']).meta({
    description: 'Domains to which a programmatic sign-in may return.',
  }),
}

const identity = {
  authenticate_service_url: HttpsOrigin.optional().meta({
    description:
      'Public origin of the sign-in pages; its callback is `/oauth2/callback` (RFC 6749 section 3.1.2).',
    examples: ['https://authenticate.example.com'],
  }),
  idp_provider: z
    .enum(['oidc', 'auth0', 'azure', 'cognito', 'gitlab', 'google', 'okta', 'onelogin', 'ping'])
    .optional()
    .meta({
      description:
        'Kind of identity provider; `oidc` for any OpenID provider (Keycloak, Dex, Authentik, Zitadel …).',
    }),
  idp_provider_url: HttpUrl.optional().meta({
    description:
      'Issuer of the provider (OpenID Connect Discovery section 4). Unset: known for google and gitlab only.',
    examples: ['https://idp.example.com/realms/main'],
  }),
  idp_client_id: z
    .string()
    .min(1)
    .optional()
    .meta({ description: '`client_id` (RFC 6749 section 2.2) registered there.' }),
  idp_client_secret: SecretText.optional().meta({
    description: 'Its client secret (RFC 6749 section 2.3.1).',
    examples: ['env:IDP_CLIENT_SECRET'],
  }),
  idp_client_secret_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
  idp_scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'is not a scope'))
    .min(1)
    .refine((scopes) => scopes.includes('openid'), 'must hold "openid"')
    .optional()
    .meta({
      description:
        'Scopes asked for (RFC 6749 section 3.3). Unset: openid, profile, email and, where the provider knows it, offline_access.',
    }),
  idp_request_params: z
    .record(z.string().min(1), z.string())
    .optional()
    .meta({
      description: 'Further parameters of the authorization request (RFC 6749 section 3.1).',
      examples: [{ prompt: 'select_account' }],
    }),
}

const logs = {
  log_level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'Least severity that is logged.' }),
  access_log_fields: AccessLogFields.optional().meta({
    description:
      'Fields of the access log, one line per request; `headers.<Name>` for request headers. Unset: the default set.',
    examples: [['method', 'authority', 'path', 'response-code', 'headers.Accept']],
  }),
  authorize_log_fields: AuthorizeLogFields.optional().meta({
    description: 'Fields of the decision log, one line per decision. Unset: the default set.',
  }),
}

/** The order of the reference page, and of what editors offer. */
export const SETTINGS_SECTIONS = [
  { title: 'Addresses', keys: addresses },
  { title: 'Certificates', keys: certificates },
  { title: 'Identity provider', keys: identity },
  { title: 'Secrets', keys: secrets },
  { title: 'Cookies, sessions and assertions', keys: sessions },
  { title: 'HTTP behaviour and timeouts', keys: behaviour },
  { title: 'DNS', keys: dns },
  { title: 'Logs', keys: logs },
] as const

export const SettingsKeys = z.strictObject({
  ...addresses,
  ...certificates,
  ...identity,
  ...secrets,
  ...sessions,
  ...behaviour,
  ...dns,
  ...logs,
})
export type SettingsKeys = z.output<typeof SettingsKeys>
