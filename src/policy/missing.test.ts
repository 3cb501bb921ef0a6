import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compilePolicy } from './compile.ts'
import type { RequestFacts, Subject } from './decision.ts'
import { missingFor, waysIn } from './missing.ts'

const mallory: Subject = {
  kind: 'user',
  sessionId: 's',
  userId: 'mallory',
  email: 'mallory@guest.test',
  name: undefined,
  claims: {},
  groups: ['guests'],
}
const request: RequestFacts = {
  method: 'GET',
  path: '/',
  host: 'app.test',
  sourceIp: '192.0.2.1',
  headers: {},
}

function missing(policy: unknown, subject: Subject = mallory): readonly string[] {
  const compiled = compilePolicy({ policy })
  assert.equal(compiled.problems, undefined)
  return missingFor(compiled.policy.decide(subject, request)).map(({ words }) => words)
}

describe('what is missing, in words', () => {
  it('is nothing for who is allowed', () => {
    assert.deepEqual(missing({ allow: { or: [{ accept: true }] } }), [])
  })

  it('names the kind of each condition, most useful first', () => {
    const policy = {
      allow: { or: [{ email: 'ceo@corp.test' }, { domain: 'corp.test' }, { groups: 'board' }] },
    }
    assert.deepEqual(missing(policy), [
      'to be a member of a required group',
      'an account of a different e-mail domain',
      'an account with a different e-mail address',
    ])
  })

  it('says nothing of what the policy lists', () => {
    const policy = {
      allow: {
        and: [{ groups: 'secret-project' }, { email: { in: ['ceo@corp.test'] } }, { 'claim/level': 'top' }],
      },
      deny: { or: [{ source_ip: '203.0.113.0/24' }] },
    }
    assert.doesNotMatch(missing(policy).join(' '), /secret-project|ceo|corp\.test|level|top|203/)
  })

  it('says each thing once', () => {
    const policy = { allow: { and: [{ http_method: 'POST' }, { cors_preflight: true }] } }
    assert.deepEqual(missing(policy), ['a different kind of request'])
  })

  it('says of a deny rule that it excludes, not whom', () => {
    const policy = { allow: { or: [{ accept: true }] }, deny: { or: [{ email: 'mallory@guest.test' }] } }
    assert.deepEqual(missing(policy), ['Your account is excluded from this page by a rule.'])
  })

  it('tells of unknown groups that it is not the reader who lacks something', () => {
    const overage = { ...mallory, groups: 'unknown' } as const
    const policy = { allow: { or: [{ groups: 'staff' }] } }
    assert.deepEqual(missing(policy, overage), ['your groups, which could not be looked up; try again later'])
  })

  it('asks a stranger to sign in where that may help', () => {
    assert.deepEqual(missing({ allow: { or: [{ domain: 'corp.test' }] } }, { kind: 'anonymous' }), [
      'to be signed in',
    ])
  })

  it('is never empty for who is refused', () => {
    const nobody = ['No one may open this page at present.']
    assert.deepEqual(missing([]), nobody)
    assert.deepEqual(missing({ allow: { or: [{ reject: true }] } }), nobody)
    const shut = { allow: { or: [{ accept: true }] }, deny: { or: [{ accept: true }] } }
    assert.deepEqual(missing(shut), nobody)
    assert.deepEqual(missingFor({ outcome: 'deny', reasons: ['user-unauthenticated'] }).length, 1)
    assert.deepEqual(missingFor({ outcome: 'deny', reasons: ['a-word-of-tomorrow'] }).length, 1)
  })

  it('leaves a door that is shut to all out beside others', () => {
    const policy = { allow: { or: [{ reject: true }, { groups: 'staff' }] } }
    assert.deepEqual(missing(policy), ['to be a member of a required group'])
  })
})

/** Ways in, each as its words joined. */
function ways(
  policy: unknown,
  subject: Subject = mallory,
  facts: Partial<RequestFacts> = {},
): readonly string[] {
  const { policy: compiled = assert.fail() } = compilePolicy({ policy })
  const decision = compiled.decide(subject, { ...request, ...facts })
  return waysIn(decision).map((way) => way.map(({ kind }) => kind).join(' and '))
}

describe('the ways in', () => {
  const GROUP = { groups: 'staff' }
  const DOMAIN = { domain: 'corp.test' }
  const MAIL = { email: 'ceo@corp.test' }

  it('are alternatives where one is enough, and one way where all are needed', () => {
    assert.deepEqual(ways({ allow: { or: [MAIL, GROUP, DOMAIN] } }), ['group', 'domain', 'email'])
    assert.deepEqual(ways({ allow: { and: [MAIL, GROUP, DOMAIN] } }), ['group and domain and email'])
  })

  it('are those of all rules, the shortest first', () => {
    const policy = [{ allow: { and: [GROUP, { source_ip: '203.0.113.0/24' }] } }, { allow: { or: [MAIL] } }]
    assert.deepEqual(ways(policy), ['email', 'group and network'])
  })

  it('leave out what is met already', () => {
    const policy = { allow: { and: [{ domain: 'guest.test' }, GROUP] } }
    assert.deepEqual(ways(policy), ['group'])
  })

  it('leave out a way that asks for more than another', () => {
    const policy = [{ allow: { and: [GROUP, DOMAIN] } }, { allow: { and: [GROUP] } }]
    assert.deepEqual(ways(policy), ['group'])
  })

  it('are none where a rule excludes, where nobody may pass, and for who is allowed', () => {
    const shut = { allow: { or: [{ accept: true }] }, deny: { or: [{ email: 'mallory@guest.test' }] } }
    assert.deepEqual(ways(shut), [])
    assert.deepEqual(ways([]), [])
    assert.deepEqual(ways({ allow: { or: [{ reject: true }] } }), [])
    assert.deepEqual(ways({ allow: { not: [{ email: 'mallory@guest.test' }] } }), [])
    assert.deepEqual(ways({ allow: { or: [{ accept: true }] } }), [])
  })

  it('tell what could not be looked up', () => {
    assert.deepEqual(ways({ allow: { or: [GROUP, MAIL] } }, { ...mallory, groups: 'unknown' }), [
      'email',
      'later',
    ])
  })

  it('of a rule that wants not all of its criteria to hold are one for each', () => {
    const policy = { allow: { nor: [{ source_ip: '192.0.2.0/24' }, { http_method: 'GET' }] } }
    assert.deepEqual(ways(policy), [])
  })
})
