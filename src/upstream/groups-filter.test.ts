import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GroupsFilter } from './groups-filter.ts'

type Written = ConstructorParameters<typeof GroupsFilter>[0]['jwt_groups_filter']

const GROUPS = ['staff', 'team-a', 'team-b1', 'steam', 'Staff', 'ストーリー', '']
const groupsFor = (route: Written, global: Written, mentioned: readonly string[] = []) =>
  new GroupsFilter({ jwt_groups_filter: route }, { jwt_groups_filter: global }, mentioned).apply(GROUPS)

describe('the groups that an app is told', () => {
  it('are all of them without a filter', () => {
    assert.equal(groupsFor(undefined, undefined), GROUPS)
  })

  it('are those that a list names, letter for letter, in the order of the session', () => {
    assert.deepEqual(groupsFor(['team-a', 'staff', 'nobody'], undefined), ['staff', 'team-a'])
    assert.deepEqual(groupsFor(undefined, ['Staff']), ['Staff'])
  })

  it('are those that either list names', () => {
    assert.deepEqual(groupsFor(['staff'], ['team-a']), ['staff', 'team-a'])
    assert.deepEqual(groupsFor([], ['team-a']), ['team-a'])
  })

  it('are none when a list or a map is empty', () => {
    assert.deepEqual(groupsFor([], undefined), [])
    assert.deepEqual(groupsFor(undefined, {}), [])
    assert.deepEqual(groupsFor({}, ['staff']), [])
  })

  it('are those that any key of a map names', () => {
    assert.deepEqual(groupsFor({ prefixes: ['team-'], keep: ['Staff'] }, undefined), [
      'team-a',
      'team-b1',
      'Staff',
    ])
    assert.deepEqual(groupsFor({ patterns: ['team-.', 's.*'] }, undefined), ['staff', 'team-a', 'steam'])
  })

  it('match a pattern from end to end, in any script', () => {
    assert.deepEqual(groupsFor({ patterns: ['team'] }, undefined), [])
    assert.deepEqual(groupsFor({ patterns: [String.raw`\p{Katakana}+ー?\p{Katakana}*ー?`] }, undefined), [
      'ストーリー',
    ])
  })

  it('are those that the policies mention, where the map says so', () => {
    assert.deepEqual(groupsFor({ mentioned: true }, undefined, ['team-a', 'nobody']), ['team-a'])
    assert.deepEqual(groupsFor({ mentioned: false }, undefined, ['team-a']), [])
    assert.deepEqual(groupsFor(undefined, { mentioned: true, keep: ['staff'] }, ['team-a']), [
      'staff',
      'team-a',
    ])
  })

  it('follow the map of a route alone, and its list together with the global map', () => {
    assert.deepEqual(groupsFor({ keep: ['staff'] }, ['team-a']), ['staff'])
    assert.deepEqual(groupsFor({ keep: ['staff'] }, { keep: ['team-a'] }), ['staff'])
    assert.deepEqual(groupsFor(['staff'], { prefixes: ['team-'] }), ['staff', 'team-a', 'team-b1'])
  })

  it('are found once for the same list of groups', () => {
    const filter = new GroupsFilter({ jwt_groups_filter: ['staff'] }, {}, [])
    assert.equal(filter.apply(GROUPS), filter.apply(GROUPS))
    assert.notEqual(filter.apply(GROUPS), filter.apply([...GROUPS]))
  })
})
