import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import { Fault } from '../errors.ts'
import { decodeSecret, deriveKeyring } from './keyring.ts'

const SECRET = Buffer.alloc(32, 7)
const hex = (keyring: object) =>
  Object.values(keyring).map((key: unknown) => (Buffer.isBuffer(key) ? key.toString('hex') : ''))

describe('the keyring', () => {
  it('holds a different 32-byte key for each purpose', () => {
    const keys = hex(deriveKeyring(SECRET))
    assert.equal(new Set(keys).size, 7)
    assert.ok(keys.every((key) => key.length === 64))
  })
  it('is the same for the same secret, across versions too', () => {
    assert.deepEqual(hex(deriveKeyring(SECRET)), hex(deriveKeyring(Buffer.from(SECRET))))
    assert.equal(
      deriveKeyring(SECRET).cookie.toString('hex'),
      '98bd92f06f25f2988e7c9442a95d15b6009f6f38a6add9726bffcd802bef9c0b',
    )
  })
  it('lets cookie_secret change the sign-in state and nothing else', () => {
    const plain = deriveKeyring(SECRET)
    const other = deriveKeyring(SECRET, Buffer.alloc(32, 8))
    assert.notDeepEqual(plain.state, other.state)
    assert.deepEqual(plain.cookie, other.cookie)
  })
})

describe('a secret as it is written', () => {
  it('is base64 or base64url of 32 bytes, padded or not', () => {
    const bytes = Buffer.from('fb'.repeat(32), 'hex')
    for (const text of [
      bytes.toString('base64'),
      bytes.toString('base64url'),
      `${bytes.toString('base64')}\n`,
    ])
      assert.deepEqual(decodeSecret(text), bytes)
  })
  it('is refused when it is short, long or mistyped', () => {
    for (const text of [
      '',
      'changeme',
      Buffer.alloc(16).toString('base64'),
      Buffer.alloc(33).toString('base64'),
    ])
      assert.throws(() => decodeSecret(text, 'cookie_secret'), isInvalid)
    assert.throws(() => decodeSecret(`!${Buffer.alloc(32).toString('base64')}`), isInvalid)
  })
})

function isInvalid(error: unknown): boolean {
  return error instanceof Fault && error.code === 'CONFIG_INVALID'
}
