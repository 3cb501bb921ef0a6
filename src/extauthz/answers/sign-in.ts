/**
 * A request that must be signed in first: a redirect for a person, an answer with the address for a program.
 *
 * @module
 */

import type { AuthenticationRequirement } from '../../edge/authentication-requirement.ts'
import {
  FLOW_COOKIE,
  FLOW_SECONDS,
  flowHash,
  isFlowCookieValue,
  newFlowCookieValue,
} from '../../edge/flow.ts'
import { buildBeginUrl, buildSignInUrl } from '../../edge/sign-in-url.ts'
import { Fault } from '../../errors.ts'
import { html } from '../../transport/html.ts'
import type { HeaderEntry } from '../../upstream/header.ts'
import type { Check } from '../check.ts'
import type { DeniedAnswer } from '../check-response.ts'
import type { CompiledRoute, RouteTable } from '../routes.ts'
import { challenge, SIGN_IN_AGAIN, stepUpChallenge } from './challenge.ts'
import { type Refusal, redirectAnswer, refusalAnswer } from './refusal.ts'
import { mayBeRedirected, type Shape } from './response-format.ts'

/** Longer addresses are not carried through the sign-in: they would not fit into headers on the way. */
const LONGEST_RETURN_URL = 4096

export function signInAnswer(
  check: Check,
  route: CompiledRoute,
  shape: Shape,
  decisionId: string,
  options: {
    readonly urlKey: Uint8Array
    readonly routes: RouteTable
    readonly reason: 'sign-in' | 'step-up'
  },
): DeniedAnswer {
  const { urlKey, routes, reason } = options
  const authenticateUrl = route.settings.authenticate_service_url
  if (authenticateUrl === undefined && route.takesBearer)
    return refusalAnswer(FOR_PROGRAMS, shape, decisionId, challenge(check, 'sign-in'))
  if (authenticateUrl === undefined)
    throw new Fault('IDP_NOT_CONFIGURED', 'a route asks for sign-in and authenticate_service_url is not set')
  const demand = demandOf(check, route)
  const target = mayBeRedirected(check.request, shape) ? ownUrl(check) : undefined
  if (target !== undefined) {
    const { flow, flowCookie } = flowOf(check)
    const parts = { ...signInParts(check, route, urlKey), redirectUri: target, demand }
    return redirectAnswer(buildSignInUrl({ ...parts, authenticateUrl, flow: flowHash(flow) }), [flowCookie])
  }
  const loginUrl = buildBeginUrl({
    ...signInParts(check, route, urlKey),
    redirectUri: pageUrl(check),
    demand,
  })
  const isStepUp = reason === 'step-up'
  return refusalAnswer(
    {
      status: 401,
      code: isStepUp ? 'step_up_required' : 'sign_in_required',
      heading: 'Sign in again first',
      message: shape === 'html' ? messageForPeople(check, isStepUp) : messageForPrograms(check, isStepUp),
      details:
        shape === 'html' &&
        html`<p class="actions"><a class="button main" href="${loginUrl}" target="_blank" rel="noopener">Sign in in a new tab</a></p>`,
      loginUrl,
    },
    shape,
    decisionId,
    [
      ...(isStepUp ? stepUpChallenge(check, demand) : challenge(check, 'sign-in')),
      ...corsHeaders(check, routes),
    ],
  )
}

/** Where nobody can sign in, because only workloads are meant to come. */
const FOR_PROGRAMS: Refusal = {
  status: 401,
  code: 'token_required',
  heading: 'For programs only',
  message: 'This address is for programs that bring a token; people cannot sign in here.',
}

/** Ties the sign-in to this browser: without the cookie nobody comes back from it. */
function flowOf(check: Check): { readonly flow: string; readonly flowCookie: HeaderEntry } {
  const kept = check.visitor?.cookies.flow
  const flow = isFlowCookieValue(kept) ? kept : newFlowCookieValue()
  const attributes = `Path=/; Max-Age=${FLOW_SECONDS}; Secure; HttpOnly; SameSite=Lax`
  return { flow, flowCookie: ['set-cookie', `${FLOW_COOKIE}=${flow}; ${attributes}`] }
}

function signInParts({ request, now }: Check, { idpIds, route }: CompiledRoute, key: Uint8Array) {
  return {
    appOrigin: `https://${request.host}`,
    idpIds,
    additionalHosts: route.depends_on ?? [],
    key,
    nowMs: now,
  }
}

/**
 * For somebody whose sign-in is not enough for what the upstream must be given: a link, not a redirect, lest
 * they go round and round. `undefined` where nobody can sign in.
 */
export function signInAgain(check: Check, route: CompiledRoute, key: Uint8Array): string | undefined {
  if (route.settings.authenticate_service_url === undefined) return undefined
  const { maxAge = Infinity, acrValues } = route.demand
  const demand = { maxAge: Math.min(maxAge, SIGN_IN_AGAIN.maxAge, ageOfSignIn(check)), acrValues }
  return buildBeginUrl({ ...signInParts(check, route, key), redirectUri: shownUrl(check), demand })
}

/** Whole seconds, so that the sign-in which was not enough is too old when the link is followed. */
function ageOfSignIn({ sessions: [session], now }: Check): number {
  const { issuedAt = 0, authenticatedAt = issuedAt } = session ?? {}
  return Math.max(1000, Math.floor((now - Math.min(issuedAt, authenticatedAt)) / 1000) * 1000)
}

/**
 * For somebody who may not pass as who they are: where they become somebody else, and come back to this page.
 * `undefined` where nobody can sign in.
 */
export function otherAccountUrl(check: Check, route: CompiledRoute, key: Uint8Array): string | undefined {
  const [session] = check.sessions
  if (session === undefined || route.idpIds.length === 0) return undefined
  if (route.settings.authenticate_service_url === undefined) return undefined
  return buildBeginUrl({
    ...signInParts(check, route, key),
    redirectUri: shownUrl(check),
    leaves: session.id,
  })
}

/** Of what a person is looking at: the page itself, or that with the form which was posted. */
function shownUrl(check: Check): string {
  return check.request.method === 'GET' ? (ownUrl(check) ?? frontPage(check)) : pageUrl(check)
}

function messageForPeople({ request }: Check, isStepUp: boolean): string {
  const why = isStepUp ? 'This page asks you to sign in again' : 'You are not signed in any more'
  return request.method === 'GET'
    ? 'The address of this page is too long to be carried through the sign-in. Sign in in a new tab, then load this page again.'
    : `${why}, so what you sent was not passed on. Sign in in a new tab, then go back to your form and send it again.`
}

/**
 * What is wrong with what came, in words: whoever brings a credential wants to know about that, not of
 * sign-ins.
 */
function messageForPrograms({ credentials, request }: Check, isStepUp: boolean): string {
  if (isStepUp) return 'This needs a more recent or a stronger sign-in than yours.'
  if (credentials.isPresent)
    return 'The session that the request names does not count here: it has expired, was signed out, or is of another host or identity provider.'
  if (credentials.bearer !== undefined) return 'The token in Authorization is not one that this route takes.'
  return request.header('authorization') === undefined
    ? 'You are not signed in.'
    : 'The credentials in Authorization are not ones that this route takes.'
}

/** What the route asks for; and where a session was too old for it or silent for too long, a younger one. */
function demandOf({ passedLimit }: Check, { demand }: CompiledRoute): AuthenticationRequirement {
  return passedLimit === undefined
    ? demand
    : { ...demand, maxAge: Math.min(passedLimit, demand.maxAge ?? passedLimit) }
}

/** Lets a page of ours on another host read that a sign-in is due. Others learn nothing, not even that. */
export function corsHeaders({ request }: Check, routes: RouteTable): readonly HeaderEntry[] {
  const origin = request.header('origin')
  if (origin === undefined) return []
  const vary: HeaderEntry = ['vary', 'Origin']
  if (!routes.isOurOrigin(origin)) return [vary]
  return [
    vary,
    ['access-control-allow-origin', origin],
    ['access-control-allow-credentials', 'true'],
    ['access-control-expose-headers', 'x-request-id'],
  ]
}

/** The address that was asked for; `undefined` when it can't be carried. */
function ownUrl({ request }: Check): string | undefined {
  const url = `https://${request.host}${request.path}`
  return url.length <= LONGEST_RETURN_URL && URL.canParse(url) ? url : undefined
}

const frontPage = ({ request }: Check) => `https://${request.host}/`

/** The page that a script runs in or a form stands on, if it is of this host: that is where its user is. */
function pageUrl(check: Check): string {
  const referer = URL.parse(check.request.header('referer') ?? '')
  const isOwn = referer?.host === check.request.host.toLowerCase() && referer.username === ''
  if (isOwn && referer.href.length <= LONGEST_RETURN_URL) return referer.href
  return (check.request.method === 'GET' ? ownUrl(check) : undefined) ?? frontPage(check)
}
