import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { compilePolicy } from './compile.ts'
import type { PolicyContext } from './context.ts'
import type { Subject } from './decision.ts'
import { type RequesterWorld, readRequester } from './requester.fixture.ts'

const SPECIFICATION = [
  'operators',
  'matchers',
  'identity',
  'request',
  'paths',
  'anonymous',
  'unknown',
  'shorthands',
  'named',
  'time',
  'certificates',
  'records',
  'machines',
  'ssh',
] as const

const Source = {
  policy: z.unknown().optional(),
  allowed_users: z.array(z.string()).optional(),
  allowed_domains: z.array(z.string()).optional(),
  allowed_idp_claims: z.record(z.string(), z.array(z.unknown())).optional(),
  allow_any_authenticated_user: z.boolean().optional(),
  allow_public_unauthenticated_access: z.boolean().optional(),
  cors_allow_preflight: z.boolean().optional(),
}
const Named = z.strictObject({
  ...Source,
  explanation: z.string().optional(),
  remediation: z.string().optional(),
})
const Route = z.strictObject({
  ...Source,
  policies: z.array(z.string()).optional(),
  sub_policies: z.array(Named.extend({ name: z.string() })).optional(),
})
const Written = {
  policy: z.unknown().optional(),
  route: Route.optional(),
  shared: z.record(z.string(), Named).default({}),
}
const Entry = z.strictObject({ ...Written, title: z.string(), answers: z.record(z.string(), z.string()) })
const Mistake = z.strictObject({ ...Written, problems: z.array(z.string()) })
const Person = z.strictObject({
  userId: z.string(),
  email: z.string().optional(),
  groups: z.union([z.array(z.string()), z.literal('unknown')]),
  claims: z.record(z.string(), z.array(z.string())).default({}),
  devices: z
    .array(z.strictObject({ id: z.string(), type: z.enum(['any', 'enclave_only']), approved: z.boolean() }))
    .optional(),
})
const Row = z.record(z.string(), z.unknown())
const Facts = z.strictObject({
  certificates: z.record(
    z.string(),
    z.strictObject({
      presented: z.literal(true).default(true),
      validity: z.enum(['valid', 'invalid']).default('valid'),
      fingerprint: z.string(),
      spkiHash: z.string(),
      sanDns: z.array(z.string()),
      sanEmail: z.array(z.string()),
      sanUri: z.array(z.string()),
    }),
  ),
  places: z.record(
    z.string(),
    z.strictObject({
      country: z.string().optional(),
      continent: z.string(),
      subdivision: z.string().optional(),
      city: z.string().optional(),
      asn: z.number(),
    }),
  ),
  records: z.record(
    z.string(),
    z.strictObject({
      key: z.enum(['user.id', 'user.email', 'request.ip', 'request.client_certificate.fingerprint']),
      rows: z.union([z.record(z.string(), Row), z.literal('unknown')]),
    }),
  ),
  keys: z.record(
    z.string(),
    z.string().transform((base64) => Buffer.from(base64, 'base64')),
  ),
})

const people = z.record(z.string(), Person).parse(load('people'))
const facts = Facts.parse(load('facts'))

function load(name: string): unknown {
  return parse(readFileSync(join(import.meta.dirname, 'conformance', `${name}.yaml`), 'utf8'))
}

function subjectOf(name: string): Subject {
  if (name === 'nobody') return { kind: 'anonymous' }
  const person = people[name]
  assert.ok(person, `${name} is not in people.yaml`)
  return { kind: 'user', sessionId: 's', name: undefined, ...person, email: person.email }
}

const world: RequesterWorld = {
  ...facts,
  record(type, key) {
    const rows = facts.records[type]?.rows
    assert.ok(rows, `nobody keeps ${type}`)
    return rows === 'unknown' ? 'unknown' : rows[key]
  },
}

const contextWith = (policies: PolicyContext['policies']): PolicyContext => ({
  policies,
  records: facts.records,
})

let lines = 0

for (const file of SPECIFICATION) {
  describe(`policies: ${file}`, () => {
    for (const { title, route, policy, shared, answers } of z.array(Entry).parse(load(file))) {
      lines += Object.keys(answers).length
      it(title, () => {
        const compiled = compilePolicy(route ?? { policy }, contextWith(shared))
        assert.deepEqual(compiled.problems, undefined)
        const given = Object.keys(answers).map((requester) => {
          const { who, request } = readRequester(requester, world)
          const { outcome, reasons, observed } = compiled.policy.decide(subjectOf(who), request)
          const reported = observed && ['; observed', observed.outcome, ...observed.reasons].join(' ')
          return [requester, [outcome, ...reasons].join(' ') + (reported ?? '')]
        })
        assert.deepEqual(Object.fromEntries(given), answers)
      })
    }
  })
}

describe('the specification of policies', () => {
  it('was found', () => assert.ok(lines >= 600, `only ${lines} lines`))
})

describe('a policy with mistakes', () => {
  for (const { route, policy, shared, problems } of z.array(Mistake).parse(load('mistakes'))) {
    it(`is refused: ${problems[0] ?? ''}`, () => {
      const compiled = compilePolicy(route ?? { policy }, contextWith(shared))
      const reported = compiled.problems?.map(({ path, message }) => `${path.join('.')}: ${message}`)
      assert.deepEqual(reported, problems)
    })
  }
})
