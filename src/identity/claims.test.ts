import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { flattenClaims, profileOf } from './claims.ts'

const groupsOf = (raw: Record<string, unknown>) => profileOf(raw).groups
const emailOf = (raw: Record<string, unknown>) => profileOf(raw).email

describe('claims', () => {
  it('become lists of scalars', () => {
    assert.deepEqual(flattenClaims({ s: 'x', n: 7, b: false, l: ['a', 1, true], empty: [] }), {
      s: ['x'],
      n: ['7'],
      b: ['false'],
      l: ['a', '1', 'true'],
      empty: [],
    })
  })
  it('are found by path when they are nested', () => {
    const raw = { address: { city: 'Ulm', geo: { lat: 48.4 } }, realm_access: { roles: ['admin'] } }
    assert.deepEqual(flattenClaims(raw), {
      'address/city': ['Ulm'],
      'address/geo/lat': ['48.4'],
      'realm_access/roles': ['admin'],
    })
  })
  it('leave out null, objects in lists, what lies too deep, and what is about the protocol', () => {
    const deep = { a: { b: { c: { d: { e: { f: 'too deep' } } } } } }
    assert.deepEqual(flattenClaims({ x: null, l: [{ y: 1 }, null], ...deep, nonce: 'n', at_hash: 'h' }), {
      l: [],
    })
  })
  it('keep a top-level name that looks like a path', () => {
    const raw = { 'https://example.com/roles': ['a'], 'address/city': 'Ulm', address: { city: 'Bonn' } }
    assert.deepEqual(flattenClaims(raw), { 'https://example.com/roles': ['a'], 'address/city': ['Ulm'] })
  })
  it('named like inherited properties are plain claims', () => {
    const flat = flattenClaims(JSON.parse('{"__proto__": {"admin": "yes"}, "constructor": "x"}'))
    assert.deepEqual(Object.getOwnPropertyNames(flat).toSorted(), ['__proto__/admin', 'constructor'])
    assert.equal(Object.getPrototypeOf(flat), Object.prototype)
  })
})

describe('groups', () => {
  it('are a list of names, each once, or a single name', () => {
    assert.deepEqual(groupsOf({ groups: ['staff', 'admins', 'staff'] }), ['staff', 'admins'])
    assert.deepEqual(groupsOf({ groups: 'staff' }), ['staff'])
  })
  it('are none when the provider names none', () => {
    for (const raw of [
      {},
      { groups: [] },
      { groups: null },
      { groups: '' },
      { _claim_names: { address: 'src1' } },
    ])
      assert.deepEqual(groupsOf(raw), [])
  })
  it('are unknown when their form is none we know', () => {
    for (const groups of [
      { staff: true },
      7,
      true,
      ['staff', 7],
      [['staff']],
      [{ name: 'staff' }],
      ['staff', null],
    ])
      assert.equal(groupsOf({ groups }), 'unknown', JSON.stringify(groups))
  })
  it('are unknown when there are more than the token could hold, or than anybody has', () => {
    assert.equal(groupsOf({ _claim_names: { groups: 'src1' }, _claim_sources: {} }), 'unknown')
    assert.equal(groupsOf({ hasgroups: true }), 'unknown')
    assert.equal(groupsOf({ groups: Array.from({ length: 10_000 }, (_, i) => `g${i}`) }), 'unknown')
  })
  it('and other claims that lie elsewhere can be told from those that are not there', () => {
    const { claims } = profileOf({
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://x' } },
    })
    assert.deepEqual(claims, { '_claim_names/groups': ['src1'] })
  })
  it('that are unknown are not to be had as a claim either', () => {
    assert.deepEqual(profileOf({ groups: ['staff', 7] }).claims, {})
    assert.deepEqual(profileOf({ groups: ['staff'] }).claims, { groups: ['staff'] })
  })
})

describe('the email address', () => {
  it('is taken when it is verified, or when the provider says nothing of it', () => {
    assert.equal(emailOf({ email: 'a@example.com', email_verified: true }), 'a@example.com')
    assert.equal(emailOf({ email: 'a@example.com', email_verified: 'true' }), 'a@example.com')
    assert.equal(emailOf({ email: 'a@example.com' }), 'a@example.com')
  })
  it('is not taken when it is not verified, but stays a claim', () => {
    for (const email_verified of [false, 'false']) {
      const profile = profileOf({ email: 'boss@example.com', email_verified })
      assert.equal(profile.email, undefined)
      assert.deepEqual(profile.claims['email'], ['boss@example.com'])
    }
  })
  it('with two @ is nobody’s: what stands behind either is anybody’s guess', () => {
    for (const email of [
      'root@example.com@evil.test',
      '@example.com',
      'alice@',
      'alice',
      'a b@example.com',
      'a\n@b.test',
    ])
      assert.equal(profileOf({ email, email_verified: true }).email, undefined, email)
    assert.deepEqual(profileOf({ email: 'a@b@c.test' }).claims['email'], ['a@b@c.test'])
    assert.equal(profileOf({ email: 'älice+tag@müller.example' }).email, 'älice+tag@müller.example')
  })
  it('is not taken when it is no text', () => {
    for (const email of [['a@example.com'], 7, { a: 1 }, '', null])
      assert.equal(emailOf({ email }), undefined)
  })
})
