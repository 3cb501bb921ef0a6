import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { routeProblems } from '../problems.fixture.ts'
import { compileRe2, substitutionProblem } from './regex.ts'

describe('a regular expression', () => {
  it('is judged by RE2, which knows no look-around and no back-references', () => {
    for (const pattern of ['(?=a)', '(?<!a)', '(a)\\1', '[', 'a**', '(?P<x>a)(?P<x>b)', 'a{1001}', '']) {
      assert.ok('wrong' in compileRe2(pattern), pattern)
    }
    for (const pattern of ['/(en|de)/.*', '(?i)/a', '^/x$', '[[:alpha:]]+', 'é', '\\x{FF}', '\\\\x{100}']) {
      assert.ok('groups' in compileRe2(pattern), pattern)
    }
  })

  it('cannot name a character beyond a byte, which Envoy refuses', () => {
    assert.deepEqual(compileRe2('/\\x{100}'), {
      wrong: 'holds "\\x{100}", but Envoy matches bytes, up to \\x{FF}',
    })
    assert.ok('wrong' in compileRe2('\\\\\\x{0010FFFF}'))
  })
})

describe('a substitution', () => {
  it('refers only to groups that the pattern has', () => {
    assert.equal(substitutionProblem('/\\1/\\0', 1), undefined)
    assert.equal(substitutionProblem('/\\2', 1), 'refers to group 2, but the pattern has one group')
    assert.equal(substitutionProblem('/\\1', 0), 'refers to group 1, but the pattern has no group')
    assert.equal(substitutionProblem('\\\\1', 0), undefined)
  })

  it('has no other escapes', () => {
    const sentence = '"\\x" is not a group; write "\\1" to "\\9" for groups and "\\\\" for a backslash'
    assert.equal(substitutionProblem('\\x', 1), sentence)
    assert.match(substitutionProblem('a\\', 1) ?? '', /is not a group/)
  })

  it('stands beside its pattern, on path and host alike', () => {
    assert.deepEqual(routeProblems('regex_rewrite_pattern: a'), [
      'regex_rewrite_pattern: needs `regex_rewrite_substitution` beside it',
    ])
    assert.deepEqual(routeProblems('host_path_regex_rewrite_substitution: a'), [
      'host_path_regex_rewrite_substitution: needs `host_path_regex_rewrite_pattern` beside it',
    ])
    assert.deepEqual(
      routeProblems(
        'host_path_regex_rewrite_pattern: ^/(.+)$',
        "host_path_regex_rewrite_substitution: '\\2'",
      ),
      ['host_path_regex_rewrite_substitution: refers to group 2, but the pattern has one group'],
    )
  })
})
