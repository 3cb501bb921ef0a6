/**
 * One line per decision over HTTP: what was decided, of whom, and why.
 *
 * Queries are left out unless asked for, and headers that hold credentials always: a log is read by more
 * people than a secret may be. What comes from outside is cut to a length and escaped.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { sourceIpOf } from '../access/access.ts'
import type { ClientCertificate } from '../access/credentials/client-certificate/verifier.ts'
import { inputsOf } from '../access/decision-inputs.ts'
import type { Config, Route } from '../config/config.ts'
import { isCredentialHeader } from '../config/values/secret-headers.ts'
import type { Decision } from '../policy/decision.ts'
import type { Session } from '../session/session.ts'
import { jsonString, type Logger, readyLines } from '../telemetry/log.ts'
import type { AuditSink, HttpAccess } from './event.ts'
import { createSubjectLog, type SubjectLog } from './subject-log.ts'

type Value = string | number | Readonly<Record<string, unknown>> | undefined
type Reader = (event: HttpAccess) => Value

const LONGEST_TEXT = 1024

/** Fields of impersonation, which is still to come, are not in the table. */
const FIELDS: Readonly<Record<string, Reader>> = {
  'request-id': ({ decisionId }) => decisionId,
  'check-request-id': ({ request }) => request.id,
  method: ({ request }) => cut(request.method),
  path: ({ access }) => cut(access.path),
  query: ({ request }) => cut(queryOf(request.path)),
  host: ({ request }) => cut(request.host),
  // In words, since a field without a value is left out.
  ip: ({ access }) => sourceIpOf(access) || 'unknown',
  'removed-groups-count': ({ removedGroups }) => (removedGroups > 0 ? removedGroups : undefined),
  'identity-header-bytes': ({ identityBytes }) => (identityBytes === 0 ? undefined : identityBytes),
  'envoy-route-id': ({ request }) => cut(request.routeId),
  'client-certificate': ({ access }) => certificateField(access.certificate),
  inputs: ({ access: { facts, route } }) => facts && route && inputsOf(facts, route.policy),
  headers: (event) =>
    Object.fromEntries(event.request.headerNames().map((name) => [name, headerField(event, name)])),
}

/** Nothing where nothing was shown. */
function certificateField(certificate: ClientCertificate | undefined): Value {
  if (certificate?.presented !== true) return undefined
  const { fingerprint, validity, reason, subject } = certificate
  return { fingerprint, validity, ...(reason && { reason }), subject: cut(subject) }
}

/** Fields that are the same for all requests of a route. */
const ROUTE_FIELDS: Readonly<Record<string, (route: Route, configChecksum: string) => string>> = {
  'route-id': ({ id }) => id,
  'route-checksum': (route) => checksumOf(route),
  'config-checksum': (_, configChecksum) => configChecksum,
}

/**
 * The same for as long as the route says the same, wherever it stands in the file and whatever is tested of
 * it.
 */
function checksumOf({ position: _place, tests: _expected, ...said }: Route): string {
  return createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, SHORT_CHECKSUM)
}

/** Fields that are the same as long as the session is the same object. */
const SESSION_FIELDS: Readonly<Record<string, (session: Session) => string | undefined>> = {
  'session-id': ({ id, kind }) => (kind === 'service-account' ? undefined : id),
  'service-account-id': ({ id, kind }) => (kind === 'service-account' ? id : undefined),
  user: ({ userId }) => userId,
  email: ({ email }) => email,
}

/** A part of the line as JSON members, each with a comma before it. */
type Part = (event: HttpAccess) => string

/** @param claimsMentioned names under which the policies of this configuration ask for claims */
export function createDecisionLog(
  logger: Logger,
  { settings, checksum }: Config,
  claimsMentioned: () => readonly string[],
): AuditSink<HttpAccess> {
  const { authorize_log_fields: fields, decision_log_subjects: subjects } = settings
  const lines = readyLines(logger, 'info', 'authorize check')
  const parts = partsFor([...new Set(fields)], {
    session: (names) => sessionPart(names),
    route: (names) => routePart(names, checksum.slice(0, SHORT_CHECKSUM)),
    subject:
      subjects === 'none'
        ? NO_PART
        : subjectPart(logger, subjects === 'all' ? () => subjects : claimsMentioned),
  })
  return (event) => {
    if (!lines.isEnabled()) return
    let text = ',"service":"authorize"'
    for (const part of parts) text += part(event)
    lines.write(text + explanation(event))
  }
}

/** Enough to tell configurations apart, and to find one in a history of them. */
const SHORT_CHECKSUM = 16
const NO_PART: Part = () => ''

interface Makers {
  readonly session: (fields: readonly string[]) => Part
  readonly route: (fields: readonly string[]) => Part
  readonly subject: Part
}

/**
 * Neighbouring fields of the session become one part, which is made once per session; those of the route
 * likewise.
 */
function partsFor(fields: readonly string[], { session, route, subject }: Makers): readonly Part[] {
  const parts: Part[] = []
  for (let at = 0; at < fields.length; ) {
    const ofSession = runOf(fields, at, SESSION_FIELDS)
    const ofRoute = runOf(fields, at, ROUTE_FIELDS)
    const [field = ''] = fields.slice(at)
    const reader = readerFor(field)
    if (ofSession.length > 0) parts.push(session(ofSession))
    else if (ofRoute.length > 0) parts.push(route(ofRoute))
    else if (field === 'subject') parts.push(subject)
    else if (reader !== undefined) {
      const key = keyOf(field)
      parts.push((event) => member(key, reader(event)))
    }
    at += Math.max(1, ofSession.length, ofRoute.length)
  }
  return parts
}

function runOf(fields: readonly string[], from: number, table: object): readonly string[] {
  const end = fields.findIndex((field, index) => index >= from && !Object.hasOwn(table, field))
  return fields.slice(from, end === -1 ? undefined : end)
}

function sessionPart(fields: readonly string[]): Part {
  const textOf = remembered((session: Session) =>
    fields.map((field) => member(keyOf(field), SESSION_FIELDS[field]?.(session))).join(''),
  )
  return ({ access: { sessions } }) => (sessions[0] === undefined ? '' : textOf(sessions[0]))
}

function routePart(fields: readonly string[], configChecksum: string): Part {
  const textOf = remembered((route: Route) =>
    fields.map((field) => member(keyOf(field), ROUTE_FIELDS[field]?.(route, configChecksum))).join(''),
  )
  return ({ access: { route } }) => (route === undefined ? '' : textOf(route.route))
}

function remembered<Key extends object>(make: (key: Key) => string): (key: Key) => string {
  const made = new WeakMap<Key, string>()
  return (key) => {
    let text = made.get(key)
    if (text === undefined) made.set(key, (text = make(key)))
    return text
  }
}

/** Says first who it is, on a line of its own, where that was not said lately. */
function subjectPart(logger: Logger, claims: () => 'all' | readonly string[]): Part {
  const key = keyOf('subject')
  let log: SubjectLog | undefined
  return ({ access: { sessions, now, route } }) => {
    const [session] = sessions
    if (session === undefined) return ''
    log ??= createSubjectLog(logger, claims())
    return `${key}"${log.tell(session, now, route?.providerOf(session))}"`
  }
}

function readerFor(field: string): Reader | undefined {
  if (!field.startsWith('headers.')) return FIELDS[field]
  const name = field.slice('headers.'.length).toLowerCase()
  return (event) => headerField(event, name)
}

const keyOf = (name: string): string => `,${JSON.stringify(name)}:`

function member(key: string, value: Value): string {
  if (value === undefined || value === '') return ''
  return key + (typeof value === 'string' ? jsonString(value) : JSON.stringify(value))
}

/** Of decisions that let pass: policies give the same object again and again. */
const explained = new WeakMap<Decision, string>()

function explanation(event: HttpAccess): string {
  const { verdict } = event
  if (verdict?.outcome !== 'allow') return explain(event)
  let text = explained.get(verdict.decision)
  if (text === undefined) {
    text = explain(event)
    explained.set(verdict.decision, text)
  }
  return text
}

/** In Pomerium's words, so that what reads its log reads ours; `outcome` tells what became of the request. */
function explain({ verdict, status, failure }: HttpAccess): string {
  const decision = verdict !== undefined && 'decision' in verdict ? verdict.decision : undefined
  const isAllowed = verdict?.outcome === 'allow'
  const isDeniedByRule = decision?.outcome === 'deny' && hasDenied(decision)
  const allowReasons = isDeniedByRule ? NO_REASONS : reasonsOf(verdict, decision, failure)
  const denyReasons = isDeniedByRule ? decision.reasons : NO_REASONS
  return (
    `,"outcome":"${verdict?.outcome ?? 'failure'}"${status === 0 ? '' : `,"status":${status}`}` +
    `,"allow":${isAllowed},"allow-why-${isAllowed}":${list(allowReasons)}` +
    `,"deny":${isDeniedByRule},"deny-why-${isDeniedByRule}":${list(denyReasons)}` +
    observation(decision)
  )
}

/** Of rules that are only watched: nothing, unless they would make a difference. */
function observation(decision: Decision | undefined): string {
  const observed = decision?.observed
  if (observed === undefined || observed.outcome === decision?.outcome) return ''
  return `,"observed":"${observed.outcome}","observed-why":${list(observed.reasons)}`
}

const NO_REASONS: readonly string[] = []
const STEP_UP_REASONS: readonly string[] = ['step-up-required']

function list(reasons: readonly string[]): string {
  return `[${reasons.map(jsonString).join(',')}]`
}

function reasonsOf(
  verdict: HttpAccess['verdict'],
  decision: Decision | undefined,
  failure: string | undefined,
): readonly string[] {
  if (verdict?.outcome === 'step-up') return STEP_UP_REASONS
  if (decision !== undefined) return decision.reasons
  if (verdict?.outcome !== 'refuse') return [failure ?? 'failure']
  return verdict.detail === undefined ? [verdict.reason] : [verdict.reason, verdict.detail]
}

/** Whether the reasons are those of a deny rule rather than of allow rules that did not let in. */
function hasDenied({ reasons, trace }: Decision): boolean {
  return trace.some(
    ({ action, truth, reason, mode }) =>
      action === 'deny' && mode !== 'observe' && truth !== 'miss' && reasons.includes(reason),
  )
}

function headerField({ request, secretHeaders }: HttpAccess, name: string): string | undefined {
  const value = request.header(name)
  if (value === undefined) return undefined
  // Where our tokens go, a proxy in front of us may have sent others.
  return isCredentialHeader(name) || secretHeaders.includes(name) ? '[secret]' : cut(value)
}

function queryOf(target: string): string | undefined {
  const at = target.indexOf('?')
  return at === -1 ? undefined : target.slice(at + 1)
}

function cut<Text extends string | undefined>(text: Text): Text | string {
  return text !== undefined && text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
}
