import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { problemsOf } from '../../config/problems.fixture.ts'
import { policyMistakes } from './config-check.ts'

const warningsOf = (text: string) => problemsOf(text, { checks: [policyMistakes], readFile: () => '' })

/** A file with people, these global lines and one route with these. */
function fileWith(settings: string, route: string): string {
  const lines = route.split('\n').map((line) => `    ${line}`)
  return `authenticate_service_url: https://authenticate.test
idp_provider: oidc
idp_provider_url: https://idp.test
idp_client_id: client
idp_client_secret: secret
${settings}
routes:
  - from: https://app.test
    to: http://app
${lines.join('\n')}
`
}

const withoutPeople = (policy: string, settings = ''): readonly string[] =>
  warningsOf(`${settings}routes:\n  - from: https://a.test\n    to: http://a\n    policy: ${policy}\n`)

const mistakesKeyedBy = (key: string): number =>
  withoutPeople(
    '{ allow: { or: [{ record: { type: t, field: a, is: b } }] } }',
    `records: { t: { path: t.csv, key: ${key} } }\n`,
  ).length

describe('the policies of a file', () => {
  it('have all their mistakes told at once, each with line and column', () => {
    const route = `allowed_users: [""]
policy:
  - allow:
      or:
        - emial: a@b.test
        - time_of_day: { timezone: Berlin, after: 9 }
        - date: { after: 2030-01-01, before: 2029-01-01 }
        - source_ip: 10.0.0.0/33
  - alow: {}
  - allow: { or: [{ record: { type: staff, field: a, is: b } }] }
    mode: watch`
    assert.deepEqual(warningsOf(fileWith('', route)), [
      '10:21 routes[0].allowed_users[0]: must not be empty',
      '14:22 routes[0].policy[0].allow.or[0].emial: unknown criterion "emial"; did you mean "email"?',
      '15:40 routes[0].policy[0].allow.or[1].time_of_day.timezone: must be an IANA time zone such as Europe/Berlin; did you mean "Europe/Berlin"?',
      '15:55 routes[0].policy[0].allow.or[1].time_of_day.after: must be a time of day such as "15:04", "15:04:05" or "3:04 PM", in quotes',
      '16:21 routes[0].policy[0].allow.or[2].date: can never hold: `after` is not earlier than `before`',
      '17:26 routes[0].policy[0].allow.or[3].source_ip: must be an IP address or a range like 10.0.0.0/8',
      '18:15 routes[0].policy[1].alow: unknown action "alow"; did you mean "allow"?',
      '19:41 routes[0].policy[2].allow.or[0].record.type: "staff" is not declared under `records`',
      '20:15 routes[0].policy[2].mode: must be enforce or observe',
    ])
  })

  it('that are shared have theirs told where they stand, once, whether a route names them or not', () => {
    const settings = `policies:
  broken: { policy: { allow: { or: [{ emial: x }] } } }
  unused: { policy: { deny: { or: [{ http_path: admin }] } } }`
    const route = `policies: [broken]`
    const second = `  - { from: https://b.test, to: http://b, policies: [broken, brokn] }\n`
    assert.deepEqual(warningsOf(fileWith(settings, route) + second), [
      '7:46 policies.broken.policy.allow.or[0].emial: unknown criterion "emial"; did you mean "email"?',
      '8:49 policies.unused.policy.deny.or[0].http_path: must begin with a slash as every path does: "/admin"',
      '13:62 routes[1].policies[1]: names no policy under `policies`; did you mean "broken"?',
    ])
  })

  it('that are shared are refused for keys that they can’t have', () => {
    const settings = `policies:
  a: { rego: ["package p"], remediaton: x, explanation: "" }
  b: [allow]`
    const route = `sub_policies: [{ rego: [] }]\npolicies: [a, a]`
    assert.deepEqual(warningsOf(fileWith(settings, route)), [
      '7:8 policies.a.rego: is not supported: write the rules into `policy`; there is no second language beside it',
      '7:29 policies.a.remediaton: is not a known key; did you mean "remediation"?',
      '7:57 policies.a.explanation: must not be empty',
      '8:6 policies.b: must be a map of keys, not a list',
      '12:20 routes[0].sub_policies[0].name: is missing',
      '12:22 routes[0].sub_policies[0].rego: is not supported: write the rules into `policy`; there is no second language beside it',
      '13:19 routes[0].policies[1]: "a" stands twice in the list',
    ])
  })

  it('that ask for what is not set are told so', () => {
    const route = `policy:
  - deny: { or: [{ geoip: { country: DE } }, { invalid_client_certificate: true }] }`
    assert.deepEqual(warningsOf(fileWith('', route)), [
      "11:31 routes[0].policy[0].deny.or[0].geoip: can't be decided: it needs `geoip`, which is not set",
      "11:80 routes[0].policy[0].deny.or[1].invalid_client_certificate: can't be decided: it needs `downstream_mtls`, which is not set",
    ])
  })

  it('need a way to sign in only if they ask who it is', () => {
    assert.deepEqual(withoutPeople('{ allow: { or: [{ http_method: GET }, { day_of_week: mon }] } }'), [])
    assert.deepEqual(withoutPeople('{ allow: { or: [{ claim/team: x }] } }'), [
      '2:5 routes[0]: needs people to sign in, and `authenticate_service_url` and `idp_provider` are not set',
    ])
    assert.deepEqual([mistakesKeyedBy('request.ip'), mistakesKeyedBy('user.email')], [0, 1])
  })

  it('do not call unset what is set, but wrong', () => {
    const signedIn = '{ allow: { or: [{ claim/team: x }] } }'
    for (const [settings, told] of [
      ['authenticate_service_url: http://a.test\nidp_provider: hosted\n', []],
      ['authenticate_service_url: http://a.test\n', ['`idp_provider` is not set']],
      ['idp_provider: hosted\n', ['`authenticate_service_url` is not set']],
      ['sign_in_providers: x\n', ['`authenticate_service_url` is not set']],
    ] as const) {
      const mistakes = withoutPeople(signedIn, settings)
      assert.ok(mistakes.length > told.length, settings)
      assert.deepEqual(
        mistakes.filter((each) => / (is|are) not set/.test(each)).map((each) => each.replace(/^.* and /, '')),
        told,
      )
    }
  })

  it('are read as YAML 1.2 has them: dates and times are texts, "yes" is one too, null is nothing', () => {
    const good = `policy:
  - allow:
      or:
        - date: { after: 2030-01-01 }
        - date: { after: 2030-01-01T00:00:00Z, before: 2030-02-01 10:00:00 }
        - time_of_day: { timezone: UTC, after: 9:30, before: 10:00 PM }
        - user: yes
        - user: 12345`
    assert.deepEqual(warningsOf(fileWith('', good)), [])
    const bad = `policy:
  - allow:
      or:
        - user:
        - email: ~
        - user: 0x10
        - groups: 1e400
        - accept: false`
    assert.deepEqual(
      warningsOf(fileWith('', bad)).map((line) => line.replace(/^.*?: /, '')),
      [
        'has no value',
        'has no value',
        'is a number that may not be what was written; put it in quotes',
        'takes no condition, so false would mean the same as true; put it under "not" instead',
      ],
    )
  })

  it('ask nothing that no request could ever meet, in deny rules and shared policies neither', () => {
    const asked = warningsOf(
      fileWith(
        'policies: { root: { policy: { deny: { or: [{ ssh_username: root }] } } } }',
        `policies: [root]
policy:
  - deny: { or: [{ mcp_tool: delete }, { device: { approved: false } }] }
  - allow: { and: [{ ssh_username_matches_email: true }] }`,
      ),
    )
    assert.deepEqual(asked.map((line) => line.replace(/^\S+ \S+\.(\w+): /, '$1: ')).toSorted(), [
      'device: can never hold: devices can’t be enrolled; leave it out',
      'mcp_tool: can never hold: no route serves MCP; leave it out',
      'ssh_username: can never hold: no route is a login over SSH; leave it out',
      'ssh_username_matches_email: can never hold: no route is a login over SSH; leave it out',
    ])
  })

  it('may be very long or very deep, and are answered in time', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `{ user: u${index} }`).join(', ')
    const before = process.cpuUsage()
    assert.deepEqual(warningsOf(fileWith('', `policy: { allow: { or: [${many}] } }`)), [])
    const wrong = many.replaceAll('user', 'usre')
    assert.equal(warningsOf(fileWith('', `policy: { allow: { or: [${wrong}] } }`)).length, 10_000)
    assert.ok(process.cpuUsage(before).user < 10_000_000)
    const depth = 500
    const deep = `policy: { allow: { or: [{ email: ${'['.repeat(depth)}${']'.repeat(depth)} }] } }`
    assert.deepEqual(warningsOf(fileWith('', deep)), [
      '10:38 routes[0].policy.allow.or[0].email: takes one value, not a list; write one criterion for each value',
    ])
  })
})
