import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as client from 'openid-client'
import { request } from './http-client.ts'
import { PlayedProvider } from './played-provider.ts'
import { startRealProvider } from './real-provider.ts'
import { UserAgent } from './user-agent.ts'

const REDIRECT = 'http://127.0.0.1:9/oauth2/callback'
const stopAt = (next: URL): boolean => next.port === '9'

async function begin(provider: { issuer: string; clientId: string; clientSecret: string }) {
  const configuration = await client.discovery(
    new URL(provider.issuer),
    provider.clientId,
    undefined,
    client.ClientSecretBasic(provider.clientSecret),
    { execute: [client.allowInsecureRequests] },
  )
  const verifier = client.randomPKCECodeVerifier()
  const nonce = client.randomNonce()
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: REDIRECT,
    scope: 'openid profile email offline_access',
    prompt: 'consent',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: 's',
    nonce,
  })
  const finish = async (location: string) =>
    await client.authorizationCodeGrant(configuration, new URL(location), {
      pkceCodeVerifier: verifier,
      expectedState: 's',
      expectedNonce: nonce,
    })
  return { configuration, url, finish }
}

describe('the real provider of the tests', () => {
  it('lets a user agent log in, refresh, and be refused', async () => {
    await using provider = await startRealProvider({ redirectUris: [REDIRECT], accessTokenSeconds: 30 })
    const { configuration, url, finish } = await begin(provider)
    const agent = new UserAgent()
    const page = await agent.visit(url)
    const back = await agent.submit(page, { login: 'alice' }, { stopAt })
    const tokens = await finish(back.headers['location'] ?? '')
    assert.deepEqual(tokens.claims()?.['groups'], ['staff', 'everyone'])
    assert.equal(tokens.expires_in, 30)

    provider.failing.set('token', { status: 400, error: 'invalid_grant' })
    await assert.rejects(client.refreshTokenGrant(configuration, tokens.refresh_token ?? ''), {
      error: 'invalid_grant',
    })
    provider.failing.clear()
    const refreshed = await client.refreshTokenGrant(configuration, tokens.refresh_token ?? '')
    assert.equal(refreshed.claims()?.['email'], 'alice@example.com')

    const stranger = new UserAgent()
    const refused = await stranger.submit(await stranger.visit(url), { login: 'mallory' }, { stopAt })
    assert.match(refused.headers['location'] ?? '', /error=access_denied/)
  })

  it('goes down and comes back on the same port', async () => {
    await using provider = await startRealProvider({ redirectUris: [REDIRECT] })
    const discovery = `${provider.issuer}/.well-known/openid-configuration`
    await provider.stop()
    await assert.rejects(request({ url: discovery }))
    await provider.start()
    assert.equal((await request({ url: discovery })).status, 200)
  })
})

describe('the played provider', () => {
  it('is correct until it is told otherwise', async () => {
    await using provider = await PlayedProvider.start()
    const { url, finish } = await begin(provider)
    const agent = new UserAgent()
    const back = await agent.visit(url, { stopAt })
    assert.equal((await finish(back.headers['location'] ?? '')).claims()?.sub, 'alice')

    provider.script = { claims: { nonce: 'of another login' } }
    const second = await agent.visit(url, { stopAt })
    await assert.rejects(finish(second.headers['location'] ?? ''), /unexpected JWT claim/)
  })
})
