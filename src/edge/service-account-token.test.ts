import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  isServiceAccountToken,
  makeServiceAccountToken,
  newServiceAccountId,
  openServiceAccountToken,
} from './service-account-token.ts'
import { makeReference, openReference } from './session-reference.ts'

const key = randomBytes(32)
const id = newServiceAccountId()
const token = makeServiceAccountToken(id, key)

const SCOPE = { audience: 'app.example.com', cookieName: '__Host-_pomerium' }

describe('a service account token', () => {
  it('names its account, and stands in a header as it is', () => {
    assert.equal(openServiceAccountToken(token, key), id)
    assert.match(token, /^sa1\.[\w-]+\.[\w-]+$/)
    assert.ok(isServiceAccountToken(token))
  })

  it('names nobody once a character is changed, cut or added, or under another key', () => {
    for (let at = 0; at < token.length; at++) {
      const altered = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
      assert.equal(openServiceAccountToken(altered, key), undefined, altered)
    }
    for (const other of [
      token.slice(0, -1),
      `${token}A`,
      ` ${token}`,
      token.replace('sa1', 'sa2'),
      '',
      'sa1..',
    ])
      assert.equal(openServiceAccountToken(other, key), undefined, other)
    assert.equal(openServiceAccountToken(token, randomBytes(32)), undefined)
  })

  it('is no session reference, nor is a reference a token, even under one key', () => {
    assert.equal(openReference(token, SCOPE, key), undefined)
    const reference = makeReference({ sessionId: id, ...SCOPE }, key)
    assert.equal(openServiceAccountToken(reference, key), undefined)
    assert.equal(openServiceAccountToken(reference.replace('v1.', 'sa1.'), key), undefined)
  })
})
