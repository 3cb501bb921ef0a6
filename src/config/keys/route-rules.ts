/**
 * What must hold between the keys of one route. Each rule looks at keys that are right in themselves.
 *
 * @module
 */

import type { Mistake } from '../config.ts'
import { compileRe2, substitutionProblem } from '../values/regex.ts'
import { mistakesOfTopics, type RouteDraft } from './route-schema.ts'
import { given, mistake, type RawKeys } from './rule.ts'
import { publicRouteAsksForNoSignIn } from './sign-in/session-rules.ts'
import { headersAreSetOnce } from './upstream/upstream-headers.ts'

type RouteRule = (route: RouteDraft, raw: RawKeys) => Mistake[]

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

const upgradesReachHttp1: RouteRule = ({ to, allow_websockets, allow_spdy, allow_upgrades }) => {
  if (to?.[0]?.scheme !== 'h2c') return []
  const keys = Object.entries({
    allow_websockets,
    allow_spdy,
    allow_upgrades: (allow_upgrades ?? []).length > 0,
  })
  return keys
    .filter(([, isAllowed]) => isAllowed)
    .map(([key]) =>
      mistake([key], 'needs an upstream that speaks HTTP/1.1: use http:// or https:// in `to`, not h2c://'),
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

const clientHasAnId: RouteRule = (_, raw) => {
  const [secret] = given(raw, ['idp_client_secret', 'idp_client_secret_file'])
  return secret === undefined || Object.hasOwn(raw, 'idp_client_id')
    ? []
    : [mistake([secret], 'needs `idp_client_id` beside it')]
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
  upgradesReachHttp1,
  healthCheckBodyHasAMethod,
  ejectionTimesAreOrdered,
  publicRouteAsksForNoSignIn,
  headersAreSetOnce,
  clientHasAnId,
  mistakesOfTopics,
]

export function routeMistakes(route: RouteDraft, raw: RawKeys): Mistake[] {
  return ROUTE_RULES.flatMap((rule) => rule(route, raw))
}
