import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  claimNames,
  flatClaim,
  flattenClaims,
  isWithin,
  readClaim,
  unreadMark,
  valuesIn,
} from './flat-claims.ts'

const readIn = (raw: Record<string, unknown>, path: string) => readClaim(flattenClaims(raw), path)

describe('claims', () => {
  it('become lists of scalars', () => {
    assert.deepEqual(flattenClaims({ s: 'x', n: 7, b: false, l: [1, 2], t: [true], empty: [] }), {
      s: ['x'],
      n: ['7'],
      b: ['false'],
      l: ['1', '2'],
      t: ['true'],
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
  it('leave out null, and what is about the protocol', () => {
    assert.deepEqual(flattenClaims({ x: null, o: {}, nonce: 'n', at_hash: 'h' }), {})
    assert.deepEqual(
      [readIn({ a: { b: null } }, 'a/b'), readIn({ a: { b: null } }, 'a')],
      [undefined, 'unknown'],
    )
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

/** Forms that are not read, each with the value hidden in it. */
const UNREAD: readonly unknown[] = [
  [['x']],
  [{ value: 'x' }],
  ['x', { y: 1 }],
  ['x', null],
  [null],
  ['x', 7],
  ['x', true],
  [1, true],
  { x: {}, y: 1 },
  { x: true },
  { x: {} },
  { x: null },
  { x: { y: 'z' } },
  JSON.parse('9007199254740993'),
  JSON.parse('[7, 9007199254740993]'),
  JSON.parse('1e400'),
  JSON.parse('0.12345678901234567'),
  1e21,
  1e-7,
  'x'.repeat(10_001),
  Array.from({ length: 5001 }, (_, at) => String(at)),
]

describe('a claim in a form that is not read', () => {
  it('is unknown, and has no value that could be taken for all of it', () => {
    for (const value of UNREAD) {
      const flat = flattenClaims({ roles: value, team: 'a' })
      const called = JSON.stringify(value).slice(0, 40)
      assert.equal(readClaim(flat, 'roles'), 'unknown', called)
      assert.equal(flatClaim(flat, 'roles'), undefined, called)
      assert.equal(readIn({ a: { roles: value } }, 'a.roles'), 'unknown', called)
      assert.equal(readIn({ 'https://corp.test/roles': value }, 'https://corp.test/roles'), 'unknown', called)
      assert.deepEqual([readClaim(flat, 'team'), readClaim(flat, 'other')], [['a'], undefined])
    }
  })
  it('makes unknown what may lie below it, as deep as anybody asks', () => {
    assert.equal(readIn({ a: { b: [{ c: 'x' }] } }, 'a/b/c'), 'unknown')
    assert.equal(readIn({ a: { b: [{ c: 'x' }] } }, 'a.b.c'), 'unknown')
    const deep = { a: { b: { c: { d: { e: { f: 'x', g: { h: 'y' } } } } } } }
    for (const path of ['a', 'a/b/c/d/e', 'a/b/c/d/e/f', 'a.b.c.d.e.f', 'a/b/c/d/e/g/h'])
      assert.equal(readIn(deep, path), 'unknown', path)
    for (const path of ['b', 'a/x', 'a/b/c/d/x', 'a/b/c/d/ee'])
      assert.equal(readIn(deep, path), undefined, path)
  })
  it('is unknown wherever the provider keeps it elsewhere, whatever of it is here', () => {
    const raw = {
      _claim_names: { roles: 'src1', 'https://corp.test/x.y': 's', a: {} },
      roles: [],
      a: { b: 'x' },
    }
    for (const path of ['roles', 'roles/x', 'https://corp.test/x.y', 'a', 'a/b', 'a.b.c'])
      assert.equal(readIn(raw, path), 'unknown', path)
    assert.equal(readIn(raw, 'other'), undefined)
    for (const names of ['roles', ['roles'], 7])
      assert.equal(readIn({ _claim_names: names }, 'roles'), 'unknown')
    assert.equal(readIn({ _claim_names: null }, 'roles'), undefined)
  })
  it('is every claim that is not there, where a mark without a path says so', () => {
    const claims = { ...unreadMark(''), team: ['a'] }
    assert.deepEqual([readClaim(claims, 'team'), readClaim(claims, 'other')], [['a'], 'unknown'])
  })
  it('is every claim beyond more than anybody has', () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`c${at}`, 'x']))
    assert.deepEqual(readIn(many, 'c5000'), ['x'])
    assert.equal(readIn(many, 'c19999'), 'unknown')
    assert.equal(readIn({ all: many }, 'all/c19999'), 'unknown')
  })
  it('does not hide behind another of the same spelling', () => {
    assert.equal(readIn({ 'a/b': [{}], a: { b: 'x' } }, 'a/b'), 'unknown')
    assert.deepEqual(readIn({ 'a/b': 'y', a: { b: [{}] } }, 'a/b'), ['y'])
  })
})

describe('a claim by its path', () => {
  it('is found by its name, or as a nested one with slashes or dots', () => {
    const claims = { 'realm_access/roles': ['a'], 'https://corp.test/roles': ['b'], 'x.y': ['c'] }
    for (const name of ['realm_access/roles', 'realm_access.roles'])
      assert.deepEqual(readClaim(claims, name), ['a'])
    assert.deepEqual(readClaim(claims, 'https://corp.test/roles'), ['b'])
    assert.deepEqual(readClaim(claims, 'x/y'), ['c'])
    for (const name of ['roles', 'constructor', '__proto__', 'a.b.c.d.e.f'])
      assert.equal(readClaim(claims, name), undefined)
    assert.ok(claimNames('a.b').includes('a/b'))
  })
  it('is within another by whole steps', () => {
    assert.ok(isWithin('a.b/c', 'a/b') && isWithin('a', 'a') && isWithin('a', ''))
    assert.ok(!isWithin('ab', 'a') && !isWithin('a', 'a/b'))
  })
})

describe('any value of a claim', () => {
  it('is read as the texts that it plainly lists, as none where it is nothing, or is unknown', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom('roles', 'a/roles'), (value, path) => {
        const raw = path === 'roles' ? { roles: value } : { a: { roles: value } }
        const read = readIn(raw, path)
        const isNothing = value === null || JSON.stringify(value) === '{}'
        if (isNothing) return assert.equal(read, undefined)
        const list: readonly unknown[] = Array.isArray(value) ? value : [value]
        const isPlain = list.every((each) => ['string', 'number', 'boolean'].includes(typeof each))
        if (!isPlain) return assert.equal(read, 'unknown')
        if (read !== 'unknown') assert.deepEqual(read, list.map(String))
        assert.deepEqual(read, valuesIn(value))
      }),
      { numRuns: 500 },
    )
  })
})
