import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accessTokenFacts, idTokenFacts, LONG_AGO, signInFactsOf, timeOf } from './sign-in-facts.ts'

const NOW = Date.UTC(2026, 8, 1, 12)
const seconds = NOW / 1000

describe('what an ID token says of the sign-in', () => {
  it('is its age by the provider’s own clock, which may differ from ours', () => {
    for (const skew of [-50, 0, 50]) {
      const iat = seconds + skew
      assert.deepEqual(signInFactsOf({ iat, auth_time: iat - 600, acr: 'phr' }, NOW), {
        authenticatedAt: NOW - 600_000,
        acr: 'phr',
      })
    }
  })

  it('is never in the future', () => {
    assert.equal(signInFactsOf({ iat: seconds, auth_time: seconds + 9 }, NOW).authenticatedAt, NOW)
  })

  it('is nothing where the provider does not say', () => {
    for (const claims of [{}, { auth_time: null }])
      assert.deepEqual(signInFactsOf({ iat: seconds, acr: '', ...claims }, NOW), {})
    assert.deepEqual(signInFactsOf({ iat: seconds, acr: ['phr'] }, NOW), {})
  })

  it('is too old for anything where the provider says what can not be', () => {
    for (const auth_time of NO_TIMES)
      assert.equal(
        signInFactsOf({ iat: seconds, auth_time }, NOW).authenticatedAt,
        LONG_AGO,
        String(auth_time),
      )
    for (const iat of [undefined, String(seconds), {}])
      assert.equal(signInFactsOf({ iat, auth_time: seconds }, NOW).authenticatedAt, LONG_AGO)
  })
})

/** Milliseconds, the future, texts, and what is no number at all. */
const NO_TIMES: readonly unknown[] = [
  NOW,
  seconds + 61,
  String(seconds),
  new Date(NOW).toISOString(),
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -seconds,
  [seconds],
  { seconds },
  true,
  0,
]

describe('the times of a token that a client brings', () => {
  it('are those that it says, whenever it is seen first', () => {
    const claims = { iat: seconds - 600, auth_time: seconds - 7200, acr: 'phr' }
    const facts = { issuedAt: NOW - 600_000, authenticatedAt: NOW - 7_200_000, acr: 'phr' }
    assert.deepEqual(idTokenFacts(claims, NOW), facts)
    assert.deepEqual(accessTokenFacts(claims, NOW), facts)
    const later = NOW + 3_600_000
    assert.deepEqual(idTokenFacts(claims, later), facts)
    assert.deepEqual(accessTokenFacts(claims, later), facts)
  })

  it('are of an ID token those of its issue, if it does not say when the sign-in was', () => {
    for (const auth_time of [undefined, null])
      assert.equal(idTokenFacts({ iat: seconds - 60, auth_time }, NOW).authenticatedAt, NOW - 60_000)
  })

  it('are of an access token unknown: it may be issued without a sign-in', () => {
    assert.deepEqual(accessTokenFacts({ iat: seconds - 60 }, NOW), {
      issuedAt: NOW - 60_000,
      authenticatedAt: LONG_AGO,
    })
    assert.deepEqual(accessTokenFacts({}, NOW), { issuedAt: LONG_AGO, authenticatedAt: LONG_AGO })
  })

  it('are unknown, which is too old, where they can not be', () => {
    for (const time of NO_TIMES) {
      assert.equal(timeOf(time, NOW), LONG_AGO, JSON.stringify(time))
      const { authenticatedAt } = idTokenFacts({ iat: seconds, auth_time: time }, NOW)
      assert.equal(authenticatedAt, LONG_AGO, JSON.stringify(time))
      assert.equal(accessTokenFacts({ iat: time, auth_time: seconds }, NOW).authenticatedAt, LONG_AGO)
    }
  })

  it('are not later than now, nor is a sign-in later than the token', () => {
    assert.equal(timeOf(seconds + 30, NOW), NOW)
    assert.equal(idTokenFacts({ iat: seconds - 60, auth_time: seconds }, NOW).authenticatedAt, NOW - 60_000)
  })
})
