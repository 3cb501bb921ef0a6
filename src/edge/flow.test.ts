import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { flowHash, flowMatches, isFlowCookieValue, newFlowCookieValue } from './flow.ts'

describe('the flow cookie', () => {
  const value = newFlowCookieValue()
  it('matches the hash that was made of it', () => {
    assert.ok(isFlowCookieValue(value))
    assert.ok(flowMatches(value, flowHash(value)))
  })
  it('matches no other hash, and nothing matches when it is absent or not of our making', () => {
    assert.equal(flowMatches(newFlowCookieValue(), flowHash(value)), false)
    assert.equal(flowMatches(undefined, flowHash(value)), false)
    assert.equal(flowMatches('', flowHash('')), false)
    assert.equal(flowMatches('x;y', flowHash('x;y')), false)
    assert.equal(flowMatches(value, ''), false)
  })
})
