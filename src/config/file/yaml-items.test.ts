import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { ParseMemory } from './parse-memory.ts'
import { isKeyed, readYaml } from './yaml-file.ts'
import { splitYaml } from './yaml-items.ts'

const ROUTES = `authenticate_service_url: https://auth.example.com
routes: # here they are
  # the wiki
  - from: https://wiki.example.com
    to: http://wiki

  -   from: https://git.example.com
      description: |
        - from: not a route
        text
      to: http://git
address: :8443
`

describe('the entries of a route list', () => {
  it('are told apart with their places', () => {
    const split = splitYaml(ROUTES)
    assert.deepEqual(
      split?.items.map(({ line, column }) => ({ line, column })),
      [
        { line: 4, column: 5 },
        { line: 7, column: 7 },
      ],
    )
    assert.equal(
      split?.rest,
      'authenticate_service_url: https://auth.example.com\nroutes: # here they are\naddress: :8443\n',
    )
  })

  for (const [why, text] of [
    ['an anchor', 'routes:\n  - &a {from: x}\n'],
    ['an alias', 'routes:\n  - from: *a\n'],
    ['a merge key', 'routes:\n  - <<: {a: b}\n'],
    ['a tag', 'routes:\n  - from: !!str x\n'],
    ['a second document', 'routes:\n  - from: x\n---\n'],
    ['a tab', 'routes:\n  - from: x\n\tto: y\n'],
    ['flow style', 'routes: [{from: x}]\n'],
    ['two lists', 'routes:\n  - from: x\npolicy:\n  - from: y\n'],
    ['no list', 'address: :1\n'],
    ['JSON', '{"routes": [\n{"from": "x"}\n]}\n'],
    ['a list below another key', 'a:\n  routes:\n    - from: x\n'],
    ['a map in place of the list', 'routes:\n  from: x\n'],
    ['a dash of its own line', 'routes:\n  -\n    from: x\n'],
  ] as const) {
    it(`are left to the parser of the whole when there is ${why}`, () =>
      assert.equal(splitYaml(text), undefined))
  }
})

const withAnchor = (port: string) =>
  `routes:\n  - from: https://a\n    policy: &all [{ deny: ${port} }]\n  - from: https://b\n    policy: *all\n`

describe('a parse that remembers', () => {
  it('sees every change, and nothing else, as a parse of the whole does', () => {
    const word = fc.stringMatching(/^[ -~\n]{0,12}$/)
    const route = fc.dictionary(
      fc.constantFrom('from', 'to', 'name', 'a b', 'x#y'),
      fc.oneof(word, fc.array(word), fc.integer()),
      {
        minKeys: 1,
      },
    )
    const file = fc.record({ address: word, routes: fc.array(route, { maxLength: 5 }) })
    const style = fc.record({
      indent: fc.constantFrom(2, 3, 4),
      indentSeq: fc.boolean(),
      lineWidth: fc.constantFrom(0, 20, 80),
    })
    fc.assert(
      fc.property(fc.array(file, { minLength: 2, maxLength: 4 }), style, (files, options) => {
        const memory = new ParseMemory()
        for (const value of [...files, ...files.toReversed()]) {
          const text = stringify(value, options)
          assert.deepEqual(memory.read(text).value, readYaml(text).value, text)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('keeps the entries of a file with anchors, as long as they say the same to the last value', () => {
    const memory = new ParseMemory()
    const entriesOf = (text: string): readonly unknown[] => {
      const { value } = memory.read(text)
      assert.deepEqual(value, readYaml(text).value)
      assert.ok(isKeyed(value) && Array.isArray(value['routes']))
      return value['routes']
    }
    const first = entriesOf(withAnchor('null'))
    const moved = entriesOf(`# moved\n${withAnchor('null').replace('https://a', 'https://other')}`)
    assert.notEqual(moved[0], first[0])
    assert.equal(moved[1], first[1])
    for (const other of ['.inf', '.nan', '-0', '0', '"0"', 'null']) {
      const next = entriesOf(withAnchor(other))
      assert.notEqual(next[1], first[1])
    }
  })

  it('is never misled by a mangled file', () => {
    const cut = fc.record({
      at: fc.nat(ROUTES.length),
      length: fc.nat(30),
      text: fc.constantFrom('', '\n', '- ', '"', '  ', ':', '[', '|', '#'),
    })
    fc.assert(
      fc.property(fc.array(cut, { minLength: 1, maxLength: 4 }), (cuts) => {
        const memory = new ParseMemory()
        memory.read(ROUTES)
        let text = ROUTES
        for (const { at, length, text: put } of cuts) text = text.slice(0, at) + put + text.slice(at + length)
        const { value, mistakes, locate } = memory.read(text)
        const whole = readYaml(text)
        assert.deepEqual({ value, mistakes }, { value: whole.value, mistakes: whole.mistakes }, text)
        // What is not valid YAML has no values, so nothing asks for the place of one.
        if (mistakes.length > 0) return
        for (const path of [['routes', 0], ['routes', 1], ['routes', 1, 'to'], ['routes', 9], ['address']]) {
          assert.deepEqual(locate(path), whole.locate(path), `${path.join('.')} of\n${text}`)
        }
      }),
      { numRuns: 500 },
    )
  })
})
