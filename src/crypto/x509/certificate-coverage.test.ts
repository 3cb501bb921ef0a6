import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { uncoveredNames } from './certificate-coverage.ts'
import { openLocalCa } from './local-ca.ts'

describe('uncoveredNames', () => {
  let directory: string
  let certificate: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'coverage-'))
    const ca = await openLocalCa(directory)
    certificate = (await ca.issue(['app.example.com', '*.apps.example.com'])).cert
  })
  after(() => rm(directory, { recursive: true }))

  it('leaves out a name that a certificate lists, also through a wildcard of one label', () => {
    assert.deepEqual(uncoveredNames(['app.example.com', 'wiki.apps.example.com'], [certificate]), [])
  })
  it('names a host that is two labels below the wildcard', () => {
    assert.deepEqual(uncoveredNames(['a.b.apps.example.com'], [certificate]), ['a.b.apps.example.com'])
  })
  it('names every host when there is no certificate', () => {
    assert.deepEqual(uncoveredNames(['app.example.com'], []), ['app.example.com'])
  })
})
