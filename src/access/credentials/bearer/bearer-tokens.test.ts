import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../../config/parse.ts'
import { Fault } from '../../../errors.ts'
import { NO_TOKENS, type PresentedKind, type TokenIdentifier } from '../../../identity/provider.ts'
import { createMetrics } from '../../../telemetry/metrics.ts'
import { openBearerTokens } from './bearer-tokens.ts'

/** A provider that knows every token, and what was asked of it. */
function knowsAll(
  id: string,
  userId = 'alice',
): TokenIdentifier & { readonly asked: [PresentedKind, string][] } {
  const asked: [PresentedKind, string][] = []
  return {
    id,
    asked,
    identify(kind, token) {
      asked.push([kind, token])
      const identity = {
        userId,
        email: undefined,
        name: undefined,
        claims: {},
        groups: [],
        tokens: NO_TOKENS,
      }
      const times = { issuedAt: 1, authenticatedAt: 1, expiresAt: undefined }
      return Promise.resolve({ identity, audiences: ['api://app'], ...times })
    },
  }
}

function open(route: object, settings: object, providers: readonly TokenIdentifier[]) {
  const parsed = parseConfig(
    JSON.stringify({
      authenticate_service_url: 'https://auth.example.com',
      idp_provider: 'oidc',
      idp_provider_url: 'https://idp.example.com',
      idp_client_id: 'sallyport',
      idp_client_secret: 'secret',
      ...settings,
      routes: [{ from: 'https://app.example.com', to: 'http://127.0.0.1:1', ...route }],
    }),
  )
  assert.ok('config' in parsed, JSON.stringify('problems' in parsed ? parsed.problems : []))
  const { config } = parsed
  const metrics = createMetrics()
  const tokens = openBearerTokens({
    config: { current: config, onGeneration: () => ({ [Symbol.dispose]: () => undefined }) },
    trustedCa: [],
    providersOf: () => providers,
    now: () => 1_000_000,
    meter: metrics.meter,
    env: {},
  })
  const [only] = config.routes
  assert.ok(only)
  return { metrics, ask: async (token: string) => await tokens.session(only, token, '192.0.2.7') }
}

const audiences = (...names: string[]) => ({ idp_access_token_allowed_audiences: names })

describe('the bearer tokens of a route', () => {
  for (const [format, kind] of [
    ['idp_access_token', 'access_token'],
    ['idp_identity_token', 'id_token'],
  ] as const)
    it(`are judged by its identity provider as ${kind} where it says ${format}, by itself or for all`, async () => {
      const bearer = { bearer_token_format: format }
      for (const [route, settings] of [
        [bearer, {}],
        [{}, bearer],
      ] as const) {
        const provider = knowsAll('idp-1')
        assert.ok(!('problem' in (await open(route, settings, [provider]).ask('token'))))
        assert.deepEqual(provider.asked, [[kind, 'token']])
      }
    })

  it('name one of the audiences of the route, or else of all routes', async () => {
    const bearer = { bearer_token_format: 'idp_access_token' }
    for (const [route, settings, isGood] of [
      [audiences('api://app'), audiences('api://other'), true],
      [audiences('api://other'), audiences('api://app'), false],
      [{}, audiences('api://app'), true],
      [{}, audiences('api://other'), false],
    ] as const) {
      const { ask } = open({ ...bearer, ...route }, settings, [knowsAll('idp-1')])
      assert.equal(!('problem' in (await ask('token'))), isGood)
    }
  })

  it('are not good for people whose ids begin like those of machines', async () => {
    const issuers = {
      ci: { issuer: 'https://ci.example.com', audiences: ['a'], claims: { repository: 'r' } },
    }
    for (const [userId, isGood] of [
      ['service-account/deploy', false],
      ['ci/repo:x', false],
      ['service-account', true],
      ['team/alice', true],
    ] as const) {
      const route = { bearer_token_format: 'idp_identity_token' }
      const { ask } = open(route, { identity_providers: issuers }, [knowsAll('idp-1', userId)])
      assert.equal(!('problem' in (await ask('token'))), isGood, userId)
    }
  })

  it('are shown to nobody where it is not plain whose they are', async () => {
    for (const providers of [[], [knowsAll('idp-1'), knowsAll('idp-2')]]) {
      const { ask } = open({ bearer_token_format: 'idp_access_token' }, {}, providers)
      await assert.rejects(
        ask('token'),
        (error) => error instanceof Fault && error.code === 'IDP_NOT_CONFIGURED',
      )
      assert.ok(providers.every(({ asked }) => asked.length === 0))
    }
  })

  it('are asked about anew when the provider is another, though it bears the same id', async () => {
    const providers = [knowsAll('idp-1')]
    const { ask } = open({ bearer_token_format: 'idp_identity_token' }, {}, providers)
    await ask('token')
    const changed = knowsAll('idp-1')
    providers[0] = changed
    await ask('token')
    await ask('token')
    assert.equal(changed.asked.length, 1)
  })

  it('are counted when they had to be verified', async () => {
    const { ask, metrics } = open({ bearer_token_format: 'idp_access_token' }, {}, [knowsAll('idp-1')])
    for (let n = 0; n < 3; n++) await ask('token')
    assert.match(
      await metrics.render(),
      /^sallyport_bearer_verifications_total\{[^}]*format="idp_access_token",outcome="accepted"[^}]*\} 1$/m,
    )
  })
})
