/**
 * From the bytes of a `CheckRequest` to those of a `CheckResponse`.
 *
 * Whatever goes wrong on the way, the answer is a denied check: there is no path from an error to "allow".
 *
 * @module
 */
import type { Buffer } from 'node:buffer'
import { isSignedIn, NOTHING_FOUND } from '../access/access.ts'
import { hostOf, siteKindOf } from '../access/host.ts'
import { precisionFor } from '../access/idle.ts'
import { runRows } from '../access/pipeline.ts'
import { createDecisionLog } from '../audit/decision-log.ts'
import type { Config } from '../config/config.ts'
import { headerCredentials } from '../edge/header-credentials.ts'
import { endedBeside, sessionCookieAt } from '../edge/session-cookie.ts'
import { Fault } from '../errors.ts'
import type { Decision } from '../policy/decision.ts'
import type { Meter } from '../telemetry/metrics.ts'
import { Assertions } from '../upstream/assertions.ts'
import { type HeaderEntry } from '../upstream/header.ts'
import { HeaderBudget } from '../upstream/header-budget.ts'
import { allow, withFacts } from './allowed.ts'
import { challenge } from './answers/challenge.ts'
import { denialRefusal, failureRefusal, requestRefusal } from './answers/denial.ts'
import { withNextSteps } from './answers/next-steps.ts'
import { refusalAnswer, robotsAnswer } from './answers/refusal.ts'
import { shapeFor } from './answers/response-format.ts'
import { corsHeaders, otherAccountUrl, signInAgain, signInAnswer } from './answers/sign-in.ts'
import type { Check, RefusalReason, Verdict } from './check.ts'
import { createCheckMetrics } from './check-metrics.ts'
import { CheckRequest } from './check-request.ts'
import { type DeniedAnswer, encodeDenied, withMark } from './check-response.ts'
import { cookieSplitter } from './cookies.ts'
import { type CheckDependencies, PIPELINE, type Step } from './pipeline.ts'
import type { Ports } from './ports.ts'
import { RouteTable } from './routes.ts'
import { OpenRequests } from './share/open-requests.ts'
import { readReports } from './share/reports.ts'
import { Visitors } from './visitors.ts'

export interface Authorizer extends Disposable {
  /** Never throws and never rejects. */
  check(bytes: Buffer): Buffer | Promise<Buffer>
  /** Takes in what Envoy reports of open requests. @throws {Fault} `CHECK_MALFORMED` */
  report(bytes: Buffer): Buffer
}

export function createAuthorizer(
  ports: Ports & { readonly meter: Meter },
  steps: readonly Step[] = PIPELINE,
): Authorizer {
  const { config, sessions, serviceAccounts, keys, logger, now } = ports
  const metrics = createCheckMetrics(ports.meter)
  const visitors = new Visitors()
  const budget = new HeaderBudget(ports.meter, logger)
  const assertions = new Assertions(ports.signingKeys, budget)
  const routes = new RouteTable(config.current, ports)
  const openRequests = new OpenRequests({ now: () => performance.now() })
  const dependenciesOf = (cookieName: string): CheckDependencies => ({
    ...ports,
    routes,
    visitors,
    openRequests,
    splitCookies: cookieSplitter(cookieName),
  })
  let judge = dependenciesOf(config.current.settings.cookie_name)
  let precision = precisionFor(config.current)
  let tell = createDecisionLog(logger, config.current, claimsMentioned(config.current))

  const generations = config.onGeneration((next) => {
    routes.replace(next)
    visitors.clear()
    assertions.clear()
    budget.clear()
    judge = dependenciesOf(next.settings.cookie_name)
    precision = precisionFor(next)
    tell = createDecisionLog(logger, next, claimsMentioned(next))
  })
  const directoryChanges = ports.directory?.onChange(() => {
    visitors.clear()
    assertions.clear()
  })
  const forget = (id: string) => {
    visitors.forgetSession(id)
    assertions.forgetSession(id)
  }
  const changes = [sessions.onChange(forget), serviceAccounts?.onChange(forget)]

  return {
    check(bytes) {
      const startedAt = performance.now()
      let check: Check | undefined
      try {
        const begun = (check = begin(new CheckRequest(bytes), now()))
        const verdict = runRows(begun, judge, steps)
        if (!(verdict instanceof Promise)) return answer(begun, verdict, startedAt)
        return verdict
          .then((late) => answer(begun, late, startedAt))
          .catch((error: unknown) => failSafely(begun, error, startedAt))
      } catch (error) {
        return failSafely(check, error, startedAt)
      }
    },
    report: (bytes) => readReports(bytes, (text) => openRequests.report(text)),
    [Symbol.dispose]() {
      generations[Symbol.dispose]()
      for (const change of changes) change?.[Symbol.dispose]()
      directoryChanges?.[Symbol.dispose]()
      metrics[Symbol.dispose]()
      budget[Symbol.dispose]()
    },
  }

  /** Told when it is first needed: a generation that judges nobody need not compile all its policies. */
  function claimsMentioned(current: Config): () => readonly string[] {
    return () =>
      current.routes.flatMap((route) => ports.policyOf(current, route).policy?.mentionedClaims ?? [])
  }

  function answer(check: Check, verdict: Verdict, startedAt: number): Buffer {
    const decisionId = decisionIdOf(check)
    const allowed = verdict.outcome === 'allow' ? allow(check, { assertions, budget }, visitors) : undefined
    if (allowed !== undefined) {
      budget.noteToken(check.route, allowed.tokenBytes)
      noteUse(check)
    }
    const denied = allowed === undefined ? refuse(check, verdict, decisionId) : undefined
    const reply =
      allowed === undefined
        ? encodeDenied(denied ?? failureAnswer(check, undefined, decisionId))
        : passing(check, withFacts(allowed.bytes, check))
    tell({
      kind: 'access',
      protocol: 'http',
      decisionId,
      access: check,
      request: check.request,
      secretHeaders: check.route?.contributions.secretHeaders ?? NO_NAMES,
      verdict,
      status: denied?.status ?? 0,
      removedGroups: allowed?.removedGroups ?? 0,
      identityBytes: allowed?.identityBytes,
    })
    metrics.count(verdict.outcome, (performance.now() - startedAt) / 1000)
    if (
      verdict.outcome === 'refuse' &&
      verdict.reason === 'too-many-open-requests' &&
      check.route !== undefined
    )
      metrics.countOverShare(check.route.route)
    countObserved(check.decision)
    return reply
  }

  function countObserved(decision: Decision | undefined): void {
    if (decision?.observed === undefined || decision.observed.outcome === decision.outcome) return
    metrics.countObserved(decision.outcome, decision.observed.outcome)
  }

  function noteUse(check: Check): void {
    const session = check.sessions[0]
    if (session !== undefined && isSignedIn(check, session)) sessions.touch(session, check.now, precision)
  }

  function refuse(check: Check, verdict: Verdict, decisionId: string): DeniedAnswer {
    const { route, request } = check
    if (route === undefined) throw new Error('a verdict without a route')
    const shape = shapeFor(request, check.credentials)
    const otherAccount = () => (shape === 'html' ? otherAccountUrl(check, route, keys.url) : undefined)
    switch (verdict.outcome) {
      case 'sign-in':
      case 'step-up':
        if (check.path === '/robots.txt') return robotsAnswer()
        return signInAnswer(check, route, shape, decisionId, {
          urlKey: keys.url,
          routes,
          reason: verdict.outcome,
        })
      case 'deny': {
        if (check.path === '/robots.txt') return robotsAnswer()
        const refusal = denialRefusal(verdict.decision, {
          host: request.host,
          session: check.sessions[0],
          showDetails: route.route.show_error_details === true,
          otherAccount: otherAccount(),
        })
        return refusalAnswer(withNextSteps(refusal, check), shape, decisionId, corsHeaders(check, routes))
      }
      case 'refuse':
        return refusalAnswer(
          withNextSteps(
            requestRefusal(verdict, {
              signInAgain: () => signInAgain(check, route, keys.url),
              otherAccount,
            }),
            check,
          ),
          shape,
          decisionId,
          [...challenge(check, verdict.reason), ...endedCookies(check, verdict.reason)],
        )
      case 'allow':
        throw new Error('an allowed request is not refused')
    }
  }

  function failSafely(check: Check | undefined, error: unknown, startedAt: number): Buffer {
    try {
      return fail(check, error, startedAt)
    } catch {
      return LAST_RESORT
    }
  }

  function fail(check: Check | undefined, error: unknown, startedAt: number): Buffer {
    if (check?.admission !== undefined) openRequests.withdraw(check.admission)
    const decisionId = decisionIdOf(check)
    if (error instanceof Fault)
      logger.warn({ 'request-id': decisionId, code: error.code, err: error }, 'check failed')
    else logger.error({ 'request-id': decisionId, err: error }, 'bug in a check')
    const denied = failureAnswer(check, error, decisionId)
    if (check !== undefined) {
      const failure = error instanceof Fault ? error.code : 'BUG'
      tell({
        kind: 'access',
        protocol: 'http',
        decisionId,
        access: check,
        request: check.request,
        secretHeaders: check.route?.contributions.secretHeaders ?? NO_NAMES,
        verdict: undefined,
        status: denied.status,
        removedGroups: 0,
        failure,
      })
    }
    metrics.count('failure', (performance.now() - startedAt) / 1000)
    return encodeDenied(denied)
  }
}

/**
 * A neighbour on the cookie's domain can plant a session beside the visitor's own; the next request comes
 * without.
 */
function endedCookies({ host, path, route }: Check, reason: RefusalReason): readonly HeaderEntry[] {
  if (route === undefined || reason !== 'conflicting-credentials') return []
  const cookie = sessionCookieAt(host, route.settings, siteKindOf(host, route.settings))
  return endedBeside(cookie, host, path).map((line) => ['set-cookie', line])
}

const passing = ({ admission }: Check, answer: Buffer): Buffer =>
  admission === undefined ? answer : withMark(answer, admission)

const NO_NAMES: readonly string[] = []

/** For a bug in telling of a bug. */
const LAST_RESORT = encodeDenied({ status: 500, headers: [['cache-control', 'no-store']], body: '' })

function failureAnswer(check: Check | undefined, error: unknown, decisionId: string): DeniedAnswer {
  const shape = check === undefined ? 'plain' : shapeFor(check.request, check.credentials)
  return refusalAnswer(withNextSteps(failureRefusal(error), check), shape, decisionId)
}

/** Longer ones are not Envoy's. */
const LONGEST_DECISION_ID = 128

function decisionIdOf(check: Check | undefined): string {
  return check?.request.header('x-request-id')?.slice(0, LONGEST_DECISION_ID) ?? ''
}

function begin(request: CheckRequest, now: number): Check {
  const at = request.path.indexOf('?')
  return {
    ...NOTHING_FOUND,
    request,
    now,
    host: hostOf(request.host),
    path: at === -1 ? request.path : request.path.slice(0, at),
    credentials: headerCredentials(request),
    route: undefined,
    visitor: undefined,
  }
}
