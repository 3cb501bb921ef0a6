import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Session } from '../session/session.ts'
import { ALICE, type Answer, authorizerFor, configOf, NOW, STAFF_ROUTE } from './authorizer.fixture.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** What a token of the identity provider makes of its bearer. */
const person: Session & { kind: 'user' } = {
  ...ALICE,
  kind: 'user',
  id: 'token-of-alice',
  issuedAt: NOW - 10 * MINUTE,
  authenticatedAt: NOW - HOUR,
  acr: 'phr',
  expiresAt: NOW + HOUR,
}
const UNKNOWN = { issuedAt: 0, authenticatedAt: 0, acr: undefined }

function open(route: object, session: object = {}, settings: object = {}) {
  const bearer = { session: () => ({ ...person, ...session }) }
  return authorizerFor(
    configOf([{ ...STAFF_ROUTE, bearer_token_format: 'idp_access_token', ...route }], settings),
    { ports: { bearer } },
  )
}

async function answerTo(...[route, session, settings]: Parameters<typeof open>): Promise<Answer> {
  using fixture = open(route, session, settings)
  return await fixture.ask({
    headers: { authorization: 'Bearer token', accept: 'text/html', 'sec-fetch-mode': 'navigate' },
  })
}

describe('a person’s token', () => {
  const CASES: readonly (readonly [
    what: string,
    route: object,
    session: object,
    expected: string | undefined,
  ])[] = [
    ['a sign-in that is recent enough', { max_age: '61m' }, {}, undefined],
    ['a sign-in of long ago', { max_age: '60m' }, {}, 'insufficient_user_authentication'],
    [
      'a token of an old sign-in',
      { max_age: '5m' },
      { authenticatedAt: NOW },
      'insufficient_user_authentication',
    ],
    ['a sign-in of unknown age', { max_age: '1000h' }, UNKNOWN, 'insufficient_user_authentication'],
    [
      'an age that only the token has',
      { max_age: '1000h' },
      { authenticatedAt: 0 },
      'insufficient_user_authentication',
    ],
    ['a sign-in that is strong enough', { acr_values: ['phr'] }, {}, undefined],
    ['a weak sign-in', { acr_values: ['phrh'] }, {}, 'insufficient_user_authentication'],
    ['a sign-in of unknown strength', { acr_values: ['phr'] }, UNKNOWN, 'insufficient_user_authentication'],
    ['an age within the lifetime', { session_lifetime: '11m' }, {}, undefined],
    ['an age beyond the lifetime', { session_lifetime: '10m' }, {}, 'invalid_token'],
    ['an unknown age', { session_lifetime: '13h' }, UNKNOWN, 'invalid_token'],
    ['an age within the idle timeout', { session_idle_timeout: '11m' }, {}, undefined],
    ['an age beyond the idle timeout', { session_idle_timeout: '10m' }, {}, 'invalid_token'],
    ['an unknown age beside an idle timeout', { session_idle_timeout: '13h' }, UNKNOWN, 'invalid_token'],
    ['its end', {}, { expiresAt: NOW }, 'invalid_token'],
    ['an unknown age where no route asks for one', {}, UNKNOWN, undefined],
  ]
  for (const [what, route, session, error] of CASES)
    it(`with ${what} on a route with ${JSON.stringify(route)} is ${error ?? 'good'}`, async () => {
      const answer = await answerTo(route, session)
      assert.equal(answer.status, error === undefined ? 0 : 401)
      assert.equal(answer.headers['location'], undefined)
      const challenge = answer.headers['www-authenticate'] ?? ''
      assert.equal(/error="([^"]*)"/.exec(challenge)?.[1], error)
      if (error === 'insufficient_user_authentication') assert.match(challenge, /max_age="|acr_values="/)
    })

  it('is held to the idle timeout of all routes too', async () => {
    assert.equal((await answerTo({}, {}, { session_idle_timeout: '10m' })).status, 401)
    assert.ok((await answerTo({}, {}, { session_idle_timeout: '11m' })).isAllowed)
  })
})

describe('a workload', () => {
  it('has neither lifetime nor idle time: its token says when it ends', async () => {
    for (const route of [{ session_lifetime: '1m' }, { session_idle_timeout: '1m' }])
      assert.ok((await answerTo(route, { kind: 'workload', ...UNKNOWN })).isAllowed)
    assert.equal((await answerTo({}, { kind: 'workload', expiresAt: NOW })).status, 401)
  })
})
