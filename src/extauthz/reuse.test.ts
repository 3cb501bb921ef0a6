import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { policyOf } from '../policy/compiled-policies.ts'
import {
  ALICE,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  NOW,
  SIGNING_KEYS,
  STAFF_ROUTE,
} from './authorizer.fixture.ts'
import { RouteTable } from './routes.ts'
import { Visitors } from './visitors.ts'

const route = { ...STAFF_ROUTE, pass_identity_headers: true }
const alice = { headers: { cookie: cookieOf(ALICE) } }

/** An authorizer that counts its signatures. */
function counting(routes: readonly object[] = [route], settings: object = {}) {
  const signed: object[] = []
  const signingKeys = {
    ...SIGNING_KEYS,
    sign: (claims: object) => {
      signed.push(claims)
      return `signature-${signed.length}`
    },
  }
  return Object.assign(authorizerFor(configOf(routes, settings), { ports: { signingKeys } }), { signed })
}

describe('reusing an allowed answer', () => {
  it('sends the very bytes of last time', async () => {
    using fixture = counting()
    assert.equal(await fixture.bytes(alice), await fixture.bytes(alice))
    assert.equal(fixture.signed.length, 1)
  })

  it('mints a new assertion before the old one is a minute old, also when the clock goes back', async () => {
    using fixture = counting()
    await fixture.bytes(alice)
    fixture.clock.now += 59_999
    await fixture.bytes(alice)
    assert.equal(fixture.signed.length, 1)
    fixture.clock.now += 1
    await fixture.bytes(alice)
    assert.equal(fixture.signed.length, 2)
    fixture.clock.now -= 30_000
    await fixture.bytes(alice)
    assert.equal(fixture.signed.length, 3)
  })

  it('does not make an old assertion young by putting it into a new answer', async () => {
    using fixture = counting()
    await fixture.bytes(alice)
    fixture.clock.now += 50_000
    await fixture.bytes({ headers: { cookie: `${cookieOf(ALICE)}; other=1` } })
    assert.equal(fixture.signed.length, 1)
    fixture.clock.now += 20_000
    await fixture.bytes({ headers: { cookie: `${cookieOf(ALICE)}; other=1` } })
    assert.equal(fixture.signed.length, 2)
  })

  it('shares one assertion among answers that differ in other cookies, not among hosts or routes', async () => {
    using fixture = counting([
      { ...route, from: 'https://*.example.com' },
      { ...route, prefix: '/b' },
    ])
    const other = fixture.config.routes[1]?.id ?? ''
    const headers = { cookie: `${cookieOf(ALICE)}; ${cookieOf(ALICE, 'two.example.com')}` }
    for (const n of [1, 2, 3]) await fixture.bytes({ headers: { cookie: `${headers.cookie}; n=${n}` } })
    assert.equal(fixture.signed.length, 1)
    await fixture.bytes({ headers, host: 'two.example.com' })
    assert.equal(fixture.signed.length, 2)
    await fixture.bytes({ headers, routeId: other })
    assert.equal(fixture.signed.length, 3)
  })

  it('never serves a session past its end', async () => {
    using fixture = counting()
    await fixture.bytes(alice)
    fixture.clock.now = ALICE.expiresAt - 1
    assert.ok((await fixture.ask(alice)).isAllowed)
    fixture.clock.now = ALICE.expiresAt
    assert.equal((await fixture.ask(alice)).status, 302)
  })

  it('ends with the session, whether the store tells or not', async () => {
    using fixture = counting()
    assert.ok((await fixture.ask(alice)).isAllowed)
    fixture.store.sessions.delete(ALICE.id)
    assert.equal((await fixture.ask(alice)).status, 302)
    fixture.store.put(ALICE)
    assert.ok((await fixture.ask(alice)).isAllowed)
    fixture.store.delete(ALICE.id)
    assert.equal((await fixture.ask(alice)).status, 302)
  })

  it('ends with a new version of the session, whether the store tells or not', async () => {
    using fixture = counting([{ ...route, set_request_headers: { 'X-Token': '$pomerium.access_token' } }])
    const token = async () => (await fixture.ask(alice)).headers['x-token']
    assert.equal(await token(), 'planted-access-token')
    const renewed = { ...ALICE, version: 2, tokens: { ...ALICE.tokens, accessToken: 'renewed' } }
    fixture.store.sessions.set(ALICE.id, renewed)
    assert.equal(await token(), 'renewed')
    assert.equal(fixture.signed.length, 2)
    fixture.store.put({ ...renewed, version: 3, groups: ['guests'] })
    assert.equal((await fixture.ask(alice)).status, 403)
  })

  it('ends with the generation of the configuration', async () => {
    using fixture = counting()
    await fixture.bytes(alice)
    fixture.change(configOf([{ ...route, set_request_headers: { 'X-New': '1' } }]))
    assert.equal((await fixture.ask(alice)).headers['x-new'], '1')
    fixture.change(configOf([route], { cookie_name: 'other' }))
    assert.equal((await fixture.ask(alice)).status, 302)
    const renamed = cookieOf(ALICE).replace('_pomerium', 'other')
    assert.equal((await fixture.ask({ headers: { cookie: renamed } })).status, 302, 'the name is part of it')
  })

  it('asks the policy each time', async () => {
    using fixture = counting([
      { ...route, policy: [{ allow: { and: [{ http_path: { starts_with: '/open' } }] } }] },
    ])
    assert.ok((await fixture.ask({ ...alice, path: '/open' })).isAllowed)
    assert.equal((await fixture.ask({ ...alice, path: '/shut' })).status, 403)
    assert.ok((await fixture.ask({ ...alice, path: '/open?x' })).isAllowed)
  })

  it('does not outlive a window of time that the policy sets, to the millisecond', async () => {
    const until = new Date(NOW + 30_000).toISOString()
    using fixture = counting([{ ...route, policy: [{ allow: { and: [{ date: { before: until } }] } }] }])
    fixture.clock.now = NOW + 29_999
    assert.equal((await fixture.ask(alice)).isAllowed, true)
    fixture.clock.now = NOW + 30_000
    assert.equal((await fixture.ask(alice)).isAllowed, false)
    fixture.clock.now = NOW + 29_999
    assert.equal((await fixture.ask(alice)).isAllowed, true)
  })

  it('tells requests apart by every header that a template copies', async () => {
    using fixture = counting([
      { ...route, set_request_headers: { 'X-Copy': '$pomerium.request.headers["X-In"]' } },
    ])
    for (const value of ['one', 'two', 'one'])
      assert.equal(
        (await fixture.ask({ headers: { ...alice.headers, 'x-in': value } })).headers['x-copy'],
        value,
      )
    assert.equal((await fixture.ask(alice)).headers['x-copy'], '')
  })

  it('tells requests apart by cookies, references and forged headers', async () => {
    using fixture = counting()
    assert.equal(
      (await fixture.ask({ headers: { cookie: `${cookieOf(ALICE)}; a=1` } })).headers['cookie'],
      'a=1',
    )
    assert.equal(
      (await fixture.ask({ headers: { cookie: `${cookieOf(ALICE)}; a=2` } })).headers['cookie'],
      'a=2',
    )
    const forged = await fixture.ask({ headers: { ...alice.headers, 'x-pomerium-claim-a': '1' } })
    assert.ok(forged.removed.includes('x-pomerium-claim-a'))
    assert.ok(!(await fixture.ask(alice)).removed.includes('x-pomerium-claim-a'))
    assert.equal((await fixture.ask({ headers: { cookie: cookieOf(BOB) } })).status, 403)
  })

  it('takes off the header that the reference came in, whichever it was before', async () => {
    const reference = cookieOf(ALICE).replace(/^[^=]*=/, '')
    const direct = { 'x-pomerium-authorization': reference, authorization: 'Basic of-the-app' }
    for (const authorization of [`Pomerium ${reference}`, `Bearer Pomerium-${reference}`]) {
      for (const order of [
        [direct, { authorization }, direct],
        [{ authorization }, direct, { authorization }],
      ]) {
        using fixture = counting()
        for (const headers of order) {
          const answer = await fixture.ask({ headers })
          assert.ok(answer.isAllowed)
          assert.ok(answer.removed.includes('x-pomerium-authorization'))
          assert.equal(answer.removed.includes('authorization'), headers.authorization === authorization)
        }
      }
    }
  })

  it('keeps nothing of an empty or worthless reference that would turn others away', async () => {
    using fixture = counting()
    const navigation = { headers: { 'sec-fetch-mode': 'navigate', accept: 'text/html' } }
    for (const worthless of [
      { 'x-pomerium-authorization': '' },
      { 'x-pomerium-authorization': 'nonsense' },
      { authorization: 'Bearer Pomerium-' },
    ]) {
      const refused = await fixture.ask({ headers: { ...navigation.headers, ...worthless } })
      assert.equal(refused.status, 401)
      assert.equal((await fixture.ask(navigation)).status, 302)
    }
  })

  it('does not mistake one host’s answer for another’s', async () => {
    using fixture = counting([{ ...route, from: 'https://*.example.com' }])
    assert.ok((await fixture.ask(alice)).isAllowed)
    assert.equal((await fixture.ask({ ...alice, host: 'two.example.com' })).status, 302)
  })
})

const visitor = (sessionIds: readonly string[], rest?: string) => ({
  sessionIds,
  serviceAccountIds: [],
  hasForgedToken: false,
  cookies: { sessions: new Map(), flow: undefined, rest, isChanged: false },
  answers: new Map(),
  isKept: false,
})

const answer = {
  bytes: Buffer.alloc(0),
  removedGroups: 0,
  identityBytes: 0,
  madeAt: 0,
  goodUntil: Infinity,
  tokenBytes: 0,
  sessionId: '',
  sessionVersion: 0,
  isAuthorizationOurs: false,
  variant: '',
}

describe('the memory of visitors', () => {
  it('holds a bounded number', () => {
    const visitors = new Visitors()
    for (let n = 0; n < 10_010; n++) visitors.remember(`visitor ${n}`, visitor(['s']), true)
    assert.equal(visitors.size, 10_000)
    assert.equal(visitors.find('visitor 0'), undefined)
  })

  it('is not filled by strangers or by long cookies', () => {
    const visitors = new Visitors()
    visitors.remember('stranger', visitor([], 'anything=1'), true)
    visitors.remember('x'.repeat(4097), visitor(['s']), true)
    assert.equal(visitors.size, 0)
    visitors.remember('nothing at all', visitor([]), false)
    assert.equal(visitors.size, 1)
  })

  it('keeps no answers for whom it does not remember', () => {
    const visitors = new Visitors()
    const compiled = new RouteTable(configOf([route]), {
      policyOf,
      idpIdsFor: () => [],
      now: () => 0,
    })
    const routeId = configOf([route]).routes[0]?.id ?? ''
    const found = compiled.find(routeId)
    assert.ok(found !== undefined)
    const [stranger, known] = [visitor([], 'anything=1'), visitor(['s'])]
    visitors.remember('stranger', stranger, true)
    visitors.remember('known', known, true)
    for (const each of [stranger, known, known]) visitors.keepAnswer(each, found, answer)
    assert.deepEqual([visitors.answerCount, stranger.answers.size], [1, 0])
    visitors.forgetSession('s')
    visitors.keepAnswer(known, found, answer)
    assert.deepEqual([visitors.answerCount, known.answers.size], [0, 0])
  })

  it('holds a bounded number of answers', () => {
    const visitors = new Visitors()
    const config = configOf([1, 2, 3].map((n) => ({ ...route, from: `https://app${n}.example.com` })))
    const table = new RouteTable(config, { policyOf, idpIdsFor: () => [], now: () => 0 })
    const routes = config.routes.flatMap(({ id }) => table.find(id) ?? [])
    for (let n = 0; n < 8000; n++) {
      const each = visitor(['s'])
      visitors.remember(`visitor ${n}`, each, true)
      for (const one of routes) visitors.keepAnswer(each, one, answer)
    }
    assert.ok(visitors.answerCount <= 20_000 && visitors.answerCount > 19_990, String(visitors.answerCount))
    assert.equal(visitors.find('visitor 0'), undefined)
    assert.ok(visitors.find('visitor 7999'))
  })

  it('forgets whoever had a session', () => {
    const visitors = new Visitors()
    visitors.remember('a', visitor(['one']), true)
    visitors.remember('b', visitor(['one', 'two']), true)
    visitors.remember('c', visitor(['three']), true)
    visitors.forgetSession('one')
    assert.deepEqual([visitors.size, visitors.find('c')?.sessionIds], [1, ['three']])
  })
})
