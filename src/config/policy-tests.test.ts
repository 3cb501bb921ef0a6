import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from './parse.ts'
import { problemsOf } from './problems.fixture.ts'

const ROUTE = "{ from: 'https://app.example.com', to: 'http://app', allow_public_unauthenticated_access: true"

/** Of a file with this route test on line 4. */
const wrongBesideRoute = (test: string) =>
  problemsOf(`test_subjects:\n  alice: { groups: [staff] }\nroutes:\n  - ${ROUTE}, tests: [${test}] }\n`)
/** Of a file with this global test on line 4. */
const wrongByUrl = (test: string) =>
  problemsOf(
    `test_subjects:\n  alice: { groups: [staff] }\ntests:\n  - ${test}\nroutes:\n  - ${ROUTE}, name: app }\n`,
  )

const routeOf = (more: string) => {
  const parsed = parseConfig(`routes:\n  - ${ROUTE}${more} }\n`)
  assert.ok('config' in parsed)
  const [{ tests: _, ...route } = assert.fail()] = parsed.config.routes
  return route
}

/** Stands in for the tests of the policy room: one of them fails. */
const oneFails = () => [{ path: ['routes', 0, 'tests', 0], message: 'failed' }]
const problems = (text: string) => {
  const parsed = parseConfig(text, { tests: oneFails })
  return 'problems' in parsed ? parsed.problems.map(({ line, message }) => `${line} ${message}`) : []
}

describe('policy tests in a file', () => {
  it('name a subject that there is', () => {
    assert.deepEqual(wrongBesideRoute('{ who: alicia, expect: allow }'), [
      '4:116 routes[0].tests[0].who: "alicia" is not under `test_subjects`; did you mean "alice"?',
    ])
    assert.deepEqual(wrongByUrl('{ url: https://app.example.com/, who: nobody, expect: allow }'), [
      '4:43 tests[0].who: "nobody" is not under `test_subjects`',
    ])
  })

  it('expect something that can come', () => {
    assert.deepEqual(wrongByUrl('{ url: https://app.example.com/ }'), [
      '4:5 tests[0]: expects nothing; give `expect`, `route` or both',
    ])
    assert.deepEqual(wrongByUrl('{ url: https://app.example.com/, expect: not-found, reason: accept }'), [
      '4:65 tests[0].reason: no policy is asked where `not-found` is expected; remove it',
    ])
    assert.deepEqual(wrongByUrl('{ url: https://app.example.com/, route: apps }'), [
      '4:45 tests[0].route: no route has this as its `name` or `from`; did you mean "app"?',
    ])
    assert.deepEqual(wrongBesideRoute('{ who: anonymous, expect: alow }'), [
      '4:135 routes[0].tests[0].expect: must be one of allow, deny, sign-in, step-up; did you mean "allow"?',
    ])
  })

  it('ask for an address or for a shared policy', () => {
    assert.deepEqual(wrongByUrl('{ who: alice, expect: allow }'), [
      '4:5 tests[0]: needs a `url` or a `policy`',
    ])
    assert.deepEqual(wrongByUrl('{ policy: staf, expect: allow }'), [
      '4:15 tests[0].policy: there is no policy of this name under `policies`',
    ])
    assert.deepEqual(wrongByUrl('{ policy: staff, expect: not-found }').slice(0, 1), [
      '4:15 tests[0].policy: there is no policy of this name under `policies`',
    ])
  })

  it('say when and from where in forms that mean one thing', () => {
    assert.deepEqual(wrongBesideRoute("{ who: alice, time: '2026-03-02 09:00', expect: allow }"), [
      '4:129 routes[0].tests[0].time: must be a time with its zone, such as 2026-03-02T09:00:00+01:00',
    ])
    assert.deepEqual(wrongBesideRoute('{ who: alice, ip: 10.0.0, expect: allow }'), [
      '4:127 routes[0].tests[0].ip: must be an IP address',
    ])
  })

  it('give a place together with the address that is looked up', () => {
    assert.deepEqual(wrongByUrl('{ url: https://app.example.com/, expect: allow, place: { country: DE } }'), [
      '4:60 tests[0].place: needs `ip` beside it',
    ])
  })

  it('are not run where something else is wrong, and stop the file where one fails', () => {
    const good = `routes:\n  - ${ROUTE}, tests: [{ who: anonymous, expect: allow }] }\n`
    assert.deepEqual(problems(good), ['2 failed'])
    assert.deepEqual(problems(`${good}log_level: loud\n`), [
      '3 must be one of trace, debug, info, warn, error',
    ])
  })

  it('change neither the id of a route nor anything else of it', () => {
    assert.deepEqual(routeOf(', tests: [{ who: anonymous, expect: allow }]'), routeOf(''))
  })
})
