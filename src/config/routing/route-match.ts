/**
 * Which route Envoy chooses for a request, told from the configuration alone.
 *
 * The same rules as `virtual-hosts.ts` and `envoy-route.ts` of xds/ write down for Envoy, so that a test,
 * `explain` and `diff` need no Envoy; a differential test compares the two. Requests being served never come
 * here: they carry the id of the route that Envoy chose.
 *
 * @module
 */

import { isIPv6 } from 'node:net'
import type { Config, Route, Settings } from '../config.ts'
import { type Place, placeOf, withoutFinalDot } from '../values/host-name.ts'
import { patternsByRoute } from '../values/regex.ts'
import { type PathReader, type PathReadings, pathProblem } from './path-guard.ts'
import { isBesidePrefix } from './path-rewrite.ts'
import { normalPathOf } from './request-path.ts'

/** A request, as far as a route is chosen by it. */
export interface RoutedRequest {
  /** As in the Host header: with a port where the user agent writes one. */
  readonly authority: string
  /** With or without query. */
  readonly path: string
  readonly method?: string | undefined
}

export type Choice =
  | { readonly kind: 'route'; readonly route: Route; readonly path: string }
  /** Sallyport answers itself: its own paths on every host, and the host of the sign-in pages. */
  | { readonly kind: 'own'; readonly path: string }
  /** Envoy answers 404. */
  | { readonly kind: 'none'; readonly path: string }
  /** The path is not one that is let in: by Envoy, or by the check that Envoy asks for this route. */
  | {
      readonly kind: 'refused'
      readonly why: string
      readonly for?: { readonly route: Route; readonly path: string }
    }
  /** Sent back to be asked for in another form. */
  | { readonly kind: 'redirect'; readonly to: string }

export type ChooseRoute = (request: RoutedRequest) => Choice

export interface Router {
  readonly choose: ChooseRoute
  /** Why a path that Envoy has chosen a route for is not passed on. */
  readonly problemOf: (request: {
    readonly route: Route
    readonly authority: string
    readonly path: string
  }) => string | undefined
}

/** User agents leave the port of the scheme out of the Host header. */
export const DEFAULT_PORTS: ReadonlySet<number> = new Set([443, 80])

/** RFC 9110 section 9.1: methods have case, and `delete` is DELETE to some programs and none to others. */
export const isMethod = (method: string): boolean => /^[A-Z][A-Z0-9_-]*$/.test(method)

/** Paths that Sallyport answers itself on every host; each stands for itself and all below it. */
export const OWN_PATHS = ['/.pomerium', '/.well-known/pomerium'] as const

export const bracketed = (host: string): string => (isIPv6(host) ? `[${host}]` : host)

/** Where identity providers send people back to, on the host of the sign-in pages: this very path. */
export const CALLBACK_PATH = '/oauth2/callback'

/** The host of the sign-in pages. They have it for themselves unless a route stands there as well. */
export function authenticateHost(settings: Settings): string | undefined {
  const url = settings.authenticate_service_url
  return url === undefined ? undefined : new URL(url).hostname.replace(/^\[|\]$/g, '').toLowerCase()
}

/** Where an ACME server looks for the answer to an http-01 challenge (RFC 8555 section 8.3). */
const CHALLENGES = '/.well-known/acme-challenge/'

/** A certificate for the host of the sign-in pages has to come from somewhere: this is no app there. */
export const answersChallenges = ({
  regex,
  path,
  prefix,
}: Pick<Route, 'regex' | 'path' | 'prefix'>): boolean =>
  regex === undefined && (path ?? prefix ?? '').startsWith(CHALLENGES)

/** Whether an app stands on the host of the sign-in pages, given the routes of that host. */
export const isSharedWithApp = (routes: readonly Route[]): boolean =>
  routes.some((route) => !answersChallenges(route))

export const isOwnPath = (path: string): boolean =>
  OWN_PATHS.some((own) => path === own || path.startsWith(`${own}/`))

/** Routes are grouped by host once, so that many requests are quick. */
export function routerFor(config: Config, reader: PathReader): Router {
  const { settings } = config
  const authenticate = authenticateHost(settings)
  const groups = Map.groupBy(
    config.routes.filter(({ origin }) => !origin.wildcard),
    ({ origin }) => origin.host,
  )
  const wildcards = config.routes.filter(({ origin }) => origin.wildcard)
  const takesUnescaped = unescapedTaker(reader)

  /** In the order in which Envoy tries them. */
  function routesFor(place: Place): readonly Route[] {
    const group = groups.get(place.host)
    if (place.host === authenticate) return atAuthenticateHost(group ?? [], place.port)
    const answering = group && routesAt(group, place.port, settings)
    return answering ?? wildcards.filter((route) => isUnderWildcard(route, place, settings))
  }

  /** Where no app stands, challenges are answered on any port, as the sign-in pages are. */
  function atAuthenticateHost(group: readonly Route[], port: number | undefined): readonly Route[] {
    return isSharedWithApp(group) ? (routesAt(group, port, settings) ?? []) : group
  }

  function problemFor(path: string, route: Route, place: Place | undefined): string | undefined {
    const hasOtherRoute = (readings: PathReadings | undefined) =>
      leadsAstray(readings, route, place === undefined ? [] : routesFor(place), takesUnescaped)
    return pathProblem(path, { route, settings, reader, hasOtherRoute })
  }

  return {
    choose({ authority, path: target, method = 'GET' }) {
      // A tunnel has no path, and no route here takes it.
      if (method === 'CONNECT') return { kind: 'none', path: '' }
      if (!isMethod(method)) return { kind: 'refused', why: 'the method is not in upper case' }
      if (target === '*' && method === 'OPTIONS') return { kind: 'none', path: target }
      const normal = normalPathOf(target, settings)
      if ('refused' in normal) return { kind: 'refused', why: normal.refused }
      if ('redirectedTo' in normal) return { kind: 'redirect', to: normal.redirectedTo }
      const { path } = normal
      const place = placeOf(withoutFinalDot(authority))
      if (place === undefined) return { kind: 'refused', why: 'the host is not written as hosts are' }
      const routes = routesFor(place)
      if (isOwnPath(path) && routes.length > 0) return { kind: 'own', path }
      if (path === CALLBACK_PATH && place.host === authenticate) return { kind: 'own', path }
      const route = firstOf(routes, path)
      if (route === undefined) return { kind: place.host === authenticate ? 'own' : 'none', path }
      const why = problemFor(path, route, place)
      return why === undefined
        ? { kind: 'route', route, path }
        : { kind: 'refused', why, for: { route, path } }
    },
    problemOf: ({ route, authority, path }) => problemFor(path, route, placeOf(withoutFinalDot(authority))),
  }
}

export const routeChooser = (config: Config, reader: PathReader): ChooseRoute =>
  routerFor(config, reader).choose

type Takes = (route: Route, path: string) => boolean

/** The first that matches; `undefined` also where its upstream has no such path. */
function firstOf(routes: readonly Route[], path: string, takes: Takes = takesPath): Route | undefined {
  const route = routes.find((each) => takes(each, path))
  return route === undefined || isBesidePrefix(route, path) ? undefined : route
}

/**
 * For readings without escapes: paths and prefixes of routes are compared without theirs. Each of those is
 * read once, since a host may have thousands, and strangers choose how many readings a path has.
 */
function unescapedTaker({ unescapePath }: PathReader): Takes {
  const read = new WeakMap<Route, string>()
  const plainOf = (route: Route, text: string): string => {
    if (!text.includes('%')) return text
    let plain = read.get(route)
    if (plain === undefined) read.set(route, (plain = unescapePath(text) ?? text))
    return plain
  }
  return (route, reading) => {
    if (route.regex !== undefined) return takesPath(route, reading)
    return route.path === undefined
      ? reading.startsWith(plainOf(route, route.prefix ?? '/'))
      : reading === plainOf(route, route.path)
  }
}

/** Letters that regular expressions may look at for one request: a few milliseconds of work. */
const MOST_LETTERS = 40_000

/** Whether a path is read by some in a way in which Envoy would have chosen another route than this one. */
function leadsAstray(
  readings: PathReadings | undefined,
  route: Route,
  routes: readonly Route[],
  takesUnescaped: Takes,
): boolean {
  const isForAll = route.regex === undefined && route.path === undefined && (route.prefix ?? '/') === '/'
  if (isForAll && routes[0] === route) return false
  if (readings === undefined) return true
  const { asWritten, unescaped } = readings
  const patterns = routes.filter(({ regex }) => regex !== undefined).length
  const letters = [...asWritten, ...unescaped].reduce((sum, { length }) => sum + length, 0)
  if (patterns * letters > MOST_LETTERS) return true
  return (
    asWritten.some((reading) => firstOf(routes, reading) !== route) ||
    unescaped.some((reading) => firstOf(routes, reading, takesUnescaped) !== route)
  )
}

/**
 * The routes of one exact host that answer on a port, in the order of the file; `undefined` when none of its
 * virtual hosts takes the request, which then goes to the wildcards.
 */
function routesAt(
  group: readonly Route[],
  port: number | undefined,
  settings: Settings,
): readonly Route[] | undefined {
  const ports = new Set(group.flatMap(({ origin }) => origin.port ?? []))
  const isOpen = group.some(({ origin }) => origin.port === undefined)
  // The bare name belongs to the routes without a port, else to the first whose port is that of a scheme.
  const named = port ?? (isOpen ? undefined : [...ports].find((each) => DEFAULT_PORTS.has(each)))
  if (named !== undefined && ports.has(named)) {
    return group.filter(({ origin }) => origin.port === undefined || origin.port === named)
  }
  const isTaken =
    port === undefined || settings.runtime_flags.match_any_incoming_port || DEFAULT_PORTS.has(port)
  return isOpen && isTaken ? group.filter(({ origin }) => origin.port === undefined) : undefined
}

/** Whether a route whose host has `*` in it answers for a place. */
export function isUnderWildcard(
  { origin: { host: pattern, port: wanted } }: Route,
  { host, port }: Place,
  settings: Settings,
): boolean {
  const isPort =
    wanted === undefined
      ? port === undefined || settings.runtime_flags.match_any_incoming_port || DEFAULT_PORTS.has(port)
      : port === wanted || (port === undefined && DEFAULT_PORTS.has(wanted))
  return isPort && !host.includes(':') && fitsWildcard(host, pattern)
}

/** `*` stands for any text. Walked part by part: a regular expression could be made to run for long. */
export function fitsWildcard(host: string, pattern: string): boolean {
  const [first = '', ...others] = pattern.split('*')
  const last = others.pop() ?? ''
  if (!host.startsWith(first) || !host.endsWith(last) || host.length < first.length + last.length)
    return false
  let at = first.length
  for (const part of others) {
    const found = host.indexOf(part, at)
    if (found === -1 || found + part.length > host.length - last.length) return false
    at = found + part.length
  }
  return true
}

const expressionOf = patternsByRoute()

/** Whether a path is one of a route: `regex` before `path` before `prefix`, all case-sensitive. */
export function takesPath(route: Route, path: string): boolean {
  if (route.regex !== undefined) return expressionOf(route, route.regex).matches(path)
  if (route.path !== undefined) return path === route.path
  return path.startsWith(route.prefix ?? '/')
}
