import assert from 'node:assert/strict'
import { it } from 'node:test'
import { distance, nearest } from './nearest.ts'

it('the distance of two words counts inserts, deletes, replacements and swaps', () => {
  assert.equal(distance('', 'abc'), 3)
  assert.equal(distance('policy', 'polcy'), 1)
  assert.equal(distance('form', 'from'), 1)
  assert.equal(distance('kitten', 'sitting'), 3)
})

it('the nearest word is named when it is near, whatever its case and dashes', () => {
  const keys = ['from', 'to', 'timeout', 'set_request_headers']
  assert.equal(nearest('form', keys), 'from')
  assert.equal(nearest('setRequestHeaders', keys), 'set_request_headers')
  assert.equal(nearest('Time-Out', keys), 'timeout')
  assert.equal(nearest('upstream', keys), undefined)
  assert.equal(nearest('x'.repeat(100_000), keys), undefined)
})
