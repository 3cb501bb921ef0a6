/**
 * A request that must be signed in first: a redirect for a person, an answer with the address for a program.
 *
 * @module
 */
import { FLOW_COOKIE, flowHash, isFlowCookieValue, newFlowCookieValue } from '../crypto/flow.ts'
import type { SignInDemand } from '../crypto/sign-in-demand.ts'
import { buildSignInUrl } from '../crypto/sign-in-url.ts'
import { Fault } from '../errors.ts'
import { html } from '../transport/html.ts'
import { mayBeRedirected, type Shape } from './asker.ts'
import { challenge, stepUpChallenge } from './challenge.ts'
import type { Check } from './check.ts'
import type { DeniedAnswer, HeaderEntry } from './check-response.ts'
import { type Refusal, redirectAnswer, refusalAnswer } from './refusal.ts'
import type { CompiledRoute, RouteTable } from './routes.ts'

/** Longer addresses are not carried through the sign-in: they would not fit into headers on the way. */
const LONGEST_RETURN_URL = 4096
/** A sign-in may wait for a second factor and a lunch. */
const FLOW_COOKIE_SECONDS = 3600

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
  // No browser sends a bearer token along when a person opens a page, whoever it is meant for.
  const isMachine = check.credentials.isPresent || check.credentials.bearer !== undefined
  const isRedirected = mayBeRedirected(check.request, shape) && !isMachine
  const { flow, flowCookie } = flowOf(check)
  const authenticateUrl = route.settings.authenticate_service_url
  if (authenticateUrl === undefined && route.takesBearer)
    return refusalAnswer(FOR_PROGRAMS, shape, decisionId, challenge(check, 'sign-in'))
  if (authenticateUrl === undefined)
    throw new Fault('IDP_NOT_CONFIGURED', 'a route asks for sign-in and authenticate_service_url is not set')
  const demand = demandOf(check, route)
  const loginUrl = buildSignInUrl({
    authenticateUrl,
    redirectUri: isRedirected ? ownUrl(check) : pageUrl(check),
    idpIds: route.idpIds,
    additionalHosts: route.route.depends_on ?? [],
    flow: flowHash(flow),
    demand,
    key: options.urlKey,
    nowMs: check.now,
  })
  if (isRedirected) return redirectAnswer(loginUrl, [flowCookie])
  const isForm = shape === 'html'
  const isStepUp = options.reason === 'step-up'
  return refusalAnswer(
    {
      status: 401,
      code: isStepUp ? 'step_up_required' : 'sign_in_required',
      heading: 'Sign in again first',
      message: messageFor(isStepUp, isForm),
      details:
        isForm &&
        html`<p class="actions"><a class="button main" href="${loginUrl}" target="_blank" rel="noopener">Sign in in a new tab</a></p>`,
      loginUrl,
    },
    shape,
    decisionId,
    [
      flowCookie,
      ...(isStepUp ? stepUpChallenge(check, demand) : challenge(check, 'sign-in')),
      ...corsHeaders(check, options.routes),
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
  const attributes = `Path=/; Max-Age=${FLOW_COOKIE_SECONDS}; Secure; HttpOnly; SameSite=Lax`
  return { flow, flowCookie: ['set-cookie', `${FLOW_COOKIE}=${flow}; ${attributes}`] }
}

/**
 * For somebody who may not pass as who they are: the page where people choose an identity provider. `undefined`
 * where there is nothing to choose.
 */
export function chooseAgain(
  check: Check,
  { idpIds, route, settings }: CompiledRoute,
  key: Uint8Array,
): { readonly href: string; readonly headers: readonly HeaderEntry[] } | undefined {
  const { authenticate_service_url: authenticateUrl } = settings
  if (idpIds.length < 2 || authenticateUrl === undefined) return undefined
  const { flow, flowCookie } = flowOf(check)
  const href = buildSignInUrl({
    authenticateUrl,
    redirectUri: ownUrl(check),
    idpIds,
    additionalHosts: route.depends_on ?? [],
    flow: flowHash(flow),
    choose: true,
    key,
    nowMs: check.now,
    lifetimeMs: FLOW_COOKIE_SECONDS * 1000,
  })
  return { href, headers: [flowCookie] }
}

function messageFor(isStepUp: boolean, isForm: boolean): string {
  if (!isForm)
    return isStepUp ? 'This needs a more recent or a stronger sign-in than yours.' : 'You are not signed in.'
  return `${
    isStepUp ? 'This page asks you to sign in again' : 'You are not signed in any more'
  }, so what you sent was not passed on. Sign in in a new tab, then go back to your form and send it again.`
}

/** What the route asks for; and where a session was too old for it or silent for too long, a younger one. */
function demandOf({ outlived }: Check, { demand }: CompiledRoute): SignInDemand {
  return outlived === undefined
    ? demand
    : { ...demand, maxAge: Math.min(outlived, demand.maxAge ?? outlived) }
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

/** The address that was asked for, or the front page of its host when it can't be carried. */
function ownUrl({ request }: Check): string {
  const url = `https://${request.host}${request.path}`
  return url.length <= LONGEST_RETURN_URL && URL.canParse(url) ? url : `https://${request.host}/`
}

/** The page that a script runs in or a form stands on, if it is of this host: that is where its user is. */
function pageUrl(check: Check): string {
  const referer = URL.parse(check.request.header('referer') ?? '')
  const isOwn = referer?.host === check.request.host.toLowerCase() && referer.username === ''
  if (isOwn && referer.href.length <= LONGEST_RETURN_URL) return referer.href
  return check.request.method === 'GET' ? ownUrl(check) : `https://${check.request.host}/`
}
