/**
 * The tests that stand beside policies, run by the very policies that will decide.
 *
 * Pure, and quick enough to run at each save. A test beside a route asks for an address of that route, so it
 * fails as well when another route would be chosen for it.
 *
 * @module
 */
import type { Config, ConfigPath, Mistake, Route } from '../../config/config.ts'
import type { RequestTarget } from '../../config/routing/request-url.ts'
import type { Choice, ChooseRoute } from '../../config/routing/route-match.ts'
import { compilePolicy } from '../../policy/compile.ts'
import { contextOf, policyOf } from '../../policy/compiled-policies.ts'
import type { Decision, TraceEntry } from '../../policy/decision.ts'
import { type Circumstances, factsOf, type Requester, requesterOf } from './test-case.ts'
import { needsStepUp } from './test-demand.ts'

type RouteTest = NonNullable<Route['tests']>[number]
type GlobalTest = NonNullable<Config['settings']['tests']>[number]

export interface PolicyTestResult {
  /** Where the test stands; routes count through as in `Config.routes`. */
  readonly path: ConfigPath
  readonly title: string
  /** `alice GET https://app.example.com/admin` */
  readonly request: string
  readonly expected: string
  readonly actual: string
  readonly reasons: readonly string[]
  /** The route that was chosen. */
  readonly route: Route | undefined
  readonly decision: Decision | undefined
  /** What is wrong, in words; `undefined` when it is as expected. */
  readonly failure: string | undefined
}

/**
 * All tests of a configuration. Routes whose policy does not compile are left out: that is another mistake.
 */
export function runPolicyTests(
  config: Config,
  { chooserOf, targetOf }: Routing,
): readonly PolicyTestResult[] {
  const { settings } = config
  const bench: Bench = { config, choose: chooserOf(config), targetOf, requesters: new Map() }
  // A route under a second host is a copy with the same tests.
  const seen = new Set<unknown>()
  const besideRoutes = config.routes.flatMap((route, index) => {
    if (route.tests === undefined || seen.has(route.tests)) return []
    seen.add(route.tests)
    return route.tests.flatMap((test, at) => {
      const result = runRouteTest(bench, route, test)
      return result === undefined ? [] : [{ ...result, path: ['routes', index, 'tests', at] }]
    })
  })
  const byUrl = (settings.tests ?? []).flatMap((test, at) => {
    const result = runGlobalTest(bench, test)
    return result === undefined ? [] : [{ ...result, path: ['tests', at] }]
  })
  return [...besideRoutes, ...byUrl]
}

/** What to report of the tests that fail, in the form that config/ places in the file. */
export function failedPolicyTests(config: Config, routing: Routing): readonly Mistake[] {
  const isAnyThere =
    config.settings.tests !== undefined || config.routes.some(({ tests }) => tests !== undefined)
  if (!isAnyThere) return []
  return runPolicyTests(config, routing).flatMap(({ path, title, request, failure, decision }) => {
    if (failure === undefined) return []
    const name = title === request ? request : `${title} (${request})`
    const criteria = decision === undefined ? '' : `; ${criteriaOf(decision.trace)}`
    return [{ path, message: `test failed: ${name}: ${failure}${criteria}` }]
  })
}

/** How config/ tells which route answers; this room may not run what is in that one. */
export interface Routing {
  readonly chooserOf: (config: Config) => ChooseRoute
  readonly targetOf: (url: string) => RequestTarget | undefined
}

interface Bench {
  readonly config: Config
  readonly choose: ChooseRoute
  readonly targetOf: Routing['targetOf']
  /** Those with names, made once however many tests name them. */
  readonly requesters: Map<string, Requester>
}

type Result = Omit<PolicyTestResult, 'path'>

interface Expectation {
  readonly name?: string | undefined
  readonly expect?: GlobalTest['expect']
  readonly route?: GlobalTest['route']
  readonly reason?: GlobalTest['reason']
}

function runRouteTest(bench: Bench, route: Route, test: RouteTest): Result | undefined {
  const { scheme, host, port } = route.origin
  const name = host.replaceAll('*', 'test')
  const authority = `${name.includes(':') ? `[${name}]` : name}${port === undefined ? '' : `:${port}`}`
  const path = test.path ?? route.path ?? route.prefix ?? '/'
  const choice = bench.choose({ authority, path, method: test.method })
  const ran = ask(bench, test, choice, { url: `${scheme}://${authority}${path}`, host: name })
  if (ran === undefined || (choice.kind === 'route' && choice.route === route)) return ran
  return { ...ran, failure: `its address is not one of this route: ${placeOf(choice)}` }
}

function runGlobalTest(bench: Bench, test: GlobalTest): Result | undefined {
  const { url = '' } = test
  const { authority, host, path } = bench.targetOf(url) ?? { authority: '', host: '', path: '/' }
  if (test.policy !== undefined) return runPolicyTest(bench, test, { name: test.policy, host, path })
  const choice = bench.choose({ authority, path, method: test.method })
  const ran = ask(bench, test, choice, { url, host })
  if (ran === undefined || test.route === undefined || isNamed(choice, test.route)) return ran
  return { ...ran, failure: `expected route ${test.route}, but ${placeOf(choice)}` }
}

/** A shared policy alone, as it would decide on a route that has no other. */
function runPolicyTest(
  bench: Bench,
  test: GlobalTest,
  { name, host, path }: { readonly name: string; readonly host: string; readonly path: string },
): Result | undefined {
  const { policy } = compilePolicy({ policies: [name] }, contextOf(bench.config))
  if (policy === undefined) return undefined
  const requester = named(test.who, bench)
  const decision = policy.decide(requester.subject, factsOf(test, { host, path }))
  const request = `${requester.called} ${test.method ?? 'GET'} ${test.url ?? path} by policy ${name}`
  return {
    title: test.name ?? request,
    request,
    expected: test.expect ?? '',
    actual: decision.outcome,
    reasons: decision.reasons,
    route: undefined,
    decision,
    failure: failureOf(test, decision, requester),
  }
}

function isNamed(choice: Choice, name: string): boolean {
  if (choice.kind !== 'route') return name === 'none'
  return choice.route.name === name || choice.route.from === name
}

function placeOf(choice: Choice): string {
  switch (choice.kind) {
    case 'route':
      return `the route of line ${choice.route.position.line} answers (${choice.route.name ?? choice.route.from})`
    case 'own':
      return 'Sallyport answers it itself'
    case 'none':
      return 'no route answers'
    case 'refused':
      return choice.why
    case 'redirect':
      return `it is redirected to ${choice.to}`
  }
}

/**
 * The decision of the chosen route, compared with what is expected; `undefined` when its policy does not
 * compile.
 */
function ask(
  bench: Bench,
  test: Circumstances & Expectation & Pick<GlobalTest, 'who' | 'authenticated_at' | 'acr'>,
  choice: Choice,
  { url, host }: { readonly url: string; readonly host: string },
): Result | undefined {
  const requester = named(test.who, bench)
  const request = `${requester.called} ${test.method ?? 'GET'} ${url}`
  const expected = [test.expect ?? [], test.route === undefined ? [] : `route ${test.route}`]
    .flat()
    .join(', ')
  const common = { title: test.name ?? request, request, expected }
  if (choice.kind !== 'route') {
    const actual = WITHOUT_ROUTE[choice.kind]
    const isExpected = test.expect === undefined || test.expect === actual
    const failure = isExpected ? undefined : `expected ${test.expect}, but ${placeOf(choice)}`
    return { ...common, actual, reasons: [], route: undefined, decision: undefined, failure }
  }
  const { route, path } = choice
  const { policy } = policyOf(bench.config, route)
  if (policy === undefined) return undefined
  const facts = factsOf(test, { host, path, isPathAsWritten: route.paths_as_written })
  const decision = policy.decide(requester.subject, facts)
  const isStepUp = needsStepUp(test, route, { policy, decision, subject: requester.subject, facts })
  const came = isStepUp ? { outcome: 'step-up', reasons: STEP_UP_REASONS } : decision
  return {
    ...common,
    actual: came.outcome,
    reasons: came.reasons,
    route,
    decision,
    failure: failureOf(test, came, requester),
  }
}

/** In the words of the decision log. */
const STEP_UP_REASONS = ['step-up-required']

function named(who: GlobalTest['who'], { config, requesters }: Bench): Requester {
  const subjects = config.settings.test_subjects
  if (typeof who !== 'string') return requesterOf(who, subjects)
  let requester = requesters.get(who)
  if (requester === undefined) requesters.set(who, (requester = requesterOf(who, subjects)))
  return requester
}

const WITHOUT_ROUTE = { own: 'own-page', none: 'not-found', refused: 'refused', redirect: 'refused' } as const

function failureOf(
  { expect, reason = [] }: Expectation,
  { outcome, reasons }: { readonly outcome: string; readonly reasons: readonly string[] },
  { called }: Requester,
): string | undefined {
  if (expect !== undefined && expect !== outcome) {
    return `expected ${expect}, but it is ${outcome} for ${called}${because(reasons)}`
  }
  const missing = [reason].flat().filter((each) => !reasons.includes(each))
  if (missing.length === 0) return undefined
  return `expected ${outcome} because of ${missing.join(', ')}, but it is${because(reasons)}`
}

const because = (reasons: readonly string[]): string =>
  reasons.length === 0 ? ' without a reason' : ` because of ${reasons.join(', ')}`

/** More of them would hide the sentence. */
const MOST_CRITERIA = 8

function criteriaOf(trace: readonly TraceEntry[]): string {
  if (trace.length === 0) return 'the policy has no rule'
  const shown = trace
    .slice(0, MOST_CRITERIA)
    .map(({ action, criterion, truth, reason }) => `${action} ${criterion}: ${truth} (${reason})`)
  const rest = trace.length - shown.length
  return `criteria: ${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
