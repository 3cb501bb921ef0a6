import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Found, type Group, MAX_GROUPS, type Person, Roster } from './roster.ts'

const person = (id: string, more: Partial<Person> = {}): Person => ({
  id,
  ids: [id],
  emails: [`${id}@example.com`],
  isActive: true,
  ...more,
})
const group = (id: string, people: readonly string[], groups: readonly string[] = []): Group => ({
  id,
  name: `Group ${id}`,
  people,
  groups,
})

const named = (id: string) => ({ ...group(id, []), name: 'Admins' })
const inManyGroups = (count: number) =>
  Roster.of(
    [person('alice')],
    Array.from({ length: count }, (_, index) => group(String(index), ['alice'])),
  ).findById('alice')

/** A membership with the ids of its groups. */
function known(found: Found): unknown {
  if (found === undefined || typeof found === 'string') return found
  const { isActive, groups } = found
  return { isActive, groups: groups === 'unknown' ? groups : groups.map(({ id }) => id) }
}

describe('a roster', () => {
  it('follows groups in groups, and a ring of them once', () => {
    const roster = Roster.of(
      [person('alice')],
      [group('inner', ['alice'], ['outer']), group('middle', [], ['inner']), group('outer', [], ['middle'])],
    )
    assert.deepEqual(known(roster.findById('alice')), {
      isActive: true,
      groups: ['inner', 'middle', 'outer'],
    })
  })

  it('takes changes one by one', () => {
    const roster = Roster.of([person('alice')], [group('staff', ['alice'])])
    roster.setGroup({ ...group('staff', []), name: 'Others' })
    assert.deepEqual(known(roster.findById('alice')), { isActive: true, groups: [] })
    assert.equal(roster.nameOf({ ...group('staff', []), name: 'Others' }), 'Others')
    roster.setGroup(group('staff', ['alice']))
    roster.setPerson(person('alice', { emails: ['new@example.com'], isActive: false }))
    assert.equal(roster.findByEmail('alice@example.com'), undefined)
    assert.deepEqual(known(roster.findByEmail('new@example.com')), { isActive: false, groups: ['staff'] })
    roster.removePerson('alice')
    assert.equal(roster.findById('alice'), undefined)
    roster.removeGroup('staff')
    assert.deepEqual([roster.peopleCount, roster.groupCount, roster.hasGroup('staff')], [0, 0, false])
  })

  it('knows a member that is named before it comes', () => {
    const roster = Roster.of([], [group('staff', ['alice'])])
    roster.setPerson(person('alice'))
    assert.deepEqual(known(roster.findById('alice')), { isActive: true, groups: ['staff'] })
  })

  it('cannot tell two people of one address apart, unless one of them has left', () => {
    const shared = { emails: ['Shared@example.com'] }
    const roster = Roster.of([person('a', shared), person('b', shared)], [group('of-b', ['b'])])
    assert.equal(roster.findByEmail('shared@example.com'), 'ambiguous')
    roster.setPerson(person('a', { ...shared, isActive: false }))
    assert.deepEqual(known(roster.findByEmail('shared@example.com')), { isActive: true, groups: ['of-b'] })
    roster.setPerson(person('b', { ...shared, isActive: false }))
    assert.equal(roster.findByEmail('shared@example.com') !== 'ambiguous', true)
  })

  it('cannot tell two people of one id apart, also when one of them has left', () => {
    const roster = Roster.of([person('a', { ids: ['x'] }), person('b', { ids: ['x'], isActive: false })], [])
    assert.equal(roster.findById('x'), 'perhaps off')
  })

  it('does not take a person for a group of the same id', () => {
    const roster = Roster.of([person('ops')], [group('ops', []), group('admins', [], ['ops'])])
    assert.deepEqual(known(roster.findById('ops')), { isActive: true, groups: [] })
  })

  it('remembers who was removed, unless somebody else is found', () => {
    const roster = Roster.of([{ ...person('a'), id: 'removed/1', leftAt: 7 }], [])
    const found = roster.findById('a')
    assert.ok(typeof found === 'object')
    assert.equal(found.leftAt, 7)
    assert.equal(roster.peopleCount, 0)
    roster.setPerson({ ...person('a'), id: 'removed/2', leftAt: 9 })
    roster.setPerson(person('a'))
    assert.deepEqual(known(roster.findByEmail('a@example.com')), { isActive: true, groups: [] })
    assert.deepEqual(known(roster.findById('a')), { isActive: true, groups: [] })
    assert.equal(roster.peopleCount, 1)
  })

  it('knows groups by the id that is told, where that is another', () => {
    const roster = Roster.of([], [{ ...group('uuid', []), externalId: 'told' }])
    assert.deepEqual([roster.hasGroup('told'), roster.hasGroup('uuid')], [true, false])
    roster.removeGroup('uuid')
    assert.equal(roster.hasGroup('told'), false)
  })

  it('does not tell a name that two groups share', () => {
    const roster = Roster.of([], [named('1')])
    assert.equal(roster.nameOf(named('1')), 'Admins')
    roster.setGroup(named('2'))
    assert.equal(roster.nameOf(named('1')), undefined)
  })

  it('does not know the groups of somebody who is in more than anybody could be', () => {
    const most = inManyGroups(MAX_GROUPS)
    assert.ok(typeof most === 'object')
    assert.equal(most.groups.length, MAX_GROUPS)
    assert.deepEqual(known(inManyGroups(MAX_GROUPS + 1)), { isActive: true, groups: 'unknown' })
  })
})
