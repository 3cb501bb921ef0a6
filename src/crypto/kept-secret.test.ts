import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Fault } from '../errors.ts'
import { keptSecret } from './kept-secret.ts'

describe('keptSecret', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kept-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('makes 32 bytes once and gives the same ever after', () => {
    const file = join(directory, 'secrets', 'shared_secret')
    const made = keptSecret(file)
    assert.equal(Buffer.from(made, 'base64').length, 32)
    assert.equal(keptSecret(file), made)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(join(directory, 'secrets')), ['shared_secret'])
  })

  it('says which file it could not keep it in', () => {
    writeFileSync(join(directory, 'secrets'), 'a file where a folder should be')
    const file = join(directory, 'secrets', 'shared_secret')
    assert.throws(
      () => keptSecret(file),
      (error) => error instanceof Fault && error.message.includes(file),
    )
  })

  it('says what to do with a file that holds something else', () => {
    const file = join(directory, 'shared_secret')
    writeFileSync(file, 'zzz\n')
    assert.throws(
      () => keptSecret(file),
      (error) =>
        error instanceof Fault &&
        error.code === 'STATE_UNUSABLE' &&
        error.message.startsWith(`${file}: holds no base64 of 32 bytes; delete it`),
    )
  })
})
