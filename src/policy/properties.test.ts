/**
 * What holds of every policy, shown on policies, people and requests made up by fast-check.
 *
 * The model is the policy language as Pomerium has it, with two values and no thought for speed.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { compilePolicy } from './compile.ts'
import type { CompiledPolicy, RequestFacts, Subject, Truth } from './decision.ts'

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

function rule(action: string, of = criterion): fc.Arbitrary<RuleJson> {
  const block = fc.array(of, { maxLength: 4 })
  const operators = fc.record({ and: block, or: block, not: block, nor: block }, { requiredKeys: [] })
  return operators.map((body) => ({ [action]: body }))
}
const policy = (of = criterion): fc.Arbitrary<readonly RuleJson[]> =>
  fc.array(fc.oneof(rule('allow', of), rule('deny', of)), { maxLength: 4 })

const knownGroups = fc.subarray(GROUPS)
const user = (groups: fc.Arbitrary<readonly string[] | 'unknown'>): fc.Arbitrary<Subject> =>
  fc.record({
    kind: fc.constant('user' as const),
    sessionId: fc.constant('s'),
    userId: fc.constantFrom('u1', 'u2', 'u3'),
    email: fc.constantFrom(...EMAILS, undefined),
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
const NOBODY: Subject = { kind: 'anonymous' }
const anybody = fc.oneof(fc.constant(NOBODY), user(fc.oneof(knownGroups, fc.constant('unknown' as const))))
const WIDTH = { deny: 0, 'sign-in': 1, allow: 2 }

function compile(rules: readonly RuleJson[]): CompiledPolicy {
  const compiled = compilePolicy({ policy: rules })
  assert.equal(compiled.problems, undefined)
  return compiled.policy
}

function holds<Values extends [unknown, ...unknown[]]>(
  arbitraries: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  property: (...values: Values) => void,
): void {
  fc.assert(fc.property(...arbitraries, property), { numRuns: 500 })
}

describe('every policy', () => {
  it('decides as the two-valued model does when everything is known', () => {
    holds([policy(), user(knownGroups), request], (rules, subject, facts) => {
      const { outcome } = compile(rules).decide(subject, facts)
      assert.equal(outcome, model(rules, subject, facts) ? 'allow' : 'deny')
    })
  })

  it('is not widened by one more deny rule', () => {
    holds([policy(), rule('deny'), anybody, request], (rules, deny, subject, facts) => {
      const before = compile(rules).decide(subject, facts).outcome
      const after = compile([...rules, deny]).decide(subject, facts).outcome
      assert.ok(WIDTH[after] <= WIDTH[before], `${before} became ${after}`)
    })
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
    holds([policy(), anybody, request], (rules, subject, facts) => {
      const { outcome, reasons } = compile(rules).decide(subject, facts)
      const mirrored = compile(rules.map(mirror).toReversed()).decide(subject, facts)
      assert.deepEqual([mirrored.outcome, mirrored.reasons], [outcome, reasons])
    })
  })

  it('depends on nothing but what it says it reads', () => {
    holds([policy(), anybody, anybody, request, request], (rules, one, other, facts, others) => {
      const compiled = compile(rules)
      const { reads } = compiled
      const mixed = {
        method: reads.has('method') ? facts.method : others.method,
        path: reads.has('path') ? facts.path : others.path,
        host: others.host,
        sourceIp: reads.has('source_ip') ? facts.sourceIp : others.sourceIp,
        headers: others.headers,
      }
      const subject = compiled.readsSubject ? one : other
      assert.equal(compiled.decide(one, facts).outcome, compiled.decide(subject, mixed).outcome)
    })
  })

  it('traces each criterion once, with the truth that the reason stands for', () => {
    holds([policy(), user(knownGroups), request], (rules, subject, facts) => {
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
