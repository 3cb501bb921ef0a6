/**
 * What facts mean that are not there, shown cell by cell of the table, and on policies made up by fast-check.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { compilePolicy } from './compile.ts'
import type { PolicyContext } from './context.ts'
import { compileCriterion } from './criteria/criteria.ts'
import type { CompiledPolicy, Identified, Place, RequestFacts } from './decision.ts'
import { type Lack, type Look, MISSING_FACTS } from './missing-facts.ts'

const CONTEXT: PolicyContext = { records: { people: { key: 'user.email' }, nets: { key: 'request.ip' } } }
const ALICE: Identified = {
  kind: 'user',
  sessionId: 's',
  userId: 'u1',
  email: 'alice@corp.test',
  name: undefined,
  claims: { email: ['alice@corp.test'], team: ['x'] },
  groups: ['staff'],
}
const REQUEST: RequestFacts = {
  method: 'GET',
  path: '/',
  host: 'app.test',
  sourceIp: '192.0.2.1',
  headers: {},
  now: 0,
  data: { record: () => ({ level: '3' }), place: () => ({ country: 'DE' }) },
  clientCertificate: {
    presented: true,
    validity: 'valid',
    fingerprint: 'a'.repeat(64),
    spkiHash: '',
    sanDns: ['web.corp.test'],
    sanEmail: [],
    sanUri: [],
  },
  ssh: { username: 'alice' },
}

/** The same person as their provider may tell of them; what is of no use is not in `email`. */
const addressed = (email: string | undefined, claims: Identified['claims'] = {}): Identified => ({
  ...ALICE,
  email,
  claims: { team: ['x'], ...claims },
})
const WITHOUT_ADDRESS: Readonly<Record<Exclude<Lack, 'unknown'>, Identified>> = {
  none: { ...addressed(undefined), kind: 'workload' },
  absent: addressed(undefined),
  unverified: addressed(undefined, { email: ['alice@corp.test'], email_verified: ['false'] }),
  malformed: addressed('alice@corp.test@evil.test', { email: ['alice@corp.test@evil.test'] }),
}

const TEXT: readonly (readonly [string, unknown, Look])[] = [
  ['is', 'a', 'text'],
  ['in', ['a'], 'text'],
  ['contains', 'a', 'text'],
  ['starts_with', 'a', 'text'],
  ['ends_with', 'a', 'text'],
  ['not', 'a', 'negated text'],
  ['not_in', ['a'], 'negated text'],
]
const LIST: readonly (readonly [string, unknown, Look])[] = [
  ['has', 'a', 'list'],
  ['is', 'a', 'list'],
  ['exclude', 'a', 'negated list'],
]
const COUNTRY: typeof TEXT = TEXT.map(([matcher, value, look]) => [
  matcher,
  typeof value === 'string' ? 'DE' : ['DE'],
  look,
])
const ADDRESS: typeof TEXT = TEXT.map(([matcher, value, look]) => [
  matcher,
  typeof value === 'string' ? 'a@a' : ['a@a'],
  look,
])

function truthOf(name: string, data: unknown, someone: Identified, request = REQUEST): string {
  const problems: string[] = []
  const compiled = compileCriterion(name, data, [], (_, message) => void problems.push(message), CONTEXT)
  assert.deepEqual(problems, [])
  return compiled?.test(someone, request).truth ?? ''
}

describe('a fact that is missing', () => {
  for (const lack of ['none', 'absent', 'unverified', 'malformed'] as const) {
    it(`is judged alike by all criteria about addresses: ${lack}`, () => {
      const someone = WITHOUT_ADDRESS[lack]
      for (const [matcher, value, look] of ADDRESS)
        assert.equal(truthOf('email', { [matcher]: value }, someone), MISSING_FACTS[lack][look], matcher)
      for (const [matcher, value, look] of TEXT)
        assert.equal(truthOf('domain', { [matcher]: value }, someone), MISSING_FACTS[lack][look], matcher)
      for (const [matcher, value, look] of LIST) {
        // a claim of a machine is one like any other
        const truth = truthOf('claim/email', { [matcher]: value }, someone)
        assert.equal(truth, MISSING_FACTS[lack][look], matcher)
      }
      assert.equal(truthOf('ssh_username_matches_email', true, someone), MISSING_FACTS[lack].text)
      const ofRecord = truthOf('record', { type: 'people', field: 'level', '<': 3 }, someone)
      assert.equal(ofRecord, MISSING_FACTS[lack].order)
    })
  }

  it('is judged alike by all criteria about lists', () => {
    for (const [matcher, value, look] of LIST) {
      for (const claims of [{}, { team: [] }])
        assert.equal(
          truthOf('claim/team', { [matcher]: value }, { ...ALICE, claims }),
          MISSING_FACTS.none[look],
        )
      assert.equal(
        truthOf('groups', { [matcher]: value }, { ...ALICE, groups: [] }),
        MISSING_FACTS.none[look],
      )
      const elsewhere = { '_claim_names/team': ['a'] }
      assert.equal(
        truthOf('claim/team', { [matcher]: value }, { ...ALICE, claims: elsewhere }),
        MISSING_FACTS.unknown[look],
      )
      assert.equal(
        truthOf('groups', { [matcher]: value }, { ...ALICE, groups: 'unknown' }),
        MISSING_FACTS.unknown[look],
      )
    }
  })

  it('is judged alike by all criteria about texts of other kinds', () => {
    const nowhere = { ...REQUEST, data: { record: () => undefined, place: () => undefined } }
    const nameless = { ...REQUEST, data: { record: () => ({}), place: (): Place => ({}) } }
    const undressed: RequestFacts = { ...REQUEST, clientCertificate: { presented: false } }
    for (const [matcher, value, look] of COUNTRY) {
      for (const request of [nowhere, nameless])
        assert.equal(
          truthOf('geoip', { country: { [matcher]: value } }, ALICE, request),
          MISSING_FACTS.none[look],
        )
    }
    for (const [matcher, value, look] of TEXT) {
      const condition = { type: 'nets', field: 'zone', [matcher]: value }
      for (const request of [nowhere, nameless])
        assert.equal(truthOf('record', condition, ALICE, request), MISSING_FACTS.none[look], matcher)
      for (const name of ['san_dns', 'san_email', 'san_uri']) {
        const names = { client_certificate: { [name]: { [matcher]: value } } }
        assert.equal(
          truthOf('client_certificate', names.client_certificate, ALICE, undressed),
          MISSING_FACTS.none[look],
        )
      }
    }
    for (const order of ['<', '<=', '=', '>', '>='])
      assert.equal(
        truthOf('record', { type: 'nets', field: 'level', [order]: 3 }, ALICE, nameless),
        MISSING_FACTS.none.order,
      )
  })

  it('settles nothing in a criterion with several conditions, unless one of them misses', () => {
    const machine = WITHOUT_ADDRESS.none
    assert.equal(truthOf('email', { not: 'a@a', ends_with: '@corp.test' }, machine), 'miss')
    assert.equal(truthOf('email', { not: 'a@a', not_in: ['b@b'] }, machine), 'unknown')
  })
})

const EMAILS = ['alice@corp.test', 'bob@corp.test', 'eve@guest.test']
const emailText = fc.constantFrom(...EMAILS, ...EMAILS.map((email) => email.toUpperCase()))
const domainText = fc.constantFrom('corp.test', 'Guest.TEST', 'other.test')
const addressCriterion = fc.oneof(
  emailText.chain((text) => fc.constantFrom('is', 'not').map((key) => ({ email: { [key]: text } }))),
  fc
    .array(emailText)
    .chain((list) => fc.constantFrom('in', 'not_in').map((key) => ({ email: { [key]: list } }))),
  fc.constantFrom('starts_with', 'contains').map((key) => ({ email: { [key]: 'E' } })),
  domainText.map((text) => ({ email: { ends_with: `@${text}` } })),
  domainText.chain((text) =>
    fc.constantFrom('is', 'not', 'ends_with', 'contains').map((key) => ({ domain: { [key]: text } })),
  ),
  fc
    .array(domainText)
    .chain((list) => fc.constantFrom('in', 'not_in').map((key) => ({ domain: { [key]: list } }))),
  emailText.chain((text) =>
    fc.constantFrom('has', 'is', 'exclude').map((key) => ({ 'claim/email': { [key]: text } })),
  ),
  fc
    .constantFrom('is', 'not', 'exclude', 'has', '<', '>')
    .map((key) => ({ record: { type: 'people', field: 'level', [key]: '5' } })),
  fc.boolean().map((exists) => ({ record: { type: 'people', field: 'level', exists } })),
  fc.constant({ ssh_username_matches_email: true }),
)
const otherCriterion = fc.oneof(
  fc.constantFrom('GET', 'POST').map((http_method) => ({ http_method })),
  fc.constantFrom('staff', 'guests').map((group) => ({ groups: { has: group } })),
  fc.constant({ authenticated_user: true }),
)
const rule = (action: string) => {
  const block = fc.array(fc.oneof({ weight: 3, arbitrary: addressCriterion }, otherCriterion), {
    maxLength: 3,
  })
  return fc
    .record({ and: block, or: block, not: block, nor: block }, { requiredKeys: [] })
    .map((body) => ({ [action]: body }))
}
const rules = fc.array(fc.oneof(rule('allow'), rule('deny')), { maxLength: 3 })

function compile(policy: unknown): CompiledPolicy {
  const compiled = compilePolicy({ policy }, CONTEXT)
  assert.equal(compiled.problems, undefined)
  return compiled.policy
}

const rows = { 'alice@corp.test': { level: '5' }, 'eve@guest.test': { level: '2' } }
const request: RequestFacts = {
  ...REQUEST,
  data: {
    record: (_, key) => Object.entries(rows).find(([name]) => name === key.toLowerCase())?.[1],
    place: () => undefined,
  },
}
const known = (email: string) => addressed(email, { email: [email] })

/** An address as it may come instead: the same one in another dress, or spoilt. */
const SPOILT: readonly ((email: string) => Identified)[] = [
  () => addressed(undefined),
  ...['False', 'no', '0', ''].map(
    (flag) => (email: string) => addressed(undefined, { email: [email], email_verified: [flag] }),
  ),
  ...[
    (email: string) => `${email}.`,
    (email: string) => `evil.test@${email}`,
    (email: string) => `${email}@evil.test`,
    (email: string) => ` ${email}`,
    (email: string) => email.replace('@', '@.'),
    (email: string) => email.replace('@', ' @'),
    (email: string) => email.replace('.', '..'),
    (email: string) => email.replace('@', '\u200b@'),
    (email: string) => email.replace('.test', '.t\u00ADest'),
    (email: string) => `"${email.replace('@', '"@')}`,
    (email: string) => `<${email}>`,
    (email: string) => `${email},x@evil.test`,
    (email: string) => email.replace('@', ''),
  ].flatMap((spoil) => [
    (email: string) => known(spoil(email)),
    (email: string) => addressed(undefined, { email: [spoil(email)] }),
  ]),
  // forms that lenient programs take for the same address
  ...[
    (email: string) => email.replace('e', 'ｅ'),
    (email: string) => email.replace('test', 'ｔest'),
    (email: string) => email.replace('s', 'ſ'),
    (email: string) => email.replace('i', 'İ'),
  ].map((dress) => (email: string) => known(dress(email))),
]

const cased = (email: string) =>
  fc.array(fc.boolean(), { minLength: email.length, maxLength: email.length }).map((capitals) =>
    email
      .split('')
      .map((letter, at) => (capitals[at] === true ? letter.toUpperCase() : letter))
      .join(''),
  )

describe('an address that can’t be relied on', () => {
  const spoilt = fc.constantFrom(...SPOILT)

  it('lets nobody in whom the plain one would not, by whatever policy', () => {
    fc.assert(
      fc.property(rules, fc.constantFrom(...EMAILS), spoilt, (policy, email, spoil) => {
        const compiled = compile(policy)
        if (compiled.decide(spoil(email), request).outcome !== 'allow') return
        assert.equal(compiled.decide(known(email), request).outcome, 'allow')
      }),
      { numRuns: 3000 },
    )
  })

  it('is no way around a rule that denies', () => {
    fc.assert(
      fc.property(rule('deny'), fc.constantFrom(...EMAILS), spoilt, (deny, email, spoil) => {
        const compiled = compile([{ allow: { or: [{ accept: true }] } }, deny])
        if (compiled.decide(known(email), request).outcome !== 'deny') return
        assert.equal(compiled.decide(spoil(email), request).outcome, 'deny')
      }),
      { numRuns: 3000 },
    )
  })

  it('is as good in capitals as in small letters', () => {
    const pair = fc.constantFrom(...EMAILS).chain((email) => fc.tuple(fc.constant(email), cased(email)))
    fc.assert(
      fc.property(rules, pair, (policy, [email, other]) => {
        const compiled = compile(policy)
        const { outcome } = compiled.decide(known(other), request)
        assert.equal(outcome, compiled.decide(known(email), request).outcome)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a list that is not there', () => {
  const criterion = fc
    .tuple(fc.constantFrom('claim/team', 'claim/a.b', 'groups'), fc.constantFrom('has', 'is', 'exclude'))
    .map(([name, key]) => ({ [name]: { [key]: 'x' } }))
  const blocks = fc.record(
    { and: fc.array(criterion), or: fc.array(criterion), not: fc.array(criterion) },
    { requiredKeys: [] },
  )
  const policies = fc.array(
    fc.constantFrom('allow', 'deny').chain((action) => blocks.map((body) => ({ [action]: body }))),
  )

  it('is an empty one', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const compiled = compile(policy)
        const without = compiled.decide({ ...ALICE, claims: {}, groups: [] }, request)
        const empty = compiled.decide({ ...ALICE, claims: { team: [], 'a.b': [] }, groups: [] }, request)
        assert.deepEqual([without.outcome, without.reasons], [empty.outcome, empty.reasons])
      }),
    )
  })

  it('allows nothing by being kept elsewhere that any list would not be allowed', () => {
    const elsewhere = { '_claim_names/team': ['s'], '_claim_names/a': ['s'] }
    const values = fc.subarray(['x', 'y'])
    fc.assert(
      fc.property(policies, values, values, values, (policy, team, nested, groups) => {
        const compiled = compile(policy)
        const hidden: Identified = { ...ALICE, claims: elsewhere, groups: 'unknown' }
        if (compiled.decide(hidden, request).outcome !== 'allow') return
        const shown: Identified = { ...ALICE, claims: { team, 'a.b': nested }, groups }
        assert.equal(compiled.decide(shown, request).outcome, 'allow')
      }),
      { numRuns: 1000 },
    )
  })
})
