import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CheckRequest } from './check-request.ts'
import { clientAddress } from './client-address.ts'

const PEER = '192.0.2.1'

const requestWith = (forwarded: string | undefined): CheckRequest =>
  ({
    sourceAddress: PEER,
    header: (name: string) => (name === 'x-forwarded-for' ? forwarded : undefined),
  }) as CheckRequest

/** As Envoy shows it: with the peer at the end, unless it was told to append nothing. */
const addressOf = (forwarded: string | undefined, hops: number, isAppended = true): string =>
  clientAddress(requestWith(forwarded), { xff_num_trusted_hops: hops, skip_xff_append: !isAppended })

describe('the address of the client', () => {
  it('is that of the connection, as long as no proxy is trusted', () => {
    assert.equal(addressOf(`203.0.113.9, ${PEER}`, 0), PEER)
    assert.equal(clientAddress(requestWith('203.0.113.9'), undefined), PEER)
  })

  it('is what the last trusted proxy has seen', () => {
    assert.equal(addressOf(`10.9.9.9, 203.0.113.9, ${PEER}`, 1), '203.0.113.9')
    assert.equal(addressOf(`10.9.9.9, 203.0.113.9, 198.51.100.1, ${PEER}`, 2), '203.0.113.9')
    assert.equal(addressOf('10.9.9.9, 203.0.113.9', 1, false), '203.0.113.9')
    assert.equal(addressOf(`2001:db8::9, ${PEER}`, 1), '2001:db8::9')
  })

  it('is that of the connection where the proxy says no address: what is no address lets nobody in', () => {
    for (const odd of [
      '',
      'unknown',
      'not an address',
      '10.0.0.1:443',
      '[2001:db8::9]',
      '_hidden',
      '10.0.0',
      '10.0.0.0/8',
      '０.0.0.1',
    ])
      assert.equal(addressOf(`${odd}, ${PEER}`, 1), PEER, odd)
  })

  it('is that of the connection where there are fewer entries than proxies', () => {
    for (const few of [undefined, PEER]) assert.equal(addressOf(few, 2), PEER)
    assert.equal(addressOf(undefined, 1, false), PEER)
  })
})
