import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { claimNames, flatClaim, flattenClaims, readClaim } from '../flat-claims.ts'
import { claimAt, claimsOver, profileOf, withNested } from './claims.ts'

const groupsOf = (raw: Record<string, unknown>) => profileOf(raw).groups
const emailIn = (raw: Record<string, unknown>, email: string) => profileOf(raw, { email }).email
const emailOf = (raw: Record<string, unknown>) => profileOf(raw).email
const emailOfBoth = (idToken: Record<string, unknown>, userInfo: Record<string, unknown>) =>
  profileOf(claimsOver(idToken, userInfo)).email

describe('groups', () => {
  it('are a list of names, each once, or a single name', () => {
    assert.deepEqual(groupsOf({ groups: ['staff', 'admins', 'staff'] }), ['staff', 'admins'])
    assert.deepEqual(groupsOf({ groups: 'staff' }), ['staff'])
  })
  it('may be ids that are numbers', () => {
    assert.deepEqual(groupsOf({ groups: [7, 4711, 7] }), ['7', '4711'])
  })
  it('may be the keys of a map of roles, each with the organizations that grant it', () => {
    const roles = 'urn:zitadel:iam:org:project:roles'
    const raw = { [roles]: { admin: { 2345: 'corp.test' }, viewer: { 2345: 'corp.test' } } }
    assert.deepEqual(profileOf(raw, { groups: [roles] }).groups, ['admin', 'viewer'])
    assert.deepEqual(profileOf({ [roles]: {} }, { groups: [roles] }).groups, [])
  })
  it('are found in nested claims with slashes or with dots', () => {
    const raw = { realm_access: { roles: ['a'] }, resource_access: { 'my.app': { roles: ['b'] } } }
    for (const name of ['realm_access/roles', 'realm_access.roles'])
      assert.deepEqual(profileOf(raw, { groups: [name] }).groups, ['a'])
    assert.deepEqual(profileOf(raw, { groups: ['resource_access/my.app/roles'] }).groups, ['b'])
    const odd = { realm_access: { roles: [true] } }
    const unknown = profileOf(odd, { groups: ['realm_access.roles'] })
    assert.deepEqual(
      [unknown.groups, readClaim(unknown.claims, 'realm_access/roles')],
      ['unknown', 'unknown'],
    )
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
      { staff: {} },
      { staff: { org: 'x' }, admins: false },
      7,
      true,
      ['staff', 7],
      [1.5],
      [1e300],
      [['staff']],
      [{ name: 'staff' }],
      ['staff', null],
    ])
      assert.equal(groupsOf({ groups }), 'unknown', JSON.stringify(groups))
  })
  it('are unknown when there are more than the token could hold, or than anybody has', () => {
    assert.equal(groupsOf({ _claim_names: { groups: 'src1' }, _claim_sources: {} }), 'unknown')
    for (const hasgroups of [true, 'true', 'True', 1, [true]])
      assert.equal(groupsOf({ hasgroups }), 'unknown')
    for (const hasgroups of [false, 'false', null, ''])
      assert.deepEqual(groupsOf({ groups: ['a'], hasgroups }), ['a'])
    assert.equal(groupsOf({ groups: Array.from({ length: 10_000 }, (_, i) => `g${i}`) }), 'unknown')
  })
  it('and other claims that lie elsewhere can be told from those that are not there', () => {
    const { claims } = profileOf({
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://x' } },
    })
    assert.deepEqual(claims, { '_claim_names/groups': ['src1'] })
  })
  it('are unknown when the provider says that there are more, whatever it has put into the token', () => {
    for (const groups of [[], ['staff'], undefined, null])
      for (const more of [
        { _claim_names: { groups: 'src1' } },
        { hasgroups: true },
        { _claim_names: 'src1' },
      ]) {
        const profile = profileOf({ groups, ...more })
        assert.deepEqual([profile.groups, readClaim(profile.claims, 'groups')], ['unknown', 'unknown'])
      }
    const overage = { _claim_names: { groups: 'src1' }, roles: ['staff'] }
    assert.deepEqual(profileOf(overage, { groups: ['roles'] }).groups, ['staff'])
    const nested = { _claim_names: { realm_access: 'src1' }, realm_access: { roles: [] } }
    assert.equal(profileOf(nested, { groups: ['realm_access.roles'] }).groups, 'unknown')
  })
  it('that are unknown are not to be had as a claim either', () => {
    const roles = { groups: ['roles'] }
    for (const { claims } of [
      profileOf({ roles: ['staff', 7] }, roles),
      profileOf({ roles: [['staff']] }, roles),
      profileOf({ hasgroups: true }, roles),
      profileOf({}, roles, false),
    ])
      for (const name of ['roles', 'groups']) assert.equal(readClaim(claims, name), 'unknown')
    assert.deepEqual(profileOf({ groups: ['staff'] }).claims, { groups: ['staff'] })
  })
})

describe('a claim that a configuration names', () => {
  const claims = { 'realm_access/roles': ['a'], 'https://corp.test/roles': ['b'], 'x.y': ['c'] }

  it('stands there under that name', () => {
    const found = withNested(claims, ['realm_access.roles', 'x.y', 'missing'])
    assert.deepEqual(found['realm_access.roles'], ['a'])
    assert.equal(Object.hasOwn(found, 'missing'), false)
    assert.equal(withNested(claims, ['x.y']), claims)
  })
  it('is found by the same names before and after flattening', () => {
    const raw = { a: { b: { c: 'x' } }, 'd/e': 'y', 'f.g': 'z' }
    const flat = flattenClaims(raw)
    for (const name of ['a/b/c', 'a.b.c', 'd/e', 'f.g'])
      assert.deepEqual(flatClaim(flat, name), [claimAt(raw, name)])
    assert.ok(claimNames('a.b').includes('a/b'))
  })
  it('is left out where it is in no form that is read', () => {
    const flat = flattenClaims({ roles: ['admin', { x: 1 }] })
    assert.equal(Object.hasOwn(withNested(flat, ['roles']), 'roles'), false)
  })
})

describe('one document over another', () => {
  it('counts, and null over a value leaves unknown which of the two does', () => {
    const { groups, claims } = profileOf(
      claimsOver(
        { groups: ['staff'], team: 'a', zone: 'b' },
        { groups: null, team: null, zone: 'c', city: null },
      ),
    )
    assert.deepEqual(
      [groups, readClaim(claims, 'team'), readClaim(claims, 'city')],
      ['unknown', 'unknown', undefined],
    )
    assert.deepEqual(readClaim(claims, 'zone'), ['c'])
    assert.deepEqual(profileOf(claimsOver({ groups: [] }, { groups: null })).groups, [])
  })
})

describe('the email address', () => {
  it('is taken when it is verified, or when the provider says nothing of it', () => {
    assert.equal(emailOf({ email: 'a@example.com', email_verified: true }), 'a@example.com')
    assert.equal(emailOf({ email: 'a@example.com', email_verified: 'true' }), 'a@example.com')
    assert.equal(emailOf({ email: 'a@example.com' }), 'a@example.com')
    assert.equal(emailOf({ email: 'a@example.com', email_verified: 'True' }), 'a@example.com')
    assert.equal(emailOf({ email: 'a@example.com', email_verified: [true] }), 'a@example.com')
  })
  it('is taken of the claim that the operator names, or of the one entry of a list', () => {
    assert.equal(
      emailIn({ upn: 'a@corp.test', email: 'x@y.test', email_verified: false }, 'upn'),
      'a@corp.test',
    )
    assert.equal(emailIn({ emails: ['a@corp.test'] }, 'emails'), 'a@corp.test')
    assert.equal(emailIn({ emails: ['a@corp.test', 'b@corp.test'] }, 'emails'), undefined)
    assert.equal(emailIn({ info: { mail: 'a@corp.test' } }, 'info.mail'), 'a@corp.test')
    assert.equal(emailIn({ email: 'x@y.test' }, 'upn'), undefined)
  })
  it('is not that of the host in the name of a guest', () => {
    for (const upn of ['bob_other.test#EXT#@corp.test', 'bob_other.test#ext#@corp.test'])
      assert.equal(emailIn({ upn, email: 'bob@other.test' }, 'upn'), undefined)
  })
  it('is no better under another name when the provider calls that very address unverified', () => {
    const raw = { upn: 'A@corp.test', email: 'a@corp.test', email_verified: false }
    assert.equal(profileOf(raw, { email: 'upn' }).email, undefined)
  })
  it('of userinfo is not verified by what the ID token says of another', () => {
    const idToken = { email: 'a@corp.test', email_verified: true }
    const both = (userInfo: Record<string, unknown>) => profileOf(claimsOver(idToken, userInfo)).email
    assert.equal(both({ email: 'boss@corp.test' }), undefined)
    assert.equal(both({ email: 'A@corp.test' }), 'A@corp.test')
    assert.equal(both({ email: 'boss@corp.test', email_verified: true }), 'boss@corp.test')
    assert.equal(both({ email_verified: false }), undefined)
    assert.equal(profileOf(claimsOver({}, { email: 'b@corp.test' })).email, 'b@corp.test')
  })
  it('is verified by a word of the same document only, and spoilt by a word of any', () => {
    const email = 'boss@corp.test'
    assert.equal(emailOfBoth({ email_verified: true }, { email }), undefined)
    assert.equal(emailOfBoth({ email }, { email_verified: true }), undefined)
    assert.equal(emailOfBoth({ email, email_verified: false }, { email_verified: true }), undefined)
    assert.equal(emailOfBoth({ email, email_verified: false }, { email }), undefined)
    assert.equal(emailOfBoth({ email, email_verified: true }, { email_verified: null }), undefined)
    assert.equal(emailOfBoth({ email, email_verified: true }, { email, email_verified: false }), undefined)
    assert.equal(emailOfBoth({ email, email_verified: true }, {}), email)
    assert.equal(emailOfBoth({ email, email_verified: true }, { email_verified: true }), email)
    assert.equal(emailOfBoth({ email, email_verified: false }, { email, email_verified: true }), email)
    assert.equal(
      emailOfBoth({ email: 'x@y.test', email_verified: false }, { email, email_verified: true }),
      email,
    )
    assert.equal(emailOfBoth({ email }, {}), email)
  })
  it('is not taken when it is not verified, but stays a claim', () => {
    const flags = [false, 'false', 'False', 'no', 'yes', '', 0, 1, null, [], [true, true], ['no'], {}]
    for (const email_verified of flags) {
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
      'a@example.com.',
      'a@.example.com',
      'a@example..com',
      'a\u200B@example.com',
      'a@exam\u00ADple.com',
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
