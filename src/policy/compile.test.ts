import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compilePolicy, type PolicySource, sharedProblems } from './compile.ts'
import type { CompiledPolicy, RequestFacts, Subject } from './decision.ts'

const request: RequestFacts = {
  method: 'GET',
  path: '/',
  host: 'app.test',
  sourceIp: '192.0.2.1',
  headers: {},
}

function user(groups: readonly string[]): Subject {
  return { kind: 'user', sessionId: 's', userId: 'u', email: 'u@corp.test', name: 'U', claims: {}, groups }
}

function compile(source: PolicySource): CompiledPolicy {
  const compiled = compilePolicy(source)
  assert.equal(compiled.problems, undefined)
  return compiled.policy
}

describe('a compiled policy', () => {
  it('says which facts of the request it reads', () => {
    const policy = compile({
      policy: {
        allow: { or: [{ http_method: 'GET' }, { http_path: '/a' }] },
        deny: { or: [{ source_ip: '10.0.0.0/8' }] },
      },
    })
    assert.deepEqual([...policy.reads].toSorted(), ['method', 'path', 'source_ip'])
    assert.equal(policy.readsSubject, false)
    assert.deepEqual(policy.needsHeaders, [])
  })

  it('reads nothing of the request when it asks for identity only', () => {
    const policy = compile({ allowed_domains: ['corp.test'] })
    assert.equal(policy.reads.size, 0)
    assert.equal(policy.readsSubject, true)
  })

  it('reads neither when it is public', () => {
    const policy = compile({ allow_public_unauthenticated_access: true })
    assert.equal(policy.reads.size, 0)
    assert.equal(policy.readsSubject, false)
  })

  it('names the headers that it needs', () => {
    const policy = compile({ cors_allow_preflight: true })
    assert.deepEqual([...policy.reads].toSorted(), ['headers', 'method'])
    assert.deepEqual(policy.needsHeaders, ['origin', 'access-control-request-method'])
  })

  it('names the groups that its criteria compare with, whatever they do with them, and no other texts', () => {
    const { mentionedGroups } = compile({
      allowed_idp_claims: { groups: ['staff', 7], department: ['sales'] },
      policy: [
        { allow: { and: [{ groups: { has: 'admins', exclude: 'trainees' } }, { email: 'a@example.com' }] } },
        { deny: { not: [{ 'claim/groups': 'staff' }], nor: [{ 'claim/roles': { is: 'root' } }] } },
      ],
    })
    assert.deepEqual(mentionedGroups, ['staff', '7', 'admins', 'trainees'])
  })

  it('traces every criterion with its place in the route', () => {
    const policy = compile({
      allowed_domains: ['other.test'],
      policy: [
        { allow: { and: [{ groups: 'staff' }, { 'claim/team': 'x' }] } },
        { deny: { or: [{ reject: 1 }] } },
      ],
    })
    assert.deepEqual(policy.decide(user(['staff']), request).trace, [
      {
        action: 'allow',
        criterion: 'domain',
        at: ['allowed_domains', 0],
        truth: 'miss',
        reason: 'domain-unauthorized',
      },
      {
        action: 'allow',
        criterion: 'groups',
        at: ['policy', 0, 'allow', 'and', 0, 'groups'],
        truth: 'hit',
        reason: 'groups-ok',
      },
      {
        action: 'allow',
        criterion: 'claim/team',
        at: ['policy', 0, 'allow', 'and', 1, 'claim/team'],
        truth: 'miss',
        reason: 'claim-unauthorized',
      },
      {
        action: 'deny',
        criterion: 'reject',
        at: ['policy', 1, 'deny', 'or', 0, 'reject'],
        truth: 'miss',
        reason: 'reject',
      },
    ])
  })

  it('keeps a trace that survives copying and JSON', () => {
    const decision = compile({ allow_any_authenticated_user: true }).decide(user([]), request)
    const copy = JSON.parse(JSON.stringify({ ...decision })) as { readonly trace: readonly unknown[] }
    assert.deepEqual(copy.trace, decision.trace)
  })

  it('finds a group among hundreds, and the groups of each session apart', () => {
    const policy = compile({ policy: { allow: { or: [{ groups: 'g499' }] } } })
    const many = Array.from({ length: 500 }, (_, index) => `g${index}`)
    const one = user(many)
    const other = user(many.slice(0, -1))
    for (const _ of [1, 2]) {
      assert.equal(policy.decide(one, request).outcome, 'allow')
      assert.equal(policy.decide(other, request).outcome, 'deny')
    }
  })

  it('is not swayed by what it judged before', () => {
    const policy = compile({
      policy: { allow: { and: [{ http_path: { starts_with: '/a' } }, { source_ip: '10.0.0.1' }] } },
    })
    const outcomes = [
      ['/a', '10.0.0.1'],
      ['/b', '10.0.0.1'],
      ['/a', '10.0.0.2'],
      ['/a', 'nonsense'],
      ['/a', '10.0.0.1'],
    ].map(([path = '', sourceIp = '']) => policy.decide(user([]), { ...request, path, sourceIp }).outcome)
    assert.deepEqual(outcomes, ['allow', 'deny', 'deny', 'deny', 'allow'])
  })
})

describe('a source with mistakes', () => {
  it('tells all of them at once, each with its path', () => {
    const { problems } = compilePolicy({
      allowed_users: ['ok', ''],
      policy: [{ allow: { or: [{ emial: 'x' }, { email: { is: '' } }] } }, { denny: {} }],
    })
    assert.deepEqual(
      problems?.map(({ path }) => path),
      [
        ['allowed_users', 1],
        ['policy', 0, 'allow', 'or', 0, 'emial'],
        ['policy', 0, 'allow', 'or', 1, 'email', 'is'],
        ['policy', 1, 'denny'],
      ],
    )
  })
})

describe('a policy that routes share', () => {
  const context = {
    policies: {
      staff: { policy: { allow: { or: [{ groups: 'staff' }] } }, remediation: 'Ask the desk.' },
      'no trainees': { policy: { deny: { or: [{ groups: 'trainees' }] } }, explanation: 'Not yet.' },
      broken: { policy: { allow: { or: [{ emial: 'x' }] } } },
    },
  }

  it('joins the rules of the route, and says so in the trace', () => {
    const { policy } = compilePolicy({ allowed_users: ['u'], policies: ['no trainees', 'staff'] }, context)
    assert.equal(policy?.decide(user([]), request).outcome, 'allow')
    const denied = policy?.decide(user(['staff', 'trainees']), request)
    assert.equal(denied?.outcome, 'deny')
    assert.deepEqual(
      denied.trace.map(({ policy: name, isShared, at }) => [name, isShared, at?.join('.')]),
      [
        [undefined, undefined, 'allowed_users.0'],
        [undefined, undefined, 'allowed_users.0'],
        ['no trainees', true, 'policies.no trainees.policy.deny.or.0.groups'],
        ['staff', true, 'policies.staff.policy.allow.or.0.groups'],
      ],
    )
  })

  it('says why and what to do when it is what refuses', () => {
    const { policy } = compilePolicy({ policies: ['no trainees', 'staff'] }, context)
    const adviceTo = (groups: readonly string[]) =>
      policy?.decide(user(groups), request).advice.map(({ policy: name }) => name)
    assert.deepEqual(adviceTo(['staff']), [])
    assert.deepEqual(adviceTo([]), ['staff'])
    assert.deepEqual(adviceTo(['staff', 'trainees']), ['no trainees'])
  })

  it('has its mistakes told with the place in the file, once for each route, and once for none', () => {
    const { problems } = compilePolicy({ allowed_users: [''], policies: ['broken', 'staf'] }, context)
    assert.deepEqual(problems, [
      { path: ['allowed_users', 0], message: 'is an empty text, which would match everything or nobody' },
      { path: ['policies', 1], message: 'names no policy under `policies`; did you mean "staff"?' },
      {
        path: ['policies', 'broken', 'policy', 'allow', 'or', 0, 'emial'],
        message: 'unknown criterion "emial"; did you mean "email"?',
        isShared: true,
      },
    ])
    assert.deepEqual(sharedProblems(context), problems.slice(2))
  })

  it('may stand on the route itself', () => {
    const { policy } = compilePolicy({
      sub_policies: [{ name: 'desk', allowed_users: ['nobody'], remediation: 'Call 7.' }],
    })
    const decision = policy?.decide(user([]), request)
    assert.deepEqual(decision?.advice, [{ policy: 'desk', explanation: undefined, remediation: 'Call 7.' }])
    assert.deepEqual(decision.trace[0]?.at, ['sub_policies', 0, 'allowed_users', 0])
  })
})

describe('a rule with mode: observe', () => {
  const policy = compile({
    policy: [
      { allow: { or: [{ groups: 'staff' }] } },
      { allow: { or: [{ groups: 'guests' }] }, mode: 'observe' },
      { deny: { or: [{ groups: 'leavers' }] }, mode: 'observe' },
    ],
  })
  const outcomes = (groups: readonly string[]) => {
    const { outcome, observed } = policy.decide(user(groups), request)
    return [outcome, observed?.outcome, observed?.reasons]
  }

  it('decides nothing, and tells what it would decide', () => {
    assert.deepEqual(outcomes(['staff']), ['allow', 'allow', ['groups-ok']])
    assert.deepEqual(outcomes(['guests']), ['deny', 'allow', ['groups-ok']])
    assert.deepEqual(outcomes(['staff', 'leavers']), ['allow', 'deny', ['groups-ok']])
  })

  it('is marked in the trace', () => {
    const { trace } = policy.decide(user([]), request)
    assert.deepEqual(
      trace.map(({ mode }) => mode),
      [undefined, 'observe', 'observe'],
    )
  })

  it('leaves policies without one alone', () => {
    assert.equal(compile({ allowed_users: ['u'] }).decide(user([]), request).observed, undefined)
  })
})

describe('a configuration that demands client certificates of every route', () => {
  const { policy } = compilePolicy(
    { allow_any_authenticated_user: true },
    { deniesInvalidClientCertificates: 'everywhere' },
  )

  it('refuses clients without one before anything else, sign-in too', () => {
    const stranger = policy?.decide(
      { kind: 'anonymous' },
      { ...request, clientCertificate: { presented: false } },
    )
    assert.deepEqual([stranger?.outcome, stranger?.reasons], ['deny', ['client-certificate-required']])
  })

  it('may demand them of those routes alone that have authorities of their own', () => {
    const some = { deniesInvalidClientCertificates: 'where-own-authorities' } as const
    const shown = { ...request, clientCertificate: { presented: false } } as const
    const outcomeOf = (route: object) =>
      compilePolicy({ allow_public_unauthenticated_access: true, ...route }, some).policy?.decide(
        { kind: 'anonymous' },
        shown,
      ).outcome
    assert.equal(outcomeOf({ tls_downstream_client_ca: 'PEM' }), 'deny')
    assert.equal(outcomeOf({}), 'allow')
  })

  it('refuses whom nobody can tell whether they have shown one', () => {
    const decision = policy?.decide(user([]), request)
    assert.deepEqual([decision?.outcome, decision?.reasons], ['deny', ['client-certificate-unknown']])
  })
})
