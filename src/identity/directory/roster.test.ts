import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Group, MAX_GROUPS, type Person, Roster } from './roster.ts'

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

describe('a roster', () => {
  it('follows groups in groups, and a ring of them once', () => {
    const roster = Roster.of(
      [person('alice')],
      [group('inner', ['alice'], ['outer']), group('middle', [], ['inner']), group('outer', [], ['middle'])],
    )
    assert.deepEqual(roster.findById('alice'), { isActive: true, groups: ['inner', 'middle', 'outer'] })
  })

  it('takes changes one by one', () => {
    const roster = Roster.of([person('alice')], [group('staff', ['alice'])])
    roster.setGroup({ ...group('staff', []), name: 'Others' })
    assert.deepEqual(roster.findById('alice'), { isActive: true, groups: [] })
    assert.equal(roster.nameOf('staff'), 'Others')
    roster.setGroup(group('staff', ['alice']))
    roster.setPerson(person('alice', { emails: ['new@example.com'], isActive: false }))
    assert.equal(roster.findByEmail('alice@example.com'), undefined)
    assert.deepEqual(roster.findByEmail('new@example.com'), { isActive: false, groups: ['staff'] })
    roster.removePerson('alice')
    assert.equal(roster.findById('alice'), undefined)
    roster.removeGroup('staff')
    assert.deepEqual([roster.peopleCount, roster.groupCount, roster.hasGroup('staff')], [0, 0, false])
  })

  it('knows a member that is named before it comes', () => {
    const roster = Roster.of([], [group('staff', ['alice'])])
    roster.setPerson(person('alice'))
    assert.deepEqual(roster.findById('alice'), { isActive: true, groups: ['staff'] })
  })

  it('cannot tell two people of one address apart, unless one of them has left', () => {
    const shared = { emails: ['Shared@example.com'] }
    const roster = Roster.of([person('a', shared), person('b', shared)], [group('of-b', ['b'])])
    assert.equal(roster.findByEmail('shared@example.com'), 'ambiguous')
    roster.setPerson(person('a', { ...shared, isActive: false }))
    assert.deepEqual(roster.findByEmail('shared@example.com'), { isActive: true, groups: ['of-b'] })
    roster.setPerson(person('b', { ...shared, isActive: false }))
    assert.equal(roster.findByEmail('shared@example.com') !== 'ambiguous', true)
  })

  it('cannot tell two people of one id apart, also when one of them has left', () => {
    const roster = Roster.of([person('a', { ids: ['x'] }), person('b', { ids: ['x'], isActive: false })], [])
    assert.equal(roster.findById('x'), 'ambiguous')
  })

  it('does not tell a name that two groups share', () => {
    const roster = Roster.of([], [named('1')])
    assert.equal(roster.nameOf('1'), 'Admins')
    roster.setGroup(named('2'))
    assert.equal(roster.nameOf('1'), undefined)
  })

  it('does not know the groups of somebody who is in more than anybody could be', () => {
    const most = inManyGroups(MAX_GROUPS)
    assert.ok(most !== undefined && most !== 'ambiguous')
    assert.equal(most.groups.length, MAX_GROUPS)
    assert.deepEqual(inManyGroups(MAX_GROUPS + 1), { isActive: true, groups: 'unknown' })
  })
})
