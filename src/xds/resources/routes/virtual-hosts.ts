/**
 * Which route answers for which host: one virtual host per exact host name, and one for all wildcards.
 *
 * Each is a resource of its own (VHDS), so an edit of one route sends one virtual host.
 *
 * @module
 */

import type { Config, Route, Settings } from '../../../config/config.ts'
import {
  authenticateHost,
  bracketed,
  DEFAULT_PORTS,
  isSharedWithApp,
} from '../../../config/routing/route-match.ts'
import type { Work } from '../../../turns.ts'
import { makeResource, type Resource, TYPE_URL } from '../../ads/resource.ts'
import { escapeRegex, type Fields } from '../envoy-json.ts'
import { KeptResources } from '../kept-resources.ts'
import { ROUTE_CONFIGURATION } from '../names.ts'
import { envoyRoutes, ownPathRoutes, signInRoutesBesideApp, wholeHostRoute } from './envoy-route.ts'

/** Hosts without a virtual host of their own. Without a route that matches, Envoy answers 404 itself. */
const CATCH_ALL = '*'

/** Envoy removes a virtual host by its own `name`, whatever the resource was called: the two must be one. */
function virtualHost(host: string, domains: readonly string[], routes: readonly Fields[]): Resource {
  const name = `${ROUTE_CONFIGURATION}/${host}`
  return makeResource(TYPE_URL.virtualHost, name, { name, domains, routes })
}

/** Exact host → the routes for it, in the order of the file. */
function groupByHost(routes: readonly Route[]): Map<string, readonly Route[]> {
  return Map.groupBy(
    routes.filter(({ origin }) => !origin.wildcard),
    ({ origin }) => origin.host,
  )
}

/**
 * The virtual hosts of one host name. Routes that name a port answer on that port only, together with those
 * that name none; Envoy prefers the domain with the port over `host:*`.
 */
function hostsOf(host: string, routes: readonly Route[], context: Context): readonly Resource[] {
  const name = bracketed(host)
  const answersFor = (port: number | undefined) =>
    routes
      .filter(({ origin }) => origin.port === undefined || origin.port === port)
      .flatMap((route) => envoyRoutes(route, context.settings, context.clusters.get(route)))
  const ports = [...new Set(routes.flatMap(({ origin }) => origin.port ?? []))]
  const isOpen = routes.some(({ origin }) => origin.port === undefined)
  // One virtual host may claim the bare name: two would make Envoy refuse them all.
  const bare = isOpen ? undefined : ports.find((port) => DEFAULT_PORTS.has(port))
  const perPort = ports.map((port) =>
    virtualHost(
      `${name}:${port}`,
      [`${name}:${port}`, ...(port === bare ? [name] : [])],
      [...context.ownPaths, ...answersFor(port), ...context.rest],
    ),
  )
  if (!isOpen) return perPort
  const anyPort = context.settings.runtime_flags.match_any_incoming_port
    ? [`${name}:*`]
    : portsOfScheme(name, ports)
  return [
    virtualHost(name, [name, ...anyPort], [...context.ownPaths, ...answersFor(undefined), ...context.rest]),
    ...perPort,
  ]
}

/**
 * The host of the sign-in pages: theirs alone, or shared with an app, which then gets all but their paths.
 * They answer on every port, and wherever no route of the app does.
 */
function authenticateHosts(host: string, routes: readonly Route[], context: Context): readonly Resource[] {
  const { settings, clusters } = context
  const name = bracketed(host)
  const whole = wholeHostRoute(settings)
  if (!isSharedWithApp(routes)) {
    const challenges = routes.flatMap((route) => envoyRoutes(route, settings, clusters.get(route)))
    return [virtualHost(name, [name, `${name}:*`], [...challenges, whole])]
  }
  const shared = hostsOf(host, routes, {
    ...context,
    ownPaths: signInRoutesBesideApp(settings),
    rest: [whole],
  })
  const ports = new Set(routes.map(({ origin }) => origin.port))
  const isOpen = ports.has(undefined)
  if (isOpen && settings.runtime_flags.match_any_incoming_port) return shared
  const isBareTaken = isOpen || [...DEFAULT_PORTS].some((port) => ports.has(port))
  return [...shared, virtualHost(`${name}:*`, [...(isBareTaken ? [] : [name]), `${name}:*`], [whole])]
}

const portsOfScheme = (name: string, taken: readonly number[]): readonly string[] =>
  [...DEFAULT_PORTS].filter((port) => !taken.includes(port)).map((port) => `${name}:${port}`)

/** Matches the Host header against a host with `*`, which stands for any text, dots included. */
export function authorityMatcher({ host, port }: Route['origin'], settings: Settings): Fields {
  const name = host.split('*').map(escapeRegex).join('[^:]*')
  const anyPort = settings.runtime_flags.match_any_incoming_port ? String.raw`(?::\d+)?` : '(?::(?:443|80))?'
  const suffix = port === undefined ? anyPort : DEFAULT_PORTS.has(port) ? `(?::${port})?` : `:${port}`
  return { name: ':authority', string_match: { safe_regex: { regex: `(?i)${name}${suffix}` } } }
}

/**
 * All wildcards in one virtual host, in the order of the file. It is there even when empty: Envoy waits for
 * one.
 */
function catchAll(routes: readonly Route[], context: Context): Resource {
  const wildcards = routes.filter(({ origin }) => origin.wildcard)
  const matchers = new Map(
    wildcards.map(({ origin }) => [
      `${origin.host}:${origin.port ?? '*'}`,
      authorityMatcher(origin, context.settings),
    ]),
  )
  return virtualHost(
    CATCH_ALL,
    ['*'],
    [
      ...[...matchers.values()].flatMap((authority) => ownPathRoutes(context.settings, authority)),
      ...wildcards.flatMap((route) =>
        envoyRoutes(
          route,
          context.settings,
          context.clusters.get(route),
          authorityMatcher(route.origin, context.settings),
        ),
      ),
    ],
  )
}

const keptHosts = new KeptResources()

interface Context {
  readonly settings: Settings
  readonly clusters: ReadonlyMap<Route, string>
  /** The same for every exact host but that of the sign-in pages. */
  readonly ownPaths: readonly Fields[]
  /** For requests that none of the host's routes takes. */
  readonly rest: readonly Fields[]
}

export function* virtualHosts(
  config: Config,
  clusters: ReadonlyMap<Route, string>,
): Work<readonly Resource[]> {
  const { settings } = config
  const context: Context = { settings, clusters, ownPaths: ownPathRoutes(settings), rest: [] }
  const authenticate = authenticateHost(settings)
  const groups = groupByHost(config.routes)
  const hosts: Resource[] = []
  if (authenticate !== undefined) {
    const routes = groups.get(authenticate) ?? []
    hosts.push(
      ...keptHosts.of(settings, routes, clusters, () => authenticateHosts(authenticate, routes, context)),
    )
    groups.delete(authenticate)
  }
  for (const [host, routes] of groups) {
    hosts.push(...keptHosts.of(settings, routes, clusters, () => hostsOf(host, routes, context)))
    yield
  }
  hosts.push(catchAll(config.routes, context))
  return hosts
}
