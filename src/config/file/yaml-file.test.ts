import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { problemsOf } from '../problems.fixture.ts'
import { readYaml } from './yaml-file.ts'

describe('a YAML file', () => {
  for (const [title, text, problems] of [
    ['that is empty', '', ['1:1 : the file is empty; it needs at least `routes`']],
    ['of comments only', '# nothing\n', ['1:1 : the file is empty; it needs at least `routes`']],
    ['that is a list', '- from: https://a\n', ['1:1 : must be a map of keys at the top level']],
    ['that is a text', 'routes', ['1:1 : must be a map of keys at the top level']],
    [
      'of two documents',
      'routes: []\n---\nroutes: []\n',
      ['2:1 : a second document begins here; a config file holds one'],
    ],
    [
      'with a key given twice',
      'routes:\n  - from: https://a\n    to: http://b\n    "from": https://c\n',
      ['4:5 : the key "from" stands twice in one map; first on line 2'],
    ],
    [
      'with tabs',
      'routes:\n\t- from: https://a\n',
      ['2:1 : is not valid YAML: tabs are not allowed as indentation'],
    ],
    ['with tags', 'routes: !js/function []\n', ['1:9 : tags such as "!name" have no meaning here']],
    [
      'with an alias in itself',
      'routes: &a [*a]\n',
      ['1:13 : an alias may not refer to a value that holds it'],
    ],
    [
      'with an alias of nothing',
      'routes: *nobody\n',
      ['1:9 : the alias "*nobody" refers to no anchor above it'],
    ],
  ] as const) {
    it(`${title} is refused in words, with its place`, () => assert.deepEqual(problemsOf(text), problems))
  }

  it('whose aliases multiply is refused at once', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let level = 1; level < 9; level += 1) {
      lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`)
    }
    assert.deepEqual(problemsOf(lines.join('\n')), ['2:10 : has aliases that multiply beyond all measure'])
  })

  it('that is nested beyond reason is refused, not a crash', () => {
    for (const text of [
      `a: ${'['.repeat(50_000)}`,
      `a: ${'{a: '.repeat(50_000)}`,
      `${'- '.repeat(50_000)}a`,
    ]) {
      assert.ok(problemsOf(text).length > 0)
    }
  })

  it('tells of the first twenty slips of its grammar only', () => {
    assert.equal(problemsOf('a: [b\n'.repeat(100)).length, 20)
  })

  it('may use anchors, aliases and merge keys', () => {
    const text = `
routes:
  - &app
    from: https://a.example.com
    to: http://a
    timeout: 5s
  - <<: *app
    from: https://b.example.com
`
    assert.deepEqual(problemsOf(text), [])
  })
})

describe('the place of a value', () => {
  const text = `routes:
  - from: https://a
    depends_on:
      - x
      - y
    redirect: {host_redirect: b}
    redirect_too:
      deep: &anchor
        value: 1
  - again: *anchor
`
  const { locate } = readYaml(text)
  for (const [path, on, line, column] of [
    [['routes', 0, 'from'], 'value', 2, 11],
    [['routes', 0, 'from'], 'key', 2, 5],
    [['routes', 0], 'value', 2, 5],
    [['routes', 0, 'depends_on'], 'value', 3, 5],
    [['routes', 0, 'depends_on', 1], 'value', 5, 9],
    [['routes', 0, 'redirect'], 'value', 6, 15],
    [['routes', 0, 'redirect', 'host_redirect'], 'value', 6, 31],
    [['routes', 1, 'again', 'value'], 'value', 9, 16],
    [['routes', 0, 'missing'], 'value', 2, 5],
    [['routes', 7], 'value', 2, 3],
    [['nothing', 'at', 'all'], 'value', 1, 1],
  ] as const) {
    it(`${path.join('.')} (${on}) is line ${line}, column ${column}`, () =>
      assert.deepEqual(locate(path, on), { line, column }))
  }
})
