import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Visitor, Visitors } from './visitors.ts'

const visitor = (...sessionIds: readonly string[]): Visitor => ({
  sessionIds,
  serviceAccountIds: [],
  hasForgedToken: false,
  cookies: { sessions: new Map(), flow: undefined, rest: undefined, isChanged: false },
  answers: new Map(),
  isKept: false,
})

describe('what is remembered of visitors', () => {
  it('goes with the session, on every host and with every other session beside it', () => {
    const visitors = new Visitors()
    visitors.remember('a', visitor('s1'), true)
    visitors.remember('b', visitor('s1', 's2'), true)
    visitors.remember('c', visitor('s2'), true)
    visitors.forgetSession('s1')
    assert.equal(visitors.find('a'), undefined)
    assert.equal(visitors.find('b'), undefined)
    assert.ok(visitors.find('c'))
    visitors.forgetSession('s2')
    assert.equal(visitors.size, 0)
  })

  it('is replaced under the same key, and then does not go with the former session', () => {
    const visitors = new Visitors()
    visitors.remember('a', visitor('s1'), true)
    visitors.remember('a', visitor('s2'), true)
    visitors.forgetSession('s1')
    assert.deepEqual(visitors.find('a')?.sessionIds, ['s2'])
  })

  it('takes no look at others when one session ends, however many there are', () => {
    const visitors = new Visitors()
    let looks = 0
    for (let i = 0; i < 5000; i++) {
      const each = visitor(`s${i}`)
      visitors.remember(
        `k${i}`,
        {
          ...each,
          get sessionIds() {
            looks++
            return each.sessionIds
          },
        },
        true,
      )
    }
    looks = 0
    visitors.forgetSession('s4999')
    assert.ok(looks < 10, String(looks))
  })
})
