import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { atOnce } from '../turns.ts'
import { type Member, standingOf } from './effective-groups.ts'
import { formerKeysOf, MOST_FORMER, rememberingFrom } from './former-keys.ts'
import { type Person, Roster } from './roster.ts'
import { MapRecords } from './scim/records.fixture.ts'
import { RESOURCE_TYPES } from './scim/schema.ts'
import { ScimSource } from './scim/scim-source.ts'

const { User, Group } = RESOURCE_TYPES
const MAIL = 'bob@example.com'
const GONE = 'deleted-bob@example.com'
const BEFORE = 500
const CHANGED = 1000
const AFTER = 1500
const always = () => true

const session = (issuedAt: number, more: Partial<Member> = {}): Member => ({
  idpId: 'idp',
  userId: 'b1',
  email: MAIL,
  claims: {},
  issuedAt,
  groups: [],
  ...more,
})

const standing = (roster: Roster, member: Member, matchBy = 'email') =>
  standingOf(member, [{ matchBy, tellsNames: false, roster }], {
    countsClaims: true,
    isGroupId: () => false,
  })

const isOff = (roster: Roster, issuedAt: number, matchBy = 'email') =>
  standing(roster, session(issuedAt), matchBy).isDeactivated

class Pushed {
  now = CHANGED
  readonly records = new MapRecords()

  open(): Promise<ScimSource> {
    return ScimSource.open({
      name: 'pushed',
      records: this.records,
      now: () => this.now,
      onChange: () => undefined,
      onFailure: (error) => {
        throw error
      },
    })
  }
}

const BOB = { userName: MAIL, externalId: 'b1', active: true, emails: [{ value: MAIL, type: 'work' }] }
const off = { op: 'replace', path: 'active', value: false }
const renamed = { op: 'replace', path: 'userName', value: GONE }
const moved = { op: 'replace', path: 'emails[type eq "work"].value', value: GONE }
const unmailed = { op: 'remove', path: 'emails' }
const otherId = { op: 'replace', path: 'externalId', value: 'gone-b1' }

type Step = readonly object[] | 'delete' | 'put'

/** In which orders people are deactivated and lose what they were called. */
const OFF_BOARDINGS: readonly (readonly Step[])[] = [
  [[off], [renamed], [moved], [otherId]],
  [[off, renamed, moved, otherId]],
  [[renamed, moved, otherId, off]],
  [[renamed], [moved], [otherId], [off]],
  [[off], [unmailed, renamed, otherId]],
  ['put'],
  [[off, renamed, moved, otherId], 'delete'],
  [[renamed, moved, otherId], 'delete'],
  [[off], [renamed], [moved], [otherId], 'delete'],
]

async function offBoarded(steps: readonly Step[], pushed = new Pushed()): Promise<ScimSource> {
  const source = await pushed.open()
  const { id } = await source.create(User, BOB)
  for (const step of steps) {
    if (step === 'delete') await source.delete(User, id, always)
    else if (step === 'put')
      await source.replace(User, id, { userName: GONE, externalId: 'gone-b1', active: false }, always)
    else await source.patch(User, id, { schemas: [], Operations: step }, always)
  }
  return source
}

describe('whoever is deactivated and renamed', () => {
  for (const steps of OFF_BOARDINGS)
    it(`is found by what they were called before: ${JSON.stringify(steps)}`, async () => {
      const pushed = new Pushed()
      const here = await offBoarded(steps, pushed)
      for (const { roster } of [here, await pushed.open()])
        for (const matchBy of ['email', 'user_id']) {
          assert.equal(isOff(roster, BEFORE, matchBy), true, matchBy)
          assert.equal(isOff(roster, 0, matchBy), true, 'and by what does not say when it was issued')
          assert.equal(isOff(roster, AFTER, matchBy), false, 'a sign-in of later is of somebody else')
        }
    })

  it('is seen so by another process, too', async () => {
    const pushed = new Pushed()
    const there = await pushed.open()
    await offBoarded([[off, renamed, moved]], pushed)
    assert.equal(isOff(there.roster, BEFORE), true)
  })

  for (const steps of [
    [[off, renamed, moved]],
    [[off, renamed, moved], 'delete'],
    [[off], 'delete'],
    ['delete'],
  ] as const)
    it(`does not come back with a new person of the old address: ${JSON.stringify(steps)}`, async () => {
      const pushed = new Pushed()
      const source = await offBoarded(steps, pushed)
      pushed.now = AFTER - 1
      const { id } = await source.create(User, { userName: MAIL, externalId: 'b2' })
      await source.create(Group, { displayName: 'New', externalId: 'new', members: [{ value: id }] })
      for (const { roster } of [source, await pushed.open()]) {
        assert.equal(isOff(roster, BEFORE), true)
        assert.deepEqual(standing(roster, session(AFTER)), { groups: ['new'], isDeactivated: false })
        assert.equal(isOff(roster, 0), false, 'a token without a time is of who has the address now')
      }
    })

  it('comes back when they are entered anew by all their ids', async () => {
    for (const steps of [['delete'], [[off], 'delete']] as const) {
      const source = await offBoarded(steps)
      await source.create(User, BOB)
      assert.equal(isOff(source.roster, BEFORE), false)
    }
  })

  it('does not come back with a new entry that has their name and nothing else', async () => {
    const source = await new Pushed().open()
    const { id } = await source.create(User, { userName: MAIL })
    await source.delete(User, id, always)
    await source.create(User, { userName: MAIL })
    assert.deepEqual([isOff(source.roster, BEFORE), isOff(source.roster, AFTER)], [true, false])
  })

  it('comes back when the source says so, under the new name and the old', async () => {
    const pushed = new Pushed()
    const source = await offBoarded([[off, renamed, moved]], pushed)
    const [found] = await Array.fromAsync(source.list(User, { filter: undefined, shown: (e) => e.resource }))
    assert.ok(found)
    await source.patch(User, found.id, { schemas: [], Operations: [{ ...off, value: true }] }, always)
    assert.equal(isOff(source.roster, BEFORE), false)
    await source.patch(User, found.id, { schemas: [], Operations: [{ ...renamed, value: MAIL }] }, always)
    assert.equal(isOff(source.roster, BEFORE), false)
    assert.equal(isOff((await pushed.open()).roster, BEFORE), false)
  })

  it('does not leave their groups by a new name while they are active', async () => {
    const pushed = new Pushed()
    const source = await pushed.open()
    const { id } = await source.create(User, BOB)
    await source.create(Group, { displayName: 'C', externalId: 'contractor', members: [{ value: id }] })
    await source.patch(User, id, { schemas: [], Operations: [renamed, moved] }, always)
    assert.deepEqual(standing(source.roster, session(BEFORE)).groups, ['contractor'])
    assert.deepEqual(standing(source.roster, session(AFTER)).groups, [])
    await source.create(User, { userName: MAIL, externalId: 'b2' })
    assert.equal(standing(source.roster, session(BEFORE)).groups, 'unknown')
  })
})

const person = (id: string, more: Partial<Person> = {}): Person => ({
  id,
  ids: ['b1'],
  emails: [MAIL],
  isActive: true,
  ...more,
})

/** A list, and the one that came after it. */
function after(lists: readonly (readonly Person[])[]): Roster {
  let last = Roster.of([], [])
  for (const people of lists) {
    const roster = Roster.of(people, [])
    atOnce(rememberingFrom(last, roster, CHANGED))
    last = roster
  }
  return last
}

describe('lists that are read again and again', () => {
  const locked = { isActive: false }
  const away = { emails: [GONE], ids: ['gone-b1'] }
  for (const [what, lists] of Object.entries({
    'off, then renamed': [[person('x')], [person('x', locked)], [person('x', { ...away, ...locked })]],
    'both in one': [[person('x')], [person('x', { ...away, ...locked })]],
    'renamed, then off': [[person('x')], [person('x', away)], [person('x', { ...away, ...locked })]],
    'off, then gone': [[person('x')], [person('x', locked)], []],
    'off, then gone for long': [[person('x', locked)], [], [person('other', away)], []],
    'off and renamed, then gone': [[person('x')], [person('x', { ...away, ...locked })], [], []],
    'off, and the address is given to another': [
      [person('x')],
      [person('x', locked)],
      [person('x', { ...away, ...locked }), person('y', { ids: ['b2'] })],
    ],
    'off, and another has the address at once': [
      [person('x')],
      [person('x', locked), person('y', { ids: ['b2'] })],
    ],
    'off and gone, and another has the address': [
      [person('x')],
      [person('x', locked)],
      [person('y', { ids: ['b2'] })],
    ],
  }))
    it(`keep whom they had deactivated: ${what}`, () => {
      const roster = after(lists)
      assert.equal(isOff(roster, BEFORE), true)
      assert.equal(standing(roster, session(AFTER)).isDeactivated, false)
    })

  it('know somebody of another key in the source by their id', () => {
    const roster = after([[person(MAIL)], [person(GONE, { emails: [GONE], isActive: false })]])
    assert.equal(isOff(roster, BEFORE), true)
  })

  it('forget neither the latest names of somebody, nor keep them all', () => {
    let last = person('x')
    for (let count = 0; count <= 2 * MOST_FORMER; count += 1) {
      const next = person('x', { emails: [`${count}@example.com`] })
      last = { ...next, former: formerKeysOf(last, next, count) }
    }
    assert.equal(last.former?.length, MOST_FORMER)
    assert.deepEqual(last.former[0], {
      is: 'email',
      key: `${2 * MOST_FORMER - 1}@example.com`,
      until: 2 * MOST_FORMER,
    })
  })

  it('let somebody in again whom they name as active', () => {
    assert.equal(isOff(after([[person('x')], [person('x', locked)], [person('x')]]), BEFORE), false)
    assert.equal(isOff(after([[person('x', locked)], [], [person('x')]]), BEFORE), false)
  })
})
