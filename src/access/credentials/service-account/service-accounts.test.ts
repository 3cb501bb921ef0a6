import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { createSealer } from '../../../crypto/seal.ts'
import { openSqliteStore } from '../../../session/file-store.ts'
import type { RecordStore, StoredRecord } from '../../../session/records.ts'
import { isMeantFor, type ServiceAccountValue, serviceAccountOf } from './service-account.ts'
import { ServiceAccounts } from './service-accounts.ts'

const VALUE: ServiceAccountValue = {
  name: 'deploy',
  userId: 'service-account/deploy',
  groups: ['ci'],
  claims: {},
  createdAt: 1000,
}
const recordOf = (value: unknown): StoredRecord => ({
  collection: 'service-account',
  id: 'a',
  value,
  version: 1,
  changedAt: 0,
})
const open = () => openSqliteStore({ file: ':memory:', sealer: createSealer(randomBytes(32)), pollMs: 0 })

describe('service accounts', () => {
  it('are one and the same session for as long as their record is', async () => {
    await using store = await open()
    using accounts = new ServiceAccounts(store.records)
    await accounts.save('a', VALUE)
    const first = await accounts.find('a')
    assert.equal(await accounts.find('a'), first)
    assert.equal(first?.session.expiresAt, Number.MAX_SAFE_INTEGER)
    await accounts.save('a', { ...VALUE, groups: ['other'] })
    const changed = await accounts.find('a')
    assert.deepEqual(changed?.session.groups, ['other'])
    assert.ok((changed?.session.version ?? 0) > (first?.session.version ?? 0))
  })

  it('are gone once they are revoked, and everybody who listens is told', async () => {
    await using store = await open()
    using accounts = new ServiceAccounts(store.records)
    const changed: string[] = []
    using _ = accounts.onChange((id) => changed.push(id))
    await accounts.save('a', VALUE)
    assert.ok(await accounts.find('a'))
    assert.equal(await accounts.revoke('a'), true)
    assert.equal(await accounts.find('a'), undefined)
    assert.equal(await accounts.revoke('a'), false)
    assert.deepEqual(changed, ['a', 'a'])
  })

  it('are not kept when they were revoked while they were being read', async () => {
    let answer: ((record: StoredRecord) => void) | undefined
    let listener: ((collection: string, id: string) => void) | undefined
    const record = recordOf(VALUE)
    // A store over the network can't be had here: its answers come late.
    const late: RecordStore = {
      get: () =>
        new Promise((resolve) => {
          answer = resolve
        }),
      list: () => [],
      page: () => [],
      put: () => record,
      delete: () => true,
      onChange(told) {
        listener = told
        return { [Symbol.dispose]: () => undefined }
      },
    }
    using accounts = new ServiceAccounts(late)
    const finding = accounts.find('a')
    listener?.('service-account', 'a')
    answer?.(record)
    await finding
    assert.ok(accounts.find('a') instanceof Promise, 'it is read again')
  })

  it('note when they were last used, at most once in ten minutes', async () => {
    await using store = await open()
    using accounts = new ServiceAccounts(store.records)
    await accounts.save('a', VALUE)
    for (const now of [5_000_000, 5_000_001, 5_500_000, 5_700_000]) accounts.noteUse('a', now)
    await Promise.resolve()
    const [listed] = await accounts.list()
    assert.equal(listed?.lastUsedAt, 5_700_000)
    assert.equal((await accounts.find('a'))?.session.version, 1, 'a use is no change of the account')
  })

  it('that this version can not read name nobody', () => {
    for (const value of [null, 'x', {}, { ...VALUE, groups: 'ci' }, { ...VALUE, expiresAt: 'soon' }])
      assert.equal(serviceAccountOf(recordOf(value)), undefined)
  })

  it('may be tied to routes, by name, id, address or host', () => {
    const route = { id: '0123456789abcdef', name: 'wiki', from: 'https://Wiki.example.com:8443' }
    const tied = (...routes: string[]) => {
      const account = serviceAccountOf(recordOf({ ...VALUE, routes }))
      return account !== undefined && isMeantFor(account, route, 'wiki.example.com')
    }
    for (const entry of [
      route.id,
      'wiki',
      route.from,
      'wiki.example.com:8443',
      'wiki.example.com',
      'WIKI.example.com',
    ])
      assert.ok(tied(entry), entry)
    assert.ok(tied('other', 'wiki'))
    for (const entry of ['other', 'example.com', '', 'wiki.example.com.evil', '*'])
      assert.ok(!tied(entry), entry)
    assert.ok(!tied())
  })
})
