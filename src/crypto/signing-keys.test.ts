import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from 'jose'
import { Fault } from '../errors.ts'
import { openSigningKeys, type SigningKeys } from './signing-keys.ts'

const SEED = Buffer.alloc(32, 9)
const pemOf = (key: KeyObject) =>
  key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })

async function verified(keys: SigningKeys) {
  const { payload, protectedHeader } = await jwtVerify(
    keys.sign({ sub: 'alice' }),
    createLocalJWKSet({ keys: [...keys.jwks.keys] }),
  )
  assert.equal(payload.sub, 'alice')
  return protectedHeader
}

describe('signing keys', () => {
  it('sign with an EC P-256 key what a stock JWT library verifies by our JWKS', async () => {
    const keys = openSigningKeys({ pem: pemOf(ec.privateKey), derivedFrom: SEED })
    assert.deepEqual(await verified(keys), { alg: 'ES256', kid: keys.kid, typ: 'JWT' })
  })
  it('sign with an RSA key too', async () => {
    assert.equal(
      (await verified(openSigningKeys({ pem: pemOf(rsa.privateKey), derivedFrom: SEED }))).alg,
      'RS256',
    )
  })
  it('are read in SEC1 and PKCS#1 form, after EC PARAMETERS, and in base64', async () => {
    const sec1 = ec.privateKey.export({ type: 'sec1', format: 'pem' })
    const pkcs1 = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' })
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
    for (const pem of [sec1, pkcs1, parameters + sec1, Buffer.from(sec1).toString('base64')])
      await verified(openSigningKeys({ pem, derivedFrom: SEED }))
  })
  it('sign with the first of several keys and publish all of them once, without private parts', async () => {
    const pem = [ec.privateKey, rsa.publicKey, ec.privateKey].map(pemOf).join('')
    const keys = openSigningKeys({ pem, derivedFrom: SEED })
    assert.deepEqual(
      keys.jwks.keys.map(({ alg }) => alg),
      ['ES256', 'RS256'],
    )
    assert.ok(keys.jwks.keys.every((jwk) => !('d' in jwk) && !('p' in jwk) && jwk.use === 'sig'))
    await verified(keys)
  })
  it('are named by their RFC 7638 thumbprint', async () => {
    for (const { privateKey } of [ec, rsa]) {
      const [jwk] = openSigningKeys({ pem: pemOf(privateKey), derivedFrom: SEED }).jwks.keys
      assert.equal(jwk?.kid, await calculateJwkThumbprint({ kty: '', ...jwk }))
    }
  })
  it('come from the shared secret when none is given: valid, the same each time, different for another secret', async () => {
    const keys = openSigningKeys({ derivedFrom: SEED })
    await verified(keys)
    assert.equal(keys.kid, openSigningKeys({ derivedFrom: SEED }).kid)
    // Pinned: an upstream that keeps our JWKS must survive an upgrade.
    assert.equal(keys.kid, 'eJPeUT-Ub29-tHAvEW-tngtW1qM5UPAVLYxP1YU3aOg')
    assert.notEqual(keys.kid, openSigningKeys({ derivedFrom: Buffer.alloc(32, 10) }).kid)
  })
  it('refuse other kinds of keys and say which to use', () => {
    const ed25519 = generateKeyPairSync('ed25519').privateKey
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    for (const pem of [ed25519, p384, weak, ec.publicKey].map(pemOf))
      assert.throws(() => openSigningKeys({ pem, derivedFrom: SEED }), isInvalid)
    assert.throws(
      () => openSigningKeys({ pem: pemOf(ed25519), derivedFrom: SEED }),
      /EC P-256 .* RSA .* not ed25519/,
    )
  })
  it('refuse text that holds no key, a damaged one or an encrypted one', () => {
    const encrypted = ec.privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    })
    const damaged = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'
    for (const pem of ['', 'hello', encrypted, damaged])
      assert.throws(() => openSigningKeys({ pem, derivedFrom: SEED }), isInvalid)
  })
})

function isInvalid(error: unknown): boolean {
  return error instanceof Fault && error.code === 'CONFIG_INVALID'
}
