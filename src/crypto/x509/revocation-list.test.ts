import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { measureTurns } from '../../../test/harness/turns.ts'
import { inTurns } from '../../turns.ts'
import { parseRevocationLists, revocationListWork } from './revocation-list.ts'

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  const significant = length.subarray(length.findIndex((byte) => byte > 0))
  return Buffer.concat([Buffer.from([tag, 0x80 | significant.length]), significant, content])
}

const RSA_WITH_SHA256 = der(0x30, der(0x06, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05))
const TIME = der(0x17, Buffer.from('260101000000Z'))
const REASON = der(
  0x30,
  der(0x30, der(0x06, Buffer.from('551d15', 'hex')), der(0x04, der(0x0a, Buffer.from([1])))),
)

/** Unsigned: whether the signature is good is asked later. */
function listOf(count: number): string {
  const entries = Array.from({ length: count }, (_, index) => {
    const serial = Buffer.alloc(16, 1)
    serial.writeUInt32BE(index + 1)
    return der(0x30, der(0x02, serial), TIME, ...(index % 2 === 0 ? [REASON] : []))
  })
  const issuer = der(0x30)
  const body = der(
    0x30,
    der(0x02, Buffer.from([1])),
    RSA_WITH_SHA256,
    issuer,
    TIME,
    TIME,
    der(0x30, ...entries),
  )
  const list = der(0x30, body, RSA_WITH_SHA256, der(0x03, Buffer.from([0, 1])))
  return `-----BEGIN X509 CRL-----\n${list.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`
}

describe('a revocation list of a hundred thousand entries', () => {
  it('is read in turns, and is at hand for who asks for it at once', async () => {
    const text = listOf(100_000)
    const { result, longestMs, count } = await measureTurns(() => inTurns(revocationListWork(text)))
    assert.ok('value' in result, JSON.stringify(result))
    assert.equal(result.value.lists[0]?.serials.size, 100_000)
    assert.ok(count > 5)
    assert.ok(longestMs < 50, `a turn took ${Math.round(longestMs)} ms of CPU time`)
    assert.equal(parseRevocationLists(text), result)
  })
})
