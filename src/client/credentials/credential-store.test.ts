import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { type Credential, CredentialStore, credentialFolder } from './credential-store.ts'

const base = mkdtempSync(join(tmpdir(), 'sallyport-credentials-'))
after(() => rmSync(base, { recursive: true }))
let count = 0
const newStore = () => new CredentialStore(join(base, String((count += 1)), 'credentials'))

const NOW = 1_800_000_000_000
const APP: Credential = {
  origin: 'https://app.example.com',
  isUnverified: false,
  token: 'aaaa.bbbb.cccc',
  expiresAt: NOW + 60_000,
  user: 'alice@example.com',
}
const only = (store: CredentialStore): string =>
  join(store.folder.path, readdirSync(store.folder.path)[0] ?? '')
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)
const refusal = (part: RegExp) => (error: unknown) =>
  error instanceof Error &&
  /CREDENTIALS_UNUSABLE/.test(String(Reflect.get(error, 'code'))) &&
  part.test(error.message)

describe('tokens of this computer', () => {
  it('are kept for this user alone, until they end', () => {
    const store = newStore()
    store.save(APP)
    assert.deepEqual([mode(store.folder.path), mode(only(store))], ['700', '600'])
    assert.deepEqual(store.load(APP, NOW), APP)
    assert.equal(store.load(APP, APP.expiresAt), undefined)
    assert.equal(store.load(APP, APP.expiresAt - 1_000), undefined, 'it would end on its way')
    assert.deepEqual(store.all(), [APP])
    store.remove(APP)
    assert.deepEqual(store.all(), [])
  })

  it('are for one server: not for another, another port, or one that is not verified', () => {
    const store = newStore()
    store.save(APP)
    for (const key of [
      { ...APP, origin: 'https://api.example.com' },
      { ...APP, origin: 'https://app.example.com:8443' },
      { ...APP, origin: 'http://app.example.com' },
      { ...APP, isUnverified: true },
    ])
      assert.equal(store.load(key, NOW), undefined)
    const unverified = { ...APP, isUnverified: true, token: 'dddd.eeee.ffff' }
    store.save(unverified)
    assert.equal(store.load(APP, NOW)?.token, APP.token)
    assert.equal(store.load(unverified, NOW)?.token, unverified.token)
  })

  it('do not become those of another server by the name of their file', () => {
    const store = newStore()
    const evil = { ...APP, origin: 'https://evil.example.com' }
    store.save(evil)
    const name = only(store)
    store.remove(evil)
    store.save(APP)
    renameSync(only(store), name)
    assert.equal(store.load(evil, NOW), undefined)
  })

  it('are not read where others could have read or written them', () => {
    for (const bits of [0o640, 0o604, 0o620, 0o602]) {
      const store = newStore()
      store.save(APP)
      chmodSync(only(store), bits)
      assert.throws(() => store.load(APP, NOW), refusal(/other users .* chmod 600 /))
    }
    for (const bits of [0o750, 0o705, 0o770, 0o777]) {
      const store = newStore()
      store.save(APP)
      chmodSync(store.folder.path, bits)
      assert.throws(() => store.load(APP, NOW), refusal(/other users .* chmod 700 /))
      assert.throws(() => store.save(APP), refusal(/chmod 700/))
      assert.throws(() => store.clear(), refusal(/chmod 700/))
    }
  })

  it('are not read through a link, nor written through one', () => {
    const store = newStore()
    store.save(APP)
    const [path, elsewhere] = [only(store), join(base, 'elsewhere')]
    writeFileSync(elsewhere, 'precious', { mode: 0o600 })
    rmSync(path)
    symlinkSync(elsewhere, path)
    assert.throws(() => store.load(APP, NOW), refusal(/symbolic link/))
    store.save(APP)
    assert.equal(readFileSync(elsewhere, 'utf8'), 'precious')
    assert.deepEqual(store.load(APP, NOW), APP)
  })

  it('are not kept in a folder that a link leads to, or that is no folder', () => {
    const linked = newStore()
    mkdirSync(join(base, 'theirs'), { mode: 0o700 })
    mkdirSync(join(linked.folder.path, '..'))
    symlinkSync(join(base, 'theirs'), linked.folder.path)
    assert.throws(() => linked.save(APP), refusal(/it is no folder/))
    assert.deepEqual(readdirSync(join(base, 'theirs')), [])
  })

  it('that are damaged count as none', () => {
    for (const text of [
      '',
      '{',
      '[]',
      'null',
      '{"origin":"https://app.example.com"}',
      JSON.stringify({ ...APP, token: 'a\nb' }),
    ]) {
      const store = newStore()
      store.save(APP)
      writeFileSync(only(store), text)
      assert.equal(store.load(APP, NOW), undefined, text)
      assert.deepEqual(store.all(), [])
    }
  })

  it('are cleared with what a killed process has left, and nothing is left over by a save', () => {
    const store = newStore()
    store.save(APP)
    store.save({ ...APP, token: 'dddd.eeee.ffff' })
    assert.equal(readdirSync(store.folder.path).length, 1)
    store.folder.create(store.lockName(APP), '1')
    store.clear()
    assert.deepEqual(readdirSync(store.folder.path), [])
  })

  it('stand where the environment says', () => {
    assert.equal(
      credentialFolder({ SALLYPORT_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b', HOME: '/c' }),
      '/a/credentials',
    )
    assert.equal(credentialFolder({ XDG_CACHE_HOME: '/b', HOME: '/c' }), '/b/sallyport/credentials')
    assert.equal(credentialFolder({ HOME: '/c' }), '/c/.cache/sallyport/credentials')
  })
})
