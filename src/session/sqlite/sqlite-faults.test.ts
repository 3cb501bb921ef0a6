import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { until } from '../../../test/harness/until.ts'
import { createSealer } from '../../crypto/seal.ts'
import { type FileStoreOptions, openSqliteStore } from '../file-store.ts'
import { newSession } from '../store-under-test.fixture.ts'

const sealer = createSealer(randomBytes(32))
const START = newSession().issuedAt

function world(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-store-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'sallyport.db')
  const at = { now: START }
  return {
    dir,
    file,
    at,
    open: (more: Partial<FileStoreOptions> = {}) =>
      openSqliteStore({ file, sealer, now: () => at.now, pollMs: 0, ...more }),
    /** Runs SQL as another program would. */
    sabotage: (sql: string) => {
      using database = new DatabaseSync(file)
      database.exec(sql)
    },
  }
}

/** As a full disk does: what is there can be read, and nothing can be written. */
const FULL = `CREATE TRIGGER full BEFORE UPDATE ON store BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`
const ROOM_AGAIN = 'DROP TRIGGER full'

describe('a sign-out that can not be written', () => {
  it('holds at once, is told in the health, and is written when there is room', async (t) => {
    const { open, sabotage } = world(t)
    await using store = await open({ pollMs: 5, monotonic: () => performance.now() })
    const mine = await store.save(newSession())
    const other = await store.save(newSession())
    sabotage(FULL)
    assert.equal(await store.delete(mine.id), true)
    assert.equal(await store.find(mine.id), undefined)
    assert.ok(await store.find(other.id))
    assert.match(store.problem ?? '', /1 sign-outs hold but are not in the database yet$/)
    assert.deepEqual(await store.list(), [other])
    sabotage(ROOM_AGAIN)
    await until(() => store.problem === undefined, { what: 'the store is well' })
    await assert.rejects(async () => store.save(mine), /ended/)
    assert.equal(await store.find(mine.id), undefined)
  })
})

describe('the health of the store', () => {
  it('says that it fails while it does, and that it is well again', async (t) => {
    const { open, sabotage } = world(t)
    await using store = await open({ pollMs: 5, monotonic: steps(6000) })
    assert.equal(store.problem, undefined)
    sabotage(FULL)
    await until(() => /disk is full/.test(store.problem ?? ''), { what: String(/disk is full/) })
    sabotage(ROOM_AGAIN)
    await until(() => store.problem === undefined, { what: 'the store is well' })
  })

  it('puts the file back that was deleted, with all that is known, and goes on with it', async (t) => {
    const { open, file, dir } = world(t)
    const lost: (string | undefined)[] = []
    const session = newSession()
    let later = newSession()
    {
      await using store = await open({
        pollMs: 5,
        monotonic: steps(6000),
        onFileLost: (failure) => lost.push(failure),
      })
      await store.save(session)
      for (const name of readdirSync(dir)) rmSync(join(dir, name))
      await until(() => lost.length > 0, { what: 'the file is missed' })
      assert.deepEqual(lost, [undefined])
      assert.equal(statSync(file).mode & 0o777, 0o600)
      later = await store.save(newSession())
      await store.records.put('things', 'one', { is: 'kept' })
      assert.equal(store.problem, undefined)
    }
    await using store = await open()
    assert.ok(await store.find(session.id))
    assert.ok(await store.find(later.id))
    assert.deepEqual((await store.records.get('things', 'one'))?.value, { is: 'kept' })
    assert.ok(!readdirSync(dir).some((name) => name.includes('restored')))
  })

  it('says so when the file can not be put back, and leaves another one alone', async (t) => {
    const { open, file, dir } = world(t)
    await using store = await open({ pollMs: 5, monotonic: steps(6000) })
    const { id } = await store.save(newSession())
    renameSync(dir, `${dir}-away`)
    t.after(() => rmSync(`${dir}-away`, { recursive: true, force: true }))
    await until(() => /deleted and can't be written anew/.test(store.problem ?? ''), {
      what: String(/deleted and can't be written anew/),
    })
    assert.ok(await store.find(id), 'known sessions go on')
    renameSync(`${dir}-away`, dir)
    await until(() => store.problem === undefined, { what: 'the store is well' })
    rmSync(file)
    new DatabaseSync(file).close()
    await until(() => /another file stands in the place/.test(store.problem ?? ''), {
      what: String(/another file stands in the place/),
    })
    assert.equal(statSync(file).size, 0)
  })
})

/** Both have looked, and have done what they do then. */
async function bothMissIt(t: TestContext) {
  const { open, file, dir } = world(t)
  const lost = { one: 0, other: 0 }
  const options = { pollMs: 5, monotonic: steps(6000) }
  const one = await open({ ...options, onFileLost: () => lost.one++ })
  const other = await open({ ...options, monotonic: steps(6000), onFileLost: () => lost.other++ })
  t.after(async () => {
    await one[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
  })
  const session = await one.save(newSession())
  await until(async () => (await other.find(session.id)) !== undefined, { what: 'both to know it' })
  for (const name of readdirSync(dir)) rmSync(join(dir, name))
  const isToldOf = ({ problem }: typeof one) => /another file stands/.test(problem ?? '')
  await until(() => lost.one + lost.other > 0, { what: 'the file is missed' })
  await until(() => isToldOf(one) || isToldOf(other), { what: 'the other one to see it' })
  return { file, dir, session, writer: isToldOf(one) ? other : one, late: isToldOf(one) ? one : other }
}

describe('two processes whose database file was deleted', () => {
  it('put one back between them, and the other says that it has not got it', async (t) => {
    const { file, dir, session, writer, late } = await bothMissIt(t)
    await until(() => !readdirSync(dir).some((name) => name.includes('restored')), {
      what: 'the copy of the late one to be removed',
    })
    const { ino } = statSync(file)
    const later = await writer.save(newSession())
    assert.equal(writer.problem, undefined)
    assert.match(late.problem ?? '', /restart to use that one/)
    assert.ok(await late.find(session.id), 'known sessions go on')
    assert.equal(statSync(file).ino, ino, 'and it replaced nothing')
    using database = new DatabaseSync(file, { readOnly: true })
    const ids = database.prepare('SELECT id FROM session').all()
    assert.deepEqual(
      new Set(ids.map(({ id }) => id)),
      new Set([session.id, later.id]),
      'all is in the one that is there',
    )
  })
})

/** A monotonic clock that makes every look at it a probe. */
function steps(ms: number): () => number {
  let now = 0
  return () => (now += ms)
}
