import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { compilePolicy } from './compile.ts'
import type { RequestFacts, Subject } from './decision.ts'

const SPECIFICATION = [
  'operators',
  'matchers',
  'identity',
  'request',
  'paths',
  'anonymous',
  'unknown',
  'shorthands',
] as const

const Route = z.strictObject({
  policy: z.unknown().optional(),
  allowed_users: z.array(z.string()).optional(),
  allowed_domains: z.array(z.string()).optional(),
  allowed_idp_claims: z.record(z.string(), z.array(z.unknown())).optional(),
  allow_any_authenticated_user: z.boolean().optional(),
  allow_public_unauthenticated_access: z.boolean().optional(),
  cors_allow_preflight: z.boolean().optional(),
})
const Written = { policy: z.unknown().optional(), route: Route.optional() }
const Entry = z.strictObject({ ...Written, title: z.string(), answers: z.record(z.string(), z.string()) })
const Mistake = z.strictObject({ ...Written, problems: z.array(z.string()) })
const Person = z.strictObject({
  userId: z.string(),
  email: z.string().optional(),
  groups: z.union([z.array(z.string()), z.literal('unknown')]),
  claims: z.record(z.string(), z.array(z.string())).default({}),
})

const people = z.record(z.string(), Person).parse(load('people'))

function load(name: string): unknown {
  return parse(readFileSync(join(import.meta.dirname, 'conformance', `${name}.yaml`), 'utf8'))
}

function subjectOf(name: string): Subject {
  if (name === 'nobody') return { kind: 'anonymous' }
  const person = people[name]
  assert.ok(person, `${name} is not in people.yaml`)
  return { kind: 'user', sessionId: 's', name: undefined, ...person, email: person.email }
}

const PREFLIGHT = { origin: 'https://a.test', 'access-control-request-method': 'PUT' }
const HEADERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '': {},
  preflight: PREFLIGHT,
  'originless preflight': { 'access-control-request-method': 'PUT' },
  'methodless preflight': { origin: 'https://a.test' },
}

/** `alice POST /a b from 10.0.0.1 as preflight` */
function parseAsker(text: string): readonly [Subject, RequestFacts] {
  const words = /^(\w+)(?: (\w+) (.+?))?(?: from (\S+))?(?: as ([\w ]+))?$/.exec(text)
  assert.ok(words, `can't read "${text}"`)
  const [, who = '', method = 'GET', path = '/', sourceIp = '192.0.2.10', shape = ''] = words
  const headers = HEADERS[shape]
  assert.ok(headers, `unknown shape "${shape}"`)
  return [subjectOf(who), { method, path, host: 'app.test', sourceIp, headers }]
}

let lines = 0

for (const file of SPECIFICATION) {
  describe(`policies: ${file}`, () => {
    for (const { title, route, policy, answers } of z.array(Entry).parse(load(file))) {
      lines += Object.keys(answers).length
      it(title, () => {
        const compiled = compilePolicy(route ?? { policy })
        assert.deepEqual(compiled.problems, undefined)
        const given = Object.keys(answers).map((asker) => {
          const { outcome, reasons } = compiled.policy.decide(...parseAsker(asker))
          return [asker, [outcome, ...reasons].join(' ')]
        })
        assert.deepEqual(Object.fromEntries(given), answers)
      })
    }
  })
}

describe('the specification of policies', () => {
  it('was found', () => assert.ok(lines >= 150, `only ${lines} lines`))
})

describe('a policy with mistakes', () => {
  for (const { route, policy, problems } of z.array(Mistake).parse(load('mistakes'))) {
    it(`is refused: ${problems[0] ?? ''}`, () => {
      const compiled = compilePolicy(route ?? { policy })
      const told = compiled.problems?.map(({ path, message }) => `${path.join('.')}: ${message}`)
      assert.deepEqual(told, problems)
    })
  }
})
