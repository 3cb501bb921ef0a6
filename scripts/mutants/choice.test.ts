import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ListedMutant } from './all.ts'
import { recentMutants } from './choice.ts'

const mutant = (file: string, tests: readonly string[] = ['src/other/none.test.ts']): ListedMutant => ({
  file,
  find: 'a',
  replace: 'b',
  tests,
  breaks: 'everything',
  list: 'core',
})
const far = Array.from({ length: 20 }, (_, at) => mutant(`src/policy/far-${at}.ts`))
const near = mutant('src/policy/near.ts')
const tested = mutant('src/session/store.ts', ['src/policy/*.test.ts'])
const other = mutant('src/cli/other.ts')
const all = [other, ...far, tested, near]
const changed = ['src/policy/near.ts', 'src/policy/judge.test.ts']
const files = (chosen: readonly ListedMutant[]) => chosen.map(({ file }) => file)

describe('recentMutants', () => {
  it('takes what has changed first, by its file or by its tests', () => {
    const chosen = files(recentMutants(all, { changed, seed: 'one', most: 2 }))
    assert.deepEqual(new Set(chosen), new Set([near.file, tested.file]))
  })

  it('goes on with the rooms of what has changed, and with no other room', () => {
    const chosen = files(recentMutants(all, { changed, seed: 'one', most: 100 }))
    assert.equal(chosen.length, far.length + 2)
    assert.ok(!chosen.includes(other.file))
  })

  it('leaves out what is known to survive', () => {
    const known = { ...near, survives: 'nothing can notice it' }
    assert.deepEqual(recentMutants([known], { changed, seed: 'one', most: 9 }), [])
  })

  it('is the same for a commit, and another one for the next', () => {
    const [first, again, next] = ['one', 'one', 'two'].map((seed) =>
      files(recentMutants(all, { changed, seed, most: 8 })),
    )
    assert.deepEqual(first, again)
    assert.notDeepEqual(first, next)
  })

  it('draws from all when the history does not tell', () => {
    assert.equal(recentMutants(all, { changed: undefined, seed: 'one', most: 100 }).length, all.length)
  })
})
