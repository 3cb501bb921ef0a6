import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { afterRequest, type DeltaRequest, meaningOf, type Subscription } from './subscription.ts'

const request = (fields: Partial<DeltaRequest> = {}): DeltaRequest => ({
  typeUrl: 'any',
  subscribe: [],
  unsubscribe: [],
  initialVersions: {},
  responseNonce: '',
  errorDetail: undefined,
  ...fields,
})

const answered = (before: Subscription, fields: Partial<DeltaRequest>): Subscription => {
  const message = request(fields)
  return afterRequest(before, message, meaningOf(message, before))
}

const first = (fields: Partial<DeltaRequest> = {}): Subscription =>
  afterRequest(undefined, request(fields), 'first')

const waiting = (subscription: Subscription, changes: Record<string, string | null>): Subscription => ({
  ...subscription,
  unanswered: { nonce: '7', changes: new Map(Object.entries(changes)) },
})

describe('meaningOf a DeltaDiscoveryRequest', () => {
  it('takes the first of a type as first, whatever nonce it carries', () => {
    assert.equal(meaningOf(request({ responseNonce: '9' }), undefined), 'first')
  })
  it('takes one without a nonce as a change of subscriptions', () => {
    assert.equal(meaningOf(request({ subscribe: ['a'] }), waiting(first(), { a: '1' })), 'subscribe')
  })
  it('tells ACK from NACK by error_detail, an empty one included', () => {
    const before = waiting(first(), { a: '1' })
    assert.equal(meaningOf(request({ responseNonce: '7' }), before), 'ack')
    assert.equal(meaningOf(request({ responseNonce: '7', errorDetail: '' }), before), 'nack')
  })
  it('ignores an answer to a response that is not the last', () => {
    assert.equal(meaningOf(request({ responseNonce: '6' }), waiting(first(), { a: '1' })), 'stale')
    assert.equal(meaningOf(request({ responseNonce: '7' }), first()), 'stale')
  })
})

describe('a subscription', () => {
  it('is to everything when its first request names nothing', () => {
    assert.equal(first().isWildcard, true)
    assert.equal(first({ subscribe: ['a'] }).isWildcard, false)
    assert.equal(first({ subscribe: ['*', 'a'] }).isWildcard, true)
  })

  it('starts with what Envoy kept from an earlier stream', () => {
    assert.deepEqual([...first({ initialVersions: { a: '1' } }).held], [['a', '1']])
  })

  it('holds what was acknowledged, and no longer what was removed', () => {
    const before = waiting(first({ initialVersions: { gone: '1' } }), { a: '2', gone: null })
    const after = answered(before, { responseNonce: '7' })
    assert.deepEqual([...after.held], [['a', '2']])
    assert.equal(after.unanswered, undefined)
  })

  it('applies changes of names in a stale request too', () => {
    const after = answered(first({ subscribe: ['a'] }), {
      responseNonce: '3',
      subscribe: ['b'],
      unsubscribe: ['a'],
    })
    assert.deepEqual([...after.names], ['b'])
  })

  it('sends again what Envoy asks for again', () => {
    const before = first({ subscribe: ['a'], initialVersions: { a: '1' } })
    assert.equal(answered(before, { subscribe: ['a'] }).held.has('a'), false)
  })

  it('forgets what Envoy no longer wants, even when the answer was under way', () => {
    const before = waiting(first({ subscribe: ['a'] }), { a: '1' })
    const after = answered(answered(before, { unsubscribe: ['a'] }), { responseNonce: '7' })
    assert.deepEqual([...after.held], [])
  })

  it('remembers a name that does not exist as told', () => {
    const after = answered(waiting(first({ subscribe: ['a'] }), { a: null }), { responseNonce: '7' })
    assert.deepEqual([...after.absent], ['a'])
  })

  it('keeps the refused version of a resource that was refused alone, with the words of Envoy', () => {
    const after = answered(waiting(first(), { a: '1' }), { responseNonce: '7', errorDetail: 'bad regex' })
    assert.deepEqual([...after.refused], [['a', { version: '1', message: 'bad regex' }]])
  })

  it('tries a refused response again in halves', () => {
    const after = answered(waiting(first(), { a: '1', b: '1', c: '1' }), {
      responseNonce: '7',
      errorDetail: 'bad',
    })
    assert.deepEqual(
      after.retries.map((part) => [...part.keys()]),
      [['a'], ['b', 'c']],
    )
    assert.equal(after.refused.size, 0)
  })
})
