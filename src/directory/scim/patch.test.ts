import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { atOnce } from '../../turns.ts'
import { applyPatch } from './patch.ts'
import { type Resource, readResource } from './read-resource.ts'
import { ScimRefusal } from './refusal.ts'
import { RESOURCE_TYPES, type ResourceType } from './schema.ts'

const { User, Group } = RESOURCE_TYPES
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const ALICE = {
  userName: 'alice',
  active: true,
  name: { givenName: 'Alice', familyName: 'Archer' },
  emails: [
    { value: 'alice@example.com', type: 'work', primary: true },
    { value: 'a@home.example', type: 'home' },
  ],
}
const STAFF = { displayName: 'Staff', members: [{ value: 'a' }, { value: 'b' }] }

const patch = (type: ResourceType, resource: Resource, operations: readonly unknown[]) =>
  atOnce(applyPatch(type, resource, { Operations: operations }))
const patchUser = (...operations: readonly unknown[]) => patch(User, ALICE, operations)
const patchGroup = (...operations: readonly unknown[]) => patch(Group, STAFF, operations)
const read = (body: unknown) => atOnce(readResource(User, body))

function refuses(scimType: string, ...operations: readonly unknown[]): void {
  assert.throws(
    () => patchUser(...operations),
    (error) => error instanceof ScimRefusal && error.status === 400 && error.scimType === scimType,
  )
}

describe('a change of a resource (RFC 7644 section 3.5.2)', () => {
  it('adds, replaces and removes an attribute', () => {
    assert.equal(patchUser({ op: 'add', path: 'title', value: 'Pilot' })['title'], 'Pilot')
    assert.equal(patchUser({ op: 'replace', path: 'userName', value: 'bob' })['userName'], 'bob')
    assert.equal(patchUser({ op: 'remove', path: 'active' })['active'], undefined)
  })

  it('changes a part of an attribute, and keeps the others', () => {
    assert.deepEqual(patchUser({ op: 'replace', path: 'name.givenName', value: 'Ada' })['name'], {
      givenName: 'Ada',
      familyName: 'Archer',
    })
    assert.deepEqual(patchUser({ op: 'add', path: 'name', value: { middleName: 'B' } })['name'], {
      givenName: 'Alice',
      familyName: 'Archer',
      middleName: 'B',
    })
    assert.deepEqual(
      patchUser({ op: 'remove', path: 'name.givenName' }, { op: 'remove', path: 'name.familyName' })['name'],
      undefined,
    )
  })

  it('changes those of several values that are meant', () => {
    const replaced = patchUser({
      op: 'replace',
      path: 'emails[type eq "work"].value',
      value: 'new@example.com',
    })
    assert.deepEqual(replaced['emails'], [
      { value: 'new@example.com', type: 'work', primary: true },
      { value: 'a@home.example', type: 'home' },
    ])
    assert.deepEqual(patchUser({ op: 'remove', path: 'emails[type eq "home"]' })['emails'], [ALICE.emails[0]])
    // Entra adds, or replaces, the first value of a kind like that.
    for (const op of ['Add', 'Replace']) {
      const added = patchUser({ op, path: 'phoneNumbers[type eq "mobile"].value', value: '+49 1' })
      assert.deepEqual(added['phoneNumbers'], [{ type: 'mobile', value: '+49 1' }])
    }
    const roles = patchUser(
      { op: 'Add', path: 'roles[primary eq "True"].display', value: 'Pilot' },
      { op: 'Add', path: 'roles[primary eq "True"].value', value: 'pilot' },
    )
    assert.deepEqual(roles['roles'], [{ primary: true, display: 'Pilot', value: 'pilot' }])
  })

  it('leaves no half of a value', () => {
    const [work, home] = ALICE.emails
    for (const operation of [
      { op: 'Remove', path: 'emails[type eq "work"].value' },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: null },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: '' },
      { op: 'Remove', path: 'emails', value: [{ value: work?.value }] },
      { op: 'Replace', path: 'emails', value: [{ type: 'work' }, home] },
    ])
      assert.deepEqual(patchUser(operation)['emails'], [home], JSON.stringify(operation))
    assert.equal(patchUser({ op: 'remove', path: 'emails.value' })['emails'], undefined)
    // To be described is not to be given.
    const described = patchUser({
      op: 'replace',
      path: 'emails[value eq "b@example.com"].primary',
      value: true,
    })
    assert.deepEqual(described['emails'], ALICE.emails)
    assert.deepEqual(read({ userName: 'a', emails: [{ type: 'work' }], roles: [{ primary: true }] }), {
      userName: 'a',
    })
  })

  it('lets nobody into a group by a description, and takes out whose id is taken away', () => {
    for (const path of ['members[value eq "x"].display', 'members[value eq "x"]'])
      assert.throws(() => patchGroup({ op: 'replace', path, value: 'X' }), ScimRefusal)
    assert.throws(
      () => patchGroup({ op: 'add', path: 'members[value eq "x"].display', value: 'X' }),
      ScimRefusal,
    )
    assert.deepEqual(patchGroup({ op: 'remove', path: 'members[value eq "a"].value' })['members'], [
      { value: 'b' },
    ])
    assert.deepEqual(patchGroup({ op: 'remove', path: 'members', value: [] })['members'], STAFF.members)
    assert.equal(patchGroup({ op: 'remove', path: 'members', value: null })['members'], undefined)
  })

  it('leaves one value that is primary, the newest', () => {
    const value = [{ value: 'x@example.com', type: 'work', primary: true }]
    const { emails } = patchUser({ op: 'add', path: 'emails', value })
    assert.deepEqual(
      (emails as { primary?: boolean }[]).map(({ primary }) => primary),
      [false, undefined, true],
    )
  })

  it('adds members once, and removes them by filter or by value', () => {
    const added = patchGroup({
      op: 'add',
      path: 'members',
      value: [{ value: 'b', type: 'User' }, { value: 'c' }],
    })
    assert.deepEqual(added['members'], [{ value: 'a' }, { value: 'b' }, { value: 'c' }])
    assert.deepEqual(patchGroup({ op: 'remove', path: 'members[value eq "a"]' })['members'], [{ value: 'b' }])
    assert.deepEqual(patchGroup({ op: 'Remove', path: 'members', value: [{ value: 'b' }] })['members'], [
      { value: 'a' },
    ])
    assert.equal(patchGroup({ op: 'remove', path: 'members' })['members'], undefined)
    assert.deepEqual(patchGroup({ op: 'replace', path: 'members', value: [] })['members'], undefined)
    // Whoever is not in it leaves it as it is.
    assert.deepEqual(patchGroup({ op: 'remove', path: 'members[value eq "x"]' }), STAFF)
  })

  it('takes what Entra sends', () => {
    assert.equal(patchUser({ op: 'Replace', path: 'active', value: 'False' })['active'], false)
    assert.equal(
      patchUser({ op: 'Replace', path: 'active', value: [{ $ref: null, value: 'False' }] })['active'],
      false,
    )
    const pathless = patchUser({
      op: 'Replace',
      value: {
        active: 'False',
        'name.familyName': 'Baker',
        'emails[type eq "work"].value': 'b@example.com',
        [`${ENTERPRISE}:department`]: 'Harbour',
        'urn:ietf:params:scim:schemas:extension:corp:2.0:User:badge': '7',
      },
    })
    assert.equal(pathless['active'], false)
    assert.deepEqual(pathless['name'], { givenName: 'Alice', familyName: 'Baker' })
    assert.equal((pathless['emails'] as { value: string }[])[0]?.value, 'b@example.com')
    assert.deepEqual(pathless[ENTERPRISE], { department: 'Harbour' })
    const manager = patchUser({ op: 'Add', path: `${ENTERPRISE}:manager`, value: 'manager-id' })
    assert.deepEqual(manager[ENTERPRISE], { manager: { value: 'manager-id' } })
  })

  it('takes what Okta sends: ids and metadata among what changes', () => {
    const renamed = patchGroup({
      op: 'replace',
      value: { id: 'x', displayName: 'Crew', meta: {}, schemas: [] },
    })
    assert.deepEqual(renamed, { ...STAFF, displayName: 'Crew' })
    assert.equal(
      patchUser({ op: 'replace', value: { active: false, password: 'planted' } })['password'],
      undefined,
    )
  })

  it('changes an extension as a whole', () => {
    const made = patchUser({ op: 'add', path: ENTERPRISE, value: { Department: 'Harbour', costCenter: '7' } })
    assert.deepEqual(made[ENTERPRISE], { department: 'Harbour', costCenter: '7' })
    assert.equal(patch(User, made, [{ op: 'remove', path: ENTERPRISE }])[ENTERPRISE], undefined)
  })

  it('is refused as a whole when a part of it is', () => {
    refuses('invalidSyntax')
    refuses('invalidSyntax', { op: 'move', path: 'title' })
    refuses('invalidSyntax', 'x')
    refuses('noTarget', { op: 'remove' })
    refuses('invalidPath', { op: 'add', path: '/active', value: false })
    refuses('invalidPath', { op: 'add', path: 'active eq true', value: false })
    refuses('invalidPath', { op: 'add', path: 'active[value pr]', value: false })
    refuses('invalidPath', { op: 'add', path: 7, value: false })
    refuses('invalidValue', { op: 'replace', path: 'emails[type eq "work"].value', value: true })
    refuses('invalidValue', { op: 'replace', path: 'externalId', value: { a: 1 } })
    refuses('invalidFilter', { op: 'add', path: 'emails[type eq].value', value: 'x' })
    refuses('invalidValue', { op: 'replace', path: 'active', value: 'perhaps' })
    refuses('invalidValue', { op: 'remove', path: 'userName' })
    refuses('invalidValue', { op: 'replace', value: 'x' })
    refuses('tooMany', ...Array.from({ length: 1001 }, () => ({ op: 'remove', path: 'title' })))
  })

  it('touches nothing but attributes, whatever the names', () => {
    const value: unknown = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"x":1},"title":"Pilot"}')
    const changed = patchUser({ op: 'add', value })
    assert.deepEqual(changed, { ...ALICE, title: 'Pilot' })
    assert.equal(Reflect.get({}, 'polluted'), undefined)
    assert.deepEqual(patchUser({ op: 'add', path: '__proto__', value: { polluted: true } }), ALICE)
    assert.deepEqual(read({ userName: 'a', ...(value as object), toString: 'x' }), {
      userName: 'a',
      title: 'Pilot',
    })
  })
})
