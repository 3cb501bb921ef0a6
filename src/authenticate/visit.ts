/**
 * One request to one of our own pages: what was asked, what the steps have found out, and what is answered.
 *
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Config } from '../config/config.ts'
import { Fault } from '../errors.ts'
import type { Identity, IdentityProvider } from '../identity/provider.ts'
import type { Session } from '../session/session.ts'
import { PAGE_HEADERS, type Page, renderPage } from '../transport/page.ts'
import type { EndpointName } from './endpoints.ts'
import type { HandOff } from './hand-off.ts'
import type { OauthState } from './oauth-state.ts'
import type { Services } from './ports.ts'
import type { SignOutOrder } from './sign-out-order.ts'
import type { Site, Sites } from './sites.ts'

interface VisitRequest {
  readonly method: string
  readonly path: string
  /** With its `?`, or empty. */
  readonly search: string
  readonly query: URLSearchParams
  readonly form: URLSearchParams | undefined
  readonly headers: IncomingHttpHeaders
  readonly decisionId: string | undefined
}

export interface HostCookie {
  readonly name: `__Host-${string}`
  readonly value: string
}

/** What the steps of a pipeline tell one another. Each field is written by the step that is named for it. */
export interface Found {
  session?: Session | undefined
  /** Further live sessions that the request names: a mishap, or an attack. */
  otherSessions?: readonly Session[]
  /**
   * Where the user agent goes in the end. Only `readTarget`, `openState` and their like put a URL here,
   * checked.
   */
  target?: URL
  /** Where a program waits for its token; only `readReturnAddress` puts a URL here, checked. */
  returnAddress?: URL
  /** Those that the person may sign in at. */
  providers?: readonly IdentityProvider[]
  loginCookie?: HostCookie
  state?: OauthState
  identity?: Identity
  handOff?: HandOff
  /** How often in a row this host has set a session cookie that did not come back, this time included. */
  round?: number
  order?: SignOutOrder | undefined
  /** A few words more for the page of a fault that follows. */
  detail?: string
}

export interface Visit {
  readonly services: Services
  readonly config: Config
  readonly sites: Sites
  readonly site: Site
  readonly endpoint: EndpointName
  readonly request: VisitRequest
  /** One reading of the clock for the whole visit. */
  readonly now: number
  readonly found: Found
  /** `Set-Cookie` values that go with whatever is answered. */
  readonly cookies: string[]
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Answers, or passes on by answering nothing, or throws a Fault. */
export type Step = (visit: Visit) => Answer | undefined | Promise<Answer | undefined>

/** What an earlier step must have found; it not being there is a bug in the order of the pipeline. */
export function required<Name extends keyof Found>(visit: Visit, name: Name): NonNullable<Found[Name]> {
  const value = visit.found[name]
  if (value === undefined) throw new Error(`${visit.endpoint}: no step before this one has found "${name}"`)
  return value
}

/** @throws {Fault} REQUEST_INVALID for a parameter that is missing */
export function parameter(visit: Visit, name: string): string {
  const value = visit.request.query.get(name)
  if (value === null || value === '') throw new Fault('REQUEST_INVALID', `the parameter ${name} is missing`)
  return value
}

const BARE_HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
} as const

/** 302 after a GET; 303 after a POST, so that the next request is a GET everywhere. */
export function redirect(visit: Visit, target: URL | string): Answer {
  const status = visit.request.method === 'POST' ? 303 : 302
  return { status, headers: { ...BARE_HEADERS, location: String(target) }, body: '' }
}

export function page(content: Page, status = 200): Answer {
  return { status, headers: PAGE_HEADERS, body: renderPage(content) }
}

/**
 * A page from which the browser goes on by itself.
 *
 * For two cases that a redirect can't do: after a post, browsers hold redirects to the `form-action` of our
 * page; and a `SameSite=Strict` cookie isn't sent on a redirect that began at another site.
 */
export function pageThatGoesOn(target: URL, content: Page): Answer {
  const answer = page(content)
  return { ...answer, headers: { ...answer.headers, refresh: `0;url=${target.href}` } }
}

export function json(value: unknown, status = 200): Answer {
  const headers = {
    ...BARE_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'cross-origin-resource-policy': 'same-origin',
    'x-frame-options': 'DENY',
  }
  return { status, headers, body: JSON.stringify(value) }
}
