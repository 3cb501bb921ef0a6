import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ServiceAccounts } from '../../access/credentials/service-account/service-accounts.ts'
import { openKeyring, openStore, storeFileIn } from '../../session/open-state.ts'
import { isStoreInUse } from '../../session/sqlite/store-use.ts'
import { backup } from './backup.ts'
import { restore } from './restore.ts'

let folder: string
let stateDir: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-backup-'))
  stateDir = join(folder, 'state')
  file = join(folder, 'copy.backup')
})
afterEach(() => rm(folder, { recursive: true }))

const NO_SECRETS = { shared_secret: undefined, cookie_secret: undefined }
const open = () => openStore(stateDir, openKeyring(NO_SECRETS, stateDir))
const HOUR_MS = 3_600_000

/** A state folder in use, with somebody signed in and a service account. */
async function used() {
  const store = await open()
  const now = Date.now()
  await store.save({
    id: 'A'.repeat(22),
    userId: 'alice',
    idpId: 'idp',
    email: 'alice@example.com',
    name: 'Alice',
    claims: {},
    groups: [],
    tokens: {
      accessToken: undefined,
      accessTokenExpiresAt: undefined,
      refreshToken: undefined,
      idToken: undefined,
      idTokenExpiresAt: undefined,
    },
    issuedAt: now,
    expiresAt: now + HOUR_MS,
  })
  using accounts = new ServiceAccounts(store.records)
  await accounts.save('account-1', {
    name: 'deploy',
    userId: 'service-account/deploy',
    email: undefined,
    groups: ['ci'],
    claims: {},
    description: undefined,
    createdAt: now,
    createdBy: undefined,
    expiresAt: undefined,
    routes: undefined,
  })
  return store
}

async function held(): Promise<readonly [sessions: number, accounts: readonly string[]]> {
  await using store = await open()
  using accounts = new ServiceAccounts(store.records)
  return [store.count, (await accounts.list()).map(({ account }) => account.name)]
}

let printed = ''
const terminal = { stderr: { write: (text: string) => (printed += text) } }
const save = () => backup({ file, 'state-dir': stateDir }, terminal)
const bringBack = (options: object = {}) => restore({ file, 'state-dir': stateDir, ...options }, terminal)
/** All files of the state folder, with what is in them. */
const contents = (at = stateDir) =>
  Object.fromEntries(
    readdirSync(at, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [
        join(parentPath, name).slice(at.length + 1),
        readFileSync(join(parentPath, name), 'base64'),
      ]),
  )

describe('a backup', () => {
  it('brings back accounts and secrets as they were while the store was in use, and no session', async () => {
    {
      await using store = await used()
      assert.equal(store.count, 1)
      save()
    }
    const before = contents()
    await rm(stateDir, { recursive: true })
    printed = ''
    bringBack()
    assert.deepEqual(await held(), [0, ['deploy']])
    assert.match(printed, /everybody signs in again[^]*revoked since .* count again/)
    const secret = join('secrets', 'shared_secret')
    assert.equal(contents()[secret], before[secret])
    bringBack({ 'with-sessions': true })
    assert.deepEqual(await held(), [1, ['deploy']])
  })

  it('is read by its owner alone, and so is what is restored', async () => {
    await (await used())[Symbol.asyncDispose]()
    save()
    assert.equal(statSync(file).mode & 0o777, 0o600)
    await rm(stateDir, { recursive: true })
    bringBack()
    assert.equal(statSync(stateDir).mode & 0o077, 0)
    for (const path of Object.keys(contents()))
      assert.equal(statSync(join(stateDir, path)).mode & 0o077, 0, path)
  })

  it('leaves out sockets, links and what leads out of the folder', async () => {
    await (await used())[Symbol.asyncDispose]()
    await mkdir(join(stateDir, 'run'))
    writeFileSync(join(stateDir, 'run', 'x.sock'), '')
    writeFileSync(join(folder, 'elsewhere'), 'secret of another program')
    symlinkSync(join(folder, 'elsewhere'), join(stateDir, 'link'))
    save()
    const text = readFileSync(file, 'latin1')
    assert.doesNotMatch(text, /x\.sock|another program|"link"|db-wal/)
  })

  it('takes the place of no file, is not made of nothing, and leaves nothing behind when it fails', async () => {
    assert.throws(save, /nothing is kept there; name the state folder/)
    await (await used())[Symbol.asyncDispose]()
    writeFileSync(file, 'precious')
    assert.throws(save, /is there already/)
    assert.equal(readFileSync(file, 'utf8'), 'precious')
    assert.throws(
      () => backup({ file: join(folder, 'no', 'such', 'x'), 'state-dir': stateDir }, terminal),
      /nothing can be written/,
    )
    assert.deepEqual(readdirSync(folder).toSorted(), ['copy.backup', 'state'])
  })
})

describe('a restore', () => {
  /** What is done to the bytes of a backup, and what is said of it. */
  const ODD: readonly (readonly [what: string, change: (bytes: Buffer) => Buffer, printed: RegExp])[] = [
    ['cut short', (bytes) => bytes.subarray(0, bytes.length - 5), /altered or damaged/],
    ['cut in the middle', (bytes) => bytes.subarray(0, bytes.length / 2), /ends too early/],
    ['longer', (bytes) => Buffer.concat([bytes, Buffer.from('x')]), /altered or damaged/],
    [
      'another byte',
      (bytes) => {
        const at = bytes.length - 100
        bytes[at] = (bytes[at] ?? 0) ^ 1
        return bytes
      },
      /altered or damaged/,
    ],
    ['no backup', () => Buffer.from('PK\x03\x04'), /is no backup of Sallyport/],
    ['empty', () => Buffer.alloc(0), /is no backup of Sallyport/],
    [
      'of a newer format',
      (bytes) => replaced(bytes, '"version":1', '"version":2'),
      /newer Sallyport \(format 2/,
    ],
    ['leading out', (bytes) => replaced(bytes, '"path":"sallyport.db"', '"path":"../../../../x"'), /damaged/],
    [
      'leading out by a dot',
      (bytes) => replaced(bytes, '"path":"sallyport.db"', '"path":"secrets/../a"'),
      /damaged/,
    ],
    ['absolute', (bytes) => replaced(bytes, '"path":"sallyport.db"', '"path":"/etc/passwd.."'), /damaged/],
    [
      'without a database',
      (bytes) => replaced(bytes, '"path":"sallyport.db"', '"path":"sallyport.xx"'),
      /altered or damaged/,
    ],
  ]

  it('of anything but a whole backup of this version changes nothing', async () => {
    await (await used())[Symbol.asyncDispose]()
    save()
    const whole = readFileSync(file)
    const before = contents()
    for (const [what, change, words] of ODD) {
      chmodSync(file, 0o600)
      writeFileSync(file, change(Buffer.from(whole)))
      assert.throws(() => bringBack(), words, what)
      assert.deepEqual(contents(), before, what)
      assert.deepEqual(readdirSync(folder).toSorted(), ['copy.backup', 'state'], what)
    }
  })

  it('is refused while a Sallyport runs with the folder', async () => {
    const store = await used()
    save()
    assert.equal(isStoreInUse(storeFileIn(stateDir)), true)
    assert.throws(() => bringBack(), /a Sallyport runs with this folder; stop it first/)
    await store[Symbol.asyncDispose]()
    assert.equal(isStoreInUse(storeFileIn(stateDir)), false)
    bringBack()
  })

  it('keeps what was there before beside it', async () => {
    await (await used())[Symbol.asyncDispose]()
    save()
    writeFileSync(join(stateDir, 'later'), 'x')
    bringBack()
    const [aside = ''] = readdirSync(folder).filter((name) => name.startsWith('state-before-'))
    assert.equal(readFileSync(join(folder, aside, 'later'), 'utf8'), 'x')
    assert.equal(existsSync(join(stateDir, 'later')), false)
  })
})

function replaced(bytes: Buffer, one: string, other: string): Buffer {
  const text = bytes.toString('latin1')
  assert.ok(text.includes(one))
  return Buffer.from(text.replace(one, other), 'latin1')
}
