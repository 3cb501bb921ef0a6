import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clientAddress } from './client-address.ts'

const PEER = '192.0.2.1'

/** As Envoy shows it: with the peer at the end, unless it was told to append nothing. */
const addressOf = (forwardedFor: string | undefined, hops: number, isAppended = true): string =>
  clientAddress({ peer: PEER, forwardedFor }, { xff_num_trusted_hops: hops, skip_xff_append: !isAppended })

/** To who does not know the peer. */
const addressFromHeader = (forwardedFor: string, hops: number, isAppended: boolean): string =>
  clientAddress(
    { peer: undefined, forwardedFor },
    { xff_num_trusted_hops: hops, skip_xff_append: !isAppended },
  )

describe('the address of the client', () => {
  it('is that of the connection, as long as no proxy is trusted', () => {
    assert.equal(addressOf(`203.0.113.9, ${PEER}`, 0), PEER)
    assert.equal(addressOf('203.0.113.9', 0, false), PEER)
  })

  it('is what the last trusted proxy has seen', () => {
    assert.equal(addressOf(`10.9.9.9, 203.0.113.9, ${PEER}`, 1), '203.0.113.9')
    assert.equal(addressOf(`10.9.9.9, 203.0.113.9, 198.51.100.1, ${PEER}`, 2), '203.0.113.9')
    assert.equal(addressOf('10.9.9.9, 203.0.113.9', 1, false), '203.0.113.9')
    assert.equal(addressOf(`2001:db8::9, ${PEER}`, 1), '2001:db8::9')
  })

  it('is read without the port that the proxy writes beside it', () => {
    for (const [written, address] of [
      ['203.0.113.9:4711', '203.0.113.9'],
      ['[2001:db8::9]:443', '2001:db8::9'],
      ['[2001:db8::9]', '2001:db8::9'],
      ['[::ffff:203.0.113.9]:1', '::ffff:203.0.113.9'],
      ['2001:db8::9:443', '2001:db8::9:443'],
    ] as const)
      assert.equal(addressOf(`10.9.9.9, ${written} ,${PEER}`, 1), address, written)
  })

  it('is unknown, and not that of the proxy, where the proxy says no address', () => {
    for (const odd of [
      '',
      ' ',
      'unknown',
      'not an address',
      'unknown:443',
      '203.0.113.9:',
      '203.0.113.9:http',
      '203.0.113.9:443:443',
      '203.0.113.9:123456',
      '[203.0.113.9]',
      '[203.0.113.9]:443',
      '[2001:db8::9',
      '2001:db8::9]:443',
      '[2001:db8::9]443',
      '[[2001:db8::9]]',
      '"203.0.113.9"',
      'for=203.0.113.9',
      '_hidden',
      '10.0.0',
      '010.0.0.1',
      '10.0.0.0/8',
      '０.0.0.1',
    ])
      for (const hops of [1, 2])
        assert.equal(
          addressOf(`10.9.9.9, ${odd}${', 198.51.100.1'.repeat(hops - 1)}, ${PEER}`, hops),
          '',
          odd,
        )
  })

  it('is unknown where there are fewer entries than proxies', () => {
    for (const few of [undefined, '', PEER, `203.0.113.9, ${PEER}`]) assert.equal(addressOf(few, 2), '')
    assert.equal(addressOf(PEER, 1), '')
    assert.equal(addressOf(undefined, 1, false), '')
    assert.equal(addressOf('203.0.113.9', 2, false), '')
  })

  it('is told by what Envoy has appended, to who does not know the peer', () => {
    assert.equal(addressFromHeader(`203.0.113.9,${PEER}`, 0, true), PEER)
    assert.equal(addressFromHeader(`203.0.113.9,${PEER}`, 1, true), '203.0.113.9')
    assert.equal(addressFromHeader('10.9.9.9,203.0.113.9', 1, false), '203.0.113.9')
    assert.equal(addressFromHeader('203.0.113.9', 0, false), '', 'those are the client’s own words')
  })
})
