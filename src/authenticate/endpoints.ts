/**
 * The addresses that Sallyport answers itself.
 *
 * @module
 */
import { CLEAR_COOKIES_PATH } from '../edge/own-links.ts'
import { BEGIN_PATH } from '../edge/sign-in-url.ts'
import type { Site } from './sites.ts'

export interface Endpoint {
  readonly site: Site['kind'] | 'any'
  readonly paths: readonly string[]
  readonly methods: readonly ('GET' | 'HEAD' | 'POST' | 'OPTIONS')[]
}

/** HEAD only where a GET changes nothing: link checkers should neither sign out nor use up a hand-off. */
const READ = ['GET', 'HEAD'] as const

export const ENDPOINTS = {
  HOME: { site: 'authenticate', paths: ['/'], methods: READ },
  SIGN_IN: { site: 'authenticate', paths: ['/.pomerium/sign_in'], methods: READ },
  OAUTH_CALLBACK: { site: 'authenticate', paths: ['/oauth2/callback'], methods: ['GET', 'POST'] },
  SIGN_OUT: { site: 'authenticate', paths: ['/.pomerium/sign_out'], methods: ['GET', 'POST'] },
  SIGNED_OUT: { site: 'authenticate', paths: ['/.pomerium/signed_out'], methods: READ },
  ROBOTS: { site: 'authenticate', paths: ['/robots.txt'], methods: READ },

  /** On the authenticate host, the sign-in page itself does both. */
  BEGIN: { site: 'app', paths: [BEGIN_PATH], methods: READ },
  HAND_OFF: { site: 'any', paths: ['/.pomerium/callback/', '/.pomerium/callback'], methods: ['GET'] },
  /** Stops of a chain over additional hosts; see hand-off.ts. */
  FLOW: { site: 'app', paths: ['/.pomerium/callback/flow'], methods: ['GET'] },
  CHAIN: { site: 'any', paths: ['/.pomerium/callback/chain'], methods: ['GET'] },
  ARRIVAL: { site: 'any', paths: ['/.pomerium/callback/arrival'], methods: ['GET'] },
  APP_SIGN_OUT: { site: 'app', paths: ['/.pomerium/sign_out'], methods: ['GET', 'POST'] },

  ME: { site: 'any', paths: ['/.pomerium/', '/.pomerium'], methods: READ },
  USER: { site: 'any', paths: ['/.pomerium/user'], methods: READ },
  CLEAR_COOKIES: { site: 'any', paths: [CLEAR_COOKIES_PATH], methods: ['GET', 'POST'] },
  PORTAL: { site: 'any', paths: ['/.pomerium/routes'], methods: READ },
  PORTAL_API: { site: 'any', paths: ['/.pomerium/api/v1/routes'], methods: READ },
  /** Where a program asks for the page at which its user signs in, and that page. */
  PROGRAM_LOGIN: { site: 'any', paths: ['/.pomerium/api/v1/login'], methods: ['GET'] },
  PROGRAM: { site: 'any', paths: ['/.pomerium/program'], methods: ['GET'] },
  WELL_KNOWN: {
    site: 'any',
    paths: ['/.well-known/pomerium', '/.well-known/pomerium/'],
    methods: [...READ, 'OPTIONS'],
  },
  JWKS: { site: 'any', paths: ['/.well-known/pomerium/jwks.json'], methods: [...READ, 'OPTIONS'] },
} as const satisfies Record<string, Endpoint>

export type EndpointName = keyof typeof ENDPOINTS

const isEndpointName = (name: string): name is EndpointName => Object.hasOwn(ENDPOINTS, name)

export const ENDPOINT_NAMES: readonly EndpointName[] = Object.keys(ENDPOINTS).filter(isEndpointName)

const byAddress = new Map<string, EndpointName>(
  ENDPOINT_NAMES.flatMap((name) => {
    const { site, paths } = ENDPOINTS[name]
    const kinds = site === 'any' ? ['authenticate', 'app'] : [site]
    return kinds.flatMap((kind) => paths.map((path) => [`${kind} ${path}`, name] as const))
  }),
)

/** By the exact path, as Envoy normalised it. */
export function endpointOf(site: Site, path: string): EndpointName | undefined {
  return byAddress.get(`${site.kind} ${path}`)
}
