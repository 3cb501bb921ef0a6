import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compactVerify, errors, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { HttpFailure } from '../../outbound/http-client.ts'
import { createKeySet } from './key-set.ts'

const MINUTE = 60_000

async function keyPair(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }
  const sign = (kidInHeader = kid) =>
    new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: kidInHeader }).sign(privateKey)
  return { jwk, sign }
}

async function issuer() {
  const [one, two] = [await keyPair('one'), await keyPair('two')]
  const state = { keys: [one.jwk] as unknown, isDown: false, asked: 0, now: 1_000_000 }
  const keys = createKeySet({
    now: () => state.now,
    load: async () => {
      state.asked++
      await Promise.resolve()
      if (state.isDown) throw new HttpFailure('it is down')
      return { keys: state.keys }
    },
  })
  const verify = async (token: string) => void (await compactVerify(token, keys, { algorithms: ['ES256'] }))
  return { state, one, two, verify }
}

describe('the keys of an issuer', () => {
  it('are asked for once, when they are first needed, however many need them', async () => {
    const { state, one, verify } = await issuer()
    assert.equal(state.asked, 0)
    const token = await one.sign()
    await Promise.all(Array.from({ length: 20 }, () => verify(token)))
    assert.equal(state.asked, 1)
  })

  it('go on when the issuer is down for days', async () => {
    const { state, one, verify } = await issuer()
    await verify(await one.sign())
    state.isDown = true
    for (let hours = 0; hours < 48; hours++) {
      state.now += 60 * MINUTE
      await verify(await one.sign())
    }
  })

  it('are renewed behind the scenes after ten minutes, and nobody waits for it', async () => {
    const { state, one, verify } = await issuer()
    await verify(await one.sign())
    state.now += 10 * MINUTE
    await verify(await one.sign())
    await verify(await one.sign())
    assert.equal(state.asked, 2)
  })

  it('are asked for once a minute at most because of keys that nobody knows', async () => {
    const { state, one, verify } = await issuer()
    await verify(await one.sign())
    for (let second = 0; second < 180; second++) {
      state.now += 1000
      await assert.rejects(verify(await one.sign(`kid-${second}`)), errors.JWKSNoMatchingKey)
    }
    assert.ok(state.asked >= 3 && state.asked <= 4, `asked ${state.asked} times in three minutes`)
  })

  it('are found when they were added since, a minute later at the latest', async () => {
    const { state, one, two, verify } = await issuer()
    await verify(await one.sign())
    state.keys = [one.jwk, two.jwk]
    await assert.rejects(verify(await two.sign()), errors.JWKSNoMatchingKey)
    state.now += MINUTE
    await verify(await two.sign())
  })

  it('can not be had: that is a failure, not a bad token, and is asked again with growing pauses', async () => {
    const { state, one, verify } = await issuer()
    state.isDown = true
    const token = await one.sign()
    for (let second = 0; second < 120; second++) {
      await assert.rejects(verify(token), HttpFailure)
      state.now += 1000
    }
    assert.ok(state.asked <= 10, `asked ${state.asked} times`)
    state.isDown = false
    state.now += MINUTE
    await verify(token)
  })

  it('may have been replaced while the issuer is down: a key that is not known is then no bad token either', async () => {
    const { state, one, two, verify } = await issuer()
    await verify(await one.sign())
    state.isDown = true
    state.now += MINUTE
    const token = await two.sign()
    await assert.rejects(verify(token), HttpFailure)
    await assert.rejects(verify(token), HttpFailure)
    assert.equal(state.asked, 2)
    await verify(await one.sign())
  })

  it('are not what the token brings along', async () => {
    const { state, one, verify } = await issuer()
    const own = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(own.publicKey)
    for (const header of [
      { jwk },
      { jku: 'https://evil.example/keys', kid: 'one' },
      { x5u: 'https://evil.example/cert', kid: 'one' },
      { kid: '../../keys/evil' },
      { kid: 'one\0' },
    ]) {
      const forged = await new SignJWT({})
        .setProtectedHeader({ alg: 'ES256', ...header })
        .sign(own.privateKey)
      await assert.rejects(verify(forged), errors.JOSEError)
    }
    await verify(await one.sign())
    assert.equal(state.asked, 1)
  })

  it('must be a key set', async () => {
    const { state, one, verify } = await issuer()
    state.keys = 'none'
    await assert.rejects(verify(await one.sign()), errors.JWKSInvalid)
  })
})
