import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SessionTokens } from '../session.ts'
import { refreshDueAt } from './refresh-due.ts'

const NOW = 1_000_000
const tokens: SessionTokens = {
  accessToken: 'at',
  accessTokenExpiresAt: NOW + 2000,
  refreshToken: 'rt',
  idToken: 'it',
  idTokenExpiresAt: NOW + 1000,
}

describe('a session is due for refresh', () => {
  it('when the first of its tokens ends', () => {
    assert.equal(refreshDueAt(tokens, NOW), NOW + 1000)
    assert.equal(refreshDueAt({ ...tokens, idTokenExpiresAt: NOW + 3000 }, NOW), NOW + 2000)
  })
  it('never without a refresh token, or when no end is known', () => {
    assert.equal(refreshDueAt({ ...tokens, refreshToken: undefined }, NOW), undefined)
    const endless = { ...tokens, accessTokenExpiresAt: undefined, idTokenExpiresAt: undefined }
    assert.equal(refreshDueAt(endless, NOW), undefined)
  })
  it('not because of an old ID token that the provider did not renew', () => {
    assert.equal(refreshDueAt({ ...tokens, idTokenExpiresAt: NOW - 1 }, NOW), NOW + 2000)
    const withoutEnd = { ...tokens, accessTokenExpiresAt: undefined, idTokenExpiresAt: NOW - 1 }
    assert.equal(refreshDueAt(withoutEnd, NOW), undefined)
  })
  it('a minute later when its access token had ended before it came', () => {
    assert.equal(
      refreshDueAt({ ...tokens, accessTokenExpiresAt: NOW, idTokenExpiresAt: undefined }, NOW),
      NOW + 60_000,
    )
  })
})
