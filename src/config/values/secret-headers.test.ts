import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isCredentialHeader } from './secret-headers.ts'

describe('a header that holds a credential', () => {
  it('is known by its name, whatever stands before or behind the word', () => {
    const missed = [
      'authorization',
      'proxy-authorization',
      'x-serverless-authorization',
      'x-original-authorization',
      'cookie',
      'cookie2',
      'x-forwarded-cookie',
      'x-auth-token',
      'private-token',
      'x-amz-security-token',
      'x-client-secret',
      'x-api-key',
      'apikey',
      'x-auth-key',
      'x-functions-key',
      'ocp-apim-subscription-key',
      'x-grafana-password',
      'x-remote-passwd',
      'x-credentials',
      'cf-access-jwt-assertion',
      'x-goog-iap-jwt-assertion',
      'x-pomerium-claim-email',
    ].filter((name) => !isCredentialHeader(name))
    assert.deepEqual(missed, [])
  })

  it('is no other', () => {
    const taken = [
      'accept',
      'user-agent',
      'idempotency-key',
      'sec-websocket-key',
      'x-request-id',
      'x-forwarded-for',
      'origin',
      'if-none-match',
    ].filter(isCredentialHeader)
    assert.deepEqual(taken, [])
  })
})
