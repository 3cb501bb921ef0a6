import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from './config/parse.ts'
import { shownText, shownUrl } from './shown-url.ts'

describe('a URL that is shown', () => {
  for (const [url, shown] of [
    ['https://example.com/people.csv', 'https://example.com/people.csv'],
    ['https://user:planted@example.com:8443/p', 'https://[secret]@example.com:8443/p'],
    ['https://planted@example.com/', 'https://[secret]@example.com/'],
    ['https://example.com/p?token=planted&b=planted', 'https://example.com/p?token=[secret]&b=[secret]'],
    ['https://example.com/p?planted=', 'https://example.com/p?planted=[secret]'],
    ['https://example.com/p#planted', 'https://example.com/p'],
    ['planted', '[URL]'],
  ] as const)
    it(`is ${shown}`, () => assert.equal(shownUrl(url), shown))
})

describe('a text that may be a URL', () => {
  for (const [text, shown] of [
    ['example.com', 'example.com'],
    ['https://exa mple.com/p', 'https://exa mple.com/p'],
    ['https://user:plan/ted?@exa mple.com/p', 'https://[secret]@exa mple.com/p'],
    ['user:planted@example.com', '[secret]@example.com'],
    ['h2c://example.com/?token=planted', 'h2c://example.com/?[secret]'],
    ['example.com#planted\nplanted', 'example.com#[secret]'],
  ] as const)
    it(`is ${shown}`, () => assert.equal(shownText(text), shown))
})

describe('a mistake in a URL', () => {
  const places: Readonly<Record<string, (url: string) => string>> = {
    to: (url) => `routes: [{ from: 'https://a.example.com', to: '${url}' }]`,
    from: (url) => `routes: [{ from: '${url}', to: 'http://b' }]`,
    authenticate_service_url: (url) => `authenticate_service_url: '${url}'`,
    signout_redirect_url: (url) => `signout_redirect_url: '${url}'`,
    idp_provider_url: (url) => `idp_provider: oidc\nidp_provider_url: '${url}'`,
    provider_url: (url) =>
      `sign_in_providers: { a: { provider: oidc, provider_url: '${url}', client_id: a, client_secret: b } }`,
    'records url': (url) => `records: { a: { url: '${url}', key: user.id, key_field: id } }`,
    'directory url': (url) => `directory: [{ name: a, type: okta, url: '${url}', token: t }]`,
    jwks_url: (url) => `identity_providers: { a: { issuer: b, jwks_url: '${url}' } }`,
    issuer: (url) => `identity_providers: { a: { issuer: '${url}' } }`,
  }
  const urls = [
    'https://user:planted@exa mple.com/',
    'https://exa mple.com/?token=planted',
    'https://user:planted@example.com/',
    'gopher://user:planted@example.com/?a=planted',
    'user:planted@example.com',
  ]
  for (const [key, write] of Object.entries(places))
    it(`of ${key} is told without a secret of it`, () => {
      for (const url of urls) {
        const parsed = parseConfig(`${write(url)}\n`)
        // Where the user agent is sent a URL may hold anything.
        if ('config' in parsed) assert.equal(key, 'signout_redirect_url')
        else for (const { message } of parsed.problems) assert.doesNotMatch(message, /planted/, url)
      }
    })

  it('of a provider may not hold what every message about it would tell', () => {
    for (const url of ['https://user:planted@idp.example.com', 'https://idp.example.com/?key=planted']) {
      const parsed = parseConfig(`idp_provider: oidc\nidp_provider_url: '${url}'\n`)
      assert.ok('problems' in parsed)
      assert.match(
        parsed.problems.map(({ message }) => message).join(),
        /may not hold a user name, password, query/,
      )
    }
  })
})
