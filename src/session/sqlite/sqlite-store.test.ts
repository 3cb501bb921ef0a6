import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { createSealer } from '../../crypto/seal.ts'
import { Fault, type FaultCode } from '../../errors.ts'
import { describeDriver } from '../driver.suite.ts'
import { openSqliteStore } from '../file-store.ts'
import { newSession } from '../store-under-test.fixture.ts'
import { openSqliteDriver } from './sqlite-driver.ts'

const KEY = randomBytes(32)
const sealer = createSealer(KEY)
const START = newSession().issuedAt
const now = () => START

describeDriver('SQLite', {
  place: () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-store-'))
    return {
      open: () => openSqliteDriver({ file: join(dir, 'sallyport.db') }),
      remove: () => rmSync(dir, { recursive: true }),
    }
  },
})

function tempFile(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-store-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return join(dir, 'state', 'sallyport.db')
}

const faultOf = (code: FaultCode, message: RegExp) => (error: unknown) =>
  error instanceof Fault && error.code === code && message.test(error.message)

describe('the SQLite file', () => {
  it('is for its user alone, and so are its side files', async (t) => {
    const file = tempFile(t)
    await using store = await openSqliteStore({ file, sealer, now })
    await store.save(newSession())
    const names = readdirSync(join(file, '..'))
    assert.ok(names.includes('sallyport.db-wal'))
    for (const name of names) assert.equal(statSync(join(file, '..', name)).mode & 0o777, 0o600, name)
  })
  it('holds no token in the clear, before or after it is closed', async (t) => {
    const file = tempFile(t)
    const tokens = {
      ...newSession().tokens,
      accessToken: 'TOKEN-ACCESS',
      refreshToken: 'TOKEN-REFRESH',
      idToken: 'TOKEN-ID',
    }
    const bytes = () =>
      readdirSync(join(file, '..'))
        .map((name) => readFileSync(join(file, '..', name), 'latin1'))
        .join('')
    {
      await using store = await openSqliteStore({ file, sealer, now })
      await store.save(newSession({ tokens }))
      await store.claimOnce('TOKEN-STATE', 1000)
      assert.doesNotMatch(bytes(), /TOKEN/)
    }
    assert.doesNotMatch(bytes(), /TOKEN/)
  })
  it('gives no session whose tokens were moved from another', async (t) => {
    const file = tempFile(t)
    const [mine, theirs] = [newSession(), newSession()]
    {
      await using store = await openSqliteStore({ file, sealer, now })
      await store.save(mine)
      await store.save(theirs)
    }
    const database = new DatabaseSync(file)
    database
      .prepare('UPDATE session SET tokens = (SELECT tokens FROM session WHERE id = ?) WHERE id = ?')
      .run(theirs.id, mine.id)
    database.close()
    await using store = await openSqliteStore({ file, sealer, now })
    assert.equal(await store.find(mine.id), undefined)
    assert.ok(await store.find(theirs.id))
    const due = await store.dueForRefresh({ before: START + 14 * 3_600_000, limit: 10 })
    assert.deepEqual(
      due.map(({ id }) => id),
      [theirs.id],
    )
  })
  it('forgets the sessions of another shared secret, and keeps those of one that was rotated', async (t) => {
    const file = tempFile(t)
    const session = newSession()
    const nextKey = randomBytes(32)
    await using(await openSqliteStore({ file, sealer, now }), (store) => store.save(session))
    const rotated = createSealer([nextKey, KEY])
    await using(await openSqliteStore({ file, sealer: rotated, now }), async (store) =>
      assert.ok(await store.find(session.id)),
    )
    await using(await openSqliteStore({ file, sealer: createSealer(randomBytes(32)), now }), (store) =>
      assert.equal(store.count, 0),
    )
  })
  it('is refused with words on what to do when it is damaged, foreign, newer or not writable', async (t) => {
    const file = tempFile(t)
    const open = () => openSqliteStore({ file, sealer, now })
    await (await open())[Symbol.asyncDispose]()

    const database = new DatabaseSync(file)
    database.exec('PRAGMA user_version = 99')
    database.close()
    await assert.rejects(open(), faultOf('STATE_UNUSABLE', /newer Sallyport/))

    rmSync(file)
    const foreign = new DatabaseSync(file)
    foreign.exec('CREATE TABLE somebody (id TEXT)')
    foreign.close()
    await assert.rejects(open(), faultOf('STATE_UNUSABLE', /another program/))
    assert.ok(!existsSync(`${file}-wal`))

    writeFileSync(file, 'this is not a database, and long enough to be taken for one'.repeat(100))
    await assert.rejects(open(), faultOf('STATE_UNUSABLE', /move it away/))

    rmSync(file)
    writeFileSync(join(file, '..', 'plain'), '')
    await assert.rejects(
      openSqliteStore({ file: join(file, '..', 'plain', 'sallyport.db'), sealer, now }),
      faultOf('STATE_UNUSABLE', /can't be used/),
    )
  })
  it('is refused when pages inside it are damaged', async (t) => {
    const file = tempFile(t)
    await using(await openSqliteStore({ file, sealer, now }), async (store) => {
      for (let i = 0; i < 50; i += 1) await store.save(newSession())
    })
    const bytes = readFileSync(file)
    bytes.fill(0xa5, 8192, bytes.length - 4096)
    writeFileSync(file, bytes)
    await assert.rejects(openSqliteStore({ file, sealer, now }), faultOf('STATE_UNUSABLE', /move it away/))
  })
  it('can be opened for the first time by several processes at once', async (t) => {
    const file = tempFile(t)
    const script = `
      import { openSqliteStore } from ${JSON.stringify(import.meta.resolve('../file-store.ts'))}
      import { newSession } from ${JSON.stringify(import.meta.resolve('../store-under-test.fixture.ts'))}
      import { createSealer } from ${JSON.stringify(import.meta.resolve('../../crypto/seal.ts'))}
      const sealer = createSealer(Buffer.from('${KEY.toString('hex')}', 'hex'))
      await using store = await openSqliteStore({ file: ${JSON.stringify(file)}, sealer, now: () => ${START} })
      for (let i = 0; i < 20; i++) await store.save(newSession())`
    const run = promisify(execFile)
    await Promise.all([1, 2, 3, 4].map(() => run(process.execPath, ['--input-type=module', '-e', script])))
    await using store = await openSqliteStore({ file, sealer, now })
    assert.equal(store.count, 80)
  })

  it('waits for another process that is just making the file, though SQLite itself would not', async (t) => {
    const file = tempFile(t)
    mkdirSync(dirname(file))
    const flag = new Int32Array(new SharedArrayBuffer(4))
    // A thread, because opening waits without giving others their turn. It lets go once opening has begun.
    const other = new Worker(
      `const { DatabaseSync } = require('node:sqlite')
       const { workerData: { file, flag } } = require('node:worker_threads')
       const database = new DatabaseSync(file)
       database.exec('BEGIN IMMEDIATE')
       Atomics.store(flag, 0, 1)
       Atomics.notify(flag, 0)
       Atomics.wait(flag, 0, 1)
       Atomics.wait(flag, 0, 2, 100)
       database.exec('ROLLBACK')
       database.close()`,
      { eval: true, workerData: { file, flag } },
    )
    const ended = once(other, 'exit')
    await Atomics.waitAsync(flag, 0, 0).value
    Atomics.store(flag, 0, 2)
    Atomics.notify(flag, 0)
    await using store = await openSqliteStore({ file, sealer, now })
    assert.equal(store.count, 0)
    await ended
  })
})

describe('the SQLite store in a process', () => {
  it('refuses what a clock that runs ahead has ended, and has it again when the clock is right', async (t) => {
    const file = tempFile(t)
    const at = { wall: START, monotonic: 0 }
    const open = () =>
      openSqliteStore({ file, sealer, now: () => at.wall, monotonic: () => at.monotonic, pollMs: 0 })
    await using store = await open()
    const { id, issuedAt } = await store.save(newSession())
    at.wall += 365 * 86_400_000
    assert.equal(await store.find(id), undefined)
    assert.equal(await store.sweep(), 0)
    for await (const _ of store.idleSince(at.wall)) assert.fail('nothing is called idle by such a clock')
    at.wall -= 365 * 86_400_000
    at.monotonic += 3000
    at.wall += 3000
    assert.equal((await store.find(id))?.issuedAt, issuedAt)
    await using again = await open()
    assert.equal((await again.find(id))?.issuedAt, issuedAt)
  })
  it('ends what was begun while the clock ran ahead, when it is put right', async (t) => {
    const at = { wall: START, monotonic: 0 }
    const file = tempFile(t)
    await using store = await openSqliteStore({
      file,
      sealer,
      now: () => at.wall,
      monotonic: () => at.monotonic,
      pollMs: 0,
    })
    const before = await store.save(newSession())
    at.wall += 365 * 86_400_000
    const ahead = await store.save(newSession({ issuedAt: at.wall, expiresAt: at.wall + 3_600_000 }))
    at.wall -= 365 * 86_400_000
    at.monotonic += 60_000
    at.wall += 60_000
    assert.equal(await store.find(ahead.id), undefined)
    assert.ok(await store.find(before.id))
  })
  it('moves the copies of sessions with the clock, not only what is on disk', async (t) => {
    const clock = { now: START }
    await using store = await openSqliteStore({ file: tempFile(t), sealer, now: () => clock.now, pollMs: 0 })
    const { id, expiresAt } = await store.save(newSession())
    clock.now -= 3_600_000
    assert.equal((await store.find(id))?.expiresAt, expiresAt - 3_600_000)
  })
  it('can live in memory alone, and then leaves no file', async () => {
    await using store = await openSqliteStore({ file: ':memory:', sealer, now })
    assert.ok(await store.find((await store.save(newSession())).id))
    assert.ok(!existsSync(':memory:'))
  })
  it('keeps no more copies than it may, and still finds the others', async (t) => {
    await using store = await openSqliteStore({ file: tempFile(t), sealer, now, maxCopies: 2 })
    const sessions = [1, 2, 3, 4].map(() => newSession())
    for (const session of sessions) await store.save(session)
    for (const { id } of sessions) assert.ok(await store.find(id))
  })
  it('notices a deletion by another process without being asked', async (t) => {
    const file = tempFile(t)
    await using store = await openSqliteStore({ file, sealer, pollMs: 5 })
    await using other = await openSqliteStore({ file, sealer, pollMs: 0 })
    const { id } = await store.save(newSession({ issuedAt: Date.now(), expiresAt: Date.now() + 60_000 }))
    const changes = new EventTarget()
    using _ = store.onChange((changed) => changes.dispatchEvent(new Event(changed)))
    const noticed = once(changes, id, { signal: AbortSignal.timeout(5000) })
    await other.delete(id)
    await noticed
    assert.equal(await store.find(id), undefined)
  })
  it('makes a state folder that was there before no wider, and narrows an old file', async (t) => {
    const file = tempFile(t)
    await (await openSqliteStore({ file, sealer, now }))[Symbol.asyncDispose]()
    chmodSync(file, 0o644)
    await using _ = await openSqliteStore({ file, sealer, now })
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })
})

async function using<T extends AsyncDisposable>(store: T, act: (store: T) => unknown): Promise<void> {
  try {
    await act(store)
  } finally {
    await store[Symbol.asyncDispose]()
  }
}

it('a session that is used once a minute is not written each time', async (t) => {
  const file = tempFile(t)
  const clock = { now: newSession().issuedAt }
  await using store = await openSqliteStore({ file, sealer, now: () => clock.now, pollMs: 0 })
  const session = await store.save(newSession())
  using reader = new DatabaseSync(file, { readOnly: true })
  const rows = new Set<unknown>()
  for (let minute = 0; minute < 60; minute += 1) {
    clock.now += 60_000
    for (let each = 0; each < 10; each += 1) store.touch(session, clock.now + each, 360_000)
    rows.add(reader.prepare('SELECT seen_at FROM activity').get()?.['seen_at'])
  }
  assert.ok(rows.size >= 8 && rows.size <= 11, String(rows.size))
})
