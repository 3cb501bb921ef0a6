import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RateLimiter } from '../../rate-limiter.ts'
import type { RecordStore } from '../../session/records.ts'
import { admit, hashToken } from './admission.ts'
import { MapRecords } from './records.fixture.ts'

import { ScimRefusal } from './refusal.ts'
import { RESOURCE_TYPES } from './schema.ts'
import { ScimSource } from './scim-source.ts'

const { User, Group } = RESOURCE_TYPES
const always = () => true

const open = async (records: RecordStore, name = 'pushed') =>
  await ScimSource.open({
    name,
    records,
    now: () => 1_000_000,
    onChange: () => undefined,
    onFailure: (error) => {
      throw error
    },
  })

function groupsOf(source: ScimSource, email: string): readonly string[] {
  const found = source.roster.findByEmail(email)
  assert.ok(typeof found === 'object' && found.groups !== 'unknown')
  return found.groups.map(({ id, externalId }) => externalId ?? id)
}

const isConflict = (error: unknown) =>
  error instanceof ScimRefusal && error.status === 409 && error.scimType === 'uniqueness'
const isPrecondition = (error: unknown) => error instanceof ScimRefusal && error.status === 412
const never = () => false
const rate = () => new RateLimiter({ most: 100, everyMs: 1000 })

function statusOf(work: () => unknown): number {
  try {
    work()
    return 200
  } catch (error) {
    assert.ok(error instanceof ScimRefusal)
    return error.status
  }
}

describe('a pushed source', () => {
  it('knows nothing before the first push, and all of it after a restart', async () => {
    const records = new MapRecords()
    const source = await open(records)
    assert.equal(source.changedAt, undefined)
    const { id } = await source.create(User, { userName: 'alice@example.com' })
    await source.create(Group, { displayName: 'Staff', externalId: 'staff', members: [{ value: id }] })
    for (const one of [source, await open(records)]) {
      assert.deepEqual(groupsOf(one, 'alice@example.com'), ['staff'])
      assert.equal(one.changedAt, 2000)
    }
    assert.equal((await open(records, 'another')).changedAt, undefined)
  })

  it('sees what another process has changed', async () => {
    const records = new MapRecords()
    const [here, there] = [await open(records), await open(records)]
    const { id } = await there.create(User, { userName: 'alice@example.com' })
    assert.deepEqual(groupsOf(here, 'alice@example.com'), [])
    await there.delete(User, id, always)
    const gone = here.roster.findByEmail('alice@example.com')
    assert.ok(typeof gone === 'object')
    assert.equal(gone.leftAt, 1_000_000)
  })

  it('of which all were removed has been filled all the same: who left is known after a restart', async () => {
    const records = new MapRecords()
    const source = await open(records)
    const { id } = await source.create(User, { userName: 'alice@example.com' })
    await source.delete(User, id, always)
    const again = await open(records)
    assert.notEqual(again.changedAt, undefined)
    const gone = again.roster.findByEmail('alice@example.com')
    assert.ok(typeof gone === 'object')
    assert.equal(gone.leftAt, 1_000_000)
  })

  it('holds each userName once, in whatever case', async () => {
    const source = await open(new MapRecords())
    const first = await source.create(User, { userName: 'Alice' })
    await assert.rejects(source.create(User, { userName: 'ALICE' }), isConflict)
    const second = await source.create(User, { userName: 'bob' })
    await assert.rejects(source.replace(User, second.id, { userName: 'alice' }, always), isConflict)
    await source.replace(User, first.id, { userName: 'ALICE' }, always)
    await source.patch(
      User,
      first.id,
      { Operations: [{ op: 'replace', path: 'userName', value: 'al' }] },
      always,
    )
    await source.create(User, { userName: 'Alice' })
  })

  it('does not lose one of two changes that come at once', async () => {
    const records = new MapRecords()
    records.isLate = true
    const source = await open(records)
    const { id } = await source.create(Group, { displayName: 'Staff' })
    const add = (value: string) =>
      source.patch(Group, id, { Operations: [{ op: 'add', path: 'members', value: [{ value }] }] }, always)
    await Promise.all(['a', 'b', 'c'].map(add))
    const { resource } = await source.get(Group, id)
    assert.deepEqual(resource['members'], [{ value: 'a' }, { value: 'b' }, { value: 'c' }])
  })

  it('takes whoever is deleted out of their groups', async () => {
    const source = await open(new MapRecords())
    const { id } = await source.create(User, { userName: 'alice' })
    const group = await source.create(Group, {
      displayName: 'Staff',
      members: [{ value: id }, { value: 'x' }],
    })
    await source.delete(User, id, always)
    assert.deepEqual((await source.get(Group, group.id)).resource['members'], [{ value: 'x' }])
  })

  it('changes nothing for a client that has seen an older version', async () => {
    const source = await open(new MapRecords())
    const { id } = await source.create(User, { userName: 'alice' })
    await assert.rejects(source.replace(User, id, { userName: 'bob' }, never), isPrecondition)
    await assert.rejects(source.delete(User, id, never), isPrecondition)
  })

  it('finds nobody by an address that people choose at home', async () => {
    const source = await open(new MapRecords())
    await source.create(User, {
      userName: 'mallory',
      emails: [
        { value: 'mallory@example.com', type: 'work' },
        { value: 'alice@example.com', type: 'home' },
      ],
    })
    assert.equal(source.roster.findByEmail('alice@example.com'), undefined)
    assert.deepEqual(groupsOf(source, 'mallory@example.com'), [])
  })
})

describe('admission to the SCIM address', () => {
  it('is by the token of a source, and tells which', async () => {
    const [one, other] = [await open(new MapRecords()), await open(new MapRecords())]
    const admission = {
      sources: () => [
        { tokenHash: hashToken('token-of-one'), source: one, rate: rate() },
        { tokenHash: hashToken('token-of-other'), source: other, rate: rate() },
      ],
      strangers: rate(),
      now: () => 0,
    }
    assert.equal(admit('Bearer token-of-one', admission), one)
    assert.equal(admit('bearer  token-of-other', admission), other)
    for (const authorization of [
      undefined,
      '',
      'token-of-one',
      'Basic token-of-one',
      'Bearer token-of-on',
      'Bearer a b',
    ])
      assert.equal(
        statusOf(() => admit(authorization, admission)),
        401,
        String(authorization),
      )
  })

  it('is refused to strangers who ask too often, and to nobody else for that', async () => {
    let now = 0
    const source = await open(new MapRecords())
    const ofSource = new RateLimiter({ most: 3, everyMs: 500 })
    const admission = {
      sources: () => [{ tokenHash: hashToken('token'), source, rate: ofSource }],
      strangers: new RateLimiter({ most: 2, everyMs: 1000 }),
      now: () => now,
    }
    const stranger = () => statusOf(() => admit('Bearer wrong', admission))
    assert.deepEqual([stranger(), stranger(), stranger()], [401, 401, 429])
    const client = () => statusOf(() => admit('Bearer token', admission))
    assert.deepEqual([client(), client(), client(), client()], [200, 200, 200, 429])
    now += 1000
    assert.deepEqual([stranger(), stranger()], [401, 429])
    assert.deepEqual([client(), client(), client()], [200, 200, 429])
    // A clock that is set back gives nothing.
    now -= 5000
    assert.equal(client(), 429)
  })
})
