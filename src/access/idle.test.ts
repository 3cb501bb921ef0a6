import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { makeServiceAccountToken } from '../edge/service-account-token.ts'
import {
  ALICE,
  type Ask,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  KEYS,
  MapStore,
  NOW,
  STAFF_ROUTE,
} from '../extauthz/authorizer.fixture.ts'
import { precisionFor } from './idle.ts'

const MINUTE = 60_000

function open(route: object, settings: object = {}) {
  const fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, ...route }], settings), {
    store: new MapStore(ALICE, BOB),
  })
  const ask = (more: Ask = {}) =>
    fixture.ask({
      ...more,
      headers: {
        cookie: cookieOf(ALICE),
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
        ...more.headers,
      },
    })
  return { fixture, ask, store: fixture.store }
}

describe('a session that nobody has used for long', () => {
  it('is none on a route that limits it, and the provider is to ask anew', async () => {
    for (const isLate of [false, true]) {
      const { ask, store } = open({ session_idle_timeout: '15m' })
      store.isLate = isLate
      store.idleTimes.set(ALICE.id, 15 * MINUTE - 1)
      assert.ok((await ask()).isAllowed)
      store.idleTimes.set(ALICE.id, 15 * MINUTE)
      const answer = await ask()
      assert.equal(answer.status, 302)
      assert.equal(new URL(answer.headers['location'] ?? '').searchParams.get('pomerium_max_age'), '900')
      assert.ok(store.sessions.has(ALICE.id), 'others may allow more')
    }
  })

  it('ends when the limit is global', async () => {
    const { ask, store, fixture } = open({}, { session_idle_timeout: '1h' })
    store.idleTimes.set(ALICE.id, 59 * MINUTE)
    assert.ok((await ask()).isAllowed)
    store.idleTimes.set(ALICE.id, 60 * MINUTE)
    assert.equal((await ask()).status, 302)
    await setImmediate()
    assert.ok(!store.sessions.has(ALICE.id))
    assert.ok(fixture.lines.some(({ msg }) => msg === 'session ended: nobody has used it'))
  })

  it('does not count either when it can’t be ended', async () => {
    const { ask, store } = open({}, { session_idle_timeout: '1h' })
    store.idleTimes.set(ALICE.id, 60 * MINUTE)
    Object.defineProperty(store, 'delete', {
      value: () => {
        throw new Error('disk full')
      },
    })
    assert.equal((await ask()).status, 302)
    await setImmediate()
  })

  it('is judged by the shorter of both limits', async () => {
    const { ask, store } = open({ session_idle_timeout: '15m' }, { session_idle_timeout: '1h' })
    store.idleTimes.set(ALICE.id, 20 * MINUTE)
    assert.equal((await ask()).status, 302)
    await setImmediate()
    assert.ok(store.sessions.has(ALICE.id))
  })

  it('fails the check when nobody can tell', async () => {
    const { ask, store } = open({ session_idle_timeout: '15m' })
    Object.defineProperty(store, 'idleTimeOf', {
      value: () => {
        throw new Error('disk failed')
      },
    })
    assert.equal((await ask()).status, 500)
  })
})

describe('what counts as use', () => {
  it('is a request that passed, whatever the route', async () => {
    const { ask, store, fixture } = open({})
    await ask()
    assert.equal(store.touched.get(ALICE.id), NOW)
    fixture.clock.now += 5
    await ask({ headers: { upgrade: 'websocket' } })
    assert.equal(store.touched.get(ALICE.id), NOW + 5)
  })

  it('is none that was refused, sent to sign in again, or came without a session', async () => {
    const { ask, store } = open({ max_age: '1s' })
    await ask()
    await ask({ headers: { cookie: cookieOf(BOB) } })
    await ask({ headers: { cookie: '' } })
    assert.equal(store.touched.size, 0)
  })

  it('is none of a machine', async () => {
    const { ask, store } = open({ allow_public_unauthenticated_access: true, policy: [] })
    await ask({
      headers: { cookie: '', authorization: `Pomerium ${makeServiceAccountToken('x', KEYS.serviceAccount)}` },
    })
    assert.equal(store.touched.size, 0)
  })

  it('is noted to a tenth of the shortest limit', () => {
    const routes = [STAFF_ROUTE, { ...STAFF_ROUTE, prefix: '/a', session_idle_timeout: '10m' }]
    assert.equal(precisionFor(configOf(routes)), MINUTE)
    assert.equal(precisionFor(configOf([STAFF_ROUTE], { session_idle_timeout: '20m' })), 2 * MINUTE)
    assert.equal(precisionFor(configOf([STAFF_ROUTE])), 5 * MINUTE)
  })
})
