import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { makeServiceAccountToken } from '../edge/service-account-token.ts'
import {
  ALICE,
  type Ask,
  authorizerFor,
  configOf,
  cookieOf,
  KEYS,
  NOW,
  objectOf,
  referenceOf,
} from '../extauthz/authorizer.fixture.ts'
import { type ServiceAccountValue, serviceAccountOf } from './credentials/service-account/service-account.ts'
import type { ServiceAccountSource } from './ports.ts'

const ID = 'robot-account-00000000'
const OTHER_ID = 'other-account-00000000'
const TOKEN = makeServiceAccountToken(ID, KEYS.serviceAccount)
const CI_ROUTE = {
  from: 'https://app.example.com',
  name: 'app',
  to: 'http://127.0.0.1:1',
  policy: [{ allow: { and: [{ groups: { has: 'ci' } }] } }],
  pass_identity_headers: true,
}
const PUBLIC_ROUTE = { ...CI_ROUTE, policy: undefined, allow_public_unauthenticated_access: true }

function accountsOf(values: Readonly<Record<string, Partial<ServiceAccountValue>>>) {
  const listeners = new Set<(id: string) => void>()
  let version = 1
  const make = (id: string, more: Partial<ServiceAccountValue>) =>
    serviceAccountOf({
      collection: 'service-account',
      id,
      value: {
        name: id,
        userId: `service-account/${id}`,
        groups: ['ci'],
        claims: {},
        createdAt: NOW - 1000,
        ...more,
      },
      version: version++,
      changedAt: NOW,
    })
  const accounts = new Map(Object.entries(values).map(([id, more]) => [id, make(id, more)]))
  const source: ServiceAccountSource = {
    find: (id) => accounts.get(id),
    noteUse: () => undefined,
    onChange(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => listeners.delete(listener) }
    },
  }
  return {
    source,
    revoke: (id: string) => {
      accounts.delete(id)
      for (const listener of listeners) listener(id)
    },
  }
}

const fixtureFor = (
  route: object = CI_ROUTE,
  values: Readonly<Record<string, Partial<ServiceAccountValue>>> = { [ID]: {}, [OTHER_ID]: {} },
) => {
  const { source, revoke } = accountsOf(values)
  const fixture = authorizerFor(configOf([route]), { ports: { serviceAccounts: source } })
  return Object.assign(fixture, { revoke })
}

const WAYS: Readonly<Record<string, (token: string) => Record<string, string>>> = {
  'X-Pomerium-Authorization': (token) => ({ 'x-pomerium-authorization': token }),
  'Authorization: Pomerium': (token) => ({ authorization: `Pomerium ${token}` }),
  'Authorization: Bearer Pomerium-': (token) => ({ authorization: `Bearer Pomerium-${token}` }),
}
/** Of what would make a browser be sent to the sign-in page. */
const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }

describe('a service account', () => {
  for (const [way, headersOf] of Object.entries(WAYS)) {
    it(`is known by its token in ${way}, and the upstream gets its identity but never the token`, async () => {
      using fixture = fixtureFor()
      const answer = await fixture.ask({ headers: headersOf(TOKEN) })
      assert.ok(answer.isAllowed)
      const [, payload = ''] = (answer.headers['x-pomerium-jwt-assertion'] ?? '').split('.')
      const claims = objectOf(Buffer.from(payload, 'base64url').toString())
      assert.deepEqual(
        [claims['sub'], claims['sid'], claims['groups']],
        [`service-account/${ID}`, ID, ['ci']],
      )
      for (const name of Object.keys(headersOf(TOKEN))) assert.ok(answer.removed.includes(name), name)
      const line = fixture.lines.at(-1) ?? {}
      assert.deepEqual(
        [line['service-account-id'], line['session-id'], line['user']],
        [ID, undefined, `service-account/${ID}`],
      )
    })
  }

  it('is nobody by a cookie or a query: those travel without anybody meaning it', async () => {
    using fixture = fixtureFor()
    const asks: readonly Ask[] = [
      { headers: { cookie: `__Host-_pomerium=${TOKEN}` } },
      { path: `/?token=${TOKEN}&access_token=${TOKEN}&pomerium_jwt=${TOKEN}` },
      { headers: { authorization: `Bearer ${TOKEN}` } },
      { headers: { authorization: `Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}` } },
    ]
    for (const ask of asks)
      assert.ok([302, 401].includes((await fixture.ask(ask)).status), JSON.stringify(ask))
  })

  it('is told what is wrong with its token in 401, and never redirected, however much it looks like a browser', async () => {
    using fixture = fixtureFor(CI_ROUTE, { [ID]: { expiresAt: NOW } })
    const bad: readonly (readonly [token: string, why: RegExp])[] = [
      [TOKEN, /has expired/],
      [makeServiceAccountToken(OTHER_ID, KEYS.serviceAccount), /was revoked/],
      [makeServiceAccountToken(ID, randomBytes(32)), /not one of ours/],
      [`${TOKEN.slice(0, -1)}~`, /not one of ours/],
      ['sa1.', /not one of ours/],
    ]
    for (const [token, why] of bad)
      for (const headersOf of Object.values(WAYS)) {
        const answer = await fixture.ask({ headers: { ...NAVIGATION, ...headersOf(token) } })
        assert.equal(answer.status, 401)
        assert.match(answer.body, why)
        assert.equal(
          answer.headers['www-authenticate'],
          'Bearer realm="app.example.com", error="invalid_token"',
        )
      }
  })

  it('is refused with a dead token on a public route too', async () => {
    using fixture = fixtureFor(PUBLIC_ROUTE, {})
    assert.equal((await fixture.ask({ headers: { authorization: `Pomerium ${TOKEN}` } })).status, 401)
    assert.ok((await fixture.ask()).isAllowed)
  })

  it('ends at the instant of its expiry', async () => {
    using fixture = fixtureFor(CI_ROUTE, { [ID]: { expiresAt: NOW + 1000 } })
    const ask = { headers: { authorization: `Pomerium ${TOKEN}` } }
    fixture.clock.now = NOW + 999
    assert.ok((await fixture.ask(ask)).isAllowed)
    fixture.clock.now = NOW + 1000
    assert.equal((await fixture.ask(ask)).status, 401)
  })

  it('ends when it is revoked, though its answer was ready to be given again', async () => {
    using fixture = fixtureFor()
    const ask = { headers: { authorization: `Pomerium ${TOKEN}` } }
    assert.ok((await fixture.ask(ask)).isAllowed)
    assert.ok((await fixture.ask(ask)).isAllowed)
    fixture.revoke(ID)
    assert.equal((await fixture.ask(ask)).status, 401)
  })

  it('that is tied to one route is refused on another, and the log names it', async () => {
    using fixture = fixtureFor(CI_ROUTE, { [ID]: { routes: ['wiki'] }, [OTHER_ID]: { routes: ['app'] } })
    const refused = await fixture.ask({ headers: { authorization: `Pomerium ${TOKEN}` } })
    assert.equal(refused.status, 403)
    assert.match(refused.headers['www-authenticate'] ?? '', /error="insufficient_scope"/)
    assert.equal(fixture.lines.at(-1)?.['service-account-id'], ID)
    const other = makeServiceAccountToken(OTHER_ID, KEYS.serviceAccount)
    assert.ok((await fixture.ask({ headers: { authorization: `Pomerium ${other}` } })).isAllowed)
  })

  it('together with a person, or with another account, is two identities', async () => {
    using fixture = fixtureFor()
    const other = makeServiceAccountToken(OTHER_ID, KEYS.serviceAccount)
    const both: readonly Record<string, string>[] = [
      { authorization: `Pomerium ${TOKEN}`, cookie: cookieOf(ALICE) },
      { authorization: `Pomerium ${TOKEN}`, 'x-pomerium-authorization': referenceOf(ALICE) },
      { authorization: `Pomerium ${TOKEN}`, 'x-pomerium-authorization': other },
      { authorization: `Pomerium ${TOKEN}, Pomerium ${other}` },
      { authorization: `Pomerium ${TOKEN}, Bearer foreign` },
    ]
    for (const headers of both) assert.equal((await fixture.ask({ headers })).status, 400)
    const same = { authorization: `Pomerium ${TOKEN}`, 'x-pomerium-authorization': TOKEN }
    assert.ok((await fixture.ask({ headers: same })).isAllowed, 'the same one twice is one')
  })

  it('is judged by the policy as everybody is', async () => {
    using fixture = fixtureFor(CI_ROUTE, { [ID]: { groups: ['guests'] } })
    const answer = await fixture.ask({ headers: { ...NAVIGATION, authorization: `Pomerium ${TOKEN}` } })
    assert.equal(answer.status, 403)
  })

  it('may act in the place of a person', async () => {
    using fixture = fixtureFor(
      { ...CI_ROUTE, policy: undefined, allowed_users: ['idp/alice'] },
      { [ID]: { userId: 'idp/alice', groups: [] } },
    )
    assert.ok((await fixture.ask({ headers: { authorization: `Pomerium ${TOKEN}` } })).isAllowed)
  })

  it('is unknown where no accounts are kept', async () => {
    using fixture = authorizerFor(configOf([CI_ROUTE]))
    assert.equal((await fixture.ask({ headers: { authorization: `Pomerium ${TOKEN}` } })).status, 401)
  })
})
