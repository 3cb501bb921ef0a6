import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { compileCriterion } from './criteria/criteria.ts'
import type { RequestFacts, Subject, Truth } from './decision.ts'
import { listMatcher } from './matching/matchers.ts'

const REQUEST: RequestFacts = { method: 'GET', path: '/', host: 'a.test', sourceIp: '192.0.2.1', headers: {} }

/** Somebody of whom a directory says at least this, while another can't be asked. */
const withAtLeast = (knownGroups: readonly string[]): Subject => ({
  kind: 'user',
  sessionId: 's',
  userId: 'u',
  email: 'a@corp.test',
  name: undefined,
  claims: {},
  groups: 'unknown',
  knownGroups,
})

const fail = (_: unknown, message: string) => assert.fail(message)

function truthOf(data: unknown, subject: Subject): Truth | undefined {
  return compileCriterion('groups', data, [], fail, {})?.test(subject, REQUEST).truth
}

describe('groups of which only some are known', () => {
  const CASES: readonly (readonly [data: unknown, known: readonly string[], truth: Truth])[] = [
    ['staff', ['staff'], 'hit'],
    [{ has: 'staff' }, ['ops', 'staff'], 'hit'],
    [{ has: 'admins' }, ['staff'], 'unknown'],
    [{ has: 'admins' }, [], 'unknown'],
    [{ exclude: 'guests' }, ['staff'], 'unknown'],
    [{ exclude: 'guests' }, [], 'unknown'],
    [{ exclude: 'staff' }, ['staff'], 'miss'],
    [{ is: 'staff' }, ['staff'], 'unknown'],
    [{ is: 'staff' }, ['ops'], 'miss'],
    [{ has: 'staff', exclude: 'guests' }, ['staff'], 'unknown'],
    [{ has: 'staff', exclude: 'guests' }, ['staff', 'guests'], 'miss'],
    [{ has: 'admins', exclude: 'guests' }, ['guests'], 'miss'],
  ]
  for (const [data, known, truth] of CASES)
    it(`${JSON.stringify(data)} is ${truth} with at least ${JSON.stringify(known)}`, () => {
      assert.equal(truthOf(data, withAtLeast(known)), truth)
    })

  it('decide nothing that the whole list would decide otherwise', () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const names = fc.uniqueArray(name, { maxLength: 3 })
    const condition = fc.record({ has: name, is: name, exclude: name }, { requiredKeys: [] })
    fc.assert(
      fc.property(condition, names, names, (data, known, others) => {
        if (Object.keys(data).length === 0) return
        const matches = listMatcher(data, [], () => assert.fail())
        const early = matches?.(known, false)
        const whole = matches?.([...new Set([...known, ...others])])
        assert.ok(early === undefined || early === whole, `${early} before, ${whole} after`)
      }),
    )
  })
})
