import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readDirectoryFile } from './file-reader.ts'
import { type Found, Roster } from './roster.ts'

function rosterOf(text: string, format: 'yaml' | 'json' | 'csv' = 'yaml'): Roster {
  const read = readDirectoryFile(text, format)
  assert.ok(!('mistakes' in read), JSON.stringify(read))
  return Roster.of(read.people, read.groups)
}

function mistakesOf(text: string, format: 'yaml' | 'json' | 'csv' = 'yaml'): string[] {
  const read = readDirectoryFile(text, format)
  assert.ok('mistakes' in read)
  return read.mistakes.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

function groupsOf(found: Found): readonly string[] {
  assert.ok(typeof found === 'object' && found.groups !== 'unknown')
  return found.groups.map(({ id }) => id)
}

const isActive = (found: Found) => typeof found === 'object' && found.isActive

describe('a directory file', () => {
  it('names users with their groups', () => {
    const roster = rosterOf(
      'users:\n  - { email: Alice@example.com, groups: [staff, admins] }\n  - { id: "7", groups: [staff], active: false }\n',
    )
    assert.deepEqual(groupsOf(roster.findByEmail('alice@EXAMPLE.com')), ['staff', 'admins'])
    assert.equal(isActive(roster.findById('7')), false)
    assert.deepEqual(groupsOf(roster.findById('7')), ['staff'])
    assert.equal(roster.findByEmail('bob@example.com'), undefined)
  })

  it('or groups with their members, or both ends at once', () => {
    const roster = rosterOf(`
users: { alice@example.com: [staff], "7": [] }
groups:
  - { id: admins, name: Administrators, members: [ALICE@example.com, "7", bob@example.com] }
  - { id: staff, groups: [admins] }
`)
    assert.deepEqual(groupsOf(roster.findByEmail('alice@example.com')), ['admins', 'staff'])
    assert.deepEqual(groupsOf(roster.findById('7')), ['admins', 'staff'])
    assert.deepEqual(groupsOf(roster.findByEmail('bob@example.com')), ['admins', 'staff'])
    const found = roster.findById('7')
    assert.ok(typeof found === 'object' && found.groups !== 'unknown')
    assert.equal(found.groups[0]?.name, 'Administrators')
    assert.deepEqual(
      groupsOf(rosterOf('groups: { staff: [alice@example.com] }').findByEmail('alice@example.com')),
      ['staff'],
    )
  })

  it('may be JSON', () => {
    const roster = rosterOf('{\n\t"users": [{"email": "alice@example.com", "groups": ["staff"]}]\n}', 'json')
    assert.deepEqual(groupsOf(roster.findByEmail('alice@example.com')), ['staff'])
  })

  it('may be CSV, with a row for each user or for each pair', () => {
    const listed = rosterOf(
      'email,groups,active\nalice@example.com,staff; admins,true\nbob@example.com,,false\n',
      'csv',
    )
    assert.deepEqual(groupsOf(listed.findByEmail('alice@example.com')), ['staff', 'admins'])
    assert.equal(isActive(listed.findByEmail('bob@example.com')), false)
    const paired = rosterOf('user,group\nalice@example.com,staff\n7,staff\nAlice@example.com,"a, b"\n', 'csv')
    assert.deepEqual(groupsOf(paired.findByEmail('alice@example.com')), ['staff', 'a, b'])
    assert.deepEqual(groupsOf(paired.findById('7')), ['staff'])
  })

  it('tells all of its mistakes, each with its place', () => {
    assert.deepEqual(
      mistakesOf('users:\n  - { emial: a@example.com }\n  - { id: 7 }\ngroup:\n  staff: []\n'),
      [
        '4:1 "group" is not known here; write `users` or `groups`',
        '2:7 is not a known key; did you mean "email"?',
        '2:5 needs an `email` or an `id`',
        '3:11 must be a text, not a number',
      ],
    )
    assert.match(mistakesOf('users: [}')[0] ?? '', /^1:9 is not valid YAML/)
    assert.deepEqual(mistakesOf('[]'), ['1:1 must be a map with `users`, `groups` or both'])
    assert.deepEqual(mistakesOf('users:\n  - { id: a }\n  - { id: a }\n'), [
      '3:5 the user "a" stands here twice',
    ])
    assert.deepEqual(mistakesOf('groups:\n  - { id: a }\n  - { id: a }\n'), [
      '3:5 the group "a" stands here twice',
    ])
  })

  it('tells the lines of wrong rows of CSV', () => {
    assert.deepEqual(mistakesOf('email,group\n,staff\n', 'csv'), ['2:1 names no user'])
    assert.deepEqual(mistakesOf('email,groups,active\na@b.example,x,maybe\n', 'csv'), [
      '2:1 "active" must be true or false, not "maybe"',
    ])
    assert.deepEqual(mistakesOf('email\na@b.example\n', 'csv'), ['1:1 needs a column "group" or "groups"'])
    assert.deepEqual(mistakesOf('mail,group\n', 'csv'), [
      '1:1 "mail" is not a known column; the first line names some of user, email, id, group, groups, active, name',
    ])
  })

  it('may be as the page about it shows', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/directory.md'), 'utf8')
    const blocks = [...page.matchAll(/^```(yml|csv)\n(.*?)^```$/gms)]
    assert.equal(blocks.length, 3)
    for (const [, form, text = ''] of blocks) rosterOf(text, form === 'csv' ? 'csv' : 'yaml')
  })

  it('is not upset by names that mean something to the language', () => {
    const roster = rosterOf('users: { valueOf: [staff], constructor: [admins] }')
    assert.deepEqual(mistakesOf('users: { __proto__: [staff] }'), [
      '1:10 no key may be called "__proto__"; choose another name',
    ])
    assert.deepEqual(groupsOf(roster.findById('constructor')), ['admins'])
    assert.equal(roster.findById('toString'), undefined)
  })
})
