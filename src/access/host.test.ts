import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../config/parse.ts'
import { siteKindOf } from './host.ts'

describe('the kind of a host', () => {
  it('is that of the sign-in pages for their very host, whatever the port and the letters in the configuration', () => {
    const parsed = parseConfig(
      'authenticate_service_url: https://Auth.Example.com:8443\nidp_provider: oidc\nidp_provider_url: https://idp.example.com\nidp_client_id: a\nidp_client_secret: b\nroutes: []\n',
    )
    assert.ok('config' in parsed, JSON.stringify(parsed))
    const kindOf = (host: string) => siteKindOf(host, parsed.config.settings)
    assert.equal(kindOf('auth.example.com'), 'authenticate')
    for (const host of ['app.example.com', 'x.auth.example.com', 'example.com', ''])
      assert.equal(kindOf(host), 'app')
  })

  it('is that of an app everywhere where nobody signs in', () => {
    const parsed = parseConfig('routes: []\n')
    assert.ok('config' in parsed)
    assert.equal(siteKindOf('', parsed.config.settings), 'app')
  })
})
