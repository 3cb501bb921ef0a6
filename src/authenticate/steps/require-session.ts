/** Pages about a person need the person: browsers are sent to sign in, programs are told. */
import { FLOW_SECONDS, flowHash } from '../../edge/flow.ts'
import { buildSignInUrl } from '../../edge/sign-in-url.ts'
import { Fault } from '../../errors.ts'
import { prefersHtml } from '../../transport/prefers-html.ts'
import { flowCookie } from '../flow-cookie.ts'
import { type Answer, redirect, type Visit } from '../visit.ts'

export function requireSession(visit: Visit): Answer | undefined {
  const { found, site, request } = visit
  return found.session === undefined ? signInFor(visit, site.origin + request.path) : undefined
}

/** @throws {Fault} NOT_SIGNED_IN for what can't sign anybody in */
export function signInFor(visit: Visit, target: string): Answer {
  if (visit.request.method !== 'GET' || !prefersHtml(visit.request.headers)) {
    throw new Fault('NOT_SIGNED_IN', `${visit.request.path} without a session`)
  }
  return redirect(visit, signInUrlTo(visit, target))
}

/** The signed address of the sign-in page for a target on this host; binds the browser by a flow cookie. */
function signInUrlTo(visit: Visit, target: string): string {
  const { services, sites, site, now } = visit
  const idpIds = idpIdsAt(visit)
  if (idpIds.length === 0)
    throw new Fault('IDP_NOT_CONFIGURED', 'sign-in asked for, but no provider is configured')
  return buildSignInUrl({
    authenticateUrl: sites.authenticateUrl,
    redirectUri: target,
    idpIds,
    additionalHosts: [],
    flow: site.kind === 'app' ? flowHash(flowCookie(visit, FLOW_SECONDS)) : undefined,
    key: services.keys.url,
    nowMs: now,
  })
}

/**
 * On an app's host, those whose sessions count on one of its routes; the session cookie there is for them. On
 * the authenticate host all that are for everybody, and those of an app there.
 */
export function idpIdsAt({ services, config, site }: Visit): readonly string[] {
  const named = config.routes.filter(({ origin }) => !origin.wildcard && origin.host === site.host)
  const ids = (routes: typeof config.routes) => routes.flatMap((route) => services.idpIdsFor(route))
  if (site.kind === 'authenticate') return [...new Set([...services.idpIdsFor(), ...ids(named)])]
  const routes = named.length > 0 ? named : config.routes.filter(({ origin }) => origin.wildcard)
  return [...new Set(ids(routes))]
}
