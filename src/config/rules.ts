/**
 * What must hold between keys. Each rule looks at keys that are right in themselves, and says where it was broken.
 *
 * @module
 */

import type { ConfigPath, Mistake } from './config.ts'
import { parseAuthority } from './host-name.ts'
import type { Origin } from './origin.ts'
import { compileRe2, substitutionProblem } from './regex.ts'
import type { RouteDraft } from './route-schema.ts'
import type { SettingsKeys } from './settings-schema.ts'

type RouteRule = (route: RouteDraft, raw: Readonly<Record<string, unknown>>) => Mistake[]

const mistake = (path: ConfigPath, message: string): Mistake => ({ path, message, on: 'key' })

/** Keys of a list that the file gives, right or wrong. */
function given(raw: Readonly<Record<string, unknown>>, keys: readonly string[]): string[] {
  return keys.filter((key) => Object.hasOwn(raw, key))
}

const hasExactlyOneTarget: RouteRule = (_, raw) => {
  const targets = given(raw, ['to', 'redirect', 'response'])
  if (targets.length === 1) return []
  if (targets.length === 0) return [mistake([], 'has no target; give one of `to`, `redirect` and `response`')]
  return [mistake([targets[1] ?? ''], `cannot stand beside \`${targets[0]}\`: a route has one target`)]
}

const rewritesPathInOneWay: RouteRule = (_, raw) => {
  const regex = given(raw, ['regex_rewrite_pattern', 'regex_rewrite_substitution'])
  const both = Object.hasOwn(raw, 'prefix_rewrite') && regex.length > 0
  return both
    ? [mistake([regex[0] ?? ''], 'cannot stand beside `prefix_rewrite`: a path is rewritten in one way')]
    : []
}

type RewriteKey = `${'' | 'host_path_'}regex_rewrite_${'pattern' | 'substitution'}`

function regexPair(pattern: RewriteKey, substitution: RewriteKey): RouteRule {
  return (route, raw) => {
    const present = given(raw, [pattern, substitution])
    if (present.length === 0) return []
    if (present.length === 1) {
      return [
        mistake([present[0] ?? ''], `needs \`${present[0] === pattern ? substitution : pattern}\` beside it`),
      ]
    }
    const text = route[pattern]
    const replacement = route[substitution]
    if (typeof text !== 'string' || typeof replacement !== 'string') return []
    const compiled = compileRe2(text)
    const wrong = 'wrong' in compiled ? undefined : substitutionProblem(replacement, compiled.groups)
    return wrong === undefined ? [] : [mistake([substitution], wrong)]
  }
}

const WHITELISTS = ['allowed_users', 'allowed_domains', 'allowed_idp_claims'] as const

function isFilled(value: object | undefined): boolean {
  return value !== undefined && Object.keys(value).length > 0
}

const publicRouteNamesNobody: RouteRule = (route) => {
  if (route.allow_public_unauthenticated_access !== true) return []
  const others = WHITELISTS.filter((key) => isFilled(route[key])) as string[]
  if (route.allow_any_authenticated_user === true) others.push('allow_any_authenticated_user')
  return others.map((key) =>
    mistake(
      [key],
      'has no effect on a route with `allow_public_unauthenticated_access: true`; remove one of them',
    ),
  )
}

const routeForAnyUserNamesNobody: RouteRule = (route) => {
  if (route.allow_any_authenticated_user !== true || route.allow_public_unauthenticated_access === true)
    return []
  return (['allowed_users', 'allowed_domains'] as const)
    .filter((key) => isFilled(route[key]))
    .map((key) =>
      mistake(
        [key],
        'has no effect on a route with `allow_any_authenticated_user: true`; remove one of them',
      ),
    )
}

const redirectIsOneRedirect: RouteRule = ({ redirect }) => {
  if (redirect === undefined) return []
  const found: Mistake[] = []
  if (redirect.https_redirect !== undefined && redirect.scheme_redirect !== undefined) {
    found.push(mistake(['redirect', 'scheme_redirect'], 'cannot stand beside `https_redirect`'))
  }
  if (redirect.path_redirect !== undefined && redirect.prefix_rewrite !== undefined) {
    found.push(mistake(['redirect', 'prefix_rewrite'], 'cannot stand beside `path_redirect`'))
  }
  const { response_code: _code, strip_query: _query, ...where } = redirect
  if (Object.keys(where).length === 0) {
    found.push(
      mistake(
        ['redirect'],
        'says nothing about where to; give `host_redirect`, `path_redirect` or another of its keys',
      ),
    )
  }
  return found
}

const clientCertificateIsWhole: RouteRule = (_, raw) => {
  const certificate = given(raw, ['tls_client_cert', 'tls_client_cert_file'])
  const key = given(raw, ['tls_client_key', 'tls_client_key_file'])
  if (certificate.length > 0 && key.length === 0)
    return [mistake([certificate[0] ?? ''], 'needs `tls_client_key` or `tls_client_key_file` beside it')]
  if (key.length > 0 && certificate.length === 0)
    return [mistake([key[0] ?? ''], 'needs `tls_client_cert` or `tls_client_cert_file` beside it')]
  return []
}

const grpcHealthCheckSpeaksHttp2: RouteRule = ({ to, health_checks: checks }) => {
  if (to?.[0]?.scheme !== 'http') return []
  return (checks ?? []).flatMap((check, index) =>
    check.grpc_health_check === undefined
      ? []
      : [
          mistake(
            ['health_checks', index, 'grpc_health_check'],
            'needs an upstream that speaks HTTP/2: use h2c:// or https:// in `to`',
          ),
        ],
  )
}

const healthCheckBodyHasAMethod: RouteRule = ({ health_checks: checks }) =>
  (checks ?? []).flatMap((check, index) => {
    const http = check.http_health_check
    if (http?.send === undefined || ['POST', 'PUT', 'PATCH', 'OPTIONS'].includes(http.method ?? 'GET'))
      return []
    return [
      mistake(
        ['health_checks', index, 'http_health_check', 'send'],
        'needs a `method` that has a body, such as POST',
      ),
    ]
  })

const ejectionTimesAreOrdered: RouteRule = ({ outlier_detection: outlier }) => {
  const { base_ejection_time: base, max_ejection_time: most } = outlier ?? {}
  if (most === undefined || most >= (base ?? 30_000)) return []
  return [
    mistake(
      ['outlier_detection', 'max_ejection_time'],
      'must not be below base_ejection_time (30s when unset)',
    ),
  ]
}

const ROUTE_RULES: readonly RouteRule[] = [
  hasExactlyOneTarget,
  rewritesPathInOneWay,
  regexPair('regex_rewrite_pattern', 'regex_rewrite_substitution'),
  regexPair('host_path_regex_rewrite_pattern', 'host_path_regex_rewrite_substitution'),
  publicRouteNamesNobody,
  routeForAnyUserNamesNobody,
  redirectIsOneRedirect,
  clientCertificateIsWhole,
  grpcHealthCheckSpeaksHttp2,
  healthCheckBodyHasAMethod,
  ejectionTimesAreOrdered,
]

export function routeMistakes(route: RouteDraft, raw: Readonly<Record<string, unknown>>): Mistake[] {
  return ROUTE_RULES.flatMap((rule) => rule(route, raw))
}

type SettingsRule = (settings: SettingsKeys, raw: Readonly<Record<string, unknown>>) => Mistake[]

const certificatePairIsWhole: SettingsRule = (_, raw) => {
  const certificate = given(raw, ['certificate', 'certificate_file'])
  const key = given(raw, ['certificate_key', 'certificate_key_file'])
  if (certificate.length > 0 && key.length === 0)
    return [mistake([certificate[0] ?? ''], 'needs `certificate_key` or `certificate_key_file` beside it')]
  if (key.length > 0 && certificate.length === 0)
    return [mistake([key[0] ?? ''], 'needs `certificate` or `certificate_file` beside it')]
  return []
}

/** Providers whose issuer is one and the same for everybody. */
export const KNOWN_ISSUERS: Readonly<Record<string, string>> = {
  google: 'https://accounts.google.com',
  gitlab: 'https://gitlab.com',
}

const identityProviderIsWhole: SettingsRule = (settings, raw) => {
  const keys = Object.keys(raw).filter((key) => key.startsWith('idp_'))
  if (keys.length === 0) return []
  if (!Object.hasOwn(raw, 'idp_provider')) {
    return [mistake([keys[0] ?? ''], 'needs `idp_provider` beside it; use `oidc` for any OpenID provider')]
  }
  const missing: string[] = []
  if (!Object.hasOwn(raw, 'idp_client_id')) missing.push('idp_client_id')
  if (given(raw, ['idp_client_secret', 'idp_client_secret_file']).length === 0)
    missing.push('idp_client_secret')
  const provider = settings.idp_provider
  if (
    !Object.hasOwn(raw, 'idp_provider_url') &&
    provider !== undefined &&
    KNOWN_ISSUERS[provider] === undefined
  ) {
    missing.push('idp_provider_url')
  }
  if (!Object.hasOwn(raw, 'authenticate_service_url')) missing.push('authenticate_service_url')
  return missing.map((key) => mistake(['idp_provider'], `needs \`${key}\` beside it`))
}

function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}

const issuerIsReachedOverTls: SettingsRule = ({ idp_provider_url: issuer }) => {
  const url = issuer === undefined ? null : URL.parse(issuer)
  if (url === null || url.protocol === 'https:' || isLoopback(url.hostname)) return []
  return [
    mistake(['idp_provider_url'], 'must be an https URL; plain http is for a provider on this machine only'),
  ]
}

const cookieDomainHoldsSignIn: SettingsRule = ({
  cookie_domain: domain,
  cookie_name: name,
  authenticate_service_url: url,
}) => {
  if (domain === undefined) return []
  if (name.startsWith('__Host-')) {
    return [
      mistake(['cookie_name'], 'begins with "__Host-", which browsers refuse together with `cookie_domain`'),
    ]
  }
  const host = url === undefined ? undefined : URL.parse(url)?.hostname
  if (host === undefined || host === domain || host.endsWith(`.${domain}`)) return []
  return [mistake(['cookie_domain'], `does not hold the host of \`authenticate_service_url\`, ${host}`)]
}

const LISTENERS = ['address', 'http_redirect_addr', 'health_check_addr', 'metrics_address'] as const

const listenersDoNotCollide: SettingsRule = (settings, raw) => {
  const defaultAddress = { host: '0.0.0.0', port: settings.insecure_server ? 80 : 443 }
  const addresses = LISTENERS.flatMap((key) => {
    const address =
      settings[key] ?? (key === 'address' && !Object.hasOwn(raw, key) ? defaultAddress : undefined)
    return address === undefined ? [] : [{ key, address }]
  })
  return addresses.flatMap(({ key, address }, index) => {
    const twin = addresses
      .slice(0, index)
      .find(
        (other) =>
          other.address.port === address.port &&
          (other.address.host === address.host || isAny(other.address.host) || isAny(address.host)),
      )
    return twin === undefined
      ? []
      : [
          mistake(
            [Object.hasOwn(raw, key) ? key : twin.key],
            `listens on port ${address.port}, as \`${Object.hasOwn(raw, key) ? twin.key : key}\` does`,
          ),
        ]
  })
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

const SETTINGS_RULES: readonly SettingsRule[] = [
  certificatePairIsWhole,
  identityProviderIsWhole,
  issuerIsReachedOverTls,
  cookieDomainHoldsSignIn,
  listenersDoNotCollide,
]

export function settingsMistakes(settings: SettingsKeys, raw: Readonly<Record<string, unknown>>): Mistake[] {
  return SETTINGS_RULES.flatMap((rule) => rule(settings, raw))
}

/** What the rules across routes need to know of one. */
export interface PlacedRoute {
  readonly id: string
  readonly origin: Origin
  readonly depends_on?: readonly string[] | undefined
  readonly path: ConfigPath
}

/** Two routes with one identity: the second would never be used, and Envoy's clusters would clash. */
export function routesHaveOneIdentityEach(
  routes: readonly PlacedRoute[],
  lineOf: (path: ConfigPath) => number,
): Mistake[] {
  const first = new Map<string, ConfigPath>()
  return routes.flatMap(({ id, path }) => {
    const twin = first.get(id)
    if (twin !== undefined)
      return [
        mistake(
          path,
          `line ${lineOf(path)} repeats the route of line ${lineOf(twin)}: from, prefix, path, regex and target are equal`,
        ),
      ]
    first.set(id, path)
    return []
  })
}

/** The sign-in pages have their host for themselves, or a route would shadow them. */
export function authenticateHostIsFree(url: string | undefined, routes: readonly PlacedRoute[]): Mistake[] {
  const own = url === undefined ? null : URL.parse(url)
  if (own === null) return []
  return routes
    .filter(
      ({ origin }) =>
        origin.host === own.hostname && (origin.port ?? Number(own.port || 443)) === Number(own.port || 443),
    )
    .map(({ path }) =>
      mistake(
        [...path, 'from'],
        `has the host of \`authenticate_service_url\`, ${own.hostname}, which serves the sign-in pages`,
      ),
    )
}

/** A route need not sign its users in to itself. */
export function additionalHostsAreOthers(routes: readonly PlacedRoute[]): Mistake[] {
  return routes.flatMap(({ origin, depends_on: hosts, path }) =>
    (hosts ?? []).flatMap((host, index) => {
      const authority = parseAuthority(host)
      const isOwn = authority?.host === origin.host && (authority.port ?? 443) === (origin.port ?? 443)
      return isOwn ? [mistake([...path, 'depends_on', index], 'is the host of this very route')] : []
    }),
  )
}
