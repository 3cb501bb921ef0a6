import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MapRecords } from './records.fixture.ts'
import { RESOURCE_TYPES } from './schema.ts'
import { ScimSource } from './scim-source.ts'

const { User } = RESOURCE_TYPES
const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const MAIL = 'alice@example.com'
const ALICE = { userName: 'alice', externalId: 'a-1', active: true, emails: [{ value: MAIL, type: 'work' }] }
const always = () => true

async function sourceWith(body: object) {
  const source = await ScimSource.open({
    name: 'pushed',
    records: new MapRecords(),
    now: () => 1_000_000,
    onChange: () => undefined,
    onFailure: (error) => {
      throw error
    },
  })
  const { id } = await source.create(User, body)
  const isActive = () => {
    const found = source.roster.findByEmail(MAIL)
    assert.ok(typeof found === 'object')
    return found.isActive
  }
  return { source, id, isActive }
}

/** Every way in which a provider says that somebody may not come in any more. */
const DEACTIVATIONS: readonly object[] = [
  { op: 'replace', path: 'active', value: false },
  { op: 'Replace', path: 'active', value: 'False' },
  { op: 'Add', path: 'active', value: 'false' },
  { op: 'REPLACE', path: 'Active', value: ' FALSE ' },
  { op: 'replace', path: ' active ', value: 0 },
  { op: 'replace', path: 'active', value: '0' },
  { op: 'Replace', path: 'active', value: [{ value: 'False' }] },
  { op: 'Replace', path: 'active', value: [{ $ref: null, value: false }] },
  { op: 'replace', path: 'active', value: { value: 'False' } },
  { op: 'replace', path: 'active', value: { active: false } },
  { op: 'replace', path: 'active', value: ['False'] },
  { op: 'replace', path: 'active.value', value: false },
  { op: 'replace', path: `${CORE}:active`, value: 'False' },
  { op: 'replace', path: `${CORE.toUpperCase()}:ACTIVE`, value: false },
  { op: 'replace', path: `${CORE}.active`, value: false },
  { op: 'replace', value: { active: false } },
  { op: 'replace', path: '', value: { active: 'False' } },
  { op: 'Replace', path: null, value: { Active: 'False' } },
  { op: 'replace', value: [{ active: false }] },
  { op: 'replace', value: { [`${CORE}:active`]: false } },
  { op: 'replace', value: { [CORE]: { active: false } } },
  { op: 'replace', path: CORE, value: { active: false } },
  { Op: 'replace', Path: 'active', Value: false },
]

/**
 * What stands beside it in requests of real providers, and is none of our business, or not there, or of an
 * odd form.
 */
const COMPANY: readonly object[] = [
  { op: 'Replace', path: 'phoneNumbers[type eq "work"].value', value: '+1 555' },
  { op: 'Replace', path: 'phoneNumbers[type eq "mobile"].value', value: { number: '1' } },
  { op: 'Replace', path: 'phoneNumbers[kind eq "work"].value', value: '+1 555' },
  { op: 'Replace', path: 'phoneNumbers[type eq].value', value: '+1 555' },
  { op: 'Replace', path: 'addresses[type eq "work"].formatted', value: [] },
  { op: 'Replace', path: 'emails[type eq "other"].value', value: 'other@example.com' },
  { op: 'Replace', path: 'emails[type eq "other"].verified', value: true },
  { op: 'Remove', path: 'emails[type eq "home"].value' },
  { op: 'Remove', path: 'photos[type eq "photo"].value' },
  { op: 'Replace', path: 'roles[primary eq "True"].value', value: 'pilot' },
  { op: 'Add', path: 'roles', value: [{ value: '{"id":"1","value":"admin"}' }] },
  { op: 'Replace', path: 'manager', value: 'boss' },
  { op: 'Replace', path: 'Manager', value: { Value: 4711 } },
  { op: 'Add', path: `${ENTERPRISE}:manager`, value: [{ $ref: '../Users/1', value: '1' }] },
  { op: 'Add', path: `${ENTERPRISE}:manager.displayName`, value: 'Boss' },
  { op: 'Remove', path: `${ENTERPRISE}:manager`, value: '' },
  { op: 'Replace', path: `${ENTERPRISE}:employeeNumber`, value: 4711 },
  { op: 'Replace', path: 'urn:ietf:params:scim:schemas:extension:acme:2.0:User:badge', value: { any: [1] } },
  { op: 'Replace', path: 'urn:okta:acme:1.0:user:custom:badge', value: '1' },
  { op: 'Replace', path: 'userDefined', value: 'x' },
  { op: 'Replace', path: 'userDefined[type eq "x"].value', value: 'x' },
  { op: 'Replace', path: 'name.nothing', value: 'x' },
  { op: 'Replace', path: 'name[givenName pr]', value: 'x' },
  { op: 'Replace', path: 'name.familyName', value: null },
  { op: 'Replace', path: 'title', value: { a: 1 } },
  { op: 'Replace', path: 'title', value: [{ value: 'Pilot' }] },
  { op: 'Replace', path: 'title', value: 'x'.repeat(5000) },
  { op: 'Replace', path: 'preferredLanguage' },
  { op: 'Replace', path: 'password', value: 'planted' },
  { op: 'Replace', path: 'groups', value: [] },
  { op: 'Replace', path: 'id', value: 'x' },
  { op: 'Replace', path: 'meta.lastModified', value: 'x' },
  { op: 'Replace', path: 'externalId', value: 4711 },
  { op: 'Replace', path: 'userName', value: [{ value: 'alice' }] },
  { op: 'Replace', path: '__proto__', value: { active: true } },
  { op: 'Replace', value: { 'unknown thing': 1, schemas: [CORE], groups: [], nickName: 7, '': 1 } },
  { op: 'Add', value: { [ENTERPRISE]: { department: { x: 1 }, costCenter: 3 }, 'name.givenName': {} } },
]

describe('active: false in a PATCH', () => {
  for (const operation of DEACTIVATIONS)
    it(`is taken as ${JSON.stringify(operation)}`, async () => {
      const { source, id, isActive } = await sourceWith(ALICE)
      await source.patch(User, id, { Operations: [operation] }, always)
      assert.equal(isActive(), false)
    })

  for (const other of COMPANY)
    it(`is taken beside ${JSON.stringify(other).slice(0, 120)}`, async () => {
      const last = { op: 'Replace', path: 'active', value: 'False' }
      for (const operations of [
        [other, last],
        [last, other],
      ]) {
        const { source, id, isActive } = await sourceWith(ALICE)
        await source.patch(User, id, { schemas: [], Operations: operations }, always)
        assert.equal(isActive(), false)
      }
    })

  it('stays until active is said to be true: not by leaving it out, null or removal', async () => {
    const { source, id, isActive } = await sourceWith({ ...ALICE, active: false })
    for (const operation of [
      { op: 'remove', path: 'active' },
      { op: 'replace', path: 'active', value: null },
      { op: 'replace', path: 'active' },
      { op: 'replace', value: { active: null, title: 'Pilot' } },
    ]) {
      await source.patch(User, id, { Operations: [operation] }, always)
      assert.equal(isActive(), false, JSON.stringify(operation))
    }
    await source.patch(User, id, { Operations: [{ op: 'Replace', path: 'active', value: 'True' }] }, always)
    assert.equal(isActive(), true)
  })
})

describe('a PUT', () => {
  it('that does not say whether somebody is active changes nothing about that', async () => {
    const { source, id, isActive } = await sourceWith({ ...ALICE, active: false })
    const { active: _, ...silent } = ALICE
    for (const body of [silent, { ...silent, active: null }, { ...silent, active: [] }]) {
      await source.replace(User, id, body, always)
      assert.equal(isActive(), false, JSON.stringify(body))
    }
    await source.replace(User, id, { ...ALICE, active: 'True' }, always)
    assert.equal(isActive(), true)
    await source.replace(User, id, silent, always)
    assert.equal(isActive(), true)
  })

  const { active: _, ...PERSON } = ALICE
  for (const body of [
    { ...PERSON, active: 'False' },
    { ...PERSON, Active: 0 },
    { ...PERSON, active: [{ value: 'False' }] },
    { ...PERSON, [CORE]: { active: false } },
    { ...PERSON, active: false, manager: 5, title: {}, phoneNumbers: 'x', roles: [[]], name: 'Alice' },
    { ...PERSON, active: false, [ENTERPRISE]: { manager: [1, 2], employeeNumber: 7 }, addresses: [7] },
    { ...PERSON, active: false, nickName: ['a', 'b'], entitlements: Array.from({ length: 300 }, String) },
  ])
    it(`deactivates by ${JSON.stringify(body).slice(0, 140)}`, async () => {
      const { source, id, isActive } = await sourceWith(ALICE)
      await source.replace(User, id, body, always)
      assert.equal(isActive(), false)
    })
})
