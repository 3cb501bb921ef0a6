import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { SqliteConnection } from './sqlite-connection.ts'
import { openDatabase, SCHEMA_VERSION } from './sqlite-database.ts'
import { SqliteFile } from './sqlite-file.ts'

/** A database whose file was deleted under two connections of it, as two processes have them. */
function deleted(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-file-'))
  const path = join(dir, 'sallyport.db')
  const [one, other] = [openDatabase(path), openDatabase(path)].map((database) => {
    const connection = new SqliteConnection(database)
    return { connection, file: new SqliteFile(path) }
  })
  assert.ok(one && other)
  t.after(() => {
    for (const { connection } of [one, other]) connection.database.close()
    rmSync(dir, { recursive: true, force: true })
  })
  for (const name of readdirSync(dir)) rmSync(join(dir, name))
  return { dir, path, ...one, other }
}

describe('the file of the store', () => {
  it('is ours, lost, and ours again once it is put back', async (t) => {
    const { dir, connection, file } = deleted(t)
    assert.equal(file.place, 'lost')
    await file.restore(connection)
    assert.equal(file.place, 'ours')
    connection.database.exec('UPDATE store SET version = 7')
    assert.deepEqual(
      readdirSync(dir).filter((name) => name.includes('restored')),
      [],
    )
  })

  it('is not put in the place of one that another process has put there meanwhile', async (t) => {
    const { dir, path, connection, file } = deleted(t)
    const { database } = connection
    const restoring = file.restore(connection)
    writeFileSync(path, 'of another process')
    await restoring
    assert.equal(readFileSync(path, 'utf8'), 'of another process')
    assert.equal(connection.database, database, 'what is known is still at hand')
    assert.equal(file.place, 'replaced')
    assert.deepEqual(readdirSync(dir), ['sallyport.db'])
  })

  it('is copied by two processes at once, each under a name of its own, and put back by one', async (t) => {
    const { dir, connection, file, other } = deleted(t)
    await Promise.all([file.restore(connection), other.file.restore(other.connection)])
    assert.deepEqual([file.place, other.file.place].toSorted(), ['ours', 'replaced'])
    assert.ok(!readdirSync(dir).some((name) => name.includes('restored')))
  })
})

describe('the header of the file', () => {
  it('tells the version of the schema while it is open, for packages that can not run SQLite', (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-file-'))
    const path = join(dir, 'sallyport.db')
    const database = openDatabase(path)
    t.after(() => {
      database.close()
      rmSync(dir, { recursive: true })
    })
    assert.equal(readFileSync(path).readUInt32BE(60), SCHEMA_VERSION)
  })
})
