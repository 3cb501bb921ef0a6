import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../parse.ts'
import { problemsOf, routeProblems } from '../../problems.fixture.ts'

const OWN = 'token_url: https://sts.example.com/token, client_id: c, client_secret: s'
const on = (keys: string, ...more: string[]) =>
  routeProblems(`upstream_token: { ${keys} }`, ...more).map((problem) =>
    problem.replace(/^upstream_token(\.|: )?/, ''),
  )

const PROVIDER = `
authenticate_service_url: https://authenticate.example.com
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: a
idp_client_secret: b`

const problemsWith = (settings: string, keys: string) =>
  problemsOf(
    `${settings}\nroutes: [{ from: https://a.example.com, to: http://a, allow_any_authenticated_user: true, ${keys} }]`,
  ).map((problem) => problem.replace(/^\S+ routes\[0\]\.upstream_token: /, ''))

describe('keys of a token for the upstream', () => {
  it('take every grant with what it needs', () => {
    for (const keys of [
      'grant: token_exchange, audience: reports',
      'grant: token_exchange, audience: [reports, wiki], header: X-Token, requested_token_type: jwt, subject_token: id_token',
      'grant: token_exchange, resource: https://reports.example.com/api',
      'grant: token_exchange, scopes: [reports]',
      'grant: on_behalf_of, scopes: ["api://reports/.default"]',
      'grant: client_credentials',
      'grant: client_credentials, audience: reports, client_authentication: client_secret_post',
    ])
      assert.deepEqual(on(`${keys}, ${OWN}`), [], keys)
  })

  for (const [keys, ...wrong] of [
    [
      `grant: token_exchange, ${OWN}`,
      'needs `audience`, or `resource` or `scopes` where the upstream is named by these',
    ],
    [`grant: on_behalf_of, ${OWN}`, 'needs `scopes`, such as `api://<id of the upstream>/.default`'],
    [
      `grant: on_behalf_of, scopes: [x], audience: a, resource: "https://r", requested_token_type: jwt, ${OWN}`,
      'audience: has no effect with `grant: on_behalf_of`: name the upstream in `scopes`',
      'resource: has no effect with `grant: on_behalf_of`: name the upstream in `scopes`',
      'requested_token_type: has no effect with `grant: on_behalf_of`: name the upstream in `scopes`',
    ],
    [
      `grant: on_behalf_of, scopes: [x], subject_token: id_token, ${OWN}`,
      'subject_token: must be access_token: that is what `on_behalf_of` takes',
    ],
    [
      `grant: client_credentials, subject_token: access_token, optional: true, ${OWN}`,
      'subject_token: has no effect with `grant: client_credentials`',
      'optional: has no effect with `grant: client_credentials`',
    ],
    [
      'grant: client_credentials, token_url: https://sts.example.com/token',
      'token_url: needs `client_id` beside it: the secret of the sign-in goes nowhere else',
    ],
    [
      'grant: client_credentials, token_url: http://sts.example.com/token, client_id: c, client_secret: s',
      'token_url: must be an https URL; plain http is for a server on this machine only',
    ],
    [
      'grant: client_credentials, token_url: "https://u:p@sts.example.com/t#x", client_id: c, client_secret: s',
      'token_url: may not hold a user name, password or fragment',
    ],
    [
      'grant: client_credentials, token_url: https://sts.example.com/token, client_id: c',
      'client_id: needs `client_secret` or `client_secret_file` beside it',
    ],
    [
      'grant: client_credentials, token_url: https://sts.example.com/token, client_secret: c',
      'token_url: needs `client_id` beside it: the secret of the sign-in goes nowhere else',
      'client_secret: needs `client_id` beside it',
    ],
    [
      `grant: client_credentials, request_params: { scope: x, assertion: y, tenant: z }, ${OWN}`,
      'request_params.scope: is set by the other keys',
      'request_params.assertion: is set by the other keys',
    ],
    [`grant: token_exchange, audience: a, header: Cookie, ${OWN}`, 'header: "Cookie" cannot hold a token'],
    [
      `grant: token_exchange, audience: a, header: Host, ${OWN}`,
      'header: "Host" cannot be set or removed; use host_rewrite or preserve_host_header',
    ],
    [`grant: exchange, ${OWN}`, 'grant: must be one of token_exchange, on_behalf_of, client_credentials'],
    [
      `grant: token_exchange, resource: reports, ${OWN}`,
      'resource: is not an absolute URI without a fragment',
    ],
    [`grant: token_exchange, scopes: ["a b"], ${OWN}`, 'scopes[0]: is not a scope'],
  ] as const) {
    it(`that are wrong are told with the cure: ${keys.slice(0, 70)}`, () => {
      assert.deepEqual(new Set(on(keys)), new Set(wrong))
    })
  }

  it('need an app, and somebody who is signed in', () => {
    const exchange = `grant: token_exchange, audience: a, ${OWN}`
    assert.deepEqual(on(exchange, 'response: { status: 200 }'), ['needs the app under `to`'])
    const open = 'allow_public_unauthenticated_access: true'
    assert.deepEqual(on(exchange, open), [
      'needs somebody who is signed in, and this route is open to everybody: add `optional: true`, or use `grant: client_credentials`',
    ])
    assert.deepEqual(on(`${exchange}, optional: true`, open), [])
    assert.deepEqual(on(`grant: client_credentials, ${OWN}`, open), [])
  })

  it('take plain HTTP to this machine only', () => {
    for (const host of ['127.0.0.1:8080', 'localhost', 'localhost.', 'idp.localhost', '[::1]:1'])
      assert.deepEqual(
        on(`grant: client_credentials, token_url: "http://${host}/t", client_id: c, client_secret: s`),
        [],
        host,
      )
  })

  it('need an identity provider to ask, one that knows such grants, where no URL is given', () => {
    const exchange = 'upstream_token: { grant: token_exchange, audience: a }'
    assert.deepEqual(problemsWith(PROVIDER, exchange), [])
    assert.deepEqual(problemsWith('', exchange), [
      'needs `token_url`: there is no identity provider that could be asked',
    ])
    assert.deepEqual(problemsWith(PROVIDER.replace('oidc', 'github'), exchange), [
      'needs `token_url`: github knows no such grant',
    ])
    const two = `${PROVIDER}\nsign_in_providers: { other: { provider: oidc, provider_url: https://o.example, client_id: c, client_secret: d } }`
    const several =
      'could ask several identity providers: name one in `sign_in_providers` of this route, or give `token_url`'
    assert.deepEqual(problemsWith(two, exchange), [])
    assert.deepEqual(problemsWith(two, 'upstream_token: { grant: client_credentials }'), [several])
    assert.deepEqual(
      problemsWith(
        two,
        'upstream_token: { grant: token_exchange, audience: a, client_id: x, client_secret: y }',
      ),
      [several],
    )
    assert.deepEqual(
      problemsWith(two, 'sign_in_providers: [other], upstream_token: { grant: client_credentials }'),
      [],
    )
  })

  it('have their secret in a file too, which is followed, and never show it', () => {
    const text = `${PROVIDER}\nroutes: [{ from: https://a.example.com, to: http://a, allow_any_authenticated_user: true, upstream_token: { grant: client_credentials, client_id: c, client_secret_file: secret } }]`
    const parsed = parseConfig(text, { file: '/etc/s/config.yaml', readFile: () => 'planted\n' })
    assert.ok('config' in parsed, JSON.stringify(parsed))
    assert.deepEqual(parsed.files, ['/etc/s/secret'])
    const [route] = parsed.config.routes
    assert.equal(route?.upstream_token?.client_secret?.reveal(), 'planted')
    assert.ok(!Object.hasOwn(route.upstream_token, 'client_secret_file'))
    assert.ok(!JSON.stringify(route).includes('planted'))
    assert.deepEqual(on(`grant: client_credentials, ${OWN}, client_secret_file: x`), [
      'client_secret_file: cannot stand beside `client_secret`; give one of them',
    ])
  })

  it('keep the header out of the access log', () => {
    const route = `{ from: https://a.example.com, to: http://a, allow_any_authenticated_user: true, upstream_token: { grant: token_exchange, audience: a, header: X-Up } }`
    assert.match(
      problemsOf(`${PROVIDER}\naccess_log_fields: [headers.X-Up]\nroutes: [${route}]`).join(''),
      /puts a token into the header x-up, which `access_log_fields` would write to the log/,
    )
  })
})
