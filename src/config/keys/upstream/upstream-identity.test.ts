import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { problemsOf } from '../../problems.fixture.ts'

const ROUTE = 'from: https://a.example.com, to: http://a'
const onRoute = (keys: string) => `routes: [{ ${ROUTE}, ${keys} }]`

describe('keys of what an app is told', () => {
  it('take every form of the groups filter, globally and on a route', () => {
    for (const filter of [
      '[]',
      '[staff]',
      '{}',
      '{ keep: [staff], prefixes: [a-], patterns: ["[a-z]+"], mentioned: true }',
    ]) {
      assert.deepEqual(problemsOf(onRoute(`jwt_groups_filter: ${filter}`)), [])
      assert.deepEqual(problemsOf(`jwt_groups_filter: ${filter}\nroutes: []`), [])
    }
  })

  it('that are wrong within a filter are named where they stand', () => {
    assert.deepEqual(
      problemsOf('jwt_groups_filter: { patterns: ["a(", "(?=a)b", ""], prefix: [a] }\nroutes: []').map(
        (problem) => problem.replace(/: is not a regular expression.*: /, ' … '),
      ),
      [
        '1:33 jwt_groups_filter.patterns[0] … `a(`',
        '1:39 jwt_groups_filter.patterns[1] … `(?=`',
        '1:49 jwt_groups_filter.patterns[2]: must not be empty',
        '1:54 jwt_groups_filter.prefix: is not a known key; did you mean "prefixes"?',
      ],
    )
    assert.deepEqual(problemsOf(onRoute('jwt_groups_filter: 7')), [
      '1:74 routes[0].jwt_groups_filter: must be a list of groups, or a map with keep, prefixes, patterns or mentioned',
    ])
    assert.deepEqual(problemsOf(onRoute('jwt_groups_filter: [1]')), [
      '1:75 routes[0].jwt_groups_filter[0]: must be a text, not a number',
    ])
  })

  it('say how much of the identity is passed, and how large it may be', () => {
    for (const value of ['true', 'false', 'minimal'])
      assert.deepEqual(
        problemsOf(onRoute(`pass_identity_headers: ${value}, identity_headers_limit: 6000`)),
        [],
      )
    assert.deepEqual(problemsOf(onRoute('pass_identity_headers: some, identity_headers_limit: 10')), [
      '1:78 routes[0].pass_identity_headers: must be true, false or minimal',
      '1:108 routes[0].identity_headers_limit: must be at least 1024',
    ])
  })
})
