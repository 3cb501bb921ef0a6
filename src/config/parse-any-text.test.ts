import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { ParseMemory } from './file/parse-memory.ts'
import { RouteKeys } from './keys/route-schema.ts'
import { SettingsKeys } from './keys/settings-schema.ts'
import { parseConfig } from './parse.ts'

describe('any text', () => {
  const keys = fc.constantFrom(
    ...Object.keys(SettingsKeys.shape),
    'routes',
    'policy',
    '__proto__',
    'constructor',
    '<<',
    '',
  )
  const routeKeys = fc.constantFrom(...Object.keys(RouteKeys.shape), '__proto__', 'mcp')
  const scalar = fc.oneof(
    fc.constantFrom(
      null,
      true,
      0,
      -1,
      1e300,
      Number.NaN,
      '',
      '30s',
      'https://a.b',
      'http://c',
      '/x',
      'file:',
      'env:',
      'a,1',
      '\u0000',
    ),
    fc.string({ unit: 'grapheme' }),
  )
  const value = fc.oneof(
    { weight: 3, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.anything({ maxDepth: 3, values: [scalar], key: fc.string() }) },
  )
  const route = fc.dictionary(routeKeys, value, { maxKeys: 8 })
  const file = fc.tuple(
    fc.dictionary(keys, value, { maxKeys: 8 }),
    fc.array(fc.oneof({ weight: 4, arbitrary: route }, { weight: 1, arbitrary: value }), { maxLength: 4 }),
  )

  it('is parsed or refused with places inside it, and nothing is ever thrown', () => {
    fc.assert(
      fc.property(file, ([settings, routes]) => {
        const text = stringify({ ...settings, routes }, { aliasDuplicateObjects: false })
        const parsed = parseConfig(text)
        if ('config' in parsed) return
        const lines = text.split('\n').length
        assert.ok(parsed.problems.length > 0)
        for (const { line, column, message } of parsed.problems) {
          assert.ok(line >= 1 && line <= lines && column >= 1, `${line}:${column} of ${lines} lines`)
          assert.ok(
            message.length > 3 && !/undefined|\[object|NaN\b/.test(message.replaceAll(/"[^"]*"/g, '')),
            message,
          )
        }
      }),
      { numRuns: 400 },
    )
  })

  it('may be no YAML at all', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[-:{}[\]&*!|>'"%@`#,? \na]{0,40}$/)),
        (text) => {
          parseConfig(text)
          parseConfig(`routes:\n${text}`, { memory: new ParseMemory() })
        },
      ),
      { numRuns: 500 },
    )
  })
})
