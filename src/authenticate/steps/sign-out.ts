/** Signing out: the session ends everywhere at once, here and at the OpenID provider. */
import { signUrl } from '../../crypto/signed-url.ts'
import { Fault } from '../../errors.ts'
import { signOutHints } from '../../identity/sign-out-hints.ts'
import type { Session } from '../../session/session.ts'
import { html } from '../../transport/html.ts'
import { actionBar } from '../../transport/page.ts'
import { clearedSessionCookie, hostOnlyCookie, RETURN_COOKIE, ROUNDS_COOKIE } from '../cookies.ts'
import { signOutQuestion } from '../pages/sign-out-pages.ts'
import { clearedRecallCookies, recalledReferences, recalledSessions } from '../recall.ts'
import { ORDER_PARAMETER, openSignOutOrder, type SignOutOrder, sealSignOutOrder } from '../sign-out-order.ts'
import { type Answer, pageThatGoesOn, redirect, type Visit } from '../visit.ts'
import { checkSignedUrl, isSigned } from './request/check-signed-url.ts'

const SIGN_OUT_PATH = '/.pomerium/sign_out'
const SIGNED_OUT_PATH = '/.pomerium/signed_out'

/** A browser that loads a page in case somebody wants it has not been asked by anybody to sign out. */
const AHEAD_OF_TIME: readonly (readonly [header: string, purpose: RegExp])[] = [
  ['sec-purpose', /prefetch|prerender/i],
  ['purpose', /prefetch|prerender|preview/i],
  ['x-purpose', /prefetch|prerender|preview/i],
  ['x-moz', /prefetch/i],
]

export function refusePrefetch({ request }: Visit): Answer | undefined {
  const isAhead = AHEAD_OF_TIME.some(([header, purpose]) =>
    purpose.test(String(request.headers[header] ?? '')),
  )
  if (isAhead) throw new Fault('REQUEST_INVALID', 'a sign-out that nobody has asked for yet')
  return undefined
}

/**
 * On an app's host a plain link signs out, so that apps can have one. What another site can do with it is
 * little: its navigation meets a question first, and its images and fetches are refused.
 *
 * A link without any sign of where it stands is believed: the worst that happens is that somebody signs in
 * again. A post is not, since every browser says where a form stands.
 */
export function askCrossSite(visit: Visit): Answer | undefined {
  const { headers } = visit.request
  const isEmbedded = headers['sec-fetch-mode'] !== undefined && headers['sec-fetch-mode'] !== 'navigate'
  const place = placeOf(visit)
  if (isEmbedded && (place === 'beside' || place === 'elsewhere'))
    throw new Fault('REQUEST_INVALID', 'a sign-out hidden in another page')
  const isBelieved = place === 'here' || (visit.request.method !== 'POST' && place !== 'elsewhere')
  return isBelieved ? undefined : redirect(visit, new URL(SIGN_OUT_PATH, visit.sites.authenticateUrl))
}

/** Where the link or the form stands: at this origin, somewhere else, or the browser does not say. */
function placeOf({ request, site }: Visit): 'here' | 'beside' | 'elsewhere' | 'unknown' {
  const { 'sec-fetch-site': fetchSite, origin, referer } = request.headers
  if (origin !== undefined) return origin === site.origin ? 'here' : 'elsewhere'
  switch (fetchSite) {
    case 'same-origin':
      return 'here'
    case 'same-site':
      return 'beside'
    case 'none':
      return 'unknown'
    case undefined:
      if (referer === undefined || referer === '') return 'unknown'
      return URL.parse(referer)?.origin === site.origin ? 'here' : 'elsewhere'
    default:
      return 'elsewhere'
  }
}

/** The record goes first: from here on the cookie is worth nothing on any host. */
export async function signOutHere(visit: Visit): Promise<Answer> {
  const { services, sites } = visit
  const order = await endSessions(visit)
  visit.cookies.push(clearedSessionCookie(visit), hostOnlyCookie(ROUNDS_COOKIE, '', 0))
  const next = new URL(SIGN_OUT_PATH, sites.authenticateUrl)
  if (order !== undefined) next.searchParams.set(ORDER_PARAMETER, sealSignOutOrder(order, services.sealer))
  return redirect(visit, signUrl(next, services.keys.url, visit.now))
}

/**
 * On the authenticate host a link alone doesn't sign out; it takes a press of the button, or the order of an
 * app's host that belongs to the same person (so nobody can send their own order to somebody else).
 */
export function askUnlessOrdered(visit: Visit): Answer | undefined {
  const { found, request, services } = visit
  if (request.method === 'POST') return undefined
  const { session } = found
  if (!isSigned(visit))
    return session === undefined ? redirect(visit, SIGNED_OUT_PATH) : signOutQuestion(visit, session)
  checkSignedUrl(visit)
  found.order = openSignOutOrder(request.query.get(ORDER_PARAMETER) ?? '', services.sealer)
  if (session === undefined) return undefined
  const isOrdered = ({ userId, idpId }: Session) =>
    found.order?.userId === userId && found.order.idpId === idpId
  const isTheirs = [session, ...(found.otherSessions ?? [])].every(isOrdered)
  // This browser has had the session that ended: the one here is of the same person at another provider.
  const isKnown = recalledReferences(visit).some(({ sessionId }) => sessionId === found.order?.sessionId)
  return isTheirs || isKnown ? undefined : signOutQuestion(visit, session)
}

export async function signOutEverywhere(visit: Visit): Promise<Answer> {
  const { found, config, site, sites, request } = visit
  const ended = await endSessions(visit)
  // Of several providers one can be visited: the one whose session was meant.
  const endSessionUrl = (await endSessionUrlOf(visit, found.order)) ?? (await endSessionUrlOf(visit, ended))
  visit.cookies.push(
    clearedSessionCookie(visit),
    ...clearedRecallCookies(visit),
    hostOnlyCookie(RETURN_COOKIE, '', 0),
  )
  const { signout_redirect_url: configured } = config.settings
  const next = endSessionUrl ?? configured ?? new URL(SIGNED_OUT_PATH, sites.authenticateUrl).href
  const target = new URL(next)
  if (request.method !== 'POST' || target.origin === site.origin) return redirect(visit, target)
  return pageThatGoesOn(target, {
    title: 'Signing out',
    heading: 'Signing you out',
    body: html`<p>You are signed out here. One moment, your identity provider is told…</p>
${actionBar([{ label: 'Go on', href: target.href, main: true }])}`,
  })
}

/** All that the request names, at whatever provider: with two of one, no other page lets anybody in. */
async function endSessions(visit: Visit): Promise<SignOutOrder | undefined> {
  const { session, otherSessions = [] } = visit.found
  const recalled = visit.site.kind === 'authenticate' ? await recalledSessions(visit) : []
  const others = new Map([...otherSessions, ...recalled].map((other) => [other.id, other]))
  if (session !== undefined) others.delete(session.id)
  for (const other of others.values()) await endSession(visit, other)
  return endSession(visit, session)
}

export async function endSession(
  visit: Visit,
  session: Session | undefined,
): Promise<SignOutOrder | undefined> {
  if (session === undefined) return undefined
  const { services, request } = visit
  await services.sessions.delete(session.id)
  services.metrics.signOut()
  services.tell({ kind: 'session', change: 'signed out', decisionId: request.decisionId, session })
  const provider = services.provider(session.idpId)
  // Not waited for: a slow provider should not hold up a sign-out that has already happened here.
  void provider?.revoke(session.tokens)
  return orderOf(session)
}

export function orderOf({ id: sessionId, userId, idpId, tokens }: Session): SignOutOrder {
  return { sessionId, userId, idpId, ...signOutHints(tokens.idToken) }
}

/** Of the sign-out page of the provider whose session has ended, if it has one. */
export async function endSessionUrlOf(
  visit: Visit,
  order: SignOutOrder | undefined,
): Promise<string | undefined> {
  if (order === undefined) return undefined
  const { services, sites } = visit
  const url = await services.provider(order.idpId)?.endSessionUrl({
    idTokenHint: order.idTokenHint,
    logoutHint: order.logoutHint,
    postLogoutRedirectUri: new URL(SIGNED_OUT_PATH, sites.authenticateUrl).href,
  })
  return url?.href
}
