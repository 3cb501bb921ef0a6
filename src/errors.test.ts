import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { FAULT_CODES, Fault } from './errors.ts'

describe('docs/errors.md', () => {
  const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)]

  it('has a row for every code and no other, in the order of the table', () => {
    assert.deepEqual(
      rows.map(([, code]) => code),
      FAULT_CODES,
    )
  })
  it('tells the statuses and who can mend it as they are', () => {
    for (const [, code, status, grpc, mendedBy] of rows) {
      const known = FAULT_CODES.find((candidate) => candidate === code)
      assert.ok(known)
      const fault = new Fault(known, '')
      assert.deepEqual(
        [String(fault.status), String(fault.grpcStatus), fault.mendedBy],
        [status, grpc, mendedBy],
        known,
      )
    }
  })
})
