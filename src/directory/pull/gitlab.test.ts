import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pullGitlab } from './gitlab.ts'
import { common, PLANTED, PlayedApi, type Script, secret, summary } from './played-api.fixture.ts'

const group = (id: number, full_path: string) => ({ id, full_path, name: 'x' })
const members: Script = {
  'GET /api/v4/groups/1/members/all': () => ({ body: [{ id: 7, username: 'alice', state: 'active' }] }),
  'GET /api/v4/groups/2/members/all': () => ({
    body: [
      { id: 7, state: 'active' },
      { id: 8, state: 'blocked' },
    ],
  }),
}

describe('GitLab, played by a server that follows the documentation of its API', () => {
  it('gives the groups of the owner of the token, with their members', async () => {
    await using api = await PlayedApi.start({
      ...members,
      'GET /api/v4/groups': ({ url, headers }) => {
        if (headers['private-token'] !== PLANTED) return { status: 401 }
        if (url.searchParams.get('page') === '2') return { body: [group(2, 'corp/ops')] }
        return { headers: { link: `<${url.href}&page=2>; rel="next"` }, body: [group(1, 'corp')] }
      },
    })
    const listing = await pullGitlab({ ...common, type: 'gitlab', url: api.url, token: secret }, api.ports)
    assert.deepEqual(summary(listing), { '7': ['1', '2'], '!8': ['2'] })
    assert.deepEqual(
      listing.groups.map(({ name }) => name),
      ['corp', 'corp/ops'],
    )
  })

  it('gives named groups and those below them', async () => {
    await using api = await PlayedApi.start({
      ...members,
      'GET /api/v4/groups/corp%2Fengineering': () => ({ body: group(1, 'corp/engineering') }),
      'GET /api/v4/groups/corp%2Fengineering/descendant_groups': () => ({
        body: [group(2, 'corp/engineering/ops')],
      }),
    })
    const settings = {
      ...common,
      type: 'gitlab',
      url: api.url,
      token: secret,
      groups: ['corp/engineering'],
    } as const
    assert.deepEqual(summary(await pullGitlab(settings, api.ports)), { '7': ['1', '2'], '!8': ['2'] })
  })
})
