import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { der } from '../../config/client-authority.fixture.ts'
import { booleanOf, elementsOf, extensionsOf, oidOf, onlyElement, smallInteger, Tag, timeOf } from './der.ts'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const element = (tag: number, content: string | Buffer) => onlyElement(der(tag, content), tag)

describe('DER', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.uint8Array({ maxLength: 400 })), {
          maxLength: 5,
        }),
        (wanted) => {
          const encoded = Buffer.concat(wanted.map(([tag, content]) => der(tag, content)))
          const read = elementsOf(encoded)
          assert.deepEqual(
            read.map(({ tag, content }) => [tag, content]),
            wanted.map(([tag, content]) => [tag, Buffer.from(content)]),
          )
          assert.deepEqual(Buffer.concat(read.map(({ raw }) => raw)), encoded)
        },
      ),
    )
  })

  it('of any bytes is read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (any) => {
        try {
          const read = elementsOf(Buffer.from(any))
          assert.equal(
            read.reduce((sum, { raw }) => sum + raw.length, 0),
            any.length,
          )
        } catch (error) {
          assert.ok(error instanceof RangeError)
        }
      }),
    )
  })

  for (const [what, hex] of [
    ['a length beyond its end', '30 05 01'],
    ['a length without end', '30 80 00 00'],
    ['a length in a longer form than needed', '30 81 01 00'],
    ['a length of leading zeros', '30 82 00 81' + '00'.repeat(0x81)],
    ['a tag of several octets', '1f 81 01 00'],
    ['no length at all', '30'],
  ] as const) {
    it(`is refused with ${what}`, () => assert.throws(() => elementsOf(bytes(hex)), RangeError))
  }

  it('times are those of RFC 5280', () => {
    assert.equal(timeOf(element(Tag.utcTime, '491231235959Z')), Date.UTC(2049, 11, 31, 23, 59, 59))
    assert.equal(timeOf(element(Tag.utcTime, '500101000000Z')), Date.UTC(1950, 0, 1))
    assert.equal(timeOf(element(Tag.generalizedTime, '99991231235959Z')), Date.UTC(9999, 11, 31, 23, 59, 59))
    for (const text of ['491331000000Z', '490230000000Z', '4901010000Z', '490101000000+0100', ''])
      assert.throws(() => timeOf(element(Tag.utcTime, text)), RangeError, text)
    assert.throws(() => timeOf(element(Tag.generalizedTime, '00500101000000Z')), RangeError)
  })

  it('object identifiers, numbers and truths have one form', () => {
    assert.equal(oidOf(element(Tag.oid, bytes('2b 06 01 04 01 82 37 14 02 03'))), '1.3.6.1.4.1.311.20.2.3')
    assert.equal(oidOf(element(Tag.oid, bytes('55 1d 11'))), '2.5.29.17')
    assert.equal(smallInteger(element(Tag.integer, bytes('00 ff'))), 255)
    assert.throws(() => smallInteger(element(Tag.integer, bytes('ff'))), RangeError)
    assert.equal(booleanOf(element(Tag.boolean, bytes('ff'))), true)
    assert.throws(() => booleanOf(element(Tag.boolean, bytes('01'))), RangeError)
  })

  it('extensions stand once each, and are left out where there are none', () => {
    const one = der(0x30, der(Tag.oid, bytes('55 1d 11')), der(Tag.octetString, 'x'))
    assert.equal(extensionsOf(onlyElement(der(0x30, one), 0x30))[0]?.oid, '2.5.29.17')
    assert.throws(() => extensionsOf(onlyElement(der(0x30, one, one), 0x30)), RangeError)
    assert.throws(() => extensionsOf(onlyElement(der(0x30), 0x30)), RangeError)
  })
})
