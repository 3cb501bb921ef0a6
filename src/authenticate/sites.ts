/**
 * Which hosts are ours, and which addresses a sign-in may end at.
 *
 * @module
 */
import type { Config } from '../config/config.ts'
import { placeOf, withoutFinalDot } from '../config/values/host-name.ts'

/** What is read of the configuration. */
export interface SitesConfig {
  readonly settings: {
    readonly authenticate_service_url?: string | undefined
    readonly address: { readonly port: number }
    readonly runtime_flags: { readonly match_any_incoming_port: boolean }
  }
  readonly routes: readonly {
    readonly origin: { readonly host: string; readonly port: number | undefined; readonly wildcard: boolean }
  }[]
}

export interface Site {
  readonly kind: 'authenticate' | 'app'
  /** Lower case, no port, no trailing dot. */
  readonly host: string
  /** Scheme, host and port as the user agent knows them. */
  readonly origin: string
}

export interface Sites {
  /** Of the `Host` header; `undefined` when the host is not ours. */
  siteOf(authority: string | undefined): Site | undefined
  /** A redirect target of ours, parsed as browsers do; `undefined` for all others. */
  targetOf(text: string): URL | undefined
  /**
   * An additional login host of ours in the form that a URL has; `undefined` for others, and for that of the
   * sign-in pages, which has every session anyway.
   */
  loginHostOf(authority: string): string | undefined
  /** Whether a target is on the host of the sign-in pages, whose cookie it therefore shares. */
  readonly hasSignIn: (url: URL) => boolean
  /** Whether a route of that origin answers at that host, on some port. */
  readonly isServedAt: (origin: SitesConfig['routes'][number]['origin'], host: string) => boolean
  readonly authenticateUrl: URL
}

const known = new WeakMap<SitesConfig, Sites>()

/** Made once per generation. */
export function sitesOf(config: SitesConfig | Config): Sites {
  const made = known.get(config) ?? makeSites(config)
  known.set(config, made)
  return made
}

function makeSites({ settings, routes }: SitesConfig): Sites {
  // Without a sign-in page of its own a deployment has public routes only; this host is nobody's.
  const authenticateUrl = new URL(settings.authenticate_service_url ?? 'https://authenticate.invalid')
  const scheme = authenticateUrl.protocol
  const serviceHost = canonicalHost(authenticateUrl.hostname)
  const origins = routes.map((route) => ({ ...route.origin, matches: hostMatcher(route.origin) }))
  const defaultPort = scheme === 'https:' ? 443 : 80
  // A route without a port is matched on any incoming port, but a redirect must not reach a stranger's
  // server on a port of the same machine: only ports that this deployment is known to answer on.
  const publicPorts = new Set([defaultPort])
  if (settings.runtime_flags.match_any_incoming_port) {
    for (const port of [settings.address.port, portOf(authenticateUrl)]) publicPorts.add(port)
    for (const { port } of origins) if (port !== undefined) publicPorts.add(port)
  }

  // The pages have one origin, whatever port is in front of them, but on a port that a route there names.
  const portsThere = new Set(origins.filter(({ host }) => host === serviceHost).map(({ port }) => port))
  const serviceOriginAt = (url: URL) =>
    portsThere.has(portOf(url)) ? `${scheme}//${url.host}` : authenticateUrl.origin
  const isService = (url: URL) => url.host === authenticateUrl.host
  const isRoute = (url: URL) => {
    const host = canonicalHost(url.hostname)
    const port = portOf(url)
    return origins.some(
      (origin) =>
        origin.matches(host) && (origin.port === undefined ? publicPorts.has(port) : origin.port === port),
    )
  }

  const hasSignIn = (url: URL) => canonicalHost(url.hostname) === serviceHost
  return {
    authenticateUrl,
    isServedAt: (origin, host) => hostMatcher(origin)(host),
    siteOf(authority) {
      const url = authorityUrl(scheme, authority)
      if (url === undefined) return undefined
      const host = canonicalHost(url.hostname)
      url.hostname = url.hostname.replace(/\.$/, '')
      if (host === serviceHost) return { kind: 'authenticate', host, origin: serviceOriginAt(url) }
      return origins.some((origin) => origin.matches(host))
        ? { kind: 'app', host, origin: url.origin }
        : undefined
    },
    targetOf(text) {
      // Blanks, controls, backslashes and letters beyond ASCII are read differently by different parsers.
      if (!/^[!-[\]-~]{1,8192}$/.test(text)) return undefined
      const url = URL.parse(text)
      if (url === null || url.protocol !== scheme || url.username !== '' || url.password !== '')
        return undefined
      url.hostname = url.hostname.replace(/\.$/, '')
      return isService(url) || isRoute(url) ? url : undefined
    },
    loginHostOf(authority) {
      const url = authorityUrl(scheme, authority)
      return url !== undefined && isRoute(url) && !hasSignIn(url) ? url.host : undefined
    },
    hasSignIn,
  }
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return url.protocol === 'https:' ? 443 : 80
}

function canonicalHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
}

function authorityUrl(scheme: string, authority: string | undefined): URL | undefined {
  if (authority === undefined || placeOf(withoutFinalDot(authority)) === undefined) return undefined
  return URL.parse(`${scheme}//${authority}`) ?? undefined
}

function hostMatcher(origin: {
  readonly host: string
  readonly wildcard: boolean
}): (host: string) => boolean {
  if (!origin.wildcard) return (host) => host === origin.host
  const parts = origin.host.split('*').map((part) => part.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&'))
  // As Envoy's matcher of such a route: `*` stands for any text, dots included.
  const pattern = new RegExp(`^${parts.join('.*')}$`)
  return (host) => pattern.test(host)
}
