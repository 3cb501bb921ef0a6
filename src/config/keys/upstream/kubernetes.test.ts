import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../parse.ts'
import { routeProblems } from '../../problems.fixture.ts'

const TOKEN = 'kubernetes_service_account_token: abc'

describe('the route of a Kubernetes API', () => {
  it('has its token in the file or in another', () => {
    assert.deepEqual(routeProblems(TOKEN), [])
    assert.deepEqual(routeProblems(TOKEN, 'kubernetes_service_account_token_file: x'), [
      'kubernetes_service_account_token_file: cannot stand beside `kubernetes_service_account_token`; give one of them',
    ])
    assert.deepEqual(routeProblems('kubernetes_service_account_token: "two words"'), [
      'kubernetes_service_account_token: is not a bearer token',
    ])
  })

  it('follows the file of its token, and never shows it', () => {
    const text =
      'routes: [{ from: https://a.example.com, to: https://k, allowed_domains: [a.example], kubernetes_service_account_token_file: token }]\nauthenticate_service_url: https://authenticate.example.com\nidp_provider: google\nidp_client_id: a\nidp_client_secret: b'
    const parsed = parseConfig(text, { file: '/etc/s/config.yaml', readFile: () => 'abc\n' })
    assert.ok('config' in parsed, JSON.stringify(parsed))
    assert.deepEqual(parsed.files, ['/etc/s/token'])
    const [route] = parsed.config.routes
    assert.equal(route?.kubernetes_service_account_token?.reveal(), 'abc')
    assert.ok(!JSON.stringify(route).includes('abc'))
  })

  it('is for people with a name', () => {
    const message =
      'cannot stand on the route of a Kubernetes API: whoever is not signed in has no name there'
    assert.deepEqual(routeProblems(TOKEN, 'allow_public_unauthenticated_access: true'), [
      `allow_public_unauthenticated_access: ${message}`,
    ])
    assert.deepEqual(routeProblems(TOKEN, 'cors_allow_preflight: true'), [`cors_allow_preflight: ${message}`])
  })

  it('sets who asks itself, and needs a server that speaks HTTP/1.1', () => {
    const set =
      'set_request_headers: { authorization: a, Impersonate-User: b, Impersonate-Uid: c, X-Other: d }'
    assert.deepEqual(routeProblems(TOKEN, set), [
      ...['authorization', 'impersonate-user'].map(
        (name) =>
          `kubernetes_service_account_token: sets the header ${name}, as \`set_request_headers\` does; remove one of them`,
      ),
      'set_request_headers.Impersonate-Uid: is set by the route of a Kubernetes API itself; remove it here',
    ])
    assert.deepEqual(routeProblems('to: h2c://a', TOKEN), [
      'kubernetes_service_account_token: needs an upstream that speaks HTTP/1.1: use http:// or https:// in `to`, not h2c://',
    ])
    assert.deepEqual(routeProblems('response: { status: 200 }', TOKEN), [
      'kubernetes_service_account_token: needs the API server under `to`',
    ])
    assert.deepEqual(routeProblems('kubernetes_impersonate_user_claim: name'), [
      'kubernetes_impersonate_user_claim: needs `kubernetes_service_account_token` or `kubernetes_service_account_token_file` beside it',
    ])
  })
})
