import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../parse.ts'

const ROUTE = { from: 'https://app.example.com', to: 'http://127.0.0.1:1', bearer_token_format: 'jwt' }
const AUDIENCES = ['https://app.example.com']
const OWN = { issuer: 'https://ci.example.com', audiences: AUDIENCES }

/** The mistakes, each as `key.path: message`. */
function mistakesOf(providers: object | undefined, route: object = ROUTE, settings: object = {}): string[] {
  const parsed = parseConfig(JSON.stringify({ identity_providers: providers, ...settings, routes: [route] }))
  return 'problems' in parsed
    ? parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
    : []
}

const one = (entry: object) => mistakesOf({ ci: entry })
const github = (claims?: object) => one({ preset: 'github_actions', audiences: AUDIENCES, claims })

function assertOne(found: readonly string[], expected: RegExp): void {
  assert.equal(found.length, 1, found.join('\n'))
  assert.match(found[0] ?? '', expected)
}

describe('an issuer of workload tokens', () => {
  it('of one’s own needs an address and audiences only', () => {
    assert.deepEqual(one(OWN), [])
    assert.deepEqual(one({ ...OWN, issuer: 'http://127.0.0.1:8080/realm' }), [])
    assert.deepEqual(one({ ...OWN, issuer: 'kubernetes:///' }), [])
    assert.deepEqual(one({ ...OWN, issuer: 'a-name', jwks_url: 'https://ci.example.com/keys' }), [])
    assert.deepEqual(one({ preset: 'kubernetes', audiences: AUDIENCES }), [])
  })

  it('has an https address, without credentials', () => {
    assertOne(one({ ...OWN, issuer: 'http://ci.example.com' }), /issuer: must be an https URL/)
    assertOne(one({ ...OWN, issuer: 'ci.example.com' }), /issuer: is not a URL/)
    assertOne(one({ ...OWN, jwks_url: 'http://ci.example.com/keys' }), /jwks_url: must be an https URL/)
    assertOne(one({ ...OWN, issuer: 'https://me:secret@ci.example.com' }), /must not hold a user name/)
    assertOne(one({ ...OWN, issuer: 'kubernetes:///', jwks_url: 'https://x.example.com' }), /API server has/)
    assertOne(one({ audiences: AUDIENCES }), /preset: needs `issuer`/)
  })

  it('names audiences, and none of them is empty', () => {
    for (const audiences of [undefined, [], [''], '', ' , ', 7])
      assert.equal(one({ ...OWN, audiences }).length, 1)
  })

  it('signs with a key that only it has', () => {
    assertOne(
      one({ ...OWN, supported_algs: ['RS256', 'HS256'] }),
      /supported_algs\.1: "HS256" signs with a shared/,
    )
    assertOne(one({ ...OWN, supported_algs: ['none'] }), /is no signature/)
    assertOne(one({ ...OWN, supported_algs: ['RS255'] }), /must be one of RS256/)
    assertOne(one({ ...OWN, supported_algs: [] }), /empty list/)
  })

  it('has a name that can be part of a user id', () => {
    for (const name of ['CI', 'a/b', '', 'service-account', '-x'])
      assert.equal(mistakesOf({ [name]: OWN }, { ...ROUTE }).length >= 1, true, name)
  })

  it('is there once', () => {
    assertOne(mistakesOf({ a: OWN, b: OWN }), /identity_providers\.b\.issuer: is the issuer of "a" too/)
    const shop = { preset: 'github_actions', audiences: AUDIENCES, claims: { repository: 'acme/shop' } }
    assertOne(mistakesOf({ a: shop, b: shop }), /identity_providers\.b\.preset: is the issuer of "a" too/)
  })

  it('of SPIFFE has a trust domain and keys', () => {
    const spiffe = {
      preset: 'spiffe',
      audiences: AUDIENCES,
      trust_domain: 'prod.example.com',
      jwks_url: 'https://spire.example.com/bundle',
    }
    assert.deepEqual(one(spiffe), [])
    assertOne(one({ ...spiffe, jwks_url: undefined }), /needs `jwks_url`/)
    assertOne(one({ ...spiffe, trust_domain: 'spiffe://prod.example.com' }), /without "spiffe:\/\/"/)
    assertOne(one({ ...OWN, trust_domain: 'prod.example.com' }), /is for `preset: spiffe` only/)
    assert.match(one({ ...spiffe, trust_domain: undefined }).join('\n'), /needs `trust_domain`/)
  })
})

describe('an issuer that the whole world uses', () => {
  it('is refused until it is tied to an owner', () => {
    assertOne(github(), /every repository on GitHub gets tokens of this issuer/)
    for (const claims of [
      { repository: 'acme/shop' },
      { repository_owner: 'acme' },
      { repository_id: 4711 },
      { sub: 'repo:acme/shop:environment:production' },
      { sub: { starts_with: 'repo:acme/' } },
      { sub: 'repo:acme@4711/shop@99:ref:refs/heads/main' },
      { sub: { starts_with: 'repo:acme@4711/' } },
      { repository: { starts_with: 'acme/' } },
      { repository: ['acme/shop', 'acme/wiki'], ref: 'refs/heads/main' },
    ])
      assert.deepEqual(github(claims), [], JSON.stringify(claims))
  })

  it('is not tied by what anybody may claim', () => {
    for (const claims of [
      {},
      { ref: 'refs/heads/main' },
      { environment: 'production' },
      { event_name: 'push' },
      // A reusable workflow runs in the repository of whoever calls it.
      { job_workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main' },
      { actor: 'octocat' },
      { repository: { starts_with: 'acme' } },
      { repository_owner: { starts_with: 'acme' } },
      { sub: { starts_with: 'repo:' } },
      { sub: { starts_with: 'repo:acme' } },
    ])
      assertOne(github(claims), /every repository on GitHub/)
  })

  it('is not tied by a pin that matches all, or that was meant as a wildcard', () => {
    for (const pin of ['', [], { starts_with: '' }, {}, null])
      assert.ok(github({ repository: pin }).length >= 1, JSON.stringify(pin))
    assert.match(github({ repository: 'acme/*' }).join('\n'), /"acme\/\*" has a \*, which stands for itself/)
    assert.match(github({ repository: { starts_with: '*/' } }).join('\n'), /has a \*/)
  })

  const PUBLIC = [
    'https://token.actions.githubusercontent.com',
    'https://token.actions.githubusercontent.com/',
    'https://TOKEN.actions.githubusercontent.com',
    'https://gitlab.com',
    'https://accounts.google.com',
    'https://appleid.apple.com',
    'https://login.microsoftonline.com/common/v2.0',
    'https://login.microsoftonline.com/organizations/v2.0',
    'https://sts.windows.net/common/',
    'https://app.terraform.io',
    'https://agent.buildkite.com',
    'https://oidc.vercel.com',
    'https://api.pulumi.com/oidc',
  ]
  for (const issuer of PUBLIC) {
    it(`is ${issuer}`, () => assertOne(one({ issuer, audiences: AUDIENCES }), /gets tokens of this issuer/))
  }

  const NOT_PUBLIC = [
    'https://gitlab.example.com',
    'https://token.actions.githubusercontent.com/acme-inc',
    'https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF',
    'https://oidc.circleci.com/org/11111111-2222-3333-4444-555555555555',
    'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
    'https://oidc.vercel.com/acme',
  ]
  for (const issuer of NOT_PUBLIC) {
    it(`is not ${issuer}`, () => assert.deepEqual(one({ issuer, audiences: AUDIENCES }), []))
  }
})

const oidc = (more: object = {}) => ({
  authenticate_service_url: 'https://auth.example.com',
  idp_provider: 'oidc',
  idp_provider_url: 'https://idp.example.com',
  idp_client_id: 'sallyport',
  idp_client_secret: 'secret',
  ...more,
})
const partners = {
  partners: {
    provider: 'oidc',
    provider_url: 'https://login.partner.example',
    client_id: 'sallyport',
    client_secret: 'secret',
  },
}

describe('the format of bearer tokens', () => {
  it('jwt needs issuers, globally and on a route', () => {
    assertOne(mistakesOf(undefined), /routes\.0\.bearer_token_format: `jwt` needs issuers/)
    assertOne(
      mistakesOf(undefined, { ...ROUTE, bearer_token_format: undefined }, { bearer_token_format: 'jwt' }),
      /^bearer_token_format: `jwt` needs issuers/,
    )
  })

  it('lets a route name issuers that there are, and only with jwt', () => {
    assert.deepEqual(mistakesOf({ ci: OWN }, { ...ROUTE, identity_providers: ['ci'] }), [])
    assertOne(
      mistakesOf({ ci: OWN }, { ...ROUTE, identity_providers: ['cd'] }),
      /routes\.0\.identity_providers\.0: "cd" is not in the global `identity_providers` \(ci\)/,
    )
    assertOne(
      mistakesOf({ ci: OWN }, { ...ROUTE, bearer_token_format: 'default', identity_providers: ['ci'] }),
      /is for `bearer_token_format: jwt` only/,
    )
  })

  it('is one of four', () => {
    assertOne(mistakesOf({ ci: OWN }, { ...ROUTE, bearer_token_format: 'opaque' }), /must be one of default/)
  })

  for (const format of ['idp_access_token', 'idp_identity_token']) {
    const route = { ...ROUTE, bearer_token_format: format }

    it(`${format} needs an identity provider, and no more than one`, () => {
      assertOne(mistakesOf(undefined, route), new RegExp(`\`${format}\` needs an identity provider`))
      assert.deepEqual(mistakesOf(undefined, route, oidc()), [])
      const both = oidc({ sign_in_providers: partners })
      assertOne(mistakesOf(undefined, route, both), /may use several identity providers/)
      assert.deepEqual(mistakesOf(undefined, { ...route, sign_in_providers: ['partners'] }, both), [])
      const global = { ...both, bearer_token_format: format }
      const plain = { ...route, bearer_token_format: undefined }
      assertOne(mistakesOf(undefined, plain, global), /^bearer_token_format: people may use several/)
    })
  }

  it('is not one that the kind of the provider does not know', () => {
    const byGitHub = oidc({ idp_provider: 'github', idp_provider_url: undefined })
    const identity = { ...ROUTE, bearer_token_format: 'idp_identity_token' }
    assertOne(mistakesOf(undefined, identity, byGitHub), /GitHub gives no ID tokens/)
    assert.deepEqual(
      mistakesOf(undefined, { ...ROUTE, bearer_token_format: 'idp_access_token' }, byGitHub),
      [],
    )
    const apple = oidc({ idp_provider: 'apple', idp_provider_url: undefined })
    const access = { ...ROUTE, bearer_token_format: 'idp_access_token' }
    assertOne(mistakesOf(undefined, access, apple), /Apple’s access tokens say nothing/)
  })

  it('lets audiences of access tokens be listed where access tokens are taken', () => {
    const audiences = { idp_access_token_allowed_audiences: ['api://app'] }
    const access = { ...ROUTE, ...audiences, bearer_token_format: 'idp_access_token' }
    assert.deepEqual(mistakesOf(undefined, access, oidc()), [])
    assert.deepEqual(mistakesOf({ ci: OWN }, ROUTE, audiences), [])
    assertOne(
      mistakesOf({ ci: OWN }, { ...ROUTE, ...audiences }),
      /idp_access_token_allowed_audiences: is for `bearer_token_format: idp_access_token` only/,
    )
  })
})
