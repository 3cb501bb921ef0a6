/**
 * Headers that no client may send through: they carry identity, or steer proxies and apps.
 *
 * Removed before the check, on every route. What belongs there is set again by the check (identity) or by Envoy
 * itself (`x-forwarded-host`, `x-envoy-…`).
 *
 * @module
 */

import type { Fields } from './envoy-json.ts'

const IDENTITY = [
  'x-pomerium-jwt-assertion',
  'x-pomerium-jwt-assertion-for',
  'x-pomerium-routing-key',
  'x-pomerium-intercepted-response',
  // What other proxies call the same; an app may listen to any of them.
  'remote-user',
  'remote-email',
  'remote-groups',
  'remote-name',
  'x-remote-user',
  'x-remote-email',
  'x-remote-groups',
  'x-forwarded-user',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'x-forwarded-name',
  'x-forwarded-roles',
  'x-forwarded-access-token',
  'x-auth-request-user',
  'x-auth-request-email',
  'x-auth-request-groups',
  'x-auth-request-preferred-username',
  'x-auth-request-access-token',
  'x-webauth-user',
  'x-webauth-email',
  'x-webauth-name',
  'x-webauth-groups',
  'x-webauth-role',
  'x-vouch-user',
  'x-auth-user',
  'x-auth-email',
  'x-auth-username',
  'x-auth-groups',
  'x-authenticated-user',
  'x-authenticated-email',
  'x-authenticated-groups',
  'x-consumer-id',
  'x-consumer-custom-id',
  'x-consumer-username',
  'x-credential-username',
  'x-appengine-user-email',
  'x-appengine-user-id',
  'x-goog-authenticated-user-email',
  'x-goog-authenticated-user-id',
  'x-goog-iap-jwt-assertion',
  'x-amzn-oidc-identity',
  'x-amzn-oidc-data',
  'x-amzn-oidc-accesstoken',
  'x-ms-client-principal',
  'x-ms-client-principal-id',
  'x-ms-client-principal-name',
  'cf-access-jwt-assertion',
  'cf-access-authenticated-user-email',
  'x-ssl-client-verify',
  'x-ssl-client-dn',
  'x-ssl-client-s-dn',
  'x-ssl-client-cert',
  'ssl-client-cert',
  'ssl-client-verify',
  'ssl-client-subject-dn',
  'x-client-cert',
  'x-forwarded-client-cert',
  'x-forwarded-tls-client-cert',
  'x-forwarded-tls-client-cert-info',
  'x-arr-clientcert',
  'x-arr-ssl',
] as const

const HOPS = [
  'forwarded',
  'x-real-ip',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-uri',
  'x-forwarded-url',
  'x-forwarded-path',
  'x-forwarded-prefix',
  'x-forwarded-server',
  'x-forwarded-protocol',
  'x-original-forwarded-for',
  'x-host',
  'x-http-host-override',
  'x-forwarded-method',
  'x-forwarded-scheme',
  'x-forwarded-ssl',
  'front-end-https',
  'x-url-scheme',
  'x-scheme',
  'x-original-host',
  'x-original-url',
  'x-original-uri',
  'x-original-method',
  'x-rewrite-url',
  'x-script-name',
  // CGI turns it into HTTP_PROXY.
  'proxy',
  'x-envoy-original-path',
  'x-envoy-original-host',
  'x-envoy-original-dst-host',
  'x-envoy-decorator-operation',
  'x-envoy-ip-tags',
] as const

/** The policy judges the method of the request line, so nothing else may say another one. */
const METHOD_OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override'] as const

const PREFIXES = ['x-pomerium-claim-', 'x-authentik-', 'tailscale-user-', 'x-ms-client-principal-'] as const

export const REMOVED_CLIENT_HEADERS: readonly string[] = [...IDENTITY, ...HOPS, ...METHOD_OVERRIDES]

/**
 * Envoy passes the `Connection` of an upgrade on as it came. A proxy behind us takes off whatever that names (RFC 9110
 * section 7.6.1), so a client could have it take off what the check has set: an assertion, or in whose name a
 * Kubernetes API is asked.
 */
const PLAIN_UPGRADE: Fields = {
  append: {
    header: { key: 'connection', value: 'upgrade' },
    append_action: 'OVERWRITE_IF_EXISTS',
  },
}

/**
 * For `envoy.filters.http.header_mutation`.
 *
 * @param kept the name of one that no client can have sent, since Envoy has set it
 */
export const removeClientHeaders = (kept?: string): readonly Fields[] => [
  ...REMOVED_CLIENT_HEADERS.filter((name) => name !== kept).map((remove) => ({ remove })),
  PLAIN_UPGRADE,
  ...PREFIXES.map((prefix) => ({ remove_on_match: { key_matcher: { prefix } } })),
]
