import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unreadMark } from '../flat-claims.ts'
import { mailKey } from '../mail-address.ts'
import { Directory, type DirectoryRules, type LiveSource } from './directory.ts'
import type { Member } from './effective-groups.ts'
import { type Group, type Person, Roster } from './roster.ts'

const ALICE: Member = {
  idpId: 'idp-1',
  userId: 'alice-id',
  email: 'alice@example.com',
  claims: { oid: ['alice-oid'] },
  issuedAt: 500_000,
  groups: ['claimed'],
}
const PERSON: Person = {
  id: 'p',
  ids: ['alice-id', 'alice-oid'],
  emails: ['alice@example.com'],
  isActive: true,
}
const group = (id: string, name?: string): Group => ({
  id,
  name,
  people: ['p'],
  groups: [],
})

function sourceOf(groups: readonly Group[], more: Partial<LiveSource> = {}): LiveSource {
  return {
    provider: undefined,
    matchBy: 'email',
    tellsNames: true,
    roster: Roster.of([PERSON], groups),
    goodUntil: undefined,
    lastHeard: undefined,
    ...more,
  }
}

const unheard = (lastHeard: Roster) => sourceOf([], { roster: undefined, lastHeard })
const many = (from: number) => Array.from({ length: 3000 }, (_, index) => group(String(from + index)))

/** A directory whose clock and pauses the test holds in its hands. */
class Bench {
  now = 1_000_000
  readonly pauses: (() => void)[] = []
  readonly directory = new Directory<Member>({
    now: () => this.now,
    providerName: (id) => (id === 'idp-1' ? 'default' : undefined),
    setTimer: (call) => {
      this.pauses.push(call)
      return { [Symbol.dispose]: () => undefined }
    },
  })

  constructor(sources: readonly LiveSource[] = [], rules: Partial<DirectoryRules> = {}) {
    this.directory.setRules({ sources, countsClaims: true, ...rules })
  }
}

const groupsOf = (sources: readonly LiveSource[], member = ALICE, rules: Partial<DirectoryRules> = {}) =>
  new Bench(sources, rules).directory.apply(member).groups

const personOff = (email: string): Person => ({
  id: email,
  ids: [`id of ${email}`],
  emails: [email],
  isActive: false,
})

/** Of somebody with one address, where a source has another. */
function groupsBy(email: string, inSource: string) {
  const roster = Roster.of([{ ...PERSON, emails: [inSource] }], [group('1')])
  return groupsOf([sourceOf([], { roster })], { ...ALICE, email })
}

describe('effective groups', () => {
  it('are those of the session, and the session the same, where no source is configured', () => {
    assert.equal(new Bench().directory.apply(ALICE), ALICE)
  })

  it('are the claimed ones, then the ids of all sources, then names, each once', () => {
    const sources = [
      sourceOf([group('1', 'One'), group('2')]),
      sourceOf([group('2', 'Two'), group('claimed')]),
    ]
    assert.deepEqual(groupsOf(sources), ['claimed', '1', '2', 'One', 'Two'])
  })

  it('hold nothing of the claims where the operator says so', () => {
    assert.deepEqual(groupsOf([sourceOf([group('1')])], ALICE, { countsClaims: false }), ['1'])
    assert.deepEqual(groupsOf([], ALICE, { countsClaims: false }), [])
  })

  it('of a service account are those that an operator gave it, whatever becomes of claims', () => {
    const robot: Member = { ...ALICE, kind: 'service-account', groups: ['ci'] }
    assert.deepEqual(groupsOf([], robot, { countsClaims: false }), ['ci'])
    assert.deepEqual(groupsOf([sourceOf([group('1')])], robot, { countsClaims: false }), ['ci', '1'])
  })

  it('are unknown while a source that is for this provider has not been read', () => {
    const unread = sourceOf([], { roster: undefined })
    assert.equal(groupsOf([sourceOf([group('1')]), unread]), 'unknown')
    assert.deepEqual(groupsOf([sourceOf([group('1')]), { ...unread, provider: 'other' }]), ['claimed', '1'])
    assert.equal(groupsOf([{ ...unread, provider: 'default' }]), 'unknown')
  })

  it('that a good source or the token tells are certain while another source tells nothing', () => {
    const unread = sourceOf([], { roster: undefined })
    const bench = new Bench([sourceOf([group('1')]), unread])
    const applied = bench.directory.apply(ALICE)
    assert.deepEqual([applied.groups, applied.knownGroups], ['unknown', ['claimed', '1']])
    assert.equal(bench.directory.apply(ALICE), applied)
    const bob = bench.directory.apply({ ...ALICE, email: 'bob@example.com', groups: 'unknown' })
    assert.deepEqual([bob.groups, bob.knownGroups], ['unknown', undefined])
    const claimless = new Bench([sourceOf([group('1')]), unread], { countsClaims: false })
    assert.deepEqual(claimless.directory.apply(ALICE).knownGroups, ['1'])
  })

  it('are not certain by a name that may be the id of a group of the source that tells nothing', () => {
    const unread = sourceOf([], { roster: undefined })
    const named = sourceOf([group('1', 'One')])
    assert.deepEqual(new Bench([named, unread]).directory.apply(ALICE).knownGroups, ['claimed', '1'])
    const unfilled = { ...unread, isUnfilled: true }
    assert.deepEqual(new Bench([named, unfilled]).directory.apply(ALICE).knownGroups, ['claimed', '1', 'One'])
  })

  it('become others, and the session with them, when what is certain changes', () => {
    const source = sourceOf([group('1')])
    const { directory } = new Bench([source, sourceOf([], { roster: undefined })])
    const before = directory.apply(ALICE)
    source.roster?.setGroup(group('2'))
    directory.changed()
    assert.notEqual(directory.apply(ALICE), before)
    assert.deepEqual(directory.apply(ALICE).knownGroups, ['claimed', '1', '2'])
  })

  it('are those of the claims for somebody whom no source knows', () => {
    assert.deepEqual(groupsOf([sourceOf([group('1')])], { ...ALICE, email: 'bob@example.com' }), ['claimed'])
  })

  it('are looked up by a verified address, by the user id or by a claim, as the source says', () => {
    const nobody = { ...ALICE, email: undefined, userId: 'x', claims: {} }
    for (const [matchBy, member] of [
      ['email', { ...nobody, email: 'ALICE@example.com' }],
      ['user_id', { ...nobody, userId: 'alice-id' }],
      ['claim/oid', { ...nobody, claims: { oid: ['alice-oid'] } }],
    ] as const) {
      const source = sourceOf([group('1')], { matchBy })
      assert.deepEqual(groupsOf([source], member), ['claimed', '1'], matchBy)
      assert.deepEqual(groupsOf([source], nobody), ['claimed'], matchBy)
    }
    const twice = { ...nobody, claims: { oid: ['alice-oid', 'other'] } }
    assert.equal(groupsOf([sourceOf([group('1')], { matchBy: 'claim/oid' })], twice), 'unknown')
    const inherited = sourceOf([], { matchBy: 'claim/constructor' })
    assert.deepEqual(groupsOf([inherited]), ['claimed'])
  })

  it('are not known of somebody whose address can’t be relied on, where the source goes by addresses', () => {
    const unverified = { ...ALICE, email: undefined, claims: { email: ['alice@example.com'] } }
    assert.equal(groupsOf([sourceOf([group('1')])], unverified), 'unknown')
    assert.deepEqual(
      groupsOf([sourceOf([group('1')], { matchBy: 'user_id' })], { ...unverified, userId: 'x' }),
      ['claimed'],
    )
  })

  it('that the token has too many of are what the directory says, if it knows the person', () => {
    const overage: Member = { ...ALICE, groups: 'unknown' }
    const bench = new Bench([sourceOf([group('1')])])
    const applied = bench.directory.apply(overage)
    assert.deepEqual(applied.groups, ['1'])
    // The claim itself is as unread as before: a rule on `claim/groups` must not take it for absent.
    assert.deepEqual(applied.claims['_claim_names/groups'], ['directory'])
    assert.equal(groupsOf([sourceOf([group('1')])], { ...overage, email: undefined }), 'unknown')
  })

  it('do not count a name that is the id of a group, of whatever source', () => {
    const admins = sourceOf([{ ...group('admins'), people: [] }], { provider: 'another' })
    const sources = [sourceOf([group('1', 'admins'), group('2', '2')]), admins]
    assert.deepEqual(groupsOf(sources), ['claimed', '1', '2'])
    assert.deepEqual(groupsOf([sourceOf([group('1', 'One')], { tellsNames: false })]), ['claimed', '1'])
  })

  it('are no affair of workloads', () => {
    const workload: Member = { ...ALICE, kind: 'workload' }
    assert.equal(new Bench([sourceOf([group('1')])]).directory.apply(workload), workload)
  })

  it('are unknown where two people could be meant', () => {
    const twins = Roster.of([PERSON, { ...PERSON, id: 'q' }], [])
    assert.equal(groupsOf([sourceOf([], { roster: twins })]), 'unknown')
  })

  it('are unknown in a number that nobody has', () => {
    assert.equal(groupsOf([sourceOf(many(0)), sourceOf(many(3000))]), 'unknown')
  })
})

describe('a session under a directory', () => {
  it('is one and the same object until its groups are others', () => {
    const source = sourceOf([group('1')])
    const { directory } = new Bench([source])
    const first = directory.apply(ALICE)
    assert.notEqual(first, ALICE)
    assert.equal(directory.apply(ALICE), first)
    directory.changed()
    assert.equal(directory.apply(ALICE), first)
    source.roster?.setGroup(group('2'))
    directory.changed()
    assert.deepEqual(directory.apply(ALICE).groups, ['claimed', '1', '2'])
  })

  it('is of somebody who has left when any source says so', () => {
    const left = Roster.of([{ ...PERSON, isActive: false }], [])
    assert.equal(
      new Bench([sourceOf([]), sourceOf([], { roster: left })]).directory.isDeactivated(ALICE),
      true,
    )
    assert.equal(new Bench([sourceOf([])]).directory.isDeactivated(ALICE), false)
    const bob = { ...ALICE, userId: 'bob-id', email: undefined }
    assert.equal(new Bench([sourceOf([], { roster: left })]).directory.isDeactivated(bob), false)
  })

  it('is of somebody who has left when their address is not vouched for, or is spelt in another way', () => {
    const people = [
      'mallory@example.com',
      'mallory@münchen.example',
      'trudy@xn--kln-sna.example',
      'müller@example.com',
      'max@maßanfertigung.de',
    ]
    const roster = Roster.of([...people.map(personOff), PERSON], [group('1')])
    const isOff = (member: Partial<Member>, matchBy = 'email') => {
      const { directory } = new Bench([sourceOf([], { roster, matchBy })])
      return directory.isDeactivated({ ...ALICE, userId: 'u', claims: {}, ...member })
    }
    const addresses = [
      ...people,
      'MALLORY@example.COM',
      'mallory@xn--mnchen-3ya.example',
      'mallory@mu\u0308nchen.example',
      'mallory@MÜNCHEN.example',
      'trudy@köln.example',
      'mu\u0308ller@example.com',
      'MÜLLER@example.com',
      'ｍallory@example.com',
      'max@xn--maanfertigung-cdb.de',
    ]
    for (const email of addresses) {
      assert.ok(isOff({ email }), email)
      assert.ok(isOff({ email: undefined, claims: { email: [email] } }), email)
    }
    const odd = [
      'mallory@example.com.',
      ' mallory@example.com ',
      '<mallory@example.com>',
      'mallory@example。com',
    ]
    for (const email of [...odd, 'mallory\u200b@example.com'])
      assert.ok(isOff({ email: undefined, claims: { email: [email] } }), email)
    const email = undefined
    assert.ok(isOff({ email, claims: { email: ['ok@example.com', 'mallory@example.com'] } }))
    assert.ok(isOff({ email, claims: { preferred_username: ['mallory@example.com'] } }))
    assert.ok(isOff({ email, userId: 'id of mallory@example.com' }))
    assert.ok(isOff({ email, claims: unreadMark('email') }), 'it may be anybody’s')
    assert.ok(isOff({ claims: unreadMark('oid') }, 'claim/oid'))
    assert.ok(isOff({ claims: { oid: ['x', 'id of mallory@example.com'] } }, 'claim/oid'))
    for (const fine of [
      { email },
      { email: 'else@example.com' },
      { email, claims: { email: ['else@example.com'] } },
    ])
      assert.equal(isOff(fine), false)
    const nobodyOff = sourceOf([], { roster: Roster.of([PERSON], []) })
    const unread = { ...ALICE, email, claims: unreadMark('email') }
    const { directory } = new Bench([nobodyOff])
    assert.deepEqual([directory.isDeactivated(unread), directory.apply(unread).groups], [false, 'unknown'])
  })

  it('gains no groups by an address that could be read as that of somebody', () => {
    for (const lookAlike of ['ａlice@example.com', '\u212Aim@example.com', 'ſam@example.com'])
      for (const plain of ['alice@example.com', 'kim@example.com', 'sam@example.com']) {
        const isOne = mailKey(lookAlike).key === plain
        assert.deepEqual(groupsBy(lookAlike, plain), isOne ? 'unknown' : ['claimed'])
        assert.deepEqual(groupsBy(plain, lookAlike), isOne ? 'unknown' : ['claimed'])
      }
    assert.deepEqual(groupsBy('a@MÜNCHEN.example', 'A@xn--mnchen-3ya.example'), ['claimed', '1'])
  })

  it('is of somebody who had left when a source was heard last, though it can not be read now', () => {
    const isOff = (person: Person, member = ALICE) =>
      new Bench([unheard(Roster.of([person], [group('1')]))]).directory.isDeactivated(member)
    assert.equal(isOff({ ...PERSON, isActive: false }), true)
    assert.equal(isOff(PERSON), false)
    const removed = { ...PERSON, leftAt: ALICE.issuedAt }
    assert.equal(isOff(removed), true)
    assert.equal(isOff(removed, { ...ALICE, issuedAt: ALICE.issuedAt + 1 }), false)
    assert.equal(isOff(removed, { ...ALICE, issuedAt: 0 }), true, 'a token of unknown age')
    // What it said of groups then is not what it would say now.
    const { directory } = new Bench([unheard(Roster.of([PERSON], [group('1')]))])
    const applied = directory.apply(ALICE)
    assert.deepEqual([applied.groups, applied.knownGroups], ['unknown', ['claimed']])
  })

  it('is of somebody who has left when all whom it may mean have', () => {
    const left = { ...PERSON, isActive: false }
    const twins = Roster.of([left, { ...left, id: 'q' }], [])
    const source = sourceOf([], { roster: twins, matchBy: 'user_id' })
    assert.equal(new Bench([source]).directory.isDeactivated(ALICE), true)
    const one = sourceOf([], { roster: Roster.of([left, { ...PERSON, id: 'q' }], []), matchBy: 'user_id' })
    assert.equal(groupsOf([one]), 'unknown')
  })

  it('has unknown groups as soon as a source is too old, and known ones again when it is read', () => {
    const live = { ...sourceOf([group('1')]), goodUntil: 1_000_100 as number | undefined }
    let isOld = false
    const source: LiveSource = Object.defineProperty(live, 'roster', {
      get: () => (isOld ? undefined : Roster.of([PERSON], [group('1')])),
    })
    const bench = new Bench([source])
    let changes = 0
    bench.directory.onChange(() => (changes += 1))
    bench.now = 1_000_099
    assert.deepEqual(bench.directory.apply(ALICE).groups, ['claimed', '1'])
    isOld = true
    bench.now = 1_000_100
    bench.pauses.pop()?.()
    assert.equal(bench.directory.apply(ALICE).groups, 'unknown')
    assert.equal(changes, 1)
    isOld = false
    live.goodUntil = 2_000_000
    bench.directory.changed()
    assert.deepEqual(bench.directory.apply(ALICE).groups, ['claimed', '1'])
  })
})

describe('changes of a directory', () => {
  it('are told at once, and then at most every tenth of a second', () => {
    const bench = new Bench()
    bench.pauses.pop()?.()
    let changes = 0
    const listening = bench.directory.onChange(() => (changes += 1))
    for (let change = 0; change < 1000; change++) bench.directory.changed()
    assert.equal(changes, 1)
    bench.pauses.pop()?.()
    assert.equal(changes, 2)
    bench.pauses.pop()?.()
    assert.equal(changes, 2)
    bench.directory.changed()
    assert.equal(changes, 3)
    listening[Symbol.dispose]()
    bench.pauses.pop()?.()
    bench.directory.changed()
    assert.equal(changes, 3)
  })
})
