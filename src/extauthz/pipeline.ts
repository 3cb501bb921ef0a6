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
import { isMethod } from '../config/routing/route-match.ts'
import { sessionCookieAt } from '../edge/session-cookie.ts'
import { Fault } from '../errors.ts'
import { isMachine, type Session } from '../session/session.ts'
import type { MaybePromise } from '../session/store.ts'
import { type Check, CheckFacts, isSignedIn, subjectOf, type Verdict } from './check.ts'
import type { SplitCookies } from './cookies.ts'
import { dropIdleSessions, type IdleJudge } from './idle.ts'
import { renewTokens, requireTokens, type TokenRenewal } from './idp-tokens.ts'
import { findServiceAccounts, refuseOldTokens, verifyBearer } from './machine-credentials.ts'
import type { PlatformToken, Ports } from './ports.ts'
import type { RouteTable } from './routes.ts'
import { askForStepUp } from './step-up.ts'
import { recogniseVisitor, type Visitors } from './visitors.ts'

/** What steps use besides the check itself. */
export interface Judge extends TokenRenewal, IdleJudge {
  readonly sessions: Ports['sessions']
  readonly directory: Ports['directory']
  readonly serviceAccounts: Ports['serviceAccounts']
  readonly bearer: Ports['bearer']
  readonly keys: Ports['keys']
  readonly routes: RouteTable
  readonly visitors: Visitors
  readonly data: Ports['data']
  readonly platformTokens: Ports['platformTokens']
  readonly splitCookies: (header: string | undefined) => SplitCookies
  readonly now: () => number
}

export interface Step {
  readonly name: string
  readonly run: (check: Check, judge: Judge) => MaybePromise<Verdict | undefined>
  /** Asks somebody outside for something to send along. What it got is good, and it is not asked again after a wait. */
  readonly isErrand?: true
}

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
  { name: 'handles are verified for this host', run: findVisitor },
  { name: 'sessions are alive in the store', run: findSessions },
  {
    name: 'service accounts live and are meant for the route',
    run: (check, { serviceAccounts }) => findServiceAccounts(check, serviceAccounts),
  },
  {
    name: 'bearer tokens are verified where the route says so',
    run: (check, { bearer }) => verifyBearer(check, bearer),
  },
  { name: 'sessions have not expired', run: dropExpiredSessions },
  { name: 'sessions have not been idle for too long', run: dropIdleSessions },
  { name: 'tokens are young enough for the route', run: refuseOldTokens },
  { name: 'sessions come from an identity provider of the route', run: dropForeignSessions },
  { name: 'whom the directory has switched off counts as nobody', run: dropSwitchedOff },
  { name: 'tokens for the upstream are renewed before they end', run: renewTokens, isErrand: true },
  { name: 'groups are those that the directory knows', run: applyDirectory },
  { name: 'one identity at most is left', run: refuseSeveralIdentities },
  { name: 'the policy decides', run: askPolicy },
  { name: 'the sign-in is recent and strong enough', run: (check, { data }) => askForStepUp(check, data) },
  { name: 'tokens for the upstream are there and good', run: requireTokens },
  { name: 'a Kubernetes API is asked in the name of somebody', run: requireName },
  { name: 'the platform of the upstream gets its token', run: getPlatformToken, isErrand: true },
  { name: 'what the policy has allowed passes', run: passWhatIsAllowed },
]

/** Runs the steps; synchronous unless one of them has to wait. */
export function runPipeline(
  check: Check,
  judge: Judge,
  steps: readonly Step[] = PIPELINE,
  from = 0,
): MaybePromise<Verdict> {
  for (let index = from; index < steps.length; index++) {
    const verdict = steps[index]?.run(check, judge)
    if (verdict instanceof Promise)
      return verdict
        .then((late) => late ?? judgeAgain(check, judge, steps.slice(0, index + 1)))
        .then((late) => late ?? runPipeline(check, judge, steps, index + 1))
    if (verdict !== undefined) return verdict
  }
  throw new Error('no check came to a verdict')
}

/**
 * After a wait, of a provider's seconds or a store's milliseconds: a session may have ended meanwhile, somebody may
 * have been switched off, groups or the configuration may be others. What depends on the moment is asked once more at
 * the new one; a store that answers late again is waited for, but does not begin another round.
 */
async function judgeAgain(check: Check, judge: Judge, before: readonly Step[]): Promise<Verdict | undefined> {
  check.now = judge.now()
  for (const { run, isErrand } of before) {
    if (isErrand === true) continue
    const verdict = run(check, judge)
    if (!(verdict instanceof Promise)) {
      if (verdict !== undefined) return verdict
      continue
    }
    const late = await verdict
    if (late !== undefined) return late
    check.now = judge.now()
  }
  return undefined
}

/** Comparisons with a time that is not a number are all false, and some would then let pass. */
function requireClock({ now }: Check): undefined {
  if (!Number.isSafeInteger(Math.floor(now)) || now <= 0) throw new Error('the clock shows no time')
}

/** By the id that Envoy matched, never by host: both then always mean the same route. */
function findRoute(check: Check, { routes }: Judge): undefined {
  check.route = routes.find(check.request.routeId)
  if (check.route === undefined)
    throw new Fault('ROUTE_UNKNOWN', `Envoy asks for a route that is not known: ${check.request.routeId}`)
}

/**
 * Three times what a Node upstream takes at all, and room for large cookies and Kerberos tickets. Envoy lets twice
 * that in: its own refusal of more is a broken stream over HTTP/2, which tells nobody what is wrong.
 */
const LARGEST_HEADERS = 48 * 1024

function refuseLargeHeaders({ request }: Check): Verdict | undefined {
  return request.byteLength > LARGEST_HEADERS ? { outcome: 'refuse', reason: 'headers-too-large' } : undefined
}

/** Assertions, cookies and addresses to come back to are made of it. */
function refuseOddHost({ host }: Check): Verdict | undefined {
  return host === '' ? ambiguous('the host is not written as hosts are') : undefined
}

/** The upstream would send back what only it may see: the assertion, and tokens that were added on the way. */
const ECHOING = new Set(['TRACE', 'TRACK'])

function refuseTrace({ request }: Check): Verdict | undefined {
  return ECHOING.has(request.method.toUpperCase())
    ? { outcome: 'refuse', reason: 'method-not-allowed' }
    : undefined
}

/** Some programs put methods in upper case, so a rule on DELETE would not meet the `delete` that they take for it. */
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

/** A bearer token is judged by its form only where it is a credential: elsewhere it is the upstream's affair. */
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
 * A handle that was altered, or made for another host, names nobody.
 *
 * A visitor is remembered by all that they are made of. The cookie's name and domain are among it: a route of the
 * generation before, which is still asked for a moment, may have others.
 */
function findVisitor(check: Check, { visitors, splitCookies, keys }: Judge): undefined {
  const { route, host } = check
  if (route === undefined) throw new Error('a visitor was looked for without a route')
  const cookie = check.request.cookie
  const { handles } = check.credentials
  const sessionCookie = sessionCookieAt(host, route.settings, 'app')
  const { cookieName, audience } = sessionCookie
  const key = [host, cookieName, audience, certificateKey(check), ...handles, cookie ?? ''].join('\n')
  check.visitor = visitors.find(key)
  if (check.visitor !== undefined) return
  check.visitor = recogniseVisitor({
    sessionCookie,
    cookies: splitCookies(cookie),
    headerHandles: handles,
    keys,
  })
  visitors.remember(key, check.visitor, handles.length > 0 || cookie !== undefined)
}

/** Answers may name the certificate, if it is valid; an invalid one is only taken off the request. */
function certificateKey({ certificate }: Check): string {
  if (certificate?.presented !== true) return ''
  return certificate.validity === 'valid' ? certificate.fingerprint : 'invalid'
}

/** Asked on every request, so that a session that ended a moment ago is not there any more. */
function findSessions(check: Check, { sessions }: Judge): MaybePromise<undefined> {
  const ids = check.visitor?.sessionIds ?? []
  check.sessions = []
  if (ids.length === 0) return undefined
  const found = ids.map((id) => sessions.find(id))
  const isLate = found.some((session) => session instanceof Promise)
  if (isLate) return Promise.all(found.map(async (session) => session)).then((late) => keepFound(check, late))
  return keepFound(
    check,
    found.map((session) => (session instanceof Promise ? undefined : session)),
  )
}

function keepFound(check: Check, found: readonly (Session | undefined)[]): undefined {
  check.sessions = found.filter((session) => session !== undefined)
}

/** The store forgets expired sessions in its own time; here it is the instant that counts. Tokens are refused instead. */
function dropExpiredSessions(check: Check): undefined {
  check.outlived = undefined
  keepSessions(check, (session) => !isSignedIn(check, session) || check.now < session.expiresAt)
  const lifetime = check.route?.route.session_lifetime
  if (lifetime !== undefined) keepWithin(check, lifetime, ({ issuedAt }) => check.now - issuedAt)
}

/** Machines have signed in nowhere. */
function dropForeignSessions(check: Check): undefined {
  if (check.sessions.length === 0) return
  const idpIds = check.route?.idpIds ?? []
  keepSessions(check, ({ kind, idpId }) => isMachine(kind) || idpIds.includes(idpId))
}

/** They have a session still; what it opened is closed, and signing in again would not help (see `askPolicy`). */
function dropSwitchedOff(check: Check, { directory }: Judge): undefined {
  check.isSwitchedOff = false
  if (directory === undefined || !check.sessions.some((session) => directory.isSwitchedOff(session))) return
  check.isSwitchedOff = true
  keepSessions(check, (session) => !directory.isSwitchedOff(session))
}

function applyDirectory(check: Check, { directory }: Judge): undefined {
  if (directory !== undefined && check.sessions.length > 0)
    check.sessions = check.sessions.map((session) => directory.apply(session))
}

/** Two people in one request: whom the upstream would be told is chance, or an attacker's choice. */
function refuseSeveralIdentities({ sessions }: Check): Verdict | undefined {
  return sessions.length > 1 ? { outcome: 'refuse', reason: 'conflicting-credentials' } : undefined
}

/** Ends the matter unless it allows: what a route asks for besides its policy is asked of those who may pass at all. */
function askPolicy(check: Check, { data }: Judge): Verdict | undefined {
  const { route, sessions } = check
  if (route === undefined) throw new Error('a policy was asked for without a route')
  const facts = (check.facts = new CheckFacts(check, data))
  const [session] = sessions
  const provider = session && route.providerOf(session)
  const decision = route.policy.decide(subjectOf(session, provider), facts)
  check.decision = decision
  // The identity provider might sign them in again and again, and they would be sent there again and again.
  if (decision.outcome === 'sign-in' && check.isSwitchedOff)
    return { outcome: 'refuse', reason: 'account-switched-off' }
  return decision.outcome === 'allow' ? undefined : { outcome: decision.outcome, decision }
}

/** Without a name the request would have all the power of the service account. */
function requireName({ route, sessions }: Check): Verdict | undefined {
  if (route?.impersonation === undefined) return undefined
  const [session] = sessions
  if (session === undefined) return { outcome: 'refuse', reason: 'name-required' }
  return route.impersonation.userOf(session) === undefined
    ? { outcome: 'refuse', reason: 'name-missing' }
    : undefined
}

/** @throws {Fault} SERVERLESS_TOKEN_UNAVAILABLE: without it the request would only be refused there */
function getPlatformToken(check: Check, { platformTokens }: Judge): MaybePromise<undefined> {
  const platform = check.route?.platform
  if (platform === undefined) return undefined
  const token = platformTokens?.tokenFor(platform.audience)
  if (token instanceof Promise) return token.then((late) => keepToken(check, late))
  keepToken(check, token)
  return undefined
}

function keepToken(check: Check, token: PlatformToken | undefined): undefined {
  check.platformToken = token
}

function passWhatIsAllowed({ decision }: Check): Verdict {
  if (decision?.outcome !== 'allow') throw new Error('no policy has allowed this')
  return { outcome: 'allow', decision }
}

/** Drops sessions that have too much of something, and notes how much the route allows. */
function keepWithin(check: Check, limit: number, amountOf: (session: Session) => number): undefined {
  keepSessions(check, (session) => {
    const isKept = !isSignedIn(check, session) || amountOf(session) < limit
    if (!isKept) check.outlived = Math.min(check.outlived ?? limit, limit)
    return isKept
  })
}

function keepSessions(check: Check, isKept: (session: Session) => boolean): undefined {
  if (!check.sessions.every(isKept)) check.sessions = check.sessions.filter(isKept)
}
