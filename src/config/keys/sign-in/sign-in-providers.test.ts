import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../parse.ts'
import { problemsOf } from '../../problems.fixture.ts'

const PLAIN = `
authenticate_service_url: https://auth.example.com
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: plain
idp_client_secret: plain-secret
`
const URL_ONLY = 'authenticate_service_url: https://auth.example.com\n'

function settingsOf(text: string, files: Readonly<Record<string, string>> = {}) {
  const parsed = parseConfig(text, {
    readFile: (path) => files[path] ?? assert.fail(`no file ${path}`),
    env: { PARTNERS: 'from-env' },
  })
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

const problems = (text: string) => problemsOf(text).map((problem) => problem.replace(/^\d+:\d+ /, ''))

describe('several identity providers', () => {
  it('stand in one list, with that of the plain keys first, which is called default', () => {
    const { settings } = settingsOf(
      `${PLAIN}sign_in_providers:
  partners: {provider: okta, provider_url: 'https://p.okta.com', client_id: two, client_secret: env:PARTNERS, label: Partners}
  code: {provider: github, client_id: three, client_secret_file: secrets/github, scopes: [read:org]}
routes: []`,
      { 'secrets/github': 'from-file\n' },
    )
    assert.deepEqual(
      settings.sign_in_providers.map((one) => [
        one.name,
        one.provider,
        one.provider_url,
        one.client_id,
        one.client_secret?.reveal(),
      ]),
      [
        ['default', 'oidc', 'https://idp.example.com', 'plain', 'plain-secret'],
        ['partners', 'okta', 'https://p.okta.com', 'two', 'from-env'],
        ['code', 'github', 'https://github.com', 'three', 'from-file'],
      ],
    )
    assert.ok(!JSON.stringify(settings).includes('from-'), 'secrets are not printed')
  })

  it('may hold one called default when the plain keys are not used', () => {
    const { settings } = settingsOf(
      `${URL_ONLY}sign_in_providers: {default: {provider: google, client_id: a, client_secret: b}}\nroutes: []`,
    )
    assert.deepEqual(
      settings.sign_in_providers.map(({ name, provider_url: url }) => [name, url]),
      [['default', 'https://accounts.google.com']],
    )
  })

  for (const { title, lines, wrong } of [
    {
      title: 'are whole',
      lines: [URL_ONLY, 'sign_in_providers:', '  a: {provider: okta, client_id: x}', '  b: {client_id: y}'],
      wrong: ['sign_in_providers.b.provider: must be one of'],
    },
    {
      title: 'say where they are and have a secret',
      lines: [URL_ONLY, 'sign_in_providers: {a: {provider: okta, client_id: x}}'],
      wrong: [
        'sign_in_providers.a: needs `provider_url`',
        'sign_in_providers.a: needs `client_secret` or `client_secret_file`',
      ],
    },
    {
      title: 'need a host for the sign-in pages',
      lines: ['sign_in_providers: {a: {provider: google, client_id: x, client_secret: y}}'],
      wrong: ['sign_in_providers: needs `authenticate_service_url` beside it'],
    },
    {
      title: 'have plain names',
      lines: [URL_ONLY, 'sign_in_providers: {Partners: {provider: google, client_id: x, client_secret: y}}'],
      wrong: ['sign_in_providers.Partners: is no name'],
    },
    {
      title: 'are not called default beside the plain keys',
      lines: [PLAIN, 'sign_in_providers: {default: {provider: google, client_id: x, client_secret: y}}'],
      wrong: ['sign_in_providers.default: is the name of the provider of the `idp_…` keys'],
    },
    {
      title: 'are two only if provider or client differ',
      lines: [
        PLAIN,
        "sign_in_providers: {twin: {provider: keycloak, provider_url: 'https://idp.example.com/', client_id: plain, client_secret: y}}",
      ],
      wrong: ['sign_in_providers.twin: is the same client at the same provider as `default`'],
    },
    {
      title: 'are reached over TLS, and so is Microsoft Graph',
      lines: [
        URL_ONLY,
        "sign_in_providers: {a: {provider: azure, provider_url: 'http://login.example.com/t/v2.0', client_id: x, client_secret: y, graph_url: 'http://graph.example.com'}}",
      ],
      wrong: [
        'sign_in_providers.a.provider_url: must be an https URL',
        'sign_in_providers.a.graph_url: must be an https URL',
      ],
    },
    {
      title: 'ask for openid where it is OpenID Connect, and use keys of their own kind',
      lines: [
        URL_ONLY,
        'sign_in_providers: {a: {provider: google, client_id: x, client_secret: y, scopes: [email], team_id: z}}',
      ],
      wrong: [
        'sign_in_providers.a.scopes: must hold "openid"',
        'sign_in_providers.a.team_id: is for `provider: apple` only',
      ],
    },
    {
      title: 'make Apple’s secrets with a whole key, or take one',
      lines: [
        URL_ONLY,
        'sign_in_providers: {a: {provider: apple, client_id: x, client_secret: y, private_key: z, team_id: t}}',
      ],
      wrong: [
        'sign_in_providers.a: needs `key_id` beside `private_key`',
        'sign_in_providers.a: has both `client_secret` and `private_key`',
        'sign_in_providers.a.private_key: must be the private key (PEM, EC P-256)',
      ],
    },
    {
      title: 'know their keys',
      lines: [
        URL_ONLY,
        'sign_in_providers: {a: {provider: gogle, client_id: x, client_secret: y}, b: {provider: google, client_id: x, client_secret: y, lable: z}}',
      ],
      wrong: [
        'sign_in_providers.a.provider: must be one of oidc, apple, auth0, azure, cognito, github, gitlab, google, keycloak, okta, onelogin, ping; did you mean "google"?',
        'sign_in_providers.b.lable: is not a known key; did you mean "label"?',
      ],
    },
  ]) {
    it(title, () => {
      const found = problems(`${lines.join('\n')}\nroutes: []\n`)
      assert.equal(found.length, wrong.length, found.join('\n'))
      for (const [index, start] of wrong.entries())
        assert.ok(found[index]?.startsWith(start), `${found[index]}\n${start}`)
    })
  }
})

const PARTNERS = `sign_in_providers:
  partners: {provider: okta, provider_url: 'https://p.okta.com', client_id: two, client_secret: two-secret}
`
const withRoute = (keys: string) =>
  `${PLAIN}${PARTNERS}routes:\n  - {from: 'https://app.example.com', to: 'http://app', ${keys}}\n`

describe('a route', () => {
  it('names providers and a client of its own', () => {
    const { routes } = settingsOf(
      withRoute('sign_in_providers: [partners], idp_client_id: three, idp_client_secret_file: s'),
      { s: 'three-secret' },
    )
    assert.deepEqual(
      routes.map((route) => [
        route.sign_in_providers,
        route.idp_client_id,
        route.idp_client_secret?.reveal(),
      ]),
      [[['partners'], 'three', 'three-secret']],
    )
  })

  it('with a client of its own takes it at the default provider, or at the single one it names', () => {
    assert.deepEqual(problems(withRoute('idp_client_id: three, idp_client_secret: s')), [])
    assert.deepEqual(
      problems(
        withRoute('idp_client_id: three, idp_client_secret: s, sign_in_providers: [default, partners]'),
      ),
      [
        'routes[0].idp_client_id: could be of several providers: name the one in `sign_in_providers` of this route',
      ],
    )
  })

  it('with a client of its own is not told that there is no provider where there is a wrong one', () => {
    const routes = `routes:\n  - {from: 'https://a.example', to: 'http://a', idp_client_id: c, idp_client_secret: s}\n`
    const told = problems(`idp_provider: hosted\n${routes}`)
    assert.ok(told.length > 0)
    assert.deepEqual(
      told.filter((each) => each.startsWith('routes')),
      [],
    )
  })

  it('names no provider that there is not', () => {
    assert.deepEqual(problems(withRoute('sign_in_providers: [partner, default, nobody]')), [
      'routes[0].sign_in_providers[0]: "partner" is no identity provider of this file; did you mean "partners"?',
      'routes[0].sign_in_providers[2]: "nobody" is no identity provider of this file; there are default, partners',
    ])
  })

  it('is not blamed for a map of providers that is wrong in itself', () => {
    const text = withRoute('sign_in_providers: [partners]').replace('okta,', 'oktaa,')
    assert.equal(problems(text).length, 1)
  })

  it('has no half a client, nor a client of no provider', () => {
    assert.deepEqual(problems(withRoute('idp_client_id: three')), [
      'routes[0].idp_client_id: needs `idp_client_secret` or `idp_client_secret_file` beside it: the global one is another client’s',
    ])
    assert.deepEqual(problems(withRoute('idp_client_secret: three')), [
      'routes[0].idp_client_secret: needs `idp_client_id` beside it',
    ])
    assert.deepEqual(
      problems(
        "routes:\n  - {from: 'https://a.example.com', to: 'http://a', idp_client_id: x, idp_client_secret: y}\n",
      ),
      ['routes[0].idp_client_id: is a client of no provider: `idp_provider` is not set'],
    )
  })

  it('gives a client that is named elsewhere no other secret', () => {
    const text = withRoute('idp_client_id: plain, idp_client_secret: another')
    assert.deepEqual(problems(text), [
      'routes[0].idp_client_id: has another secret in another place of this file',
    ])
    assert.deepEqual(problems(withRoute('idp_client_id: plain, idp_client_secret: plain-secret')), [])
  })
})
