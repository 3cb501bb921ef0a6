import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { compilePolicy } from '../compile.ts'
import type { Identified, RequestFacts } from '../decision.ts'
import { userNames } from '../matching/user-ids.ts'

const REQUEST: RequestFacts = { method: 'GET', path: '/', host: 'a.test', sourceIp: '192.0.2.1', headers: {} }
const ISSUERS = ['ci']
const WITH_DEFAULT = ['default', 'partners']
const WITHOUT = ['corp', 'partners']

function someone(userId: string, provider?: string, kind: Identified['kind'] = 'user'): Identified {
  return { kind, sessionId: 's', userId, provider, email: undefined, name: undefined, claims: {}, groups: [] }
}

function compiled(policy: unknown, providers: readonly string[]) {
  const context = {
    users: userNames(providers, ISSUERS),
    records: { staff: { key: 'user.id' as const } },
  }
  return compilePolicy({ policy }, context)
}

function truth(data: unknown, who: Identified, providers: readonly string[]): string | undefined {
  const { policy } = compiled({ allow: { or: [{ user: data }] } }, providers)
  return policy?.decide(who, REQUEST).trace[0]?.truth
}

describe('an id', () => {
  it('of the only provider needs no name of it', () => {
    for (const text of ['1234', 'corp/1234']) {
      assert.equal(truth(text, someone('1234', 'corp'), ['corp']), 'hit')
      assert.equal(truth({ not: text }, someone('1234', 'corp'), ['corp']), 'miss')
      assert.equal(truth({ in: [text] }, someone('4321', 'corp'), ['corp']), 'miss')
    }
    assert.equal(truth({ starts_with: '12' }, someone('1234', 'corp'), ['corp']), 'hit')
    assert.equal(truth({ ends_with: '34', contains: '23' }, someone('1234', 'corp'), ['corp']), 'hit')
  })

  it('without a name is of the provider of the plain keys, and unknown of somebody else who has it', () => {
    const [own, other] = [someone('1234', 'default'), someone('1234', 'partners')]
    for (const data of [
      '1234',
      { is: '1234' },
      { in: ['x', '1234'] },
      { starts_with: '12' },
      { contains: '23' },
    ]) {
      assert.equal(truth(data, own, WITH_DEFAULT), 'hit', JSON.stringify(data))
      assert.equal(truth(data, other, WITH_DEFAULT), 'unknown', JSON.stringify(data))
    }
    for (const data of [{ not: '1234' }, { not_in: ['1234'] }]) {
      assert.equal(truth(data, own, WITH_DEFAULT), 'miss')
      assert.equal(truth(data, other, WITH_DEFAULT), 'unknown')
    }
    assert.equal(truth('1234', someone('99', 'partners'), WITH_DEFAULT), 'miss')
  })

  it('with a name is of that provider alone', () => {
    const [own, other] = [someone('1234', 'default'), someone('1234', 'partners')]
    assert.deepEqual(
      [own, other].map((who) => truth('partners/1234', who, WITH_DEFAULT)),
      ['miss', 'hit'],
    )
    assert.deepEqual(
      [own, other].map((who) => truth({ not: 'partners/1234' }, who, WITH_DEFAULT)),
      ['hit', 'miss'],
    )
    assert.deepEqual(
      [own, other].map((who) => truth('default/1234', who, WITH_DEFAULT)),
      ['hit', 'miss'],
    )
  })

  it('that looks like another kind of id stays what it is', () => {
    for (const id of ['service-account/deploy', 'ci/repo:x', 'partners/1234']) {
      assert.equal(truth(id, someone(id, 'default'), WITH_DEFAULT), 'miss', id)
      assert.equal(truth(id, someone(id, 'corp'), ['corp', 'partners']), 'miss', id)
    }
    assert.equal(truth('service-account/deploy', someone('service-account/deploy', 'corp'), ['corp']), 'miss')
    const machine = someone('service-account/deploy', undefined, 'service-account')
    assert.equal(truth('service-account/deploy', machine, WITH_DEFAULT), 'hit')
    assert.equal(truth('ci/repo:x', someone('ci/repo:x', undefined, 'workload'), WITHOUT), 'hit')
    assert.equal(truth('1234', someone('1234', undefined, 'service-account'), WITH_DEFAULT), 'hit')
  })

  it('that any of several providers may have is refused with what to write', () => {
    const { problems = [] } = compiled(
      { deny: { or: [{ user: { in: ['1234', 'corp/7', 'service-account/x'] } }] } },
      WITHOUT,
    )
    assert.deepEqual(
      problems.map(({ message }) => message),
      ['"1234" may be an id at any of several identity providers; write "corp/1234" or "partners/1234"'],
    )
    const route = compilePolicy(
      { allowed_users: ['alice@corp.test', '1234'] },
      { users: userNames(WITHOUT, []) },
    )
    assert.equal(route.problems?.length, 1)
  })

  it('finds no row of a record that may be about somebody else', () => {
    const rule = { allow: { or: [{ record: { type: 'staff', field: 'level', is: '1' } }] } }
    const ask = (who: Identified, rows: Readonly<Record<string, unknown>>) => {
      const data = {
        record: (_: string, key: string) => (Object.hasOwn(rows, key) ? { level: rows[key] } : undefined),
        place: () => undefined,
      }
      return compiled(rule, WITH_DEFAULT).policy?.decide(who, { ...REQUEST, data }).trace[0]?.truth
    }
    assert.equal(ask(someone('1234', 'default'), { '1234': '1' }), 'hit')
    assert.equal(ask(someone('1234', 'partners'), { '1234': '1' }), 'unknown')
    assert.equal(ask(someone('1234', 'partners'), { 'partners/1234': '1' }), 'hit')
    assert.equal(ask(someone('99', 'partners'), { '1234': '1' }), 'miss')
    // An id that looks like a full one is nobody else's row, at whichever provider.
    for (const [id, provider] of [
      ['partners/1234', 'default'],
      ['default/1234', 'default'],
      ['ci/repo', 'default'],
      ['partners/1234', 'partners'],
      ['service-account/deploy', 'partners'],
    ] as const) {
      assert.notEqual(ask(someone(id, provider), { [id]: '1' }), 'hit', `${provider}: ${id}`)
      assert.equal(ask(someone(id, provider), { [`${provider}/${id}`]: '1' }), 'hit', `${provider}: ${id}`)
    }
  })
})

it('nobody passes, or gets around, a rule on the id of somebody at another provider', () => {
  const id = fc.constantFrom('1', '2', 'default/1', 'partners/1')
  const criterion = fc.oneof(
    id,
    fc.constantFrom('is', 'not').chain((key) => id.map((text) => ({ [key]: text }))),
    fc.constantFrom('in', 'not_in').chain((key) => fc.array(id).map((list) => ({ [key]: list }))),
  )
  fc.assert(
    fc.property(criterion, fc.constantFrom('1', '2'), (data, userId) => {
      const bare = JSON.stringify(data).includes('"1"') || JSON.stringify(data).includes('"2"')
      const [own, other] = WITH_DEFAULT.map((provider) =>
        truth(data, someone(userId, provider), WITH_DEFAULT),
      )
      assert.notEqual(own, 'unknown')
      // what is written in full is certain of everybody
      if (!bare) assert.notEqual(other, 'unknown')
    }),
  )
})
