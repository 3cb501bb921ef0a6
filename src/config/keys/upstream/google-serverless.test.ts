import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { parseConfig } from '../../parse.ts'
import { problemsOf, routeProblems } from '../../problems.fixture.ts'

const ON = 'enable_google_cloud_serverless_authentication: true'
const ACCOUNT = 'google_cloud_serverless_authentication_service_account'

describe('the route of a serverless app', () => {
  it('has one host, since a token is for one app', () => {
    assert.deepEqual(routeProblems('to: https://app-1.a.run.app', ON), [])
    assert.deepEqual(routeProblems('to: [https://a.run.app, https://a.run.app:8443]', ON), [])
    assert.deepEqual(routeProblems('to: [https://a.run.app, https://b.run.app]', ON), [
      'enable_google_cloud_serverless_authentication: needs one host in `to`: a token is for one app',
    ])
    assert.deepEqual(routeProblems('redirect: { host_redirect: a.example.com }', ON), [
      'enable_google_cloud_serverless_authentication: needs the app under `to`',
    ])
    assert.deepEqual(routeProblems(ON, 'kubernetes_service_account_token: abc'), [
      'enable_google_cloud_serverless_authentication: sets the header authorization, as `kubernetes_service_account_token` does; remove one of them',
    ])
  })
})

function accountFrom(value: unknown) {
  const parsed = parseConfig(JSON.stringify({ routes: [], [ACCOUNT]: value }))
  return 'config' in parsed ? parsed.config.settings[ACCOUNT] : undefined
}

describe('the key file of a service account', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const key = { type: 'service_account', client_email: 'a@b.example', private_key: pem }
  it('is taken as JSON and in base64, from a file too, and its key is never shown', () => {
    const json = JSON.stringify(key)
    for (const text of [json, Buffer.from(json).toString('base64')]) {
      const account = accountFrom(text)
      assert.equal(account?.clientEmail, 'a@b.example')
      assert.equal(account?.tokenUri, 'https://oauth2.googleapis.com/token')
      assert.ok(!JSON.stringify(account).includes('PRIVATE'))
    }
    const parsed = parseConfig(`routes: []\n${ACCOUNT}: file:key.json`, { readFile: () => json })
    assert.ok('config' in parsed)
  })

  it('is refused in any other form', () => {
    for (const value of [
      'x',
      '{}',
      JSON.stringify({ ...key, type: 'authorized_user' }),
      JSON.stringify({ ...key, private_key: 'x' }),
    ])
      assert.match(
        problemsOf(JSON.stringify({ routes: [], [ACCOUNT]: value }))[0] ?? '',
        /is not the key file of a Google service account/,
      )
  })
})
