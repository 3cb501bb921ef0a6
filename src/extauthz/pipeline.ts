/**
 * Every check of a request, in the order that security depends on.
 *
 * Each step may end the matter with a verdict or narrow down what later ones see. None but the last can
 * allow, and a list that comes to no verdict is a bug, which denies. The test takes each row out and shows
 * what would then go wrong.
 *
 * Who waits is judged anew: what held before may not hold any more.
 *
 * @module
 */

import { CERTIFICATE_HEADER, certificateShown } from '../access/credentials/client-certificate/forwarded.ts'
import { siteKindOf } from '../access/host.ts'
import { MAY, PASS, type Row, WHO } from '../access/pipeline.ts'
import type { AccessDependencies } from '../access/ports.ts'
import { isMethod } from '../config/routing/route-match.ts'
import { sessionCookieAt } from '../edge/session-cookie.ts'
import { Fault } from '../errors.ts'
import type { MaybePromise } from '../session/store.ts'
import type { UpstreamPorts } from '../upstream/contributors.ts'
import type { Check, RefusalReason, Verdict } from './check.ts'
import type { SplitCookies } from './cookies.ts'
import type { Ports } from './ports.ts'
import type { RouteTable } from './routes.ts'
import { clientOf } from './share/client.ts'
import type { OpenRequests } from './share/open-requests.ts'
import { recogniseVisitor, type Visitors } from './visitors.ts'

/** What steps use besides the check itself. */
export interface CheckDependencies extends UpstreamPorts, AccessDependencies {
  readonly keys: Ports['keys']
  readonly routes: RouteTable
  readonly visitors: Visitors
  readonly openRequests: OpenRequests
  readonly splitCookies: (header: string | undefined) => SplitCookies
}

export type Step = Row<Check, CheckDependencies, RefusalReason>

export const PIPELINE: readonly Step[] = [
  { name: 'the clock can be read', run: requireClock },
  { name: 'the route is known by its id', run: findRoute },
  { name: 'headers are of a size that apps take', run: refuseLargeHeaders },
  { name: 'the host is one that a name can be read from', run: refuseOddHost },
  { name: 'nobody is asked to repeat what was sent', run: refuseTrace },
  { name: 'the method means one thing', run: refuseUnknownMethod },
  { name: 'the path means one thing', run: refuseAmbiguousTarget },
  { name: 'credentials are ours or not ours', run: refuseMixedCredentials },
  { name: 'the certificate of the client is judged', run: judgeCertificate },
  { name: 'references are verified for this host', run: findVisitor },
  ...WHO,
  { name: 'tokens for the upstream are renewed before they end', run: renewForUpstream, isErrand: true },
  ...MAY,
  { name: 'what the upstream must be told of who asks is there', run: requireForUpstream },
  { name: 'what others give for the upstream is had', run: prepareForUpstream, isErrand: true },
  { name: 'a client has no more open than its share of the app', run: countOpenRequest },
  PASS,
]

/** Comparisons with a time that is not a number are all false, and some would then let pass. */
function requireClock({ now }: Check): undefined {
  if (!Number.isSafeInteger(Math.floor(now)) || now <= 0) throw new Error('the clock shows no time')
}

/** By the id that Envoy matched, never by host: both then always mean the same route. */
function findRoute(check: Check, { routes }: CheckDependencies): undefined {
  check.route = routes.find(check.request.routeId)
  if (check.route === undefined)
    throw new Fault('ROUTE_UNKNOWN', `Envoy asks for a route that is not known: ${check.request.routeId}`)
}

/**
 * Three times what a Node upstream takes at all, and room for large cookies and Kerberos tickets. Envoy lets
 * twice that in: its own refusal of more is a broken stream over HTTP/2, which tells nobody what is wrong.
 */
const LARGEST_HEADERS = 48 * 1024

function refuseLargeHeaders({ request }: Check): Verdict | undefined {
  return request.byteLength > LARGEST_HEADERS ? { outcome: 'refuse', reason: 'headers-too-large' } : undefined
}

/** Assertions, cookies and addresses to come back to are made of it. */
function refuseOddHost({ host }: Check): Verdict | undefined {
  return host === '' ? ambiguous('the host is not written as hosts are') : undefined
}

/**
 * The upstream would send back what only it may see: the assertion, and tokens that were added on the way.
 */
const ECHOING = /^trac[ek]$/i

function refuseTrace({ request }: Check): Verdict | undefined {
  return ECHOING.test(request.method) ? { outcome: 'refuse', reason: 'method-not-allowed' } : undefined
}

/**
 * Some programs put methods in upper case, so a rule on DELETE would not meet the `delete` that they take for
 * it.
 */
function refuseUnknownMethod({ request }: Check): Verdict | undefined {
  return isMethod(request.method) ? undefined : { outcome: 'refuse', reason: 'unknown-method' }
}

/** What no target holds in any part; the query is data, and browsers leave much in it unescaped. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NO_TARGET = /[#\x00-\x20\x7f]/

function refuseAmbiguousTarget({ request, path, route }: Check): Verdict | undefined {
  if (NO_TARGET.test(request.path)) return ambiguous('the path holds characters that must be escaped')
  // A tunnel has no path, and `OPTIONS *` asks about the whole server.
  if ((path === '*' && request.method === 'OPTIONS') || (path === '' && request.method === 'CONNECT'))
    return undefined
  if (!path.startsWith('/')) return ambiguous('the path does not begin with a slash')
  const problem = route?.pathProblem(request.host, path)
  return problem === undefined ? undefined : ambiguous(problem)
}

const ambiguous = (detail: string): Verdict => ({ outcome: 'refuse', reason: 'ambiguous-target', detail })

/**
 * A bearer token is judged by its form only where it is a credential: elsewhere it is the upstream's affair.
 */
function refuseMixedCredentials({ credentials, route }: Check): Verdict | undefined {
  const { problem, bearerProblem } = credentials
  const reason = problem ?? (route?.takesBearer === true ? bearerProblem : undefined)
  return reason === undefined ? undefined : { outcome: 'refuse', reason }
}

/** By what Envoy tells of the connection. A connection lives long, so it is judged on every request. */
function judgeCertificate(check: Check): undefined {
  const verifier = check.route?.certificates
  if (verifier === undefined) return
  check.certificate = certificateShown(verifier, check.request.header(CERTIFICATE_HEADER), check.now)
}

/**
 * A reference that was altered, or made for another host, names nobody.
 *
 * A visitor is remembered by all that they are made of. The cookie's name and domain are among it: a route of
 * the generation before, which is still asked for a moment, may have others.
 */
function findVisitor(check: Check, { visitors, splitCookies, keys }: CheckDependencies): undefined {
  const { route, host } = check
  if (route === undefined) throw new Error('a visitor was looked for without a route')
  const cookie = check.request.cookie
  const { references } = check.credentials
  const sessionCookie = sessionCookieAt(host, route.settings, siteKindOf(host, route.settings))
  const { cookieName, audience } = sessionCookie
  const named = references.length === 0 ? '' : `${references.join('\n')}\n`
  const key = `${host}\n${cookieName}\n${audience}\n${certificateKey(check)}\n${named}${cookie ?? ''}`
  check.visitor = visitors.find(key)
  if (check.visitor !== undefined) return
  check.visitor = recogniseVisitor({
    sessionCookie,
    cookies: splitCookies(cookie),
    headerReferences: references,
    keys,
  })
  visitors.remember(key, check.visitor, references.length > 0 || cookie !== undefined)
}

/** Answers may name the certificate, if it is valid; an invalid one is only taken off the request. */
function certificateKey({ certificate }: Check): string {
  if (certificate?.presented !== true) return ''
  return certificate.validity === 'valid' ? certificate.fingerprint : 'invalid'
}

/** Which of them a route has: upstream/contributors.ts. */
function renewForUpstream(check: Check, ports: CheckDependencies): MaybePromise<undefined> {
  return check.route?.contributions.renew(check, ports)
}

function requireForUpstream(check: Check): Verdict | undefined {
  return check.route?.contributions.require(check)
}

/** @throws {Fault} for what is not to be had: without it the request would only be refused there */
function prepareForUpstream(check: Check, ports: CheckDependencies): MaybePromise<Verdict | undefined> {
  return check.route?.contributions.prepare(check, ports)
}

/** The last of all that may refuse: what does not pass is not open, and does not count. */
function countOpenRequest(
  check: Check,
  { openRequests }: CheckDependencies,
): MaybePromise<Verdict | undefined> {
  const { route, admission } = check
  const share = route?.clientShare
  if (route === undefined || share === undefined || admission !== undefined) return undefined
  check.admission = openRequests.admit(route.route.id, clientOf(check), share)
  if (check.admission !== undefined) return undefined
  // Ends are reported a moment later, and a client may have begun the next request at once.
  const reports = check.hasWaitedForEnds === true ? undefined : openRequests.waitForReports()
  check.hasWaitedForEnds = true
  if (reports !== undefined) return reports.then(() => undefined)
  return { outcome: 'refuse', reason: 'too-many-open-requests', detail: `${share} are open` }
}
