/**
 * One Route of the configuration as one route of an Envoy virtual host.
 *
 * @module
 */

import type { Redirect, Route, Settings } from '../../../config/config.ts'
import { upgradesOf } from '../../../config/keys/upgrades.ts'
import { isSupervised } from '../../../config/keys/upstream/supervision.ts'
import { upstreamHeadersOf } from '../../../config/keys/upstream/upstream-headers.ts'
import { type PrefixForm, prefixFormsOf, prefixRewriteOf } from '../../../config/routing/path-rewrite.ts'
import { CALLBACK_PATH, OWN_PATHS } from '../../../config/routing/route-match.ts'
import { duration, type Fields, typed } from '../envoy-json.ts'
import { HTTP_CLUSTER, SUPERVISE_FILTER } from '../names.ts'
import { impersonation } from './kubernetes.ts'
import { WITH_OUR_SET_COOKIES } from './own-cookies.ts'
import { keepRequestedPath } from './requested-path.ts'
import { ownResponseHeaders, responseHeadersOf, rewriteResponseHeaders } from './response-headers.ts'
import { OWN_RETRIES, retriesOf } from './retries.ts'
import { timeoutsOf } from './timeouts.ts'

const EXT_AUTHZ = 'envoy.filters.http.ext_authz'
const EXT_AUTHZ_PER_ROUTE = 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute'

/** Filters that are off where Sallyport answers itself. */
const OURS: Fields = {
  [EXT_AUTHZ]: typed(EXT_AUTHZ_PER_ROUTE, { disabled: true }),
  ...WITH_OUR_SET_COOKIES,
}

/** For routes whose streams nobody is to end. */
const UNSUPERVISED: Fields = {
  [SUPERVISE_FILTER]: typed('envoy.config.route.v3.FilterConfig', { disabled: true }),
}

/** Key of `context_extensions` by which the check finds the route; it never matches a URL again. */
const ROUTE_ID_KEY = 'route_id'

function matchOf(route: Route, authority: Fields | undefined, form: PrefixForm | undefined): Fields {
  const path =
    form !== undefined
      ? { [form.kind]: form.text }
      : route.regex !== undefined
        ? { safe_regex: { regex: route.regex } }
        : route.path !== undefined
          ? { path: route.path }
          : { prefix: route.prefix ?? '/' }
  return authority === undefined ? path : { ...path, headers: [authority] }
}

/** First set wins: the order in which the configuration reference names them. */
function hostRewriteOf(route: Route): Fields {
  if (route.host_rewrite !== undefined) return { host_rewrite_literal: route.host_rewrite }
  if (route.host_rewrite_header !== undefined) return { host_rewrite_header: route.host_rewrite_header }
  if (route.host_path_regex_rewrite_pattern !== undefined) {
    return {
      host_rewrite_path_regex: {
        pattern: { regex: route.host_path_regex_rewrite_pattern },
        substitution: route.host_path_regex_rewrite_substitution ?? '',
      },
    }
  }
  return route.preserve_host_header === true ? {} : { auto_host_rewrite: true }
}

function pathRewriteOf(route: Route, form: PrefixForm | undefined): Fields {
  if (route.regex_rewrite_pattern !== undefined) {
    return {
      regex_rewrite: {
        pattern: { regex: route.regex_rewrite_pattern },
        substitution: route.regex_rewrite_substitution ?? '',
      },
    }
  }
  const replacement = form?.replacement ?? prefixRewriteOf(route)
  return replacement === undefined ? {} : { prefix_rewrite: replacement }
}

/** By session, as the check says in a header; by address for those without one. */
const HASH_POLICY = [
  { header: { header_name: 'x-pomerium-routing-key' }, terminal: true },
  { connection_properties: { source_ip: true } },
]

const isHashed = ({ load_balancing_policy: policy }: Route): boolean =>
  policy === 'RING_HASH' || policy === 'MAGLEV'

function actionTo(cluster: string, route: Route, settings: Settings, form: PrefixForm | undefined): Fields {
  const upgrades = upgradesOf(route, settings)
  const hostRewrite = hostRewriteOf(route)
  const isRewritten = Object.keys(hostRewrite).length > 0
  const isForwardedHostWanted = !(route.remove_request_headers ?? []).some(
    (name) => name.toLowerCase() === 'x-forwarded-host',
  )
  return {
    cluster,
    ...timeoutsOf(route, settings),
    ...retriesOf(route, settings),
    ...pathRewriteOf(route, form),
    ...hostRewrite,
    ...(isRewritten && isForwardedHostWanted ? { append_x_forwarded_host: true } : {}),
    ...(isHashed(route) ? { hash_policy: HASH_POLICY } : {}),
    ...(upgrades.length === 0
      ? {}
      : { upgrade_configs: upgrades.map((upgrade_type) => ({ upgrade_type, enabled: true })) }),
  }
}

const REDIRECT_CODES: Readonly<Record<NonNullable<Redirect['response_code']>, string>> = {
  301: 'MOVED_PERMANENTLY',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
}

const redirectTo = (redirect: Redirect, form: PrefixForm | undefined): Fields => ({
  ...(redirect.scheme_redirect !== undefined
    ? { scheme_redirect: redirect.scheme_redirect }
    : redirect.https_redirect === true
      ? { https_redirect: true }
      : {}),
  ...(redirect.host_redirect === undefined ? {} : { host_redirect: redirect.host_redirect }),
  ...(redirect.port_redirect === undefined ? {} : { port_redirect: redirect.port_redirect }),
  ...(redirect.path_redirect !== undefined
    ? { path_redirect: redirect.path_redirect }
    : redirect.prefix_rewrite === undefined
      ? {}
      : { prefix_rewrite: form?.replacement ?? redirect.prefix_rewrite }),
  response_code: REDIRECT_CODES[redirect.response_code ?? 301],
  ...(redirect.strip_query === true ? { strip_query: true } : {}),
})

/** What the route does with a request that its policy let pass. */
function actionOf(
  route: Route,
  settings: Settings,
  cluster: string | undefined,
  form: PrefixForm | undefined,
): Fields {
  if (cluster !== undefined) return { route: actionTo(cluster, route, settings, form) }
  if (route.redirect !== undefined) return { redirect: redirectTo(route.redirect, form) }
  const { status, body } = route.response ?? { status: 404 }
  return {
    direct_response: { status, ...(body === undefined ? {} : { body: { inline_string: body } }) },
  }
}

/** Headers set by the check win over removal, so those named in both stay out of the list. */
function removedRequestHeaders(route: Route): readonly string[] {
  const set = new Set(upstreamHeadersOf(route).map(({ name }) => name))
  return (route.remove_request_headers ?? []).filter((name) => !set.has(name.toLowerCase()))
}

/**
 * Envoy's routes for one of ours: mostly one; several where a prefix is replaced at the border of a segment.
 *
 * @param authority restricts the route to some hosts, in the catch-all virtual host
 */
export function envoyRoutes(
  route: Route,
  settings: Settings,
  cluster: string | undefined,
  authority?: Fields,
): readonly Fields[] {
  const forms = prefixFormsOf(route) ?? [undefined]
  return forms.map((form) =>
    form !== undefined && form.replacement === undefined
      ? nothingThere(route, authority, form)
      : envoyRoute(route, settings, cluster, { authority, form }),
  )
}

/** What begins with the prefix and is no path of the upstream; no policy is asked. */
const nothingThere = (route: Route, authority: Fields | undefined, form: PrefixForm): Fields => ({
  name: `${route.id}-beside`,
  match: matchOf(route, authority, form),
  direct_response: { status: 404, body: { inline_string: 'Nothing is here.\n' } },
  typed_per_filter_config: { [EXT_AUTHZ]: typed(EXT_AUTHZ_PER_ROUTE, { disabled: true }) },
})

function envoyRoute(
  route: Route,
  settings: Settings,
  cluster: string | undefined,
  { authority, form }: { readonly authority: Fields | undefined; readonly form: PrefixForm | undefined },
): Fields {
  const removed = removedRequestHeaders(route)
  const added = responseHeadersOf(route, settings)
  return {
    name: route.id,
    match: matchOf(route, authority, form),
    ...actionOf(route, settings, cluster, form),
    ...(removed.length === 0 ? {} : { request_headers_to_remove: removed }),
    ...(added.length === 0 ? {} : { response_headers_to_add: added }),
    typed_per_filter_config: {
      [EXT_AUTHZ]: typed(EXT_AUTHZ_PER_ROUTE, {
        check_settings: { context_extensions: { [ROUTE_ID_KEY]: route.id } },
      }),
      ...keepRequestedPath(route),
      ...rewriteResponseHeaders(route),
      ...impersonation(route),
      ...(isSupervised(route) ? {} : UNSUPERVISED),
    },
  }
}

/** A path that goes to Sallyport's HTTP service, which judges the session itself. */
const ownRoute = (match: Fields, settings: Settings): Fields => ({
  name: 'sallyport',
  match,
  route: { cluster: HTTP_CLUSTER, timeout: duration(settings.default_upstream_timeout), ...OWN_RETRIES },
  typed_per_filter_config: OURS,
})

export const ownPathRoutes = (settings: Settings, authority?: Fields): readonly Fields[] =>
  OWN_PATHS.map((path) =>
    ownRoute(
      { path_separated_prefix: path, ...(authority === undefined ? {} : { headers: [authority] }) },
      settings,
    ),
  )

/** A page of the sign-in host. What it says of itself wins over the global headers. */
const signInRoute = (match: Fields, settings: Settings): Fields => ({
  ...ownRoute(match, settings),
  response_headers_to_add: ownResponseHeaders(settings),
})

export const wholeHostRoute = (settings: Settings): Fields => signInRoute({ prefix: '/' }, settings)

/**
 * What stands before an app on the host of the sign-in pages.
 *
 * A service worker of the app would see every sign-in that passes there, and could answer in the place of our
 * pages. No browser asks for its script without this header.
 */
export const signInRoutesBesideApp = (settings: Settings): readonly Fields[] => [
  ...OWN_PATHS.map((path) => signInRoute({ path_separated_prefix: path }, settings)),
  signInRoute({ path: CALLBACK_PATH }, settings),
  {
    name: 'no-service-worker',
    match: { prefix: '/', headers: [{ name: 'service-worker', present_match: true }] },
    direct_response: {
      status: 403,
      body: { inline_string: 'No service worker may stand on the host of the sign-in pages.\n' },
    },
    typed_per_filter_config: { [EXT_AUTHZ]: typed(EXT_AUTHZ_PER_ROUTE, { disabled: true }) },
  },
]
