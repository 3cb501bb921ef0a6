/**
 * What holds of every policy, shown on policies, people and requests made up by fast-check.
 *
 * The model is the policy language as Pomerium has it, with two values and no thought for speed.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { compilePolicy } from './compile.ts'
import type { PolicyContext } from './context.ts'
import { CRITERIA_SECTIONS } from './criteria/criteria.ts'
import type { CompiledPolicy, DataSources, ReadFact, RequestFacts, Subject, Truth } from './decision.ts'

type CriterionJson = Readonly<Record<string, unknown>>
type RuleJson = Readonly<Record<string, Readonly<Record<string, readonly CriterionJson[]>>>>

const EMAILS = ['a@corp.test', 'b@corp.test', 'c@guest.test']
const GROUPS = ['staff', 'admins', 'guests']

const identityCriterion: fc.Arbitrary<CriterionJson> = fc.oneof(
  fc.constant({ authenticated_user: true }),
  fc.constantFrom(...EMAILS).map((email) => ({ email })),
  fc.constantFrom(...EMAILS).map((not) => ({ email: { not } })),
  fc.constantFrom('corp.test', 'guest.test').map((domain) => ({ domain })),
  fc.constantFrom('u1', 'u2').map((user) => ({ user })),
  fc
    .constantFrom('has', 'is', 'exclude')
    .chain((key) => fc.constantFrom(...GROUPS).map((group) => ({ groups: { [key]: group } }))),
  fc.constantFrom('x', 'y').map((value) => ({ 'claim/team': value })),
)
const requestCriterion: fc.Arbitrary<CriterionJson> = fc.oneof(
  fc.constantFrom('GET', 'POST').map((http_method) => ({ http_method })),
  fc.constantFrom('/', '/a', '/b').map((starts_with) => ({ http_path: { starts_with } })),
  fc.constant({ source_ip: '10.0.0.0/8' }),
  fc.constant({ accept: true }),
  fc.constant({ reject: true }),
)
const criterion = fc.oneof(identityCriterion, requestCriterion)

/** Criteria about facts that may be missing. */
const factCriterion: fc.Arbitrary<CriterionJson> = fc.oneof(
  fc.constantFrom('mon-fri', 'sat,sun').map((day_of_week) => ({ day_of_week })),
  fc
    .constantFrom('6:00', '12:00', '22:00')
    .map((after) => ({ time_of_day: { timezone: 'UTC', after, before: '7:00' } })),
  fc.constantFrom('2030-01-05', '2031-01-01').map((before) => ({ date: { before } })),
  fc.constantFrom('a.test', 'b.test').map((san_dns) => ({ client_certificate: { san_dns } })),
  fc.constantFrom('0a', '0b').map((pair) => ({ client_certificate: { fingerprint: pair.repeat(32) } })),
  fc.constant({ invalid_client_certificate: true }),
  fc.constantFrom('DE', 'NZ').map((country) => ({ geoip: { country } })),
  fc.constantFrom('DE', 'NZ').map((not) => ({ geoip: { country: { not } } })),
  fc.constantFrom(1, 5).map((level) => ({ record: { type: 'people', field: 'level', '>': level } })),
  fc.constant({ record: { type: 'nets', field: 'bad', exists: false } }),
  fc.constantFrom('root', 'a').map((ssh_username) => ({ ssh_username })),
  fc.constant({ ssh_username_matches_email: true }),
  fc.constantFrom('read', 'write').map((mcp_tool) => ({ mcp_tool })),
)
const anyCriterion = fc.oneof(criterion, factCriterion)

function rule(action: string, of = criterion): fc.Arbitrary<RuleJson> {
  const block = fc.array(of, { maxLength: 4 })
  const operators = fc.record({ and: block, or: block, not: block, nor: block }, { requiredKeys: [] })
  return operators.map((body) => ({ [action]: body }))
}
const policy = (of = criterion): fc.Arbitrary<readonly RuleJson[]> =>
  fc.array(fc.oneof(rule('allow', of), rule('deny', of)), { maxLength: 4 })

const knownGroups = fc.subarray(GROUPS)
const user = (
  groups: fc.Arbitrary<readonly string[] | 'unknown'>,
  email: fc.Arbitrary<string | undefined> = fc.constantFrom(...EMAILS, undefined),
): fc.Arbitrary<Subject> =>
  fc.record({
    kind: fc.constant('user' as const),
    sessionId: fc.constant('s'),
    userId: fc.constantFrom('u1', 'u2', 'u3'),
    email,
    name: fc.constant(undefined),
    claims: fc.constantFrom({}, { team: ['x'] }, { team: ['x', 'y'] }),
    groups,
  })
const request: fc.Arbitrary<RequestFacts> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  path: fc.constantFrom('/', '/a', '/a/b', '/b'),
  host: fc.constant('app.test'),
  sourceIp: fc.constantFrom('10.1.1.1', '192.0.2.1'),
  headers: fc.constant({}),
})
const rows: DataSources['record'] = (type, key) => {
  if (type === 'people')
    return key === 'a@corp.test' ? { level: 3 } : key === 'b@corp.test' ? 'unknown' : undefined
  return key.startsWith('10.') ? { bad: true } : undefined
}
/** Requests of which everything is known that a criterion may ask for. */
const fullRequest: fc.Arbitrary<RequestFacts> = fc
  .record({
    plain: request,
    now: fc.constantFrom('2030-01-04T06:30:00Z', '2030-01-05T12:30:00Z', '2031-06-01T23:00:00Z'),
    isValid: fc.boolean(),
    pair: fc.constantFrom('0a', '0b', '0c'),
    name: fc.constantFrom('a.test', 'b.test'),
    isPresented: fc.boolean(),
    country: fc.constantFrom('DE', 'NZ', undefined),
    ssh: fc.constantFrom(undefined, { username: 'root' }, { username: 'a' }),
    mcp: fc.constantFrom(undefined, { method: 'tools/list' }, { method: 'tools/call', tool: 'read' }),
  })
  .map(({ plain, now, isValid, pair, name, isPresented, country, ssh, mcp }) => ({
    ...plain,
    now: Date.parse(now),
    clientCertificate: isPresented
      ? {
          presented: true,
          validity: isValid ? 'valid' : 'invalid',
          fingerprint: pair.repeat(32),
          spkiHash: '',
          sanDns: [name],
          sanEmail: [],
          sanUri: [],
        }
      : { presented: false },
    data: { record: rows, place: () => ({ country }) },
    ssh,
    mcp,
  }))
const CONTEXT: PolicyContext = {
  records: { people: { key: 'user.email' }, nets: { key: 'request.ip' } },
}

/** Somebody of whom everything is known. */
const known = user(knownGroups, fc.constantFrom(...EMAILS))
const NOBODY: Subject = { kind: 'anonymous' }
const anybody = fc.oneof(fc.constant(NOBODY), user(fc.oneof(knownGroups, fc.constant('unknown' as const))))
const WIDTH = { deny: 0, 'sign-in': 1, allow: 2 }

function compile(rules: readonly RuleJson[]): CompiledPolicy {
  const compiled = compilePolicy({ policy: rules }, CONTEXT)
  assert.equal(compiled.problems, undefined)
  return compiled.policy
}

function holds<Values extends [unknown, ...unknown[]]>(
  arbitraries: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  property: (...values: Values) => void,
): void {
  fc.assert(fc.property(...arbitraries, property), { numRuns: 500 })
}

/** Criteria of every name with whatever data. */
const NAMES = CRITERIA_SECTIONS.flatMap(({ kinds }) => Object.keys(kinds))
const wildCriterion: fc.Arbitrary<CriterionJson> = fc
  .tuple(
    fc.oneof(fc.constantFrom(...NAMES, 'claim/x', '__proto__', 'constructor', 'nonsense'), fc.string()),
    fc.oneof(
      fc.jsonValue({ depthSize: 'small' }),
      fc.dictionary(
        fc.constantFrom(
          'is',
          'in',
          'after',
          'before',
          'timezone',
          'type',
          'field',
          '>=',
          'country',
          'fingerprint',
        ),
        fc.oneof(fc.jsonValue({ depthSize: 'small' }), fc.constantFrom('UTC', '9:00', 'people', 'DE', 'mon')),
      ),
    ),
  )
  .map((entry) => Object.fromEntries([entry]))

describe('whatever stands where a policy should', () => {
  it('is compiled, or refused with paths that begin in it; it is never a crash', () => {
    const wild = fc.oneof(
      fc.jsonValue(),
      fc.array(rule('allow', wildCriterion), { maxLength: 2 }),
      fc.record({ allow: fc.jsonValue(), mode: fc.jsonValue() }),
    )
    holds([wild, anybody, fullRequest], (written, subject, facts) => {
      const { policy: compiled, problems } = compilePolicy({ policy: written }, CONTEXT)
      if (compiled !== undefined) compiled.decide(subject, facts)
      else assert.ok(problems.length > 0 && problems.every(({ path }) => path[0] === 'policy'))
    })
  })
})

describe('every policy', () => {
  it('decides as the two-valued model does when everything is known', () => {
    holds([policy(), known, request], (rules, subject, facts) => {
      const { outcome } = compile(rules).decide(subject, facts)
      assert.equal(outcome, model(rules, subject, facts) ? 'allow' : 'deny')
    })
  })

  it('is not widened by one more deny rule', () => {
    const facts = fc.oneof(request, fullRequest)
    holds(
      [policy(anyCriterion), rule('deny', anyCriterion), anybody, facts],
      (rules, deny, subject, asked) => {
        const before = compile(rules).decide(subject, asked).outcome
        const after = compile([...rules, deny]).decide(subject, asked).outcome
        assert.ok(WIDTH[after] <= WIDTH[before], `${before} became ${after}`)
      },
    )
  })

  it('is not narrowed by one more allow rule', () => {
    holds([policy(), rule('allow'), user(knownGroups), request], (rules, allow, subject, facts) => {
      const before = compile(rules).decide(subject, facts).outcome
      const after = compile([...rules, allow]).decide(subject, facts).outcome
      assert.ok(WIDTH[after] >= WIDTH[before], `${before} became ${after}`)
    })
  })

  it('allows somebody whose groups are unknown only what they may do whatever their groups are', () => {
    holds([policy(), user(fc.constant('unknown')), knownGroups, request], (rules, subject, groups, facts) => {
      const compiled = compile(rules)
      if (compiled.decide(subject, facts).outcome !== 'allow') return
      assert.equal(compiled.decide(withGroups(subject, groups), facts).outcome, 'allow')
    })
  })

  it('allows a stranger only by rules that hold whoever it is', () => {
    holds([rule('allow'), user(knownGroups), request], (allow, subject, facts) => {
      const compiled = compile([allow])
      if (compiled.decide(NOBODY, facts).outcome !== 'allow') return
      assert.equal(compiled.decide(subject, facts).outcome, 'allow')
    })
  })

  it('asks a stranger to sign in only if it reads who that is', () => {
    holds([policy(requestCriterion), request], (rules, facts) => {
      const compiled = compile(rules)
      assert.equal(compiled.readsSubject, false)
      assert.notEqual(compiled.decide(NOBODY, facts).outcome, 'sign-in')
    })
  })

  it('is the same in whatever order rules and criteria stand', () => {
    holds([policy(anyCriterion), anybody, fullRequest], (rules, subject, facts) => {
      const { outcome, reasons } = compile(rules).decide(subject, facts)
      const mirrored = compile(rules.map(mirror).toReversed()).decide(subject, facts)
      assert.deepEqual([mirrored.outcome, mirrored.reasons], [outcome, reasons])
    })
  })

  it('allows nothing more when facts are missing', () => {
    const missing = fc.subarray(['now', 'clientCertificate', 'data'] as const)
    holds([policy(anyCriterion), anybody, fullRequest, missing], (rules, subject, facts, gone) => {
      const compiled = compile(rules)
      const less = { ...facts, ...Object.fromEntries(gone.map((fact) => [fact, undefined])) }
      if (compiled.decide(subject, less).outcome !== 'allow') return
      assert.equal(compiled.decide(subject, facts).outcome, 'allow')
    })
  })

  it('decides the same without its rules that are only watched, and tells what they would do', () => {
    const modes = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })
    holds([policy(anyCriterion), modes, anybody, fullRequest], (rules, isWatched, subject, facts) => {
      const isCounted = (_: unknown, index: number) => isWatched[index] !== true
      const watched = rules.map((each, index) =>
        isCounted(each, index) ? each : { ...each, mode: 'observe' },
      )
      const { outcome, reasons, observed } = compile(watched as readonly RuleJson[]).decide(subject, facts)
      const without = compile(rules.filter(isCounted)).decide(subject, facts)
      assert.deepEqual([outcome, reasons], [without.outcome, without.reasons])
      if (observed === undefined) return
      const enforced = compile(rules).decide(subject, facts)
      assert.deepEqual(observed, { outcome: enforced.outcome, reasons: enforced.reasons })
    })
  })

  it('is the same whether its rules stand on the route or in policies that it names', () => {
    holds(
      [policy(anyCriterion), policy(anyCriterion), anybody, fullRequest],
      (own, shared, subject, facts) => {
        const whole = compile([...own, ...shared]).decide(subject, facts)
        const context = { ...CONTEXT, policies: { shared: { policy: shared } } }
        const named = compilePolicy({ policy: own, policies: ['shared'] }, context).policy?.decide(
          subject,
          facts,
        )
        const below = compilePolicy({ policy: own, sub_policies: [{ name: 'x', policy: shared }] }, CONTEXT)
        for (const other of [named, below.policy?.decide(subject, facts)])
          assert.deepEqual([other?.outcome, other?.reasons], [whole.outcome, whole.reasons])
      },
    )
  })

  it('depends on nothing but what it says it reads', () => {
    holds(
      [policy(anyCriterion), anybody, anybody, fullRequest, fullRequest],
      (rules, one, other, facts, others) => {
        const compiled = compile(rules)
        const from = (fact: ReadFact) => (compiled.reads.has(fact) ? facts : others)
        const mixed: RequestFacts = {
          method: from('method').method,
          path: from('path').path,
          host: from('host').host,
          sourceIp: from('source_ip').sourceIp,
          headers: from('headers').headers,
          now: from('time').now,
          clientCertificate: from('client_certificate').clientCertificate,
          data: {
            record: (type, key) => from('record').data?.record(type, key),
            place: (ip) => from('geo').data?.place(ip),
          },
          ssh: from('ssh').ssh,
          mcp: from('mcp').mcp,
        }
        const subject = compiled.readsSubject ? one : other
        assert.equal(compiled.decide(one, facts).outcome, compiled.decide(subject, mixed).outcome)
      },
    )
  })

  it('traces each criterion once, with the truth that the reason stands for', () => {
    holds([policy(), known, request], (rules, subject, facts) => {
      const { trace, reasons } = compile(rules).decide(subject, facts)
      const written = rules.flatMap((each) =>
        Object.values(each).flatMap((body) => Object.values(body).flat()),
      )
      assert.equal(trace.length, written.length)
      const suffix: Record<Truth, RegExp> = {
        hit: /-ok$|^accept$/,
        miss: /-unauthorized$|^reject$/,
        unknown: /^$/,
      }
      for (const { truth, reason } of trace) assert.match(reason, suffix[truth])
      for (const reason of reasons) assert.ok(trace.some((entry) => entry.reason === reason))
    })
  })
})

function withGroups(subject: Subject, groups: readonly string[]): Subject {
  return subject.kind === 'user' ? { ...subject, groups } : subject
}

function mirror(each: RuleJson): RuleJson {
  const bodies = Object.entries(each).map(([action, body]) => {
    const lists = Object.entries(body).map(([operator, list]) => [operator, list.toReversed()])
    return [action, Object.fromEntries(lists.toReversed())]
  })
  return Object.fromEntries(bodies)
}

function model(rules: readonly RuleJson[], subject: Subject, facts: RequestFacts): boolean {
  const isTrue = (action: string) =>
    rules.some((each) =>
      Object.entries(each[action] ?? {}).some(([operator, list]) => {
        if (list.length === 0) return false
        const values = list.map((one) => criterionModel(one, subject, facts))
        if (operator === 'and') return values.every(Boolean)
        if (operator === 'or') return values.some(Boolean)
        return operator === 'not' ? !values.some(Boolean) : !values.every(Boolean)
      }),
    )
  return isTrue('allow') && !isTrue('deny')
}

function criterionModel(one: CriterionJson, subject: Subject, facts: RequestFacts): boolean {
  assert.ok(subject.kind === 'user' && subject.groups !== 'unknown')
  const [[name, data] = ['', undefined]] = Object.entries(one)
  const part = (key: string) => (data as Readonly<Record<string, string>>)[key]
  const all = subject.groups
  if (name === 'accept' || name === 'authenticated_user') return true
  if (name === 'user') return subject.userId === data
  if (name === 'domain') return subject.email?.split('@')[1] === data
  if (name === 'claim/team') return subject.claims['team']?.some((value) => value === data) ?? false
  if (name === 'http_method') return facts.method === data
  if (name === 'http_path') return facts.path.startsWith(part('starts_with') ?? '?')
  if (name === 'source_ip') return facts.sourceIp.startsWith('10.')
  if (name === 'email' && typeof data === 'string') return subject.email === data
  if (name === 'email') return subject.email !== undefined && subject.email !== part('not')
  if (name !== 'groups') return false
  const { has, is, exclude } = data as Readonly<Record<string, string>>
  if (has !== undefined) return all.includes(has)
  return is === undefined ? !all.includes(exclude ?? '') : all.length === 1 && all[0] === is
}
