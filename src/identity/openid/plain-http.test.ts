import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Fault } from '../../errors.ts'
import { openOurs, signIn, startReal } from './real-stage.fixture.ts'

it('a real provider by plain HTTP at another name than this machine has is asked only where the file says so', async (t) => {
  const { issuer } = await startReal(t, { host: '0.0.0.0' })
  const scopes = ['openid', 'profile', 'email', 'groups']
  assert.throws(
    () => openOurs(t, issuer, { scopes }),
    (error) =>
      error instanceof Fault && error.code === 'IDP_NOT_CONFIGURED' && /must be https/.test(error.message),
  )
  const provider = openOurs(t, issuer, { scopes, allow_insecure_http: true })
  const { userId, groups } = await signIn(provider)
  assert.deepEqual([userId, groups], ['alice', ['staff', 'admins']])
  const endpoint = await provider.tokenEndpoint?.()
  const answer = await endpoint?.fetch?.(endpoint.url, { method: 'POST' })
  assert.equal(answer?.status, 400, 'other grants are asked for in the same way')
})
