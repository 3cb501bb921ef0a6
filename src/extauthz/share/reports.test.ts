import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WireWriter } from '../wire.ts'
import { readReports } from './reports.ts'

const record = (text: string) =>
  new WireWriter()
    .bytes(2, 'severity')
    .message(5, new WireWriter().bytes(1, text))
    .message(6, new WireWriter().bytes(1, 'attribute'))
const scope = (...texts: readonly string[]) => {
  const logs = new WireWriter().message(1, new WireWriter().bytes(1, 'scope'))
  for (const text of texts) logs.message(2, record(text))
  return logs
}

function read(bytes: Buffer): readonly string[] {
  const texts: string[] = []
  assert.equal(readReports(bytes, (text) => texts.push(text)).length, 0)
  return texts
}

describe('what Envoy’s access log sends', () => {
  it('is one text for each request, in its order', () => {
    const resource = new WireWriter()
      .message(1, new WireWriter())
      .message(2, scope('a', 'b'))
      .message(2, scope('c'))
    assert.deepEqual(read(new WireWriter().message(1, resource).message(1, resource).finish()), [
      'a',
      'b',
      'c',
      'a',
      'b',
      'c',
    ])
  })

  it('may be nothing', () => assert.deepEqual(read(Buffer.alloc(0)), []))

  it('is refused where it is cut off', () => {
    const whole = new WireWriter().message(1, new WireWriter().message(2, scope('abc'))).finish()
    assert.throws(() => read(whole.subarray(0, -1)), { code: 'CHECK_MALFORMED' })
  })
})
