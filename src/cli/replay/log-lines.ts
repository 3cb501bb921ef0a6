/**
 * Lines of the decision log, read back: decisions, and who their sessions were.
 *
 * A log holds much else, and its last line may be cut off: what is no line of ours is passed over, and
 * counted by the caller.
 *
 * @module
 */
import type { ClientCertificateFacts, Identified, Place } from '../../policy/decision.ts'

export type Row = Readonly<Record<string, unknown>>

export interface DecisionInputs {
  /** By lower-case name; `null`: the request had none. */
  readonly headers?: Readonly<Record<string, string | null>>
  readonly 'client-certificate'?: ClientCertificateFacts | null
  readonly records?: Readonly<Record<string, Row | null | 'unknown'>>
  readonly place?: Place | null | 'unknown'
}

export interface LoggedDecision {
  readonly kind: 'decision'
  readonly id: string
  /** Epoch milliseconds. */
  readonly time: number
  readonly method: string
  readonly path: string
  /** With port, as in the Host header. */
  readonly host: string
  readonly ip: string
  readonly outcome: string
  readonly reasons: readonly string[]
  /** Fingerprint of the line that says who it was. */
  readonly subject: string | undefined
  /** Whether somebody was signed in, told or not. */
  readonly isIdentified: boolean
  /** For people to read: an address, else an id. */
  readonly who: string
  readonly routeId: string | undefined
  readonly configChecksum: string | undefined
  readonly inputs: DecisionInputs
}

export interface LoggedSubject {
  readonly kind: 'subject'
  readonly fingerprint: string
  readonly subject: Identified
  /** Names below which the claims are all there are; `all`: every name. */
  readonly knownClaims: 'all' | ReadonlySet<string>
  readonly cutClaims: ReadonlySet<string>
  readonly isGroupsCut: boolean
  /** Of its line: what it takes to remember it. */
  readonly length: number
}

type Line = Readonly<Record<string, unknown>>

/** `foreign`: a line of something else; `broken`: one of ours that can't be read. */
export function readLogLine(text: string): LoggedDecision | LoggedSubject | 'foreign' | 'broken' {
  // Most lines of a log are Envoy's: not worth parsing.
  if (!text.includes('"authorize ')) return 'foreign'
  const line = parsed(text)
  if (line === undefined) return 'broken'
  if (line['msg'] === 'authorize check') return decisionOf(line) ?? 'broken'
  if (line['msg'] === 'authorize subject') return subjectOf(line, text.length) ?? 'broken'
  return 'foreign'
}

function parsed(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text.slice(text.indexOf('{')))
    return isLine(value) ? value : undefined
  } catch {
    return undefined
  }
}

function decisionOf(line: Line): LoggedDecision | undefined {
  const time = Date.parse(textOf(line['time']) ?? '')
  const outcome = textOf(line['outcome'])
  if (outcome === undefined || Number.isNaN(time)) return undefined
  const inputs = line['inputs']
  const email = textOf(line['email'])
  const user = textOf(line['user'])
  const someone = textOf(line['session-id']) ?? textOf(line['service-account-id'])
  const reasons = ['allow-why-true', 'allow-why-false', 'deny-why-true', 'deny-why-false']
  return {
    kind: 'decision',
    id: textOf(line['request-id']) ?? '',
    time,
    method: textOf(line['method']) ?? '',
    path: textOf(line['path']) ?? '',
    host: textOf(line['host']) ?? '',
    ip: textOf(line['ip']) ?? '',
    outcome,
    reasons: reasons.flatMap((key) => textsOf(line[key])),
    subject: textOf(line['subject']),
    isIdentified: (someone ?? user ?? email ?? textOf(line['subject'])) !== undefined,
    who: email ?? user ?? someone ?? 'anonymous',
    routeId: textOf(line['route-id']) ?? textOf(line['envoy-route-id']),
    configChecksum: textOf(line['config-checksum']),
    inputs: isLine(inputs) ? inputs : {},
  }
}

const KINDS = ['user', 'service-account', 'workload'] as const

function subjectOf(line: Line, length: number): LoggedSubject | undefined {
  const fingerprint = textOf(line['subject'])
  const userId = textOf(line['user'])
  const { claims, groups } = line
  if (fingerprint === undefined || userId === undefined || !isLine(claims)) return undefined
  const known = line['claims-known']
  const isGroupsCut = line['groups-cut'] !== undefined
  return {
    kind: 'subject',
    fingerprint,
    subject: {
      kind: KINDS.find((kind) => kind === line['kind']) ?? 'user',
      sessionId: textOf(line['session-id']) ?? '',
      userId,
      provider: textOf(line['idp']),
      email: textOf(line['email']),
      name: textOf(line['name']),
      claims: Object.fromEntries(Object.entries(claims).map(([name, values]) => [name, textsOf(values)])),
      groups: isGroupsCut || !Array.isArray(groups) ? 'unknown' : textsOf(groups),
    },
    knownClaims: known === 'all' ? 'all' : new Set(textsOf(known)),
    cutClaims: new Set(textsOf(line['claims-cut'])),
    isGroupsCut,
    length,
  }
}

function isLine(value: unknown): value is Line {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}
