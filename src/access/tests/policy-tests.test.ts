import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../config/parse.ts'
import { ROUTING } from '../config-checks.ts'
import { failedPolicyTests, runPolicyTests } from './policy-tests.ts'

const AROUND = `
authenticate_service_url: https://authenticate.example.com
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: id
idp_client_secret: secret
test_subjects:
  alice: { email: alice@example.com, groups: [staff], claims: { department: sales, address: { city: Ulm } } }
  bob: { email: bob@example.com, groups: unknown }
  robot: { kind: workload, user: 'repo:x' }
`

function read(text: string) {
  const parsed = parseConfig(AROUND + text)
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

/** What comes of the tests of one route with this policy, each as `outcome reasons` or the failure. */
function run(policy: string, tests: readonly string[], extra = ''): readonly string[] {
  const list = tests.map((test) => `      - ${test}\n`).join('')
  const config = read(
    `routes:\n  - from: https://app.example.com\n    to: http://app\n    policy: ${policy}\n${extra}    tests:\n${list}`,
  )
  return runPolicyTests(config, ROUTING).map(
    ({ failure, actual, reasons }) => failure ?? `${actual} ${reasons.join(',')}`,
  )
}

const at = (minutes: number) => `2026-03-02T09:${String(minutes).padStart(2, '0')}:00Z`
const signedIn = (minutes: number, acr: string) =>
  `who: alice, time: '${at(30)}', authenticated_at: '${at(minutes)}', acr: ${acr}`

const flagged = (flag: string, expected: string) =>
  `{ who: { email: eve@example.com, claims: { email_verified: ${flag} } }, expect: ${expected} }`

const STAFF = '{ allow: { and: [{ groups: { has: staff } }] } }'

describe('a test beside a policy', () => {
  it('asks as somebody of test_subjects, as anonymous, or as whom it describes', () => {
    assert.deepEqual(
      run(STAFF, [
        '{ who: alice, expect: allow }',
        '{ who: bob, expect: deny, reason: groups-unknown }',
        '{ who: robot, expect: deny }',
        '{ who: anonymous, expect: sign-in }',
        '{ who: { email: carol@example.com, groups: [staff] }, expect: allow, reason: [groups-ok] }',
      ]),
      [
        'allow groups-ok',
        'deny groups-unknown',
        'deny groups-unauthorized',
        'sign-in user-unauthenticated',
        'allow groups-ok',
      ],
    )
  })

  it('takes an address for verified as it would be at sign-in', () => {
    const tests = [
      flagged('true', 'allow'),
      flagged('"True"', 'allow'),
      flagged('false', 'deny'),
      flagged('"no"', 'deny'),
    ]
    assert.deepEqual(run('{ allow: { and: [{ domain: example.com }] } }', tests), [
      'allow domain-ok',
      'allow domain-ok',
      'deny email-unverified',
      'deny email-unverified',
    ])
  })

  it('gives a subject the claims that its ID token would have', () => {
    const who = '{ who: alice, expect: allow }'
    for (const [claim, value] of [
      ['department', 'sales'],
      ['address/city', 'Ulm'],
      ['address.city', 'Ulm'],
      ['groups', 'staff'],
      ['email', 'alice@example.com'],
      ['sub', 'alice@example.com'],
    ] as const) {
      const policy = `{ allow: { and: [{ claim/${claim}: ${value} }] } }`
      assert.deepEqual(run(policy, [who]), ['allow claim-ok'], claim)
    }
  })

  it('sets method, path, address and headers, and leaves out nothing silently', () => {
    assert.deepEqual(
      run('{ allow: { and: [{ source_ip: 10.0.0.0/8 }, { http_method: POST }, { http_path: /a/b }] } }', [
        '{ who: anonymous, method: POST, path: /a/x/../b, ip: 10.1.2.3, expect: allow }',
        '{ who: anonymous, method: POST, path: /a/b, expect: deny, reason: source-ip-unknown }',
      ]),
      ['allow http-method-ok,http-path-ok,source-ip-ok', 'deny source-ip-unknown'],
    )
    const preflight =
      '{ who: anonymous, method: OPTIONS, headers: { Origin: "https://a", Access-Control-Request-Method: PUT }, expect: allow }'
    assert.deepEqual(run('{ allow: { and: [{ cors_preflight: true }] } }', [preflight]), [
      'allow cors-request',
    ])
  })

  it('may say when and how somebody signed in, where the route asks for a recent or a strong sign-in', () => {
    const demanding = '    max_age: 15m\n    acr_values: [phr]\n'
    assert.deepEqual(
      run(
        STAFF,
        [
          `{ ${signedIn(20, 'phr')}, expect: allow }`,
          `{ ${signedIn(10, 'phr')}, expect: step-up, reason: step-up-required }`,
          `{ ${signedIn(20, 'pwd')}, expect: step-up }`,
          '{ who: alice, expect: step-up }',
          '{ who: alice, expect: allow }',
          '{ who: robot, expect: step-up }',
          `{ ${signedIn(10, 'phr')}, expect: allow }`,
        ],
        demanding,
      ),
      [
        'allow groups-ok',
        'step-up step-up-required',
        'step-up step-up-required',
        'step-up step-up-required',
        'allow groups-ok',
        'expected step-up, but it is deny for robot because of groups-unauthorized',
        'expected allow, but it is step-up for alice because of step-up-required',
      ],
    )
  })

  it('fails with what was expected and what came', () => {
    assert.deepEqual(run(STAFF, ['{ who: robot, expect: allow }']), [
      'expected allow, but it is deny for robot because of groups-unauthorized',
    ])
    assert.deepEqual(run(STAFF, ['{ who: alice, expect: allow, reason: email-ok }']), [
      'expected allow because of email-ok, but it is because of groups-ok',
    ])
  })

  it('fails when its address belongs to another route', () => {
    const config = read(`routes:
  - { from: 'https://app.example.com', path: /healthz, to: 'http://a', allow_public_unauthenticated_access: true }
  - from: https://app.example.com
    to: http://b
    policy: ${STAFF}
    tests: [{ who: alice, path: /healthz, expect: allow }]
`)
    assert.deepEqual(failedPolicyTests(config, ROUTING), [
      {
        path: ['routes', 1, 'tests', 0],
        message:
          'test failed: alice GET https://app.example.com/healthz: its address is not one of this route: the route of line 12 answers (https://app.example.com); criteria: allow accept: hit (accept)',
      },
    ])
  })

  it('of a route with a wildcard or a second host asks for one host, once', () => {
    const config = read(`routes:
  - from: https://*.apps.example.com:8443
    tls_downstream_server_name: second.example.com
    to: http://b
    policy: ${STAFF}
    tests: [{ who: alice, expect: allow }]
`)
    const results = runPolicyTests(config, ROUTING)
    assert.deepEqual(
      results.map(({ request, failure }) => [request, failure]),
      [['alice GET https://test.apps.example.com:8443/', undefined]],
    )
  })
})

describe('a test by URL', () => {
  const config = read(`routes:
  - { name: admin, from: 'https://app.example.com', prefix: /admin/, to: 'http://a', policy: ${STAFF} }
  - { name: all, from: 'https://app.example.com', to: 'http://b', allow_any_authenticated_user: true }
tests:
  - { url: 'https://app.example.com/admin/x', route: admin, who: alice, expect: allow }
  - { url: 'https://app.example.com/x/../admin/', route: admin, expect: sign-in }
  - { url: 'https://app.example.com/admin', route: https://app.example.com }
  - { url: 'https://app.example.com/admin', route: admin }
  - { url: 'https://app.example.com/.pomerium/', expect: own-page, route: none }
  - { url: 'https://elsewhere.example.com/', expect: not-found }
  - { url: 'https://app.example.com/%2Fadmin', expect: refused }
  - { url: 'https://elsewhere.example.com/', expect: allow }
`)

  it('goes through the choice of the route, and may say which one must answer', () => {
    assert.deepEqual(
      runPolicyTests(config, ROUTING).map(({ failure }) => failure),
      [
        undefined,
        undefined,
        undefined,
        'expected route admin, but the route of line 13 answers (all)',
        undefined,
        undefined,
        undefined,
        'expected allow, but no route answers',
      ],
    )
  })
})

describe('a test of a shared policy', () => {
  it('asks that policy alone, whichever routes name it', () => {
    const config = read(`policies:
  staff: { policy: ${STAFF} }
routes: []
tests:
  - { policy: staff, who: alice, expect: allow }
  - { policy: staff, who: anonymous, expect: sign-in, url: 'https://app.example.com/x' }
  - { policy: staff, who: robot, expect: allow }
`)
    assert.deepEqual(
      runPolicyTests(config, ROUTING).map(({ request, failure }) => [request, failure]),
      [
        ['alice GET / by policy staff', undefined],
        ['anonymous GET https://app.example.com/x by policy staff', undefined],
        [
          'robot GET / by policy staff',
          'expected allow, but it is deny for robot because of groups-unauthorized',
        ],
      ],
    )
  })
})
