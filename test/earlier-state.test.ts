/**
 * The state folder of an earlier build is opened by this one: nobody is signed out by that, and who was out
 * stays out.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { ServiceAccounts } from '../src/access/credentials/service-account/service-accounts.ts'
import { deriveKeyring } from '../src/crypto/keyring.ts'
import { createSealer } from '../src/crypto/seal.ts'
import { ScimSource } from '../src/directory/scim/scim-source.ts'
import { openServiceAccountToken } from '../src/edge/service-account-token.ts'
import { openSqliteStore } from '../src/session/file-store.ts'
import { refreshDueAt } from '../src/session/refresh/refresh-due.ts'
import type { Store } from '../src/session/session-store.ts'
import { EARLIER, type EarlierState } from './earlier-state/earlier-state.ts'

const HOUR = 3_600_000
const EARLIER_STATE: EarlierState = JSON.parse(readFileSync(EARLIER.contents, 'utf8'))
const DATABASE = gunzipSync(readFileSync(EARLIER.database))
const keys = deriveKeyring(EARLIER.secret)

/** Opens a copy of it, each time that it is called: as several processes do, or one after a restart. */
function copyOf(t: TestContext, { at } = EARLIER_STATE) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-earlier-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'sallyport.db')
  writeFileSync(file, DATABASE)
  return (): Promise<Store> =>
    openSqliteStore({ file, sealer: createSealer(keys.atRest), now: () => at, pollMs: 0 })
}

/** As JSON has them: without what is undefined. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const byId = (one: { readonly id: string }, other: { readonly id: string }) => (one.id < other.id ? -1 : 1)

async function idsIn(page: ReturnType<Store['dueForRefresh']>): Promise<readonly string[]> {
  return (await page).map(({ id }) => id).toSorted()
}

describe('the state of an earlier build', () => {
  it('signs nobody out: all sessions are there as they were, tokens included, after restarts too', async (t) => {
    const open = copyOf(t)
    for (let start = 0; start < 2; start++) {
      await using store = await open()
      await using beside = await open()
      for (const each of [store, beside])
        assert.deepEqual(
          plain((await each.list()).toSorted(byId)),
          EARLIER_STATE.sessions.toSorted(byId as never),
        )
    }
  })

  it('brings nobody back who has signed out, by a late refresh either', async (t) => {
    await using store = await copyOf(t)()
    const [alice] = await store.list({ userId: 'alice' })
    assert.ok(alice)
    assert.ok(EARLIER_STATE.signedOut.length > 0)
    for (const id of EARLIER_STATE.signedOut) {
      assert.equal(await store.find(id), undefined)
      await assert.rejects(async () => await store.save({ ...alice, id }), { code: 'SESSION_GONE' })
    }
  })

  it('lets no state of a sign-in be used a second time', async (t) => {
    await using store = await copyOf(t)()
    assert.equal(await store.claimOnce('state:used', HOUR), false)
    assert.equal(await store.claimOnce('state:other', HOUR), true)
  })

  it('says when sessions are to be refreshed, and of whom the provider has said nothing for long', async (t) => {
    await using store = await copyOf(t)()
    const sessions = await store.list()
    const due = sessions.flatMap((session) => refreshDueAt(session.tokens, session.issuedAt) ?? [])
    assert.deepEqual(due, [EARLIER.begunAt + HOUR, EARLIER.begunAt + HOUR])
    const refreshed = ['session-of-alice-0000', 'session-of-bob-000000']
    const at = EARLIER.begunAt + HOUR
    assert.deepEqual(await idsIn(store.dueForRefresh({ before: at, limit: 9 })), refreshed)
    assert.deepEqual(await idsIn(store.dueForRefresh({ before: at - 1, limit: 9 })), [])
    const { begunAt } = EARLIER
    assert.equal((await idsIn(store.withOldClaims({ before: begunAt, limit: 9 }))).length, sessions.length)
    assert.deepEqual(await idsIn(store.withOldClaims({ before: begunAt - 1, limit: 9 })), [])
  })

  it('knows how long a session was not used', async (t) => {
    await using store = await copyOf(t)()
    const [alice] = await store.list({ userId: 'alice' })
    assert.ok(alice)
    assert.equal(await store.idleTimeOf(alice, EARLIER_STATE.at, 24 * HOUR), EARLIER_STATE.idleTime)
  })

  it('keeps service accounts, whose tokens are good, and takes none of one that was revoked', async (t) => {
    await using store = await copyOf(t)()
    using accounts = new ServiceAccounts(store.records)
    const [deploy, ...others] = await accounts.list()
    assert.deepEqual(others, [])
    const accountOf = async (token: string) =>
      await accounts.find(openServiceAccountToken(token, keys.serviceAccount) ?? '')
    const found = await accountOf(EARLIER_STATE.accountToken)
    assert.ok(found)
    assert.equal(found.id, deploy?.account.id)
    const { name, userId, email, groups, routes, expiresAt } = found
    assert.deepEqual(
      { name, userId, email, groups, routes, expiresAt, lastUsedAt: deploy?.lastUsedAt },
      {
        name: 'deploy',
        userId: 'service-account/deploy',
        email: 'ci@example.com',
        groups: ['ci'],
        routes: ['app'],
        expiresAt: undefined,
        lastUsedAt: EARLIER.begunAt + HOUR / 3,
      },
    )
    assert.equal(await accountOf(EARLIER_STATE.revokedToken), undefined)
  })

  it('keeps people whom a directory has pushed, and whoever it has deactivated or removed stays out', async (t) => {
    await using store = await copyOf(t)()
    using source = await ScimSource.open({
      name: EARLIER.directory,
      records: store.records,
      now: () => EARLIER_STATE.at,
      onChange: () => undefined,
      onFailure: assert.ifError,
    })
    const found = (name: string) => {
      const person = source.roster.findByEmail(`${name}@example.com`, EARLIER.begunAt)
      assert.ok(typeof person === 'object', name)
      const { isActive, leftAt, groups } = person
      return { isActive, leftAt, groups: groups === 'unknown' ? groups : groups.map((group) => group.name) }
    }
    assert.deepEqual(found('dave'), { isActive: true, leftAt: undefined, groups: ['staff'] })
    assert.equal(found('erin').isActive, false)
    assert.equal(found('frank').leftAt, EARLIER.begunAt + HOUR / 3, 'for sessions from before that')
    const byExternalId = source.roster.findById('ext-erin')
    assert.equal(typeof byExternalId === 'object' && byExternalId.isActive, false)
    assert.equal(source.changedAt, EARLIER.begunAt + HOUR / 3)
  })
})
