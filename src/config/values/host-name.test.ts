import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { RE2JS } from 're2js'
import { PLAIN_AUTHORITY, placeOf, withoutFinalDot } from './host-name.ts'

const envoys = RE2JS.compile(PLAIN_AUTHORITY)

describe('the place that a Host header names', () => {
  for (const [text, host, port] of [
    ['app.example.com', 'app.example.com', undefined],
    ['APP.Example.com:443', 'app.example.com', 443],
    ['localhost:1', 'localhost', 1],
    ['a_b.example.com:65535', 'a_b.example.com', 65_535],
    ['xn--bcher-kva.example:9999', 'xn--bcher-kva.example', 9999],
    ['127.0.0.1:8443', '127.0.0.1', 8443],
    ['[::1]', '::1', undefined],
    ['[2001:DB8::1]:8443', '2001:db8::1', 8443],
  ] as const) {
    it(`of ${text} is ${host}, port ${port ?? 'none'}`, () => {
      assert.deepEqual(placeOf(text), { host, port })
      assert.ok(envoys.matches(text))
    })
  }

  for (const text of [
    '',
    '.',
    'app.example.com:',
    'app.example.com:0',
    'app.example.com:0443',
    'app.example.com:+443',
    'app.example.com:65536',
    'app.example.com:99999',
    'app.example.com:443.evil.com',
    'app.example.com:443:443',
    'evil.com:app.example.com',
    'a@app.example.com',
    'app..example.com',
    '.app.example.com',
    'app.example.com.',
    'app.example.com ',
    'app.example.com,evil.com',
    'app.example.com%00',
    'app.example.com\n',
    'äpp.example.com',
    '[::1',
    '::1',
    '[app.example.com]',
    '[::1]x:443',
    '[fe80::1%25eth0]',
  ]) {
    it(`is none for ${JSON.stringify(text)}`, () => {
      assert.equal(placeOf(text), undefined)
      assert.ok(!envoys.matches(text))
    })
  }

  it('is none for what a URL parser reads as another host, or not at all', () => {
    for (const text of ['099999', 'app.1', '127.1', '0x7f.1', '1.2.3.4.5', '256.0.0.1', 'app.0x'])
      assert.equal(placeOf(text), undefined, text)
    assert.equal(placeOf('1.app.example.com')?.host, '1.app.example.com')
  })

  it('stays the same however many other hosts are named in between', () => {
    const before = placeOf('app.example.com:8443')
    for (let n = 0; n < 3000; n++) assert.equal(placeOf(`a${n}.example.com`)?.host, `a${n}.example.com`)
    assert.deepEqual(placeOf('app.example.com:8443'), before)
  })

  it('is none for what looks like an IPv6 address and is not, or is longer than a name can be', () => {
    assert.equal(placeOf('[1.2.3.4]'), undefined)
    assert.equal(placeOf('[::1::2]:443'), undefined)
    assert.equal(placeOf(Array.from({ length: 127 }, () => 'a').join('.'))?.host.length, 253)
    assert.equal(placeOf('a'.repeat(254)), undefined)
  })

  it('is none wherever Envoy refuses', () => {
    const part = fc.constantFrom(
      'a',
      'B',
      '.',
      ':',
      '443',
      '0',
      '65535',
      '65536',
      '[',
      ']',
      '::1',
      '@',
      '%',
      ' ',
      '_',
      '-',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 7 }), (parts) => {
        const text = parts.join('')
        if (placeOf(text) !== undefined) assert.ok(envoys.matches(text), text)
      }),
      { numRuns: 3000 },
    )
  })

  it('loses one final dot, as in Envoy, and no more', () => {
    for (const [text, left] of [
      ['app.example.com.', 'app.example.com'],
      ['app.example.com.:443', 'app.example.com:443'],
      ['app.example.com..', 'app.example.com.'],
      ['app.example.com:443.', 'app.example.com:443'],
      ['app.example.com', 'app.example.com'],
    ] as const)
      assert.equal(withoutFinalDot(text), left)
  })
})
