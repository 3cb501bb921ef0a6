import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooserOf } from '../../access/config-checks.ts'
import { parseConfig } from '../../config/parse.ts'
import { KnownSubjects } from './known-subjects.ts'
import { type LoggedDecision, type LoggedSubject, readLogLine } from './log-lines.ts'
import { type Replayed, replay } from './replay.ts'

const DECISION = {
  level: 'info',
  time: '2026-03-02T09:00:00.000Z',
  service: 'authorize',
  'request-id': 'id-1',
  method: 'GET',
  path: '/page',
  host: 'app.example.com',
  ip: '192.0.2.7',
  'session-id': 's',
  user: 'idp/alice',
  email: 'alice@example.com',
  subject: 'fp',
  outcome: 'allow',
  allow: true,
  'allow-why-true': ['groups-ok'],
  deny: false,
  'deny-why-false': [],
  msg: 'authorize check',
}
const SUBJECT = {
  level: 'info',
  time: '2026-03-02T09:00:00.000Z',
  subject: 'fp',
  'session-id': 's',
  'session-version': 1,
  kind: 'user',
  user: 'idp/alice',
  email: 'alice@example.com',
  groups: ['staff'],
  claims: { department: ['sales'] },
  'claims-known': ['department', 'title'],
  msg: 'authorize subject',
}

function decisionIn(change: object = {}): LoggedDecision {
  const line = readLogLine(JSON.stringify({ ...DECISION, ...change }))
  assert.ok(typeof line === 'object' && line.kind === 'decision')
  return line
}

function subjectIn(change: object = {}): LoggedSubject {
  const line = readLogLine(JSON.stringify({ ...SUBJECT, ...change }))
  assert.ok(typeof line === 'object' && line.kind === 'subject')
  return line
}

/** What a policy on the one route of a file makes of a decision of the log. */
function replayed(policy: string, decision: object = {}, who: object | null = {}, extra = ''): Replayed {
  const parsed = parseConfig(`${extra}
routes:
  - { from: 'https://app.example.com', prefix: /page, to: 'http://a', policy: ${policy} }
`)
  assert.ok('config' in parsed, JSON.stringify(parsed))
  const { config } = parsed
  return replay(config, chooserOf(config), decisionIn(decision), who === null ? undefined : subjectIn(who))
}

const outcomeOf = (result: Replayed): string =>
  result.kind === 'decided'
    ? `${result.decision.outcome} ${result.decision.reasons.join(',')}`
    : result.kind === 'unknown'
      ? `unknown: ${result.why.join(', ')}`
      : result.choice.kind

const allowIf = (criterion: string) => `{ allow: { and: [${criterion}] } }`

describe('a line of a log', () => {
  it('is passed over when it is of something else, and counted when it is one of ours cut off', () => {
    assert.equal(readLogLine('{"msg":"http-request","path":"/authorize"}'), 'foreign')
    assert.equal(readLogLine('not JSON at all'), 'foreign')
    assert.equal(readLogLine(JSON.stringify(DECISION).slice(0, -30)), 'foreign')
    assert.equal(readLogLine(`${JSON.stringify(DECISION).slice(0, -1)},`), 'broken')
    assert.equal(readLogLine('{"msg":"authorize check","time":"yesterday","outcome":"allow"}'), 'broken')
  })

  it('may have something in front, as container logs do', () => {
    assert.equal((readLogLine(`app-1  | ${JSON.stringify(DECISION)}`) as LoggedDecision).id, 'id-1')
  })
})

describe('a decision of the log, made once more', () => {
  it('is of the same subject, request and time', () => {
    assert.equal(outcomeOf(replayed(allowIf('{ groups: { has: staff } }'))), 'allow groups-ok')
    assert.equal(outcomeOf(replayed(allowIf('{ claim/department: sales }'))), 'allow claim-ok')
    assert.equal(outcomeOf(replayed(allowIf('{ source_ip: 192.0.2.0/24 }'))), 'allow source-ip-ok')
    assert.equal(outcomeOf(replayed(allowIf('{ date: { before: 2026-03-03 } }'))), 'allow date-ok')
  })

  it('goes to the route that the configuration has for it', () => {
    assert.equal(outcomeOf(replayed(allowIf('{ accept: true }'), { path: '/elsewhere' })), 'none')
    assert.equal(outcomeOf(replayed(allowIf('{ accept: true }'), { host: 'other.example.com' })), 'none')
    assert.equal(outcomeOf(replayed(allowIf('{ accept: true }'), { path: '/.pomerium/' })), 'own')
  })

  it('of a stranger is a stranger’s', () => {
    const stranger = { 'session-id': '', user: '', email: '', subject: '' }
    assert.equal(
      outcomeOf(replayed(allowIf('{ groups: { has: staff } }'), stranger, null)),
      'sign-in user-unauthenticated',
    )
  })

  it('cannot be told where a refusal rests on what the log does not have', () => {
    const onClaim = allowIf('{ claim/role: admin }')
    assert.equal(outcomeOf(replayed(onClaim)), 'unknown: the claim role')
    assert.equal(outcomeOf(replayed(onClaim, {}, { 'claims-known': 'all' })), 'deny claim-unauthorized')
    assert.equal(outcomeOf(replayed(allowIf('{ claim/title: boss }'))), 'deny claim-unauthorized')
    assert.equal(outcomeOf(replayed(onClaim, { subject: 'other' }, null)), 'unknown: who the session was')
    const onGroups = allowIf('{ groups: { has: late } }')
    assert.equal(outcomeOf(replayed(onGroups, {}, { 'groups-cut': 3000 })), 'unknown: all groups')
    assert.equal(outcomeOf(replayed(onGroups, {}, { groups: 'unknown' })), 'deny groups-unknown')
    assert.equal(
      outcomeOf(replayed(onGroups, { path: `/page${'x'.repeat(2000)}…` })),
      'unknown: the whole path',
    )
    assert.equal(
      outcomeOf(replayed(allowIf('{ source_ip: 10.0.0.0/8 }'), { ip: '' })),
      'unknown: the address',
    )
  })

  it('can be told all the same where the matter is settled without it', () => {
    const either = '{ allow: { or: [{ claim/role: admin }, { groups: { has: staff } }] } }'
    assert.equal(outcomeOf(replayed(either)), 'allow groups-ok')
    const denied = '{ allow: { and: [{ claim/role: admin }] }, deny: { or: [{ groups: { has: staff } }] } }'
    assert.equal(outcomeOf(replayed(denied)), 'deny groups-ok')
    assert.equal(outcomeOf(replayed(allowIf('{ accept: true }'), { subject: 'other' }, null)), 'allow accept')
  })

  it('looks up what was found then, not what is on record today', () => {
    const records = 'records: { staff: { path: staff.csv, key: user.email } }\ngeoip: { databases: [a.mmdb] }'
    const onRecord = allowIf('{ record: { type: staff, field: team, is: a } }')
    const found = { inputs: { records: { staff: { team: 'a' } } } }
    assert.equal(outcomeOf(replayed(onRecord, found, {}, records)), 'allow record-ok')
    assert.equal(
      outcomeOf(replayed(onRecord, { inputs: { records: { staff: null } } }, {}, records)),
      'deny record-unauthorized',
    )
    assert.equal(outcomeOf(replayed(onRecord, {}, {}, records)), 'unknown: the record staff')
  })

  it('takes headers from the log, and a header that is not in it for both there and not there', () => {
    const preflight = allowIf('{ cors_preflight: true }')
    const headers = { origin: 'https://a', 'access-control-request-method': 'PUT' }
    assert.equal(
      outcomeOf(replayed(preflight, { method: 'OPTIONS', inputs: { headers } })),
      'allow cors-request',
    )
    assert.equal(
      outcomeOf(replayed(preflight, { method: 'OPTIONS' })),
      'unknown: the header origin, the header access-control-request-method',
    )
    assert.equal(outcomeOf(replayed(preflight, { method: 'GET' })), 'deny non-cors-request')
  })
})

describe('who the sessions of a log were', () => {
  const order: string[] = []
  const subjects = new KnownSubjects((decision, who) => {
    order.push(`${decision.id} ${who?.subject.email ?? 'nobody'}`)
  })

  it('is known for decisions behind the line that says so, and for those that wait for it', () => {
    subjects.decide(decisionIn({ 'request-id': 'early' }))
    subjects.decide(decisionIn({ 'request-id': 'never', subject: 'untold' }))
    subjects.decide(decisionIn({ 'request-id': 'stranger', subject: '' }))
    subjects.tell(subjectIn())
    subjects.decide(decisionIn({ 'request-id': 'late' }))
    subjects.end()
    assert.deepEqual(order, [
      'stranger nobody',
      'early alice@example.com',
      'late alice@example.com',
      'never nobody',
    ])
  })

  it('is forgotten when it grows beyond what fits, the one told longest ago first', () => {
    const seen: string[] = []
    const few = new KnownSubjects(
      (decision, who) => seen.push(`${decision.id} ${who === undefined ? 'unknown' : 'known'}`),
      700,
    )
    for (const fingerprint of ['a', 'b', 'c', 'b']) few.tell(subjectIn({ subject: fingerprint }))
    for (const fingerprint of ['a', 'b', 'c'])
      few.decide(decisionIn({ 'request-id': fingerprint, subject: fingerprint }))
    few.end()
    assert.deepEqual(seen, ['b known', 'c known', 'a unknown'])
  })
})
