import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { allMutants } from './all.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const mutants = await allMutants()

describe('the list of mutants', () => {
  it('breaks text that stands once in its file', () => {
    const lost = mutants.filter(
      ({ file, find }) => readFileSync(join(ROOT, file), 'utf8').split(find).length !== 2,
    )
    assert.deepEqual(
      lost.map(({ file, find }) => `${file}: ${find}`),
      [],
    )
  })

  it('changes something, and says what somebody could do then', () => {
    assert.deepEqual(
      mutants.filter(({ find, replace, breaks }) => find === replace || breaks.length < 10),
      [],
    )
  })

  it('names tests that there are', () => {
    const named = [...new Set(mutants.flatMap(({ tests }) => tests))]
    assert.ok(mutants.every(({ tests }) => tests.length > 0))
    assert.deepEqual(
      named.filter((pattern) => globSync(pattern, { cwd: ROOT }).length === 0),
      [],
    )
  })

  it('names no mutant twice', () => {
    const names = mutants.map(({ file, find, replace }) => `${file}\n${find}\n${replace}`)
    assert.equal(new Set(names).size, names.length)
  })
})
