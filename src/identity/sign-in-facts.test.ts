import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { signInFactsOf } from './sign-in-facts.ts'

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

  it('is nothing where the provider does not say, or says what can not be read', () => {
    for (const claims of [{}, { auth_time: String(seconds) }, { auth_time: null }, { auth_time: Number.NaN }])
      assert.deepEqual(signInFactsOf({ iat: seconds, acr: '', ...claims }, NOW), {})
    assert.deepEqual(signInFactsOf({ iat: seconds, acr: ['phr'] }, NOW), {})
  })
})
