import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { RE2JS } from 're2js'
import { BEGINNING_LENGTH, BEGINNINGS, forgeablePattern, isForgeable } from './forgeable-headers.ts'

const FORGEABLE = [
  'x-pomerium-jwt-assertion',
  'x-pomerium-claim-email',
  'x-pomerium-anything-to-come',
  'remote-user',
  'x-remote-extra-scopes',
  'impersonate-user',
  'impersonate-extra-x',
  'x-authenticated-userid',
  'x-consumer-groups',
  'x-credential-identifier',
  'x-ms-client-principal',
  'x-ms-client-principal-id',
  'x-ms-token-aad-id-token',
  'oidc-claim-email',
  'x-forwarded-host',
  'x-forwarded-prefix',
  'x-forwarded-tls-client-cert-info',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-original-path',
  'x-http-method-override',
  'x-original-url',
  'client-cert-chain',
  'forwarded',
  'proxy',
] as const

const HARMLESS = [
  ':authority',
  ':path',
  'host',
  'accept',
  'authorization',
  'cookie',
  'proxy-authorization',
  'x-auth-token',
  'x-api-key',
  'x-requested-with',
  'x-csrf-token',
  'x-user-id',
  'x-amzn-trace-id',
  'cf-access-client-id',
  'sec-websocket-key',
  'grpc-timeout',
  'traceparent',
  // what Envoy and the check write or take off themselves
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-request-id',
  'x-envoy-external-address',
  'x-pomerium-authorization',
] as const

const SEPARATORS = ['_', '.', '~', '!', '#', '$', '%', '&', "'", '*', '+', '^', '`', '|'] as const

const matcher = RE2JS.compile(forgeablePattern(), RE2JS.DOTALL)

describe('a header that a client could forge', () => {
  for (const name of FORGEABLE) {
    it(`is ${name}, with any separator that a server may take for a hyphen`, () => {
      for (const separator of ['-', ...SEPARATORS]) {
        const spelled = name.replaceAll('-', separator)
        assert.ok(isForgeable(spelled), spelled)
        const last = name.replace(/-(?=[^-]*$)/, separator)
        assert.ok(isForgeable(last), last)
      }
    })
  }

  for (const name of HARMLESS) {
    it(`is not ${name}`, () => assert.ok(!isForgeable(name)))
  }

  it('is what Envoy writes itself, in any other spelling', () => {
    for (const name of ['x-forwarded-for', 'x-request-id', 'x-envoy-external-address'])
      for (const separator of SEPARATORS) {
        assert.ok(isForgeable(name.replace('-', separator)), name)
        assert.ok(isForgeable(name.replaceAll('-', separator)), name)
      }
  })

  it('begins in one of the ways that deserve a second look', () => {
    for (const name of FORGEABLE) assert.ok(BEGINNINGS.has(name.slice(0, BEGINNING_LENGTH)), name)
    for (const text of BEGINNINGS) assert.equal(text.length, BEGINNING_LENGTH, text)
  })

  it('is the same for Envoy, whatever the name', () => {
    const part = fc.constantFrom(
      ...[...FORGEABLE, ...HARMLESS].flatMap((name) => name.split('-')),
      ...'abcx019:'.split(''),
      '',
    )
    const name = fc
      .array(fc.tuple(part, fc.constantFrom('-', '-', '-', '_', '.', '')), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.flat().join(''))
    fc.assert(
      fc.property(fc.oneof(name, fc.constantFrom(...FORGEABLE, ...HARMLESS)), (text) => {
        // an empty name is none; a colon begins pseudo-headers only
        fc.pre(text !== '' && !text.slice(1).includes(':'))
        assert.equal(matcher.matches(text), isForgeable(text), text)
      }),
      { numRuns: 3000 },
    )
  })

  it('is left to Envoy where Envoy has written it over the client’s', () => {
    const written = RE2JS.compile(forgeablePattern(['x-forwarded-client-cert']), RE2JS.DOTALL)
    assert.ok(matcher.matches('x-forwarded-client-cert'))
    assert.ok(!written.matches('x-forwarded-client-cert'))
    for (const name of ['x_forwarded_client_cert', 'x-forwarded-client_cert', 'x-forwarded-client-certs'])
      assert.ok(written.matches(name), name)
  })
})
