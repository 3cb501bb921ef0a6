import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pullGithub } from './github.ts'
import { common, failure, PLANTED, PlayedApi, secret, summary } from './played-api.fixture.ts'

const settings = (url: string) =>
  ({ ...common, type: 'github', url, token: secret, organizations: ['corp'] }) as const

describe('GitHub, played by a server that follows the documentation of its REST API', () => {
  it('gives organizations and teams by the names that sign-in uses, and people by their number', async () => {
    await using api = await PlayedApi.start({
      'GET /orgs/corp/members': ({ url, headers }) => {
        if (headers.authorization !== `Bearer ${PLANTED}` || headers['user-agent'] === undefined)
          return { status: 403 }
        if (url.searchParams.get('page') === '2') return { body: [{ id: 2, login: '1' }] }
        return { headers: { link: `<${url.href}&page=2>; rel="next"` }, body: [{ id: 1, login: 'alice' }] }
      },
      'GET /orgs/corp/teams': () => ({ body: [{ slug: 'ops', name: 'Ops' }] }),
      'GET /orgs/corp/teams/ops/members': () => ({ body: [{ id: 1, login: 'alice' }] }),
    })
    assert.deepEqual(summary(await pullGithub(settings(api.url), api.ports)), {
      '1': ['corp', 'corp/ops'],
      '2': ['corp'],
    })
  })

  it('is waited for when its limit is used up, and not when it refuses', async () => {
    let refusals = 1
    const reset = String(Date.UTC(2026, 10, 25) / 1000 + 30)
    await using api = await PlayedApi.start({
      'GET /orgs/corp/members': () => {
        refusals -= 1
        return refusals < 0
          ? { status: 403 }
          : { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset } }
      },
    })
    assert.match((await failure(pullGithub(settings(api.url), api.ports))).message, /may not read this/)
    assert.deepEqual(api.waited, [30_000])
  })
})
