import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pullOkta } from './okta.ts'
import { common, failure, PLANTED, PlayedApi, secret, summary } from './played-api.fixture.ts'

const settings = (url: string) => ({ ...common, type: 'okta', url, token: secret }) as const
const user = (id: string, status = 'ACTIVE') => ({
  id,
  status,
  profile: { login: `${id}@example.com`, email: `${id}@mail.example` },
})

describe('Okta, played by a server that follows the documentation of its API', () => {
  it('gives people and groups over pages, and waits where it is asked too often', async () => {
    let refusals = 2
    await using api = await PlayedApi.start({
      'GET /api/v1/groups': ({ url, headers }) => {
        if (headers.authorization !== `SSWS ${PLANTED}`) return { status: 401 }
        if (url.searchParams.has('after')) return { body: [{ id: 'g2', profile: { name: 'Ops' } }] }
        const link = `<${url.href}>; rel="self", <${url.origin}/api/v1/groups?after=g1&limit=200>; rel="next"`
        return { headers: { link }, body: [{ id: 'g1', profile: { name: 'Staff' } }] }
      },
      'GET /api/v1/groups/g1/users': () => {
        refusals -= 1
        if (refusals < 0) return { body: [user('alice'), user('bob', 'SUSPENDED')] }
        return { status: 429, headers: { 'x-rate-limit-reset': String(Date.UTC(2026, 10, 25) / 1000 + 7) } }
      },
      'GET /api/v1/groups/g2/users': () => ({ body: [user('alice')] }),
    })
    const listing = await pullOkta(settings(api.url), api.ports)
    assert.deepEqual(summary(listing), { alice: ['g1', 'g2'], '!bob': ['g1'] })
    assert.deepEqual(api.waited, [7000, 7000])
  })

  it('gives up, and says when to come back, where the wait is long', async () => {
    await using api = await PlayedApi.start({
      'GET /api/v1/groups': () => ({ status: 429, headers: { 'retry-after': '600' } }),
    })
    const { retryAfterMs } = await failure(pullOkta(settings(api.url), api.ports))
    assert.equal(retryAfterMs, 600_000)
    assert.deepEqual(api.waited, [])
  })

  it('is not believed in a form that is another', async () => {
    for (const body of ['<html>', '{"error":1}', [{ id: 7 }], [{ id: 'g', profile: null }]]) {
      await using api = await PlayedApi.start({ 'GET /api/v1/groups': () => ({ body }) })
      await failure(pullOkta(settings(api.url), api.ports))
    }
  })
})
