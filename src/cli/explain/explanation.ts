/**
 * Why a request is decided as it is, as a value: printed for people, or as JSON for programs.
 *
 * @module
 */

import type { Verdict } from '../../access/access.ts'
import type { Route } from '../../config/config.ts'
import type { Choice, RoutedRequest } from '../../config/routing/route-match.ts'
import { routesPassedOver } from '../../config/routing/routes-passed-over.ts'
import { isCredentialHeader } from '../../config/values/secret-headers.ts'
import type { Decision, RequestFacts, Subject, TraceEntry } from '../../policy/decision.ts'
import { needsOf } from '../../upstream/contributors.ts'
import type { OpenedConfig } from '../open-config.ts'
import type { JudgedSession } from './session.ts'

export interface Criterion {
  readonly action: 'allow' | 'deny'
  readonly criterion: string
  readonly truth: string
  readonly reason: string
  readonly line: number
  /** The name of the policy that it is of; unset: the route's own. */
  readonly policy?: string
  readonly mode?: 'observe'
}

export interface Explanation {
  readonly url: string
  readonly method: string
  readonly who: Subject
  readonly file: string
  readonly checksum: string
  /**
   * `allow`, `deny`, `sign-in`, and of a session `step-up`, `refuse`; `not-found`, `own-page`, `refused`,
   * `redirect` where no policy is asked; `unknown`.
   */
  readonly outcome: string
  readonly reasons: readonly string[]
  readonly route?: {
    readonly name: string
    readonly from: string
    readonly id: string
    readonly line: number
  }
  /** Why no policy is asked, or why it can't be told. */
  readonly note?: string
  readonly criteria: readonly Criterion[]
  readonly observed?: { readonly outcome: string; readonly reasons: readonly string[] }
  /** What the route asks for besides its policy, and what its upstream must be given. */
  readonly furthermore: readonly string[]
  readonly advice: Decision['advice']
  readonly passedOver: readonly PassedOver[]
  readonly otherHosts: number
  readonly inputs: Readonly<Record<string, unknown>>
  readonly logged?: Logged
}

interface PassedOver {
  readonly name: string
  readonly from: string
  readonly line: number
  readonly why: string
}

/** What the log says of the decision. */
export interface Logged {
  readonly id: string
  readonly time: string
  readonly outcome: string
  readonly reasons: readonly string[]
  readonly checksum: string | undefined
  /** Whether the configuration is another one now; undefined where the log does not say which it was. */
  readonly hasChanged: boolean | undefined
}

interface Asked {
  readonly url: string
  readonly request: RoutedRequest
  readonly subject: Subject
  readonly choice: Choice
  readonly facts?: RequestFacts | undefined
  /** Rows by record type, and the place of the address, as far as the policy has asked for them. */
  readonly lookedUp?:
    | { readonly records?: Readonly<Record<string, unknown>>; readonly place?: unknown }
    | undefined
  readonly decision?: Decision | undefined
  /** Instead of `decision`, where a whole session was judged. */
  readonly judged?: Pick<JudgedSession, 'verdict' | 'access' | 'droppedBy'> | undefined
  /** What is not known, and the outcome rests on. */
  readonly unknown?: readonly string[]
  readonly logged?: Logged
}

export function explanationOf(opened: OpenedConfig, asked: Asked): Explanation {
  const { config } = opened
  const { url, request, subject, choice, judged, unknown = [], logged, facts } = asked
  const decision = asked.decision ?? judged?.access.decision
  const route = choice.kind === 'route' ? choice.route : undefined
  const passed = routesPassedOver(config, request, choice)
  const note =
    unknown.length > 0 ? `the log does not have ${unknown.join(', ')}` : (noteOf(choice) ?? dropped(judged))
  return {
    url,
    method: request.method ?? 'GET',
    who: subject,
    file: config.file,
    checksum: config.checksum,
    outcome:
      unknown.length > 0
        ? 'unknown'
        : (judged?.verdict.outcome ?? decision?.outcome ?? WITHOUT_POLICY[choice.kind]),
    reasons: reasonsOf(judged?.verdict, decision),
    ...(route && { route: named(route) }),
    ...(note !== undefined && { note }),
    criteria: (decision?.trace ?? []).map((entry) => criterionOf(opened, route, entry)),
    ...(decision?.observed && { observed: decision.observed }),
    furthermore:
      route === undefined ? [] : [...(judged === undefined ? furthermore(route) : []), ...needsOf(route)],
    advice: decision?.advice ?? [],
    passedOver: passed
      .filter(({ isForHost }) => isForHost)
      .map(({ route: other, why }) => ({ ...named(other), why })),
    otherHosts: passed.filter(({ isForHost }) => !isForHost).length,
    inputs: inputsOf(facts, asked.lookedUp),
    ...(logged && { logged }),
  }
}

const WITHOUT_POLICY = {
  route: 'unknown',
  own: 'own-page',
  none: 'not-found',
  refused: 'refused',
  redirect: 'redirect',
} as const

/** In the words of the decision log. */
function reasonsOf(verdict: Verdict | undefined, decision: Decision | undefined): readonly string[] {
  if (verdict?.outcome === 'step-up') return ['step-up-required']
  if (verdict?.outcome !== 'refuse') return decision?.reasons ?? []
  return verdict.detail === undefined ? [verdict.reason] : [verdict.reason, verdict.detail]
}

function dropped(judged: Asked['judged']): string | undefined {
  return judged?.droppedBy === undefined
    ? undefined
    : `the session counts for nothing here; this does not hold of it: ${judged.droppedBy}`
}

function noteOf(choice: Choice): string | undefined {
  switch (choice.kind) {
    case 'route':
      return undefined
    case 'own':
      return 'Sallyport answers this page itself; no policy is asked'
    case 'none':
      return 'no route answers: 404'
    case 'refused':
      return `not let in: ${choice.why}`
    case 'redirect':
      return `redirected to ${choice.to} first`
  }
}

function named(route: Route) {
  const { name = route.id, from, id, position } = route
  return { name, from, id, line: position.line }
}

function criterionOf(
  { positions }: OpenedConfig,
  route: Route | undefined,
  { action, criterion, truth, reason, at = [], isShared, policy, mode }: TraceEntry,
): Criterion {
  const { line } = isShared || route === undefined ? positions.of(at) : positions.within(route, at)
  return { action, criterion, truth, reason, line, ...(policy && { policy }), ...(mode && { mode }) }
}

/** Asked of those whom the policy lets pass, by facts of their session that are not looked at here. */
function furthermore({ max_age: maxAge, acr_values: acr }: Route): readonly string[] {
  return [
    ...(maxAge === undefined ? [] : [`a sign-in no older than ${maxAge / 1000} s (max_age)`]),
    ...(acr === undefined ? [] : [`a sign-in as strong as ${acr.join(' or ')} (acr_values)`]),
  ]
}

/** What the policy was given, and what it has looked up. */
function inputsOf(
  facts: RequestFacts | undefined,
  { records = {}, place }: NonNullable<Asked['lookedUp']> = {},
): Readonly<Record<string, unknown>> {
  if (facts === undefined) return {}
  const { method, path, host, sourceIp, headers, now, clientCertificate } = facts
  return {
    method,
    host,
    path,
    ...(sourceIp === '' ? {} : { ip: sourceIp }),
    ...(now === undefined ? {} : { time: new Date(now).toISOString() }),
    ...(Object.keys(headers).length === 0 ? {} : { headers: shown(headers) }),
    ...(clientCertificate === undefined ? {} : { 'client certificate': clientCertificate }),
    ...Object.fromEntries(Object.entries(records).map(([type, row]) => [`record ${type}`, row ?? 'none'])),
    ...(place === undefined ? {} : { place: place ?? 'none' }),
  }
}

const shown = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, isCredentialHeader(name) ? '[secret]' : value]),
  )
