import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pullAzure } from './azure.ts'
import { common, failure, PLANTED, PlayedApi, type Script, secret, summary } from './played-api.fixture.ts'

const settings = (url: string) =>
  ({
    ...common,
    type: 'azure',
    directory_id: 'tenant',
    client_id: 'app',
    client_secret: secret,
    url,
    login_url: url,
  }) as const
const token: Script = {
  'POST /tenant/oauth2/v2.0/token': ({ form }) =>
    form.get('client_secret') === PLANTED && form.get('grant_type') === 'client_credentials'
      ? { body: { token_type: 'Bearer', expires_in: 3599, access_token: 'graph-token' } }
      : { status: 401, body: { error: 'invalid_client' } },
}
const users: Script = {
  'GET /v1.0/users': ({ url, headers }) => {
    if (headers.authorization !== 'Bearer graph-token') return { status: 401 }
    return url.searchParams.has('$skiptoken')
      ? {
          body: {
            value: [{ id: 'bob', mail: null, userPrincipalName: 'bob@example.com', accountEnabled: false }],
          },
        }
      : {
          body: {
            '@odata.nextLink': `${url.origin}/v1.0/users?$skiptoken=2`,
            value: [
              {
                id: 'alice',
                mail: 'alice@example.com',
                userPrincipalName: 'a@example.com',
                accountEnabled: true,
              },
            ],
          },
        }
  },
}

const member = (id: string, kind = 'user') => ({ '@odata.type': `#microsoft.graph.${kind}`, id })

describe('Entra ID, played by a server that follows the documentation of Microsoft Graph', () => {
  it('gives people, and groups whose members come in pages, groups among them', async () => {
    await using api = await PlayedApi.start({
      ...token,
      ...users,
      'GET /v1.0/groups/delta': ({ url }) =>
        url.searchParams.has('$skiptoken')
          ? {
              body: {
                '@odata.deltaLink': `${url.origin}/v1.0/groups/delta?$deltatoken=x`,
                value: [
                  { id: 'g1', displayName: 'Staff', 'members@delta': [member('bob')] },
                  {
                    id: 'g2',
                    displayName: 'All',
                    'members@delta': [
                      member('g1', 'group'),
                      { id: 'alice', '@removed': { reason: 'deleted' } },
                    ],
                  },
                  { id: 'g3', '@removed': { reason: 'deleted' } },
                ],
              },
            }
          : {
              body: {
                '@odata.nextLink': `${url.origin}/v1.0/groups/delta?$skiptoken=2`,
                value: [{ id: 'g1', displayName: 'Staff', 'members@delta': [member('alice')] }],
              },
            },
    })
    const listing = await pullAzure(settings(api.url), api.ports)
    assert.deepEqual(summary(listing), { alice: ['g1', 'g2'], '!bob': ['g1', 'g2'] })
    assert.deepEqual(
      listing.groups.map(({ name }) => name),
      ['Staff', 'All'],
    )
    assert.deepEqual(listing.people[0]?.emails, ['alice@example.com', 'a@example.com'])
  })

  it('gives nothing at all when a page fails', async () => {
    await using api = await PlayedApi.start({
      ...token,
      ...users,
      'GET /v1.0/groups/delta': () => ({ status: 500 }),
    })
    assert.match(
      (await failure(pullAzure(settings(api.url), api.ports))).message,
      /groups\/delta answered 500/,
    )
  })

  it('says that the secret is wrong, without it', async () => {
    await using api = await PlayedApi.start({
      'POST /tenant/oauth2/v2.0/token': () => ({
        status: 401,
        body: { error: 'invalid_client', error_description: PLANTED },
      }),
    })
    assert.match(
      (await failure(pullAzure(settings(api.url), api.ports))).message,
      /answered 401 \(invalid_client\)/,
    )
  })

  it('is not followed to another server, which would be given the token', async () => {
    await using api = await PlayedApi.start({
      ...token,
      'GET /v1.0/users': () => ({
        body: { value: [], '@odata.nextLink': 'https://evil.example/v1.0/users' },
      }),
    })
    assert.match((await failure(pullAzure(settings(api.url), api.ports))).message, /not its own/)
  })
})
