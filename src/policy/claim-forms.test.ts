import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { unmetPin } from '../access/credentials/bearer/claim-pins.ts'
import { profileOf } from '../identity/claims.ts'
import { compilePolicy } from './compile.ts'
import type { Identified } from './decision.ts'

const REQUEST = { method: 'GET', path: '/', host: 'app.test', sourceIp: '192.0.2.1', headers: {} }

/** Somebody of whom the provider says that, under the name of the claim and as their groups. */
function saidOf(value: unknown): Identified {
  const { email, name, claims, groups } = profileOf({ sub: 'alice', team: value, groups: value })
  return { kind: 'user', sessionId: 's', userId: 'alice', email, name, claims, groups }
}

function outcomeOf(policy: unknown, who: Identified): string {
  const compiled = compilePolicy({ policy })
  assert.ok('policy' in compiled && compiled.policy !== undefined, JSON.stringify(compiled))
  return compiled.policy.decide(who, REQUEST).outcome
}

const denies = (criterion: object) => [
  { allow: { or: [{ authenticated_user: true }] } },
  { deny: { or: [criterion] } },
]
const allows = (criterion: object) => ({ allow: { and: [criterion] } })

/** What a value plainly lists; `undefined` for a form that does not say. */
function listed(value: unknown): readonly string[] | undefined {
  if (value === null || JSON.stringify(value) === '{}') return []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const isPlain = list.every(
    (each) =>
      typeof each === typeof list[0] &&
      (['string', 'boolean'].includes(typeof each) || Number.isSafeInteger(each)),
  )
  return isPlain ? [...new Set(list.map(String))].filter((text) => text !== '') : undefined
}

/** Any JSON, with the word that rules look for somewhere in it more often than by chance. */
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>('x', 'y', 'x', null, true, 7, '', 2 ** 53),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('x', 'y', 'value'), tie('any'), { maxKeys: 2 }),
  ),
})).any

describe('a rule on a claim', () => {
  const has = [{ 'claim/team': { has: 'x' } }, { groups: { has: 'x' } }]
  const is = [{ 'claim/team': { is: 'x' } }, { groups: { is: 'x' } }]
  const exclude = [{ 'claim/team': { exclude: 'x' } }, { groups: { exclude: 'x' } }]

  it('under deny is escaped, and under allow satisfied, by a form that says so and by no other', () => {
    fc.assert(
      fc.property(value, (said) => {
        const who = saidOf(said)
        const list = listed(said)
        const isMap = JSON.stringify(said).startsWith('{')
        for (const [at, criterion] of has.entries()) {
          // Keys of a map of roles are groups where the configuration has them read.
          if (at === 1 && isMap) continue
          if (list === undefined || list.includes('x'))
            assert.notEqual(outcomeOf(denies(criterion), who), 'allow', JSON.stringify(criterion))
          if (!list?.includes('x')) assert.notEqual(outcomeOf(allows(criterion), who), 'allow')
        }
        for (const criterion of is)
          if (list?.join() !== 'x' && !isMap) assert.notEqual(outcomeOf(allows(criterion), who), 'allow')
        for (const criterion of exclude)
          if (list === undefined && !isMap) assert.notEqual(outcomeOf(allows(criterion), who), 'allow')
        if (!list?.includes('x')) assert.equal(unmetPin(who.claims, { team: 'x' }), 'team')
      }),
      { numRuns: 300 },
    )
  })

  it('is not met by a number that JSON has rounded to the one of somebody else', () => {
    const who = saidOf(JSON.parse('9007199254740993'))
    for (const id of ['9007199254740992', '9007199254740993']) {
      assert.equal(outcomeOf(allows({ 'claim/team': { has: id } }), who), 'deny')
      assert.equal(outcomeOf(denies({ 'claim/team': { has: id } }), who), 'deny')
      assert.equal(unmetPin(who.claims, { team: id }), 'team')
    }
  })
})
