import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { makeFolder } from './make-folder.ts'

const home = mkdtempSync(join(tmpdir(), 'sallyport-folder-'))
after(() => rmSync(home, { recursive: true }))

const modeOf = (path: string): number => statSync(path).mode & 0o777

describe('making a folder', () => {
  it('makes those above it too, all with the mode', () => {
    makeFolder(join(home, 'a', 'b', 'c'), 0o700)
    for (const path of ['a', 'a/b', 'a/b/c']) assert.equal(modeOf(join(home, path)), 0o700)
  })

  it('leaves one that is there as it is, also behind a link', () => {
    mkdirSync(join(home, 'there'), { mode: 0o750 })
    symlinkSync('there', join(home, 'link'))
    makeFolder(join(home, 'link'), 0o700)
    makeFolder(join(home, 'link', 'below'), 0o700)
    assert.equal(modeOf(join(home, 'there')), 0o750)
    assert.equal(modeOf(join(home, 'there', 'below')), 0o700)
  })

  it('fails for a file, below a file, and at a link that leads nowhere', () => {
    writeFileSync(join(home, 'file'), '')
    symlinkSync('nowhere', join(home, 'dangling'))
    assert.throws(() => makeFolder(join(home, 'file')), { code: 'EEXIST' })
    assert.throws(() => makeFolder(join(home, 'file', 'below')), { code: 'ENOTDIR' })
    assert.throws(() => makeFolder(join(home, 'dangling')), { code: 'EEXIST' })
  })

  it('ends where the system makes no folders', { skip: process.platform !== 'linux' }, () => {
    assert.throws(() => makeFolder('/proc/sallyport/state', 0o700), { code: 'ENOENT' })
  })
})
