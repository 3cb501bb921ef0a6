/**
 * A program whose user signs in by a browser.
 *
 * It asks for a page (`/.pomerium/api/v1/login`), has its user open it, and waits on an address of the user's
 * own computer. The browser is sent there with a token when its user has signed in.
 *
 * @see RFC 8252 sections 7.3 and 8.6
 * @module
 */
import { createHash } from 'node:crypto'
import { signedAt, signUrl } from '../../crypto/signed-url.ts'
import { FLOW_SECONDS, flowHash, flowMatches, newFlowCookieValue } from '../../edge/flow.ts'
import { makeProgramToken } from '../../edge/program-token.ts'
import { FLOW_PARAMETER, REDIRECT_URI_PARAMETER } from '../../edge/sign-in-url.ts'
import { Fault } from '../../errors.ts'
import { isLoopback } from '../../loopback.ts'
import type { Session } from '../../session/session.ts'
import { hostCookie, hostOnlyCookie, sessionCookieOf } from '../cookies.ts'
import { ENDPOINTS } from '../endpoints.ts'
import { programQuestion } from '../pages/program-page.ts'
import { type Answer, redirect, required, type Visit } from '../visit.ts'
import { idpIdsAt, signInFor } from './require-session.ts'

const TOKEN_PARAMETER = 'pomerium_jwt'
/** Of the answer to our question: the session that says yes. */
const CONSENT_PARAMETER = 'pomerium_consent'
const CONSENT_SECONDS = 300
/** Which browser has signed in for a program. */
const PROGRAM_COOKIE = '__Host-sallyport_program'

/** Where tokens may be sent. Judged again when one is given: the configuration may have changed. */
export function readReturnAddress(visit: Visit): Answer | undefined {
  const text = visit.request.query.get(REDIRECT_URI_PARAMETER) ?? ''
  if (text === '') throw new Fault('NOT_FOUND', `the parameter ${REDIRECT_URI_PARAMETER} is missing`)
  const address = returnAddress(text, visit.config.settings.programmatic_redirect_domain_whitelist)
  if (address === undefined) {
    visit.found.detail =
      'The program wants its token sent to an address that is not allowed here. Who runs this proxy can allow its host in "programmatic_redirect_domain_whitelist".'
    throw new Fault('REDIRECT_NOT_OURS', `no token is sent to ${JSON.stringify(text.slice(0, 200))}`)
  }
  visit.found.returnAddress = address
  return undefined
}

function returnAddress(text: string, allowed: readonly string[]): URL | undefined {
  // As for targets of ours: what parsers read differently is no address.
  if (!/^[!-[\]-~]{1,2048}$/.test(text)) return undefined
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return undefined
  const isPlain = url.protocol === 'http:'
  if (!isPlain && url.protocol !== 'https:') return undefined
  if (isLoopback(url.hostname)) return allowed.includes('localhost') ? url : undefined
  return !isPlain && allowed.includes(url.hostname.replace(/\.$/, '')) ? url : undefined
}

/** Plain text: the address of the page, for one sign-in. */
export function giveLoginUrl(visit: Visit): Answer {
  return {
    status: 200,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
    body: pageAddress(visit, FLOW_SECONDS * 1000),
  }
}

/** @param found what has been found out of the person, by the name of its parameter */
function pageAddress(visit: Visit, lifetimeMs: number, found: Readonly<Record<string, string>> = {}): string {
  const { site, services, now } = visit
  const url = new URL(ENDPOINTS.PROGRAM.paths[0], site.origin)
  url.searchParams.set(REDIRECT_URI_PARAMETER, required(visit, 'returnAddress').href)
  for (const [name, value] of Object.entries(found)) url.searchParams.set(name, value)
  return signUrl(url, services.keys.url, now, lifetimeMs)
}

/** A session at a provider that counts on no route of this host would open nothing with its token. */
export function requireCountingSession(visit: Visit): Answer | undefined {
  const { session } = visit.found
  if (session !== undefined && idpIdsAt(visit).includes(session.idpId)) return undefined
  const value = newFlowCookieValue()
  const target = pageAddress(visit, FLOW_SECONDS * 1000, { [FLOW_PARAMETER]: flowHash(value) })
  const answer = signInFor(visit, target)
  visit.cookies.push(hostOnlyCookie(PROGRAM_COOKIE, value, FLOW_SECONDS))
  return answer
}

/**
 * Anybody can have such a page opened in a browser that is signed in, and a token sent to whatever listens on
 * that computer. Who has just signed in for this very page, in this browser, knows of it; everybody else is
 * asked.
 */
export function askUnlessJustSignedIn(visit: Visit): Answer | undefined {
  const session = required(visit, 'session')
  const consent = consentOf(session)
  if (hasSignedInForIt(visit, session) || visit.request.query.get(CONSENT_PARAMETER) === consent) {
    visit.cookies.push(hostOnlyCookie(PROGRAM_COOKIE, '', 0))
    return undefined
  }
  return programQuestion(visit, {
    session,
    program: required(visit, 'returnAddress'),
    // Nobody else can make the address: it is signed, and names the session.
    yes: pageAddress(visit, CONSENT_SECONDS * 1000, { [CONSENT_PARAMETER]: consent }),
  })
}

function hasSignedInForIt({ request, site }: Visit, { issuedAt }: Session): boolean {
  const flow = request.query.get(FLOW_PARAMETER)
  const present = hostCookie(request.headers.cookie, PROGRAM_COOKIE)
  if (flow === null || present === undefined || !flowMatches(present, flow)) return false
  return issuedAt >= signedAt(site.origin + request.path + request.search)
}

function consentOf({ id }: Session): string {
  return createHash('sha256').update(`program\0${id}`).digest('base64url')
}

export function giveProgramToken(visit: Visit): Answer {
  const { sites, services, site, request, now } = visit
  const session = required(visit, 'session')
  const target = new URL(required(visit, 'returnAddress'))
  const { audience } = sessionCookieOf(visit)
  const { origin: issuer } = sites.authenticateUrl
  const content = { sessionId: session.id, audience, issuer, issuedAt: now, expiresAt: session.expiresAt }
  target.searchParams.set(TOKEN_PARAMETER, makeProgramToken(content, services.keys.program))
  services.logger.info(
    {
      host: site.host,
      program: target.origin,
      'user-id': session.userId,
      'session-id': session.id,
      'request-id': request.decisionId,
    },
    'a program was given a token',
  )
  return redirect(visit, target)
}
