import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BadTokenLimit } from './bad-token-limit.ts'

const limit = () => new BadTokenLimit({ most: 2, everyMs: 1000 }, { most: 5, everyMs: 100 })

describe('the limit of bad tokens', () => {
  it('comes back bit by bit, for each address of its own', () => {
    const one = limit()
    for (const now of [0, 1]) one.spend('a', now)
    assert.ok(one.isSpent('a', 2))
    assert.ok(!one.isSpent('b', 2))
    assert.ok(one.isSpent('a', 900))
    assert.ok(!one.isSpent('a', 1002))
    one.spend('a', 1002)
    assert.ok(one.isSpent('a', 1003))
  })

  it('is one for a network of IPv6, whose addresses are one subscriber’s, and thrice that for its site', () => {
    const one = new BadTokenLimit({ most: 2, everyMs: 1000 }, { most: 100, everyMs: 100 })
    for (const address of ['2001:db8:1:2::1', '2001:0DB8:1:2:ffff::9']) one.spend(address, 0)
    for (const address of ['2001:db8:1:2::3', '2001:db8:1:2:a:b:c:d', '2001:db8:1:2::3%eth0'])
      assert.ok(one.isSpent(address, 0), address)
    assert.ok(!one.isSpent('2001:db8:1:3::1', 0))
    for (const network of [3, 4]) for (const host of [1, 2]) one.spend(`2001:db8:1:${network}::${host}`, 0)
    assert.ok(one.isSpent('2001:db8:1:ffff::1', 0), 'another network of the site')
    for (const address of ['2001:db8:2::1', '::1', '192.0.2.1', '::ffff:192.0.2.1'])
      assert.ok(!one.isSpent(address, 0), address)
  })

  it('is one for an IPv4 address in whatever form, and for no other', () => {
    const one = limit()
    one.spend('192.0.2.1', 0)
    one.spend('::ffff:192.0.2.1', 0)
    for (const same of ['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201', '0:0:0:0:0:FFFF:192.0.2.1'])
      assert.ok(one.isSpent(same, 0), same)
    assert.ok(!one.isSpent('::ffff:192.0.2.2', 0))
  })

  it('is one for all together, too', () => {
    const one = limit()
    for (const address of ['a', 'b', 'c', 'd', 'e']) one.spend(address, 0)
    assert.ok(one.isSpent('f', 0))
    assert.ok(!one.isSpent('f', 100))
  })

  it('gives nothing back to a clock that goes backwards, and holds a bounded number of addresses', () => {
    const one = limit()
    for (const now of [5000, 5000]) one.spend('a', now)
    assert.ok(one.isSpent('a', 0))
    for (let n = 0; n < 20_000; n++) one.spend(`address-${n}`, 10_000 + n * 1000)
    assert.ok(one.size <= 10_000)
  })
})
