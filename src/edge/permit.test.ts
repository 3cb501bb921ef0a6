import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readFacts, readPermit, writeFacts, writePermit } from './permit.ts'

describe('a permit', () => {
  it('is read as it was written', () => {
    for (const permit of [
      { routeId: 'r', host: 'app.example.com', sessionIds: ['s'], serviceAccountIds: [] },
      { routeId: 'r', host: 'a', sessionIds: [], serviceAccountIds: [], certificate: null },
      { routeId: 'r', host: '[::1]', sessionIds: [], serviceAccountIds: ['a', 'b'], certificate: 'x' },
    ])
      assert.deepEqual(readPermit(writePermit(permit)), permit)
    const facts = {
      method: 'GET',
      path: '/ä',
      clientAddress: '',
      headers: { 'x-a': '"\\', 'x-b': null },
      bearer: 't',
    }
    assert.deepEqual(readFacts(writeFacts(facts)), facts)
  })

  it('that is none is not taken for one', () => {
    for (const text of [
      undefined,
      '',
      'null',
      '[]',
      '{}',
      '{"r":1,"h":"a"}',
      '{"r":"a"}',
      '{"r":"a","h":"b","s":"c"}',
    ])
      assert.equal(readPermit(text), undefined, String(text))
    assert.equal(readFacts('{"method":"GET"}'), undefined)
  })
})
