import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { atOnce } from '../../turns.ts'
import { readJson } from './read-json.ts'
import { ScimRefusal } from './refusal.ts'
import { writeJson } from './write-json.ts'

const read = (text: string) => atOnce(readJson(text))

/** The same every time. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

const TEXTS = [
  '',
  'a',
  '"',
  '\\',
  '\\"',
  'ü',
  '🚪',
  '\u2028',
  '\n',
  '\u0000',
  '__proto__',
  'constructor',
  '[{,:}]',
  'x'.repeat(300),
]

function anything(next: (below: number) => number, depth = 0): unknown {
  const kind = next(depth > 4 ? 5 : 7)
  if (kind === 0) return null
  if (kind === 1) return next(2) === 1
  if (kind === 2) return (next(2_000_000) - 1_000_000) / ([1, 7, 1e-30, 1e30][next(4)] ?? 1)
  if (kind < 5) return TEXTS[next(TEXTS.length)]
  const length = next(30)
  if (kind === 5) return Array.from({ length }, () => anything(next, depth + 1))
  return Object.fromEntries(
    Array.from({ length }, () => [TEXTS[next(TEXTS.length)], anything(next, depth + 1)]),
  )
}

describe('JSON in pieces', () => {
  it('is read and written as JSON.stringify writes it, whatever it holds', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const value = anything(numbers(seed))
      const compact = JSON.stringify(value)
      for (const text of [compact, JSON.stringify(value, null, 2), ` \t\r\n${compact}\n`])
        assert.equal(JSON.stringify(read(text)), compact)
      assert.equal(atOnce(writeJson(value)), compact)
    }
    assert.equal(atOnce(writeJson({ a: undefined, b: [1] })), '{"b":[1]}')
    assert.equal(atOnce(writeJson({ a: undefined, b: [] })), '{"b":[]}')
  })

  it('is refused where JSON.parse refuses it', () => {
    const next = numbers(7)
    const good = '{"a": [1, -2.5e3, true, null, "x\\u00fc\\n"], "b": {"c": []}, "a": "again"}'
    const marks = '{}[]",:\\ 0-.etrufalsn\u0000\u001f'
    for (let times = 0; times < 20_000; times += 1) {
      const at = next(good.length)
      const text = good.slice(0, at) + (marks[next(marks.length + 1)] ?? '') + good.slice(at + next(3))
      let expected: unknown
      try {
        expected = { value: JSON.parse(text) }
      } catch {
        expected = 'refused'
      }
      let found: unknown
      try {
        found = { value: read(text) }
      } catch (error) {
        assert.ok(error instanceof ScimRefusal && error.scimType === 'invalidSyntax')
        found = 'refused'
      }
      assert.deepEqual(found, expected, JSON.stringify(text))
    }
  })

  it('is refused when it is too deep, or has too many names in one object', () => {
    const names = Array.from({ length: 1001 }, (_, index) => `"n${index}":1`).join()
    for (const text of [
      '['.repeat(33) + ']'.repeat(33),
      '{"a":'.repeat(100_000),
      `{${names}}`,
      `[${'1,'.repeat(200_001)}1]`,
    ])
      assert.throws(() => read(text), ScimRefusal)
    assert.equal(Reflect.get({}, 'polluted'), undefined)
  })
})
