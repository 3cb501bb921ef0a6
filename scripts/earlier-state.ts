/**
 * Makes the state file of an earlier build, with the code of that build, for `test/earlier-state.test.ts`:
 *
 *     node scripts/earlier-state.ts
 *
 * Its commit is checked out in a temporary folder. People, tokens and keys are invented. Run it again only for
 * another commit: the file in `test/earlier-state/` stands for those that users have.
 *
 * @module
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { EARLIER, type EarlierState } from '../test/earlier-state/earlier-state.ts'

const ROOT = join(import.meta.dirname, '..')
/** Ids as that build makes them. */
const DEPLOY = 'account-of-deploy-0000'
const GONE = 'account-of-gone-000000'
const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** What is used of that build. */
interface Build {
  readonly deriveKeyring: (secret: Uint8Array) => {
    readonly atRest: Uint8Array
    readonly serviceAccount: Uint8Array
  }
  readonly createSealer: (key: Uint8Array) => object
  readonly openSqliteStore: (options: object) => Promise<Store>
  readonly makeServiceAccountToken: (id: string, key: Uint8Array) => string
  readonly ServiceAccounts: new (
    records: object,
  ) => {
    save(id: string, value: object): Promise<unknown>
    noteUse(id: string, now: number): void
    revoke(id: string): Promise<boolean>
  } & Disposable
  readonly ScimSource: { open(options: object): Promise<ScimSource> }
  readonly RESOURCE_TYPES: { readonly User: object; readonly Group: object }
}

interface Store extends AsyncDisposable {
  readonly records: object
  save(session: object): Promise<{ readonly id: string }>
  find(id: string): Promise<{ readonly id: string } | undefined>
  delete(id: string): Promise<boolean>
  touch(session: object, at: number, precisionMs: number): void
  silenceOf(session: object, at: number, limitMs: number): Promise<number>
  claimOnce(key: string, ttlMs: number): Promise<boolean>
}

interface ScimSource extends Disposable {
  create(type: object, body: object): Promise<{ readonly id: string }>
  patch(type: object, id: string, body: object, isMet: () => boolean): Promise<unknown>
  delete(type: object, id: string, isMet: () => boolean): Promise<void>
}

const FILES = [
  'crypto/keyring.ts',
  'crypto/seal.ts',
  'crypto/service-account-token.ts',
  'session/sqlite-store.ts',
  'session/service-accounts.ts',
  'identity/directory/scim/scim-source.ts',
  'identity/directory/scim/schema.ts',
]

const folder = mkdtempSync(join(tmpdir(), 'sallyport-earlier-'))
const checkout = join(folder, 'checkout')
execFileSync('git', ['worktree', 'add', '--detach', checkout, EARLIER.commit], {
  cwd: ROOT,
  stdio: 'inherit',
})
try {
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'))
  const parts = await Promise.all(
    FILES.map(async (file) => {
      const part: object = await import(pathToFileURL(join(checkout, 'src', file)).href)
      return part
    }),
  )
  // oxlint-disable-next-line no-unsafe-type-assertion -- the code of one commit, which does not change
  const build: Build = Object.assign({}, ...parts) as Build
  const file = join(folder, 'sallyport.db')
  const state = await fill(build, file)
  shrink(file)
  mkdirSync(EARLIER.folder, { recursive: true })
  writeFileSync(EARLIER.database, gzipSync(readFileSync(file), { level: 9 }))
  writeFileSync(EARLIER.contents, `${JSON.stringify(state, null, 2)}\n`)
} finally {
  execFileSync('git', ['worktree', 'remove', '--force', checkout], { cwd: ROOT, stdio: 'inherit' })
  rmSync(folder, { recursive: true, force: true })
}

function shrink(file: string): void {
  const database = new DatabaseSync(file)
  database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
}

async function fill(build: Build, file: string): Promise<EarlierState> {
  const clock = { now: EARLIER.begunAt }
  const now = () => clock.now
  const keys = build.deriveKeyring(EARLIER.secret)
  await using store = await build.openSqliteStore({
    file,
    sealer: build.createSealer(keys.atRest),
    now,
    pollMs: 0,
  })

  const saved = []
  for (const session of people()) saved.push(await store.save(session))
  const [alice, , , carol] = saved
  if (alice === undefined || carol === undefined) throw new Error('not saved')
  clock.now += 20 * MINUTE
  store.touch(alice, clock.now, 0)
  await store.delete(carol.id)
  await store.claimOnce('state:used', 12 * HOUR)

  using accounts = new build.ServiceAccounts(store.records)
  const createdAt = clock.now
  const deploy = { name: 'deploy', userId: 'service-account/deploy', email: 'ci@example.com', groups: ['ci'] }
  await accounts.save(DEPLOY, { ...deploy, claims: {}, createdAt, routes: ['app'] })
  await accounts.save(GONE, { ...deploy, name: 'gone', claims: {}, createdAt })
  accounts.noteUse(DEPLOY, clock.now)
  await accounts.revoke(GONE)

  await push(build, store.records, clock)
  clock.now += 10 * MINUTE
  const sessions = await Promise.all(saved.map(async ({ id }) => (await store.find(id)) ?? id))
  return {
    at: clock.now,
    sessions: sessions.filter((each) => typeof each === 'object'),
    signedOut: sessions.filter((each) => typeof each === 'string'),
    idleTime: await store.silenceOf(alice, clock.now, 24 * HOUR),
    accountToken: build.makeServiceAccountToken(DEPLOY, keys.serviceAccount),
    revokedToken: build.makeServiceAccountToken(GONE, keys.serviceAccount),
  }
}

/** With tokens that can be refreshed, with such that can't, of unknown groups, and one to be signed out. */
function people(): readonly object[] {
  const issuedAt = EARLIER.begunAt
  const tokens = {
    accessToken: 'an invented access token',
    accessTokenExpiresAt: issuedAt + HOUR,
    refreshToken: 'an invented refresh token',
    idToken: 'an invented ID token',
    idTokenExpiresAt: issuedAt + 2 * HOUR,
  }
  const alice = {
    id: 'session-of-alice-0000',
    idpId: 'idp-1',
    userId: 'alice',
    email: 'alice@example.com',
    name: 'Alice Archer',
    claims: { department: ['sales', 'eu'] },
    groups: ['staff', 'admins'],
    issuedAt,
    authenticatedAt: issuedAt - MINUTE,
    acr: 'phr',
    expiresAt: issuedAt + 14 * HOUR,
    tokens,
  }
  const plain = { ...alice, authenticatedAt: undefined, acr: undefined, claims: {} }
  const noRefresh = { ...tokens, refreshToken: undefined }
  return [
    alice,
    { ...plain, id: 'session-of-bob-000000', userId: 'bob', email: undefined, groups: 'unknown' },
    { ...plain, id: 'session-of-dave-00000', userId: 'dave', email: 'dave@example.com', tokens: noRefresh },
    { ...plain, id: 'session-of-carol-0000', userId: 'carol', email: 'carol@example.com' },
  ]
}

const always = () => true

/** Somebody active, somebody deactivated, somebody removed, and their group. */
async function push({ ScimSource, RESOURCE_TYPES }: Build, records: object, clock: { now: number }) {
  const { User, Group } = RESOURCE_TYPES
  using source = await ScimSource.open({
    name: EARLIER.directory,
    records,
    now: () => clock.now,
    onChange: () => undefined,
    onFailure: (error: unknown) => {
      throw error
    },
  })
  const ids: string[] = []
  for (const name of ['dave', 'erin', 'frank']) {
    const emails = [{ value: `${name}@example.com`, primary: true }]
    ids.push((await source.create(User, { userName: name, externalId: `ext-${name}`, emails })).id)
  }
  await source.create(Group, { displayName: 'staff', members: ids.map((value) => ({ value })) })
  const [, erin = '', frank = ''] = ids
  const off = [{ op: 'replace', path: 'active', value: false }]
  await source.patch(User, erin, { Operations: off }, always)
  await source.delete(User, frank, always)
}
