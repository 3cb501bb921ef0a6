import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { makeReference, openReference, openReferences } from './session-reference.ts'

const KEY = randomBytes(32)
const sessionId = randomBytes(16).toString('base64url')
const cookieName = '__Host-_pomerium'
const SCOPE = { audience: 'app.example.com', cookieName }
const reference = makeReference({ sessionId, ...SCOPE }, KEY)

describe('a session reference', () => {
  it('gives the session id back to its own audience, in any case', () => {
    assert.equal(openReference(reference, SCOPE, KEY), sessionId)
    assert.equal(openReference(reference, { audience: 'APP.example.com', cookieName }, KEY), sessionId)
  })
  it('is short and needs no escaping in a cookie', () => {
    assert.ok(reference.length < 200)
    assert.match(reference, /^[\w.-]+$/)
  })
  it('is nothing on another host', () => {
    for (const audience of ['api.example.com', 'example.com', '', 'app.example.com.evil'])
      assert.equal(openReference(reference, { audience, cookieName }, KEY), undefined)
  })
  it('is nothing under another name of the cookie', () => {
    for (const other of ['_pomerium', '__Host-other', ''])
      assert.equal(openReference(reference, { ...SCOPE, cookieName: other }, KEY), undefined)
  })
  it('is nothing after a change of key', () => {
    assert.equal(openReference(reference, SCOPE, randomBytes(32)), undefined)
  })
  it('is nothing with any character changed, added or cut', () => {
    for (let i = 0; i < reference.length; i += 1) {
      const other = reference[i] === 'A' ? 'B' : 'A'
      assert.equal(
        openReference(reference.slice(0, i) + other + reference.slice(i + 1), SCOPE, KEY),
        undefined,
      )
      assert.equal(openReference(reference.slice(0, i), SCOPE, KEY), undefined)
    }
    for (const extra of ['=', 'A', ' ', '\n', '\0'])
      assert.equal(openReference(reference + extra, SCOPE, KEY), undefined)
  })
})

describe('the references of one request', () => {
  const open = (values: readonly string[]) => openReferences(values, SCOPE, KEY)
  const other = makeReference({ sessionId: 'other', ...SCOPE }, KEY)
  it('name each session once, in their order', () => {
    assert.deepEqual(open([other, reference, other]), ['other', sessionId])
    assert.deepEqual(open([]), [])
  })
  it('are found behind any number of values that are none', () => {
    const junk = Array.from({ length: 500 }, (_, number) => `junk-${number}`)
    assert.deepEqual(open([...junk, '', 'v1..', reference]), [sessionId])
  })
  it('are found behind some that have the form and are not ours', () => {
    const forged = Array.from({ length: 200 }, (_, number) => `v1.forged-${number}.${'A'.repeat(43)}`)
    const foreign = makeReference({ sessionId: 'foreign', audience: 'api.example.com', cookieName }, KEY)
    assert.deepEqual(open([...forged, foreign, reference]), [sessionId])
  })
  it('are not looked at without end', () => {
    const forged = Array.from({ length: 256 }, (_, number) => `v1.forged-${number}.${'A'.repeat(43)}`)
    assert.deepEqual(open([...forged, reference]), [])
  })
})
