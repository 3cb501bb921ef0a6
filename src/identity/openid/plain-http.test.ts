import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Secret } from '../../config/config.ts'
import { Fault } from '../../errors.ts'
import { createHttpClient } from '../../outbound/http-client.ts'
import { testClient } from '../client.fixture.ts'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  playUserAgent,
  REDIRECT_URI,
  startRealProvider,
} from '../real-provider.fixture.ts'
import { openOpenIdProvider } from './openid-provider.ts'

const SECRETS = { oauthState: 'state-1', idTokenNonce: 'nonce-1', codeVerifier: 'v'.repeat(43) }

it('a real provider by plain HTTP at another name than this machine has is asked only where the file says so', async () => {
  await using real = await startRealProvider({ host: '0.0.0.0' })
  const client = testClient({
    provider_url: real.issuer,
    client_id: CLIENT_ID,
    client_secret: Secret.of(CLIENT_SECRET),
    scopes: ['openid', 'profile', 'email', 'groups'],
  })
  const options = { client, redirectUri: REDIRECT_URI }
  assert.throws(
    () => openOpenIdProvider(options),
    (error) =>
      error instanceof Fault && error.code === 'IDP_NOT_CONFIGURED' && /must be https/.test(error.message),
  )
  await using provider = openOpenIdProvider({ ...options, client: { ...client, allow_insecure_http: true } })
  await using http = createHttpClient({ plainHttpTo: '0.0.0.0' })
  const callbackUrl = await playUserAgent(http, await provider.authorizationUrl(SECRETS), 'alice')
  const { userId, groups } = await provider.exchange({ ...SECRETS, callbackUrl })
  assert.deepEqual([userId, groups], ['alice', ['staff', 'admins']])
  const endpoint = await provider.tokenEndpoint?.()
  const answer = await endpoint?.fetch?.(endpoint.url, { method: 'POST' })
  assert.equal(answer?.status, 400, 'other grants are asked for in the same way')
})
