import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { createSealer } from './seal.ts'

const KEY = randomBytes(32)

describe('a sealer', () => {
  it('opens what it sealed, whatever the text', () => {
    const sealer = createSealer(KEY)
    for (const text of ['', 'token', 'ü 🚪', 'x'.repeat(100_000)])
      assert.equal(sealer.open(sealer.seal(text, 'here'), 'here'), text)
  })
  it('packs what travels in a URL, for the same place and key only, and opens no more than a URL could hold', () => {
    const sealer = createSealer(KEY)
    const jwt = randomBytes(1000).toString('base64url')
    const packed = sealer.sealPacked(jwt, 'here')
    assert.ok(packed.length < sealer.seal(jwt, 'here').length * 0.8)
    assert.equal(sealer.open(packed, 'here'), jwt)
    assert.equal(sealer.open(packed, 'there'), undefined)
    assert.equal(sealer.open(`s1.${packed.slice(3)}`, 'here'), undefined)
    assert.equal(sealer.open(`s2.${sealer.seal(jwt, 'here').slice(3)}`, 'here'), undefined)
    assert.equal(createSealer(randomBytes(32)).open(packed, 'here'), undefined)
    assert.throws(() => sealer.open(sealer.sealPacked('x'.repeat(1_000_000), 'here'), 'here'))
  })
  it('never seals a text the same way twice', () => {
    const sealer = createSealer(KEY)
    assert.notEqual(sealer.seal('token', 'here'), sealer.seal('token', 'here'))
  })
  it('does not open a text in another place, or with another key', () => {
    const sealed = createSealer(KEY).seal('token', 'session/a')
    assert.equal(createSealer(KEY).open(sealed, 'session/b'), undefined)
    assert.equal(createSealer(randomBytes(32)).open(sealed, 'session/a'), undefined)
  })
  it('does not open a text with any character changed, cut or of another version', () => {
    const sealer = createSealer(KEY)
    const sealed = sealer.seal('token', 'here')
    for (let i = 0; i < sealed.length; i += 1) {
      const flipped = sealed[i] === 'A' ? 'B' : 'A'
      assert.equal(
        sealer.open(sealed.slice(0, i) + flipped + sealed.slice(i + 1), 'here'),
        undefined,
        `at ${i}`,
      )
      assert.equal(sealer.open(sealed.slice(0, i), 'here'), undefined)
    }
  })
  it('opens with an older key after a rotation, and seals with the new one', () => {
    const old = createSealer(KEY)
    const next = randomBytes(32)
    const rotated = createSealer([next, KEY])
    assert.equal(rotated.open(old.seal('token', 'here'), 'here'), 'token')
    assert.equal(createSealer(next).open(rotated.seal('token', 'here'), 'here'), 'token')
  })
})
