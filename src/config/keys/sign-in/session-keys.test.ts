import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../parse.ts'
import { problemsOf, routeProblems, settingsProblems } from '../../problems.fixture.ts'

describe('the keys of sessions', () => {
  it('are read, with their defaults', () => {
    const parsed = parseConfig(`
session_idle_timeout: 1h
routes:
  - {from: 'https://a.example.com', to: 'http://a', max_age: 15m, acr_values: [phr, 'urn:x:2'], session_lifetime: 8h, session_idle_timeout: 15m, pass_idp_token: id_token}
  - {from: 'https://b.example.com', to: 'http://a', pass_idp_token: {token: access_token, header: X-Token, optional: true}}
`)
    assert.ok('config' in parsed, JSON.stringify(parsed))
    const { settings, routes } = parsed.config
    assert.equal(settings.session_idle_timeout, 3_600_000)
    assert.equal(settings.claims_refresh_interval, 600_000)
    const { max_age, acr_values, session_lifetime, session_idle_timeout } = routes[0] ?? {}
    assert.deepEqual(
      [max_age, acr_values, session_lifetime, session_idle_timeout],
      [900_000, ['phr', 'urn:x:2'], 28_800_000, 900_000],
    )
    assert.deepEqual(
      routes.map((route) => route.pass_idp_token),
      [
        { token: 'id_token', header: 'Authorization', optional: false },
        { token: 'access_token', header: 'X-Token', optional: true },
      ],
    )
  })

  for (const { title, lines, wrong } of [
    {
      title: 'are long enough to mean something',
      lines: ['max_age: 500ms', 'session_idle_timeout: 0s', 'session_lifetime: 0s'],
      wrong: [
        'max_age: must be at least 1s; a few minutes are usual',
        'session_idle_timeout: must be at least 1s; a quarter of an hour is usual',
        'session_lifetime: must be longer than zero',
      ],
    },
    {
      title: 'name ways of signing in that can be sent',
      lines: ['acr_values: ["a b"]'],
      wrong: ['acr_values[0]: is not an acr value: no blanks, no quotes'],
    },
    {
      title: 'name at least one',
      lines: ['acr_values: []'],
      wrong: ['acr_values: must not be an empty list'],
    },
    {
      title: 'can only shorten the life of a session',
      lines: ['session_lifetime: 15h'],
      wrong: [
        'session_lifetime: is longer than `cookie_expire`, the life of every session (14h when unset): a route can only shorten it',
      ],
    },
    {
      title: 'have no place on a public route',
      lines: ['allow_public_unauthenticated_access: true', 'max_age: 1m', 'session_idle_timeout: 1m'],
      wrong: [
        'max_age: has no effect on a route with `allow_public_unauthenticated_access: true`; remove one of them',
        'session_idle_timeout: has no effect on a route with `allow_public_unauthenticated_access: true`; remove one of them',
      ],
    },
    {
      title: 'give a token in one of two forms',
      lines: ['pass_idp_token: true'],
      wrong: [
        'pass_idp_token: must be access_token, id_token, or a map such as {token: access_token, header: X-Access-Token}',
      ],
    },
    {
      title: 'give a token a header of its own',
      lines: ['pass_idp_token: access_token', 'set_request_headers: {authorization: "Basic x"}'],
      wrong: [
        'pass_idp_token: sets the header authorization, as `set_request_headers` does; remove one of them',
      ],
    },
    {
      title: 'may give another header beside',
      lines: [
        'pass_idp_token: {token: id_token, header: X-T}',
        'set_request_headers: {authorization: "Basic x"}',
      ],
      wrong: [],
    },
  ]) {
    it(title, () => assert.deepEqual(routeProblems(...lines), wrong))
  }

  it('of a route do not lengthen the global idle timeout', () => {
    const problems = problemsOf(`session_idle_timeout: 10m
routes:
  - {from: 'https://a.example.com', to: 'http://a', session_idle_timeout: 11m}
`)
    assert.equal(problems.length, 1)
    assert.match(problems[0] ?? '', /^3:53 .*is longer than the global `session_idle_timeout`/)
  })

  it('do not ask the provider all the time', () => {
    assert.match(settingsProblems('claims_refresh_interval: 5s')[0] ?? '', /must be at least 10s/)
  })
})
