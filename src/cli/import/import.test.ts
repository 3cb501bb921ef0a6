import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CHECKS } from '../../access/config-checks.ts'
import type { Config } from '../../config/config.ts'
import { parseConfig } from '../../config/parse.ts'
import { Fault } from '../../errors.ts'
import { type Draft, remarkLine, type SourceFile, writeDraft } from './draft.ts'
import { draftOf } from './import.ts'
import type { ImportOrigin } from './origins.ts'

const NOTHING = { upstreams: new Map<string, string>() }

function imported(
  origin: ImportOrigin,
  ...files: readonly SourceFile[]
): { config: Config; draft: Draft; text: string } {
  const draft = draftOf(origin, files, NOTHING)
  const text = writeDraft(draft, files[0]?.file ?? '')
  const parsed = parseConfig(text.replaceAll('FILL-IN', 'x'), { ...CHECKS, withoutSecrets: true })
  assert.ok('config' in parsed, `${JSON.stringify(parsed)}\n${text}`)
  return { config: parsed.config, draft, text }
}

const cfg = (text: string): SourceFile => ({
  file: 'oauth2-proxy.cfg',
  text: `provider = "oidc"\noidc_issuer_url = "https://idp.example.com"\nclient_id = "a"\nclient_secret = "b"\nredirect_url = "https://app.example.com/oauth2/callback"\nupstreams = ["http://web:3000/"]\n${text}`,
})
const remarksOf = ({ remarks }: Draft) => remarks.map(remarkLine)

/** One path that is open, and some apps. */
const open = (upstreams: string, route: string) =>
  imported('oauth2-proxy', {
    file: 'x.cfg',
    text: cfg(`email_domains = ["*"]\nskip_auth_routes = ["${route}"]\n`).text.replace(
      '["http://web:3000/"]',
      upstreams,
    ),
  })

describe('an import from oauth2-proxy', () => {
  it('has the same redirect URI, app, provider and people', () => {
    const { config } = imported(
      'oauth2-proxy',
      cfg('email_domains = ["example.com"]\nallowed_groups = ["staff"]\n'),
    )
    assert.equal(config.settings.authenticate_service_url, 'https://app.example.com')
    assert.equal(config.settings.idp_provider, 'oidc')
    const [route] = config.routes
    assert.deepEqual([route?.from, route?.to?.[0]?.url], ['https://app.example.com', 'http://web:3000'])
    assert.deepEqual(route?.policy, [
      { allow: { and: [{ domain: { in: ['example.com'] } }, { groups: { has: 'staff' } }] } },
    ])
  })

  it('reads the same settings from variables, flags, a compose file and the newer structure', () => {
    const files: readonly SourceFile[] = [
      {
        file: '.env',
        text: 'OAUTH2_PROXY_PROVIDER=oidc\nOAUTH2_PROXY_OIDC_ISSUER_URL=https://idp.example.com\nOAUTH2_PROXY_CLIENT_ID=a\nOAUTH2_PROXY_CLIENT_SECRET="b"\nOAUTH2_PROXY_REDIRECT_URL=https://app.example.com/oauth2/callback\nOAUTH2_PROXY_UPSTREAMS=http://web:3000/\nOAUTH2_PROXY_EMAIL_DOMAINS=example.com,example.org\n',
      },
      {
        file: 'args',
        text: '--provider=oidc\n--oidc-issuer-url=https://idp.example.com\n--client-id=a --client-secret=b\n--redirect-url https://app.example.com/oauth2/callback\n--upstream=http://web:3000/\n--email-domain=example.com --email-domain=example.org\n',
      },
      {
        file: 'compose.yaml',
        text: 'services:\n  proxy:\n    image: quay.io/oauth2-proxy/oauth2-proxy\n    command: ["--upstream=http://web:3000/", "--email-domain=example.com", "--email-domain=example.org"]\n    environment:\n      - OAUTH2_PROXY_PROVIDER=oidc\n      - OAUTH2_PROXY_OIDC_ISSUER_URL=https://idp.example.com\n      - OAUTH2_PROXY_CLIENT_ID=a\n      - OAUTH2_PROXY_CLIENT_SECRET=b\n      - OAUTH2_PROXY_REDIRECT_URL=https://app.example.com/oauth2/callback\n',
      },
    ]
    const [first, ...others] = files.map((file) => imported('oauth2-proxy', file).config.routes)
    for (const other of others)
      assert.deepEqual(
        other.map(({ policy, to }) => [policy, to]),
        first?.map(({ policy, to }) => [policy, to]),
      )
    const alpha: SourceFile = {
      file: 'alpha.yaml',
      text: 'upstreamConfig:\n  upstreams:\n    - {id: web, path: /, uri: "http://web:3000"}\nproviders:\n  - {provider: oidc, clientID: a, clientSecret: b, allowedGroups: [staff], oidcConfig: {issuerURL: "https://idp.example.com", groupsClaim: roles}}\ninjectRequestHeaders:\n  - {name: X-User, values: [{claim: email}]}\n  - {name: Authorization, values: [{claim: id_token, prefix: "Bearer "}]}\n',
    }
    const { config } = imported('oauth2-proxy', alpha, {
      file: 'x.cfg',
      text: 'email_domains = ["*"]\nredirect_url = "https://app.example.com/oauth2/callback"\n',
    })
    assert.deepEqual(config.settings.jwt_claims_headers, { 'X-User': 'email' })
    assert.deepEqual(config.routes[0]?.set_request_headers, { Authorization: 'Bearer $pomerium.id_token' })
    assert.deepEqual(config.routes[0]?.policy, [
      { allow: { and: [{ email: { contains: '@' } }, { groups: { has: 'staff' } }] } },
    ])
    assert.equal(config.settings.sign_in_providers[0]?.groups_claim, 'roles')
  })

  it('leaves closed what it can not say, and says so with the line', () => {
    for (const [text, told] of [
      ['', /email_domains: is not set: nobody/],
      ['email_domains = ["*"]\ngithub_org = "acme"\n', /cfg:8: github_org: .* nobody is let in/],
      ['authenticated_emails_file = "/x"\n', /cfg:7: authenticated_emails_file: is not read/],
    ] as const) {
      const { config, draft } = imported('oauth2-proxy', cfg(text))
      assert.deepEqual(
        config.routes.map(({ policy }) => policy),
        [undefined],
        text,
      )
      assert.match(remarksOf(draft).join('\n'), told)
    }
    const { draft, config } = imported(
      'oauth2-proxy',
      cfg(
        'email_domains = ["*"]\nskip_auth_routes = ["!=^/private"]\ntrusted_ips = ["10.0.0.0/8"]\nhtpasswd_file = "/p"\nnew_key = "x"\n',
      ),
    )
    assert.equal(config.routes.length, 1)
    for (const key of ['skip_auth_routes', 'trusted_ips', 'htpasswd_file', 'new_key'])
      assert.ok(
        draft.remarks.some((remark) => remark.key === key && remark.line !== undefined),
        key,
      )
  })

  it('opens paths for the method and the app that they were open for, and no others', () => {
    const one = open('["http://web:3000/"]', 'GET=^/health$')
    assert.deepEqual(one.config.routes[0]?.policy, [
      { allow: { and: [{ http_method: 'GET' }] } },
      { allow: { and: [{ email: { contains: '@' } }] } },
    ])
    const two = '["http://api:80/api/", "http://web:80/"]'
    assert.equal(open(two, '^/api/health$').config.routes[0]?.to?.[0]?.host, 'api')
    assert.equal(open(two, '^/static/').config.routes[0]?.to?.[0]?.host, 'web')
    for (const unclear of ['^/a', '/health$', '^/(api|x)/'])
      assert.equal(open(two, unclear).config.routes.length, 2, unclear)
  })

  it('tells a file that is none, and where it is broken', () => {
    for (const [file, text, told] of [
      ['x.cfg', 'provider = oidc\n', /^x\.cfg:1: /],
      ['x.yaml', 'a: [\n', /^x\.yaml:/],
      ['x.yaml', 'kind: Deployment\n', /neither the structure/],
      ['x.cfg', '', /has no setting/],
    ] as const)
      assert.throws(
        () => draftOf('oauth2-proxy', [{ file, text }], NOTHING),
        (error) => error instanceof Fault && told.test(error.message),
        text,
      )
  })
})

const authelia = (rules: string): SourceFile => ({
  file: 'configuration.yml',
  text: `access_control:\n  default_policy: deny\n  rules:\n${rules}session:\n  cookies:\n    - {domain: example.com, authelia_url: 'https://auth.example.com'}\n`,
})

describe('an import from Authelia', () => {
  it('has Authelia as the provider, and as much time as sessions had', () => {
    const { config } = imported('authelia', authelia('    - {domain: a.example.com, policy: one_factor}\n'))
    assert.equal(config.settings.authenticate_service_url, 'https://authenticate.example.com')
    assert.equal(config.settings.idp_provider_url, 'https://auth.example.com')
    assert.deepEqual(
      [config.settings.cookie_expire, config.settings.session_idle_timeout],
      [3_600_000, 300_000],
    )
  })

  it('closes what depends on who asks, on a query, or on what is not known', () => {
    for (const keys of [
      "domain: '{user}.example.com', policy: bypass",
      'domain: a.example.com, policy: bypass, query: [[{key: x}]]',
      "domain: a.example.com, policy: bypass, resources: ['^/x\\?y=1$']",
      'domain: a.example.com, policy: one_factor, subject: "oauth2:client:x"',
      'domain: a.example.com, policy: one_factor, networks: [nowhere]',
      'domain: a.example.com, policy: one_factor, novelty: 1',
      "domain_regex: '^(?P<User>\\w+)\\.example\\.com$', policy: bypass",
    ]) {
      const { config, draft } = imported(
        'authelia',
        authelia(`    - {${keys}}\n    - {domain: a.example.com, policy: deny}\n`),
      )
      for (const route of config.routes) assert.equal(route.policy, undefined, keys)
      assert.match(remarksOf(draft).join('\n'), /configuration\.yml:4: access_control\.rules\[0\]: /, keys)
    }
  })

  it('is refused for what is no configuration of it', () => {
    for (const text of ['a: 1\n', '- 1\n', 'a: [\n'])
      assert.throws(() => draftOf('authelia', [{ file: 'x.yml', text }], NOTHING), Fault)
  })
})

describe('what is written', () => {
  it('keeps a text of the other file in its comment', () => {
    const { text } = imported(
      'oauth2-proxy',
      cfg('email_domains = ["*"]\nskip_auth_routes = ["!=^/\\nroutes: []"]\n'),
    )
    assert.ok(text.split('\n').filter((line) => line.startsWith('routes:')).length === 1)
  })
})
