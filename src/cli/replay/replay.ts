/**
 * A decision of the log, made once more under a configuration: from the choice of the route to what its
 * policy says.
 *
 * What the log does not have is unknown to the policy, and a refusal that rests on it cannot be told from one
 * that the policy would make anyway: it is called so.
 *
 * @module
 */
import { ANONYMOUS } from '../../access/access.ts'
import type { Config, Route } from '../../config/config.ts'
import type { Choice, ChooseRoute } from '../../config/routing/route-match.ts'
import { policyOf } from '../../policy/compiled-policies.ts'
import type {
  CompiledPolicy,
  DataSources,
  Decision,
  RequestFacts,
  Subject,
  TraceEntry,
} from '../../policy/decision.ts'
import { type Circumstances, untoldOfAddress, untoldOfSession } from './demands.ts'
import type { LoggedDecision, LoggedSubject } from './log-lines.ts'

export type Replayed =
  | {
      readonly kind: 'decided'
      readonly route: Route
      readonly decision: Decision
      readonly facts: RequestFacts
      readonly subject: Subject
    }
  /** No policy is asked. */
  | { readonly kind: 'unrouted'; readonly choice: Exclude<Choice, { kind: 'route' }> }
  | {
      readonly kind: 'unknown'
      readonly why: readonly string[]
      readonly route?: Route
      readonly decision?: Decision
      readonly facts?: RequestFacts
      readonly subject?: Subject
    }

export const NO_SUBJECT = 'who the session was'

/** Texts of the log that were longer are cut and end so. */
const CUT = '…'

export function replay(
  config: Config,
  choose: ChooseRoute,
  logged: LoggedDecision,
  who: LoggedSubject | undefined,
  /** By what it was decided then, where that is known; `same`: by this very configuration. */
  then?: Circumstances | 'same',
): Replayed {
  const { host, path, method } = logged
  const missing = Object.entries({ host, path, method }).flatMap(([name, text]) =>
    text === '' ? [`the ${name}`] : text.endsWith(CUT) ? [`the whole ${name}`] : [],
  )
  if (missing.length > 0) return { kind: 'unknown', why: missing }
  const choice = choose({ authority: host, path, method })
  if (choice.kind !== 'route') return { kind: 'unrouted', choice }
  const { route } = choice
  const { policy } = policyOf(config, route)
  if (policy === undefined) return { kind: 'unknown', why: ['a policy that compiles'], route }
  if (who === undefined && logged.isIdentified && policy.readsSubject) {
    return { kind: 'unknown', why: [NO_SUBJECT], route }
  }
  const counts = who === undefined ? false : countsOn(route, who)
  if (counts === 'unknown' && policy.readsSubject) return { kind: 'unknown', why: [NO_PROVIDER], route }
  const subject = who === undefined || counts === false ? ANONYMOUS : subjectFor(who, policy)
  const untoldRecords = new Set<string>()
  const facts = {
    ...factsOf(logged, choice.path, untoldRecords),
    isPathAsWritten: route.paths_as_written,
  }
  const decision = policy.decide(subject, facts)
  const now = { config, route }
  const before = then === 'same' ? now : then
  const lacks = [
    ...lacking(decision, { logged, who, untoldRecords }),
    ...lackingHeaders(policy, logged, subject, facts, decision),
    ...untoldOfAddress(now, before, policy),
    // Only where it is the session that opens the route, and a person's: machines do not sign in.
    ...(decision.outcome === 'allow' &&
    subject.kind === 'user' &&
    policy.decide(ANONYMOUS, facts).outcome !== 'allow'
      ? untoldOfSession(now, before, logged)
      : []),
  ]
  const why = [...new Set(lacks)]
  return why.length === 0
    ? { kind: 'decided', route, decision, facts, subject }
    : { kind: 'unknown', why, route, decision, facts, subject }
}

/** Whether sessions of the person's identity provider count on a route. A machine's is of none. */
function countsOn({ sign_in_providers: names }: Route, { subject }: LoggedSubject): boolean | 'unknown' {
  if (names === undefined || subject.kind !== 'user') return true
  return subject.provider === undefined ? 'unknown' : names.includes(subject.provider)
}

const NO_PROVIDER = 'the identity provider of the session'

const rootOf = (claim: string): string => claim.split(/[/.]/, 1)[0] ?? ''

function isKnown({ knownClaims, cutClaims }: LoggedSubject, claim: string): boolean {
  const root = rootOf(claim)
  return !cutClaims.has(root) && (knownClaims === 'all' || knownClaims.has(root))
}

/**
 * A claim that the log does not tell is marked as policies know claims that are kept elsewhere: as unknown.
 */
function subjectFor(who: LoggedSubject, { mentionedClaims }: CompiledPolicy): Subject {
  const unlogged = mentionedClaims.filter((claim) => !isKnown(who, claim))
  if (unlogged.length === 0) return who.subject
  const marks = unlogged.map((claim) => [`_claim_names/${rootOf(claim)}`, ['log']])
  return { ...who.subject, claims: { ...who.subject.claims, ...Object.fromEntries(marks) } }
}

/** @param untoldRecords takes in which types of records were asked for and are not in the log */
function factsOf(
  { method, host, ip, time, inputs }: LoggedDecision,
  path: string,
  untoldRecords: Set<string>,
): RequestFacts {
  const headers = Object.entries(inputs.headers ?? {}).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  )
  const data: DataSources = {
    record: (type) => {
      const rows = inputs.records ?? {}
      if (Object.hasOwn(rows, type)) return rows[type] ?? undefined
      untoldRecords.add(type)
      return 'unknown'
    },
    place: () => (inputs.place === undefined ? 'unknown' : (inputs.place ?? undefined)),
  }
  return {
    method,
    path,
    host: host
      .replace(/:\d*$/, '')
      .replace(/^\[|\]$/g, '')
      .replace(/\.$/, '')
      .toLowerCase(),
    sourceIp: ip,
    headers: Object.fromEntries(headers),
    now: time,
    clientCertificate: inputs['client-certificate'] ?? undefined,
    data,
  }
}

interface Evidence {
  readonly logged: LoggedDecision
  readonly who: LoggedSubject | undefined
  readonly untoldRecords: ReadonlySet<string>
}

/** What the log does not have, and a refusal rests on. An "allow" rests on what is known alone. */
function lacking({ outcome, reasons, trace }: Decision, evidence: Evidence): readonly string[] {
  if (outcome === 'allow') return []
  return trace.flatMap((entry) => {
    const isAtFault = entry.truth === 'unknown' && entry.mode !== 'observe' && reasons.includes(entry.reason)
    return isAtFault ? lackingFor(entry, evidence) : []
  })
}

function lackingFor(
  { criterion, reason }: TraceEntry,
  { logged, who, untoldRecords }: Evidence,
): readonly string[] {
  const { ip, inputs } = logged
  const hasCertificate = inputs['client-certificate'] !== undefined
  switch (reason) {
    case 'groups-unknown':
      return who?.isGroupsCut === true ? ['all groups'] : []
    case 'claim-unknown': {
      const claim = criterion.slice('claim/'.length)
      return who === undefined || isKnown(who, claim) ? [] : [`the claim ${rootOf(claim)}`]
    }
    case 'source-ip-unknown':
      return ip === '' ? ['the address'] : []
    case 'client-certificate-unknown':
      return hasCertificate ? [] : ['the client certificate']
    case 'geoip-unknown':
      return inputs.place === undefined ? ['the place of the address'] : []
    case 'record-unknown':
      if (untoldRecords.size === 0) return hasCertificate ? [] : ['the client certificate']
      return [...untoldRecords].map((type) => `the record ${type}`)
    default:
      return []
  }
}

/** A header that was not kept may have been there or not: if that makes no difference, nothing is lacking. */
function lackingHeaders(
  policy: CompiledPolicy,
  { inputs }: LoggedDecision,
  subject: Subject,
  facts: RequestFacts,
  decision: Decision,
): readonly string[] {
  const lost = policy.needsHeaders.filter(
    (name) => inputs.headers === undefined || !Object.hasOwn(inputs.headers, name),
  )
  if (lost.length === 0) return []
  const headers = { ...facts.headers, ...Object.fromEntries(lost.map((name) => [name, 'x'])) }
  const isSame = policy.decide(subject, { ...facts, headers }).outcome === decision.outcome
  return isSame ? [] : lost.map((name) => `the header ${name}`)
}
