import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { SignOutJournal } from './sign-out-journal.ts'

/** Two processes with one journal, which know nothing of each other. */
function twoOnOne(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-journal-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'journal')
  return { file, one: new SignOutJournal(file), other: new SignOutJournal(file) }
}

const idsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, at) => `id-${first + at}`.padEnd(22, '.'))

describe('the journal of sign-outs', () => {
  it('takes its space at the start, and no more later', (t) => {
    const { file, one } = twoOnOne(t)
    assert.deepEqual(one.read(), [])
    const { size } = statSync(file)
    assert.equal(size, 65_536)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    one.keep(idsFrom(0, 1024))
    assert.equal(statSync(file).size, size)
    assert.deepEqual(new SignOutJournal(file).read(), idsFrom(0, 1024))
  })

  it('keeps what two processes note, one after the other', (t) => {
    const { one, other } = twoOnOne(t)
    one.read()
    other.read()
    one.keep(['mine'])
    other.keep(['theirs'])
    one.keep(['mine', 'mine too'])
    assert.deepEqual(new Set(other.read()), new Set(['mine', 'theirs', 'mine too']))
  })

  it('loses only what is said to be written, and only to whoever says so', (t) => {
    const { one, other } = twoOnOne(t)
    one.keep(['a', 'b'])
    other.keep(['c'])
    one.remove(['a', 'b'])
    assert.deepEqual(other.read(), ['c'])
    one.keep(['d'])
    assert.deepEqual(new Set(other.read()), new Set(['c', 'd']))
  })

  it('has what another took out by mistake again, at the next note', (t) => {
    const { one, other } = twoOnOne(t)
    one.keep(['a', 'b'])
    other.remove(['a'])
    one.keep(['a', 'b', 'c'])
    assert.deepEqual(new Set(one.read()), new Set(['a', 'b', 'c']))
  })

  it('says that it is full, and changes nothing of what stands in it', (t) => {
    const { file, one } = twoOnOne(t)
    one.keep(idsFrom(0, 1024))
    const before = readFileSync(file)
    assert.throws(() => one.keep([...idsFrom(0, 1024), 'more']), /full/)
    assert.deepEqual(readFileSync(file), before)
    one.remove(idsFrom(500, 1))
    one.keep([...idsFrom(0, 500), ...idsFrom(501, 523), 'more'])
    assert.ok(one.read().includes('more'))
  })
})
