/**
 * Configuration → Envoy resources, compared with files that a reviewer reads as a diff.
 *
 * `UPDATE_GOLDEN=1 node --test test/golden/golden.test.ts` rewrites them.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { before, describe, it } from 'node:test'
import { CASE_NAMES, compactJson, goldenOf, goldenPath, type Keys, makeKeys } from './cases.ts'

let keys: Keys

describe('what Envoy gets for a configuration', () => {
  before(async () => {
    keys = await makeKeys()
  })

  for (const name of CASE_NAMES) {
    it(`of ${name} is what ${name}.json says`, () => {
      const path = goldenPath(name)
      const text = `${compactJson(goldenOf(name, keys))}\n`
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text)
      assert.ok(existsSync(path), `${path} is missing: run with UPDATE_GOLDEN=1 and review it`)
      assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), JSON.parse(text))
    })
  }

  it('has no golden file without a case', () => {
    const files = readdirSync(dirname(goldenPath('any'))).filter((file) => file.endsWith('.json'))
    assert.deepEqual(files.map((file) => file.slice(0, -'.json'.length)).toSorted(), CASE_NAMES.toSorted())
  })
})
