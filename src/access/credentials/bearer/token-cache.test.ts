import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { problem } from '../../../identity/token-problem.ts'
import { TokenCache } from './token-cache.ts'

const BAD = problem('it is forged')

describe('the memory of tokens', () => {
  it('holds a bounded number, and garbage pushes out no good one', () => {
    const cache = new TokenCache<{ readonly name: string }>()
    cache.accept('good', { name: 'good' }, 0, 1000)
    for (let n = 0; n < 20_000; n++) cache.refuse(`bad-${n}`, BAD, 0)
    assert.equal(cache.size, 1001)
    assert.deepEqual(cache.find('good', 999), { name: 'good' })
    for (let n = 0; n < 20_000; n++) cache.accept(`other-${n}`, { name: 'other' }, 0, 1000)
    assert.equal(cache.size, 6000)
  })

  it('ends at the instant, and remembers a refusal for ten seconds', () => {
    const cache = new TokenCache<{ readonly name: string }>()
    cache.accept('good', { name: 'good' }, 0, 1000)
    assert.equal(cache.find('good', 1000), undefined)
    assert.deepEqual(cache.findLast('good'), { name: 'good' })
    cache.refuse('bad', BAD, 1000)
    assert.equal(cache.find('bad', 10_999), BAD)
    assert.equal(cache.find('bad', 11_000), undefined)
    assert.equal(cache.find('bad', 0), undefined, 'nor by a clock that was set back')
  })

  it('judges anew what was accepted at a time that lies ahead, since the clock was set back', () => {
    const cache = new TokenCache<{ readonly name: string }>()
    cache.accept('good', { name: 'good' }, 1000, 2000)
    assert.deepEqual(cache.find('good', 1000), { name: 'good' })
    assert.equal(cache.find('good', 999), undefined)
    cache.accept('good', { name: 'good' }, 999, 1500)
    assert.deepEqual(cache.find('good', 999), { name: 'good' })
  })

  it('judges a token once at a time, and again after a failure', async () => {
    const cache = new TokenCache<{ readonly name: string }>()
    let judged = 0
    const failing = () => {
      judged++
      return Promise.reject(new Error('down'))
    }
    const both = [cache.judge('a', failing), cache.judge('a', failing)]
    await Promise.allSettled(both)
    assert.equal(judged, 1)
    assert.equal(cache.pending, 0)
    await assert.rejects(cache.judge('a', failing), /down/)
    assert.equal(judged, 2)
  })
})
