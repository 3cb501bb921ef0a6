import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '../errors.ts'
import type { PlatformToken } from '../upstream/platform-token.ts'
import { ALICE, authorizerFor, configOf, cookieOf, NOW, STAFF_ROUTE } from './authorizer.fixture.ts'
import type { Ports } from './ports.ts'

const ROUTE = {
  ...STAFF_ROUTE,
  to: 'https://app-1234.a.run.app',
  enable_google_cloud_serverless_authentication: true,
}
const alice = { headers: { cookie: cookieOf(ALICE) } }
const token = (value: string, expiresAt = NOW + 3_600_000): PlatformToken => ({ value, expiresAt })

function serverless(tokenFor: NonNullable<Ports['platformTokens']>['tokenFor'], route: object = {}) {
  return authorizerFor(configOf([{ ...ROUTE, ...route }]), { ports: { platformTokens: { tokenFor } } })
}

describe('a request to a serverless app', () => {
  it('carries a token for its host, in place of what the client sent', async () => {
    const audiences: string[] = []
    using fixture = serverless((audience) => {
      audiences.push(audience)
      return token('one')
    })
    const { headers, removed } = await fixture.ask({
      headers: {
        ...alice.headers,
        authorization: 'Basic of-the-client',
        'x-serverless-authorization': 'Bearer forged',
      },
    })
    assert.equal(headers['authorization'], 'Bearer one')
    assert.ok(removed.includes('x-serverless-authorization'))
    assert.deepEqual(audiences, ['https://app-1234.a.run.app'])
  })

  it('carries it in the header of Google’s own where the route sets the other', async () => {
    using fixture = serverless(() => token('one'), { set_request_headers: { authorization: 'Basic app' } })
    const { headers } = await fixture.ask(alice)
    assert.deepEqual(
      [headers['authorization'], headers['x-serverless-authorization']],
      ['Basic app', 'Bearer one'],
    )
    using passing = serverless(() => token('one'), { pass_idp_token: 'id_token' })
    const passed = await passing.ask(alice)
    assert.deepEqual(
      [passed.headers['authorization'], passed.headers['x-serverless-authorization']],
      ['Bearer planted-id-token', 'Bearer one'],
    )
  })

  it('waits for a token, and does not go out without one', async () => {
    using late = serverless(() => Promise.resolve(token('late')))
    assert.equal((await late.ask(alice)).headers['authorization'], 'Bearer late')
    const fault = new Fault('SERVERLESS_TOKEN_UNAVAILABLE', 'no token: secret-detail')
    for (const tokenFor of [
      () => Promise.reject(fault),
      () => {
        throw fault
      },
    ]) {
      using fixture = serverless(tokenFor)
      const { status, body } = await fixture.ask({
        headers: { ...alice.headers, accept: 'application/json' },
      })
      assert.equal(status, 502)
      assert.match(body, /serverless_token_unavailable/)
      assert.doesNotMatch(body, /secret-detail/)
    }
  })

  it('is not asked for a token for whom the policy refuses', async () => {
    using fixture = serverless(() => assert.fail('asked'))
    assert.equal((await fixture.ask()).status, 302)
  })

  it('is answered from memory no longer than the token lives', async () => {
    let value = token('one', NOW + 20_000)
    using fixture = serverless(() => value)
    const first = await fixture.bytes(alice)
    value = token('two')
    assert.equal(await fixture.bytes(alice), first)
    fixture.clock.now += 20_000
    assert.equal((await fixture.ask(alice)).headers['authorization'], 'Bearer two')
  })
})
