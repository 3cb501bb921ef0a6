import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ALICE,
  authorizerFor,
  configOf,
  cookieOf,
  MapStore,
  STAFF_ROUTE,
} from '../extauthz/authorizer.fixture.ts'
import type { Session } from '../session/session.ts'

const CLAIMS = {
  department: ['sales'],
  'address/city': ['Ulm'],
  'address/street': ['Long Lane'],
  '_claim_names/roles': ['src1'],
  secretive: ['planted'],
}
const CAROL: Session = { ...ALICE, claims: CLAIMS, groups: ['staff', 'sales'] }

/** On the route of staff, and one whose policy asks for claims. */
function asked(settings: object = {}, session: Session = CAROL) {
  const other = {
    ...STAFF_ROUTE,
    from: 'https://claims.example.com',
    policy: { allow: { or: [{ 'claim/address/city': 'Ulm' }, { 'claim/roles': 'x' }] } },
  }
  return authorizerFor(configOf([STAFF_ROUTE, other], settings), { store: new MapStore(session) })
}
const carol = { headers: { cookie: cookieOf(CAROL) } }

describe('who a session was, in the decision log', () => {
  it('is told once, under the fingerprint that the lines of decisions have', async () => {
    using fixture = asked()
    await fixture.ask(carol)
    await fixture.ask(carol)
    const [{ time, ...subject } = assert.fail(), ...more] = fixture.subjects
    assert.equal(typeof time, 'string')
    assert.deepEqual(subject, {
      level: 'info',
      service: 'authorize',
      subject: fixture.lines[0]?.['subject'],
      'session-id': CAROL.id,
      'session-version': CAROL.version,
      kind: 'user',
      user: CAROL.userId,
      email: CAROL.email,
      name: CAROL.name,
      groups: ['staff', 'sales'],
      claims: { 'address/city': ['Ulm'], 'address/street': ['Long Lane'], '_claim_names/roles': ['src1'] },
      'claims-known': ['address', 'roles'],
      msg: 'authorize subject',
    })
    assert.deepEqual(more, [])
    assert.equal(fixture.lines[1]?.['subject'], fixture.lines[0]?.['subject'])
  })

  it('is told again after ten minutes, so that a log which was rotated knows it too', async () => {
    using fixture = asked()
    for (const minutes of [0, 9.9, 0.2, 0.1, 9.8]) {
      fixture.clock.now += minutes * 60_000
      await fixture.ask(carol)
    }
    assert.equal(fixture.subjects.length, 2)
  })

  it('is told anew when something about them changes, and has another fingerprint then', async () => {
    using fixture = asked()
    await fixture.ask(carol)
    fixture.store.put({ ...CAROL, groups: ['staff'], version: CAROL.version + 1 })
    await fixture.ask(carol)
    fixture.store.put({ ...CAROL, version: CAROL.version + 2 })
    await fixture.ask(carol)
    assert.deepEqual(
      fixture.subjects.map(({ groups }) => groups),
      [['staff', 'sales'], ['staff']],
    )
    const [first, second, third] = fixture.lines.map(({ subject }) => subject)
    assert.notEqual(first, second)
    assert.equal(first, third)
  })

  it('has all claims, or is not told at all, as the configuration wants', async () => {
    using all = asked({ decision_log_subjects: 'all' })
    await all.ask(carol)
    assert.deepEqual([all.subjects[0]?.['claims'], all.subjects[0]?.['claims-known']], [CLAIMS, 'all'])
    using none = asked({ decision_log_subjects: 'none' })
    await none.ask(carol)
    assert.deepEqual(none.subjects, [])
    assert.equal(none.lines[0]?.['subject'], undefined)
  })

  it('is not told of somebody who is not signed in', async () => {
    using fixture = asked()
    await fixture.ask()
    assert.deepEqual([fixture.subjects, fixture.lines[0]?.['subject']], [[], undefined])
  })

  it('has two thousand groups, and marks what was cut of more', async () => {
    const groups = Array.from({ length: 2001 }, (_, index) => `group-${index}`)
    using fixture = asked({}, { ...CAROL, groups: [...groups.slice(0, 1999), 'staff'] })
    await fixture.ask(carol)
    fixture.store.put({ ...CAROL, groups })
    await fixture.ask(carol)
    assert.deepEqual(
      fixture.subjects.map((line) => [(line['groups'] as string[]).length, line['groups-cut']]),
      [
        [2000, undefined],
        [2000, 2001],
      ],
    )
  })

  it('marks a claim that is too long for it, rather than telling a part', async () => {
    using fixture = asked(
      {},
      { ...CAROL, claims: { 'address/city': ['x'.repeat(5000)], 'address/zip': ['1'] } },
    )
    await fixture.ask(carol)
    assert.deepEqual(fixture.subjects[0]?.['claims'], { 'address/zip': ['1'] })
    assert.deepEqual(fixture.subjects[0]?.['claims-cut'], ['address'])
  })

  it('never has a token', async () => {
    using fixture = asked({ decision_log_subjects: 'all' })
    await fixture.ask(carol)
    const { accessToken, idToken, refreshToken } = CAROL.tokens
    const text = JSON.stringify(fixture.subjects)
    for (const token of [accessToken, idToken, refreshToken])
      assert.ok(token === undefined || !text.includes(token))
    assert.ok(!text.includes(cookieOf(CAROL).slice(20)))
  })
})
