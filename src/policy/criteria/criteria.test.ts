import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PolicyContext } from '../context.ts'
import type { RequestFacts, Subject } from '../decision.ts'
import { CRITERIA_SECTIONS, compileCriterion } from './criteria.ts'

const CONTEXT: PolicyContext = { records: { employees: { key: 'user.email' } } }
const STRANGER: Subject = { kind: 'anonymous' }
const ALICE: Subject = {
  kind: 'user',
  sessionId: 's',
  userId: 'u',
  email: 'a@corp.test',
  name: undefined,
  claims: {},
  groups: 'unknown',
}
const BARE: RequestFacts = { method: 'GET', path: '/', host: 'a.test', sourceIp: '192.0.2.1', headers: {} }
const SSH: RequestFacts = { ...BARE, ssh: { username: 'a' }, mcp: 'unknown', now: 0 }

describe('what the criteria say of themselves', () => {
  for (const [name, kind] of CRITERIA_SECTIONS.flatMap(({ kinds }) => Object.entries(kinds))) {
    const full = kind.subPath === undefined ? name : `${name}/x`

    it(`${name} has an example that compiles, and reasons that it gives`, () => {
      const problems: string[] = []
      const report = (_: unknown, message: string) => void problems.push(message)
      const compiled = compileCriterion(full, kind.example, [], report, CONTEXT)
      assert.deepEqual(problems, [])
      assert.ok(compiled)
      for (const subject of [STRANGER, ALICE]) {
        for (const request of [BARE, SSH]) {
          const { reason } = compiled.test(subject, request)
          assert.ok(kind.reasons.includes(reason), reason)
        }
      }
    })

    it(`${name} reads nobody and nothing that it does not say`, () => {
      const read = new Set<string>()
      const spy = new Proxy(SSH, {
        get(facts, fact) {
          read.add(String(fact))
          return Reflect.get(facts, fact) as unknown
        },
      })
      const compiled = compileCriterion(full, kind.example, [], () => {}, CONTEXT)
      compiled?.test(ALICE, spy)
      const reported = new Set((compiled?.reads ?? []).flatMap((fact) => FACTS[fact] ?? []))
      assert.deepEqual(
        [...read].filter((fact) => !reported.has(fact)),
        [],
      )
    })
  }

  it('has sentences that can follow "Holds when"', () => {
    for (const { holds, data } of CRITERIA_SECTIONS.flatMap(({ kinds }) => Object.values(kinds)))
      assert.doesNotMatch(`${holds}|${data}`, /\.$|\.\||^[A-Z]/)
  })
})

const FACTS: Readonly<Record<string, string | readonly string[]>> = {
  method: 'method',
  path: ['path', 'isPathAsWritten'],
  host: 'host',
  headers: 'headers',
  source_ip: 'sourceIp',
  time: 'now',
  client_certificate: 'clientCertificate',
  record: 'data',
  geo: 'data',
  ssh: 'ssh',
  mcp: 'mcp',
}
