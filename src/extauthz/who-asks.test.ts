import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ALICE,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  referenceOf,
  STAFF_ROUTE,
} from './authorizer.fixture.ts'

const staff = () => authorizerFor(configOf([{ ...STAFF_ROUTE, pass_identity_headers: true }]))
const alice = { headers: { cookie: cookieOf(ALICE) } }
const bob = { headers: { cookie: cookieOf(BOB) } }

describe('who is behind a request', () => {
  it('is nobody when the cookie was made for another host', async () => {
    using authorizer = staff()
    assert.equal(
      (await authorizer.ask({ headers: { cookie: cookieOf(ALICE, 'other.example.com') } })).status,
      302,
    )
  })

  it('is found on any spelling of the host', async () => {
    using authorizer = staff()
    for (const host of ['APP.Example.COM', 'app.example.com.', 'app.example.com:443', 'app.example.com:8443'])
      assert.ok((await authorizer.ask({ ...alice, host })).isAllowed, host)
  })

  it('is found by a cookie of the cookie domain', async () => {
    using authorizer = authorizerFor(configOf([STAFF_ROUTE], { cookie_domain: 'example.com' }))
    assert.ok((await authorizer.ask({ headers: { cookie: cookieOf(ALICE, 'example.com') } })).isAllowed)
    assert.equal((await authorizer.ask(alice)).status, 302)
  })

  it('is found in spite of broken cookies of the same name', async () => {
    using authorizer = staff()
    const cookie = `__Host-_pomerium=broken; ${cookieOf(ALICE)}; __Host-_pomerium=; ${cookieOf(ALICE, 'example.com')}`
    assert.ok((await authorizer.ask({ headers: { cookie } })).isAllowed)
  })

  it('is refused when two cookies name two people, whatever their order', async () => {
    using authorizer = staff()
    for (const cookie of [`${cookieOf(ALICE)}; ${cookieOf(BOB)}`, `${cookieOf(BOB)}; ${cookieOf(ALICE)}`])
      assert.equal((await authorizer.ask({ headers: { cookie } })).status, 400)
  })

  it('is refused when cookie and header name two people', async () => {
    using authorizer = staff()
    const headers = { cookie: cookieOf(ALICE), 'x-pomerium-authorization': referenceOf(BOB) }
    assert.equal((await authorizer.ask({ headers })).status, 400)
  })

  it('is found when the other of two cookies names a session that has ended', async () => {
    using authorizer = staff()
    authorizer.store.delete(BOB.id)
    assert.ok(
      (await authorizer.ask({ headers: { cookie: `${cookieOf(BOB)}; ${cookieOf(ALICE)}` } })).isAllowed,
    )
  })

  it('is found in cookie lines that are listed one by one, and not behind a comma, where a neighbour can put one', async () => {
    using authorizer = staff()
    const joined = await authorizer.ask({ headers: { cookie: `a=1,${cookieOf(ALICE)},b=2` } })
    assert.equal(joined.status, 302)
    const listed = await authorizer.ask({
      rawHeaders: [
        ['cookie', 'a=1'],
        ['cookie', cookieOf(ALICE)],
        ['cookie', 'b=2'],
      ],
    })
    assert.deepEqual([listed.isAllowed, listed.headers['cookie']], [true, 'a=1; b=2'])
  })

  it('is found by a store that answers later', async () => {
    using authorizer = staff()
    authorizer.store.isLate = true
    assert.ok((await authorizer.ask(alice)).isAllowed)
    assert.equal((await authorizer.ask(bob)).status, 403)
    assert.equal(
      (await authorizer.ask({ headers: { cookie: `${cookieOf(ALICE)}; ${cookieOf(BOB)}` } })).status,
      400,
    )
  })
})

const inside = (settings: object) =>
  authorizerFor(
    configOf(
      [
        {
          from: 'https://app.example.com',
          to: 'http://127.0.0.1:1',
          policy: { allow: { and: [{ source_ip: '203.0.113.0/24' }] } },
        },
      ],
      settings,
    ),
  )

describe('the source address that policies see', () => {
  it('is the peer, whatever X-Forwarded-For says', async () => {
    using authorizer = inside({})
    assert.equal((await authorizer.ask({ headers: { 'x-forwarded-for': '203.0.113.9' } })).status, 403)
    assert.ok((await authorizer.ask({ sourceAddress: '203.0.113.9' })).isAllowed)
  })
  it('is counted from the end of X-Forwarded-For behind trusted proxies, as Envoy counts', async () => {
    using authorizer = inside({ xff_num_trusted_hops: 1 })
    const from = async (forwarded: string) =>
      (await authorizer.ask({ headers: { 'x-forwarded-for': forwarded } })).isAllowed
    assert.ok(await from('203.0.113.9,192.0.2.7'))
    assert.ok(!(await from('203.0.113.9, 198.51.100.1,192.0.2.7')))
    assert.ok(!(await from('203.0.113.9')))
    assert.ok(!(await from('unknown,192.0.2.7')))
    assert.ok(await from('203.0.113.9:4711,192.0.2.7'))
  })
})
