import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { jwtVerify } from 'jose'
import { Secret } from '../../config/values/secret.ts'
import { pullGoogle } from './google.ts'
import { common, failure, PLANTED, PlayedApi, summary } from './played-api.fixture.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const account = (key = privateKey.export({ type: 'pkcs8', format: 'pem' })) =>
  Secret.of(
    JSON.stringify({
      type: 'service_account',
      client_email: 'robot@example.iam',
      private_key: key,
      private_key_id: 'k1',
    }),
  )
const settings = (url: string, service_account = account()) =>
  ({
    ...common,
    type: 'google',
    service_account,
    subject: 'admin@example.com',
    customer: 'my_customer',
    url,
    token_url: `${url}/token`,
  }) as const

describe('Google Workspace, played by a server that follows the documentation of the Admin SDK', () => {
  it('gives people and groups in the name of an administrator', async () => {
    let assertion = ''
    await using api = await PlayedApi.start({
      'POST /token': ({ form }) => {
        assertion = form.get('assertion') ?? ''
        return { body: { access_token: 'google-token', token_type: 'Bearer' } }
      },
      'GET /admin/directory/v1/users': ({ url }) =>
        url.searchParams.get('pageToken') === 'p2'
          ? { body: { users: [{ id: '2', primaryEmail: 'bob@example.com', suspended: true }] } }
          : { body: { users: [{ id: '1', primaryEmail: 'alice@example.com' }], nextPageToken: 'p2' } },
      'GET /admin/directory/v1/groups': () => ({
        body: {
          groups: [
            { id: 'g1', email: 'staff@example.com', name: 'Staff' },
            { id: 'g2', email: 'all@example.com' },
            { id: 'g3', email: 'empty@example.com' },
          ],
        },
      }),
      'GET /admin/directory/v1/groups/g1/members': () => ({
        body: {
          members: [
            { id: '1', email: 'alice@example.com', type: 'USER' },
            { id: '9', email: 'guest@other.example', type: 'USER' },
          ],
        },
      }),
      'GET /admin/directory/v1/groups/g2/members': () => ({
        body: {
          members: [
            { id: 'c', type: 'CUSTOMER' },
            { id: 'g1', type: 'GROUP' },
          ],
        },
      }),
      'GET /admin/directory/v1/groups/g3/members': () => ({ body: { kind: 'admin#directory#members' } }),
    })
    const listing = await pullGoogle(settings(api.url), api.ports)
    assert.deepEqual(summary(listing), { '1': ['g1', 'g2'], '!2': ['g2'], '9': ['g1', 'g2'] })
    assert.equal(listing.groups.find(({ id }) => id === 'g1')?.name, 'staff@example.com')
    const { payload, protectedHeader } = await jwtVerify(assertion, publicKey, {
      issuer: 'robot@example.iam',
      audience: `${api.url}/token`,
      currentDate: new Date(api.now),
    })
    assert.deepEqual([payload.sub, protectedHeader.kid], ['admin@example.com', 'k1'])
    assert.match(String(payload['scope']), /admin\.directory\.group\.member\.readonly/)
  })

  it('says what is wrong with the key of the service account', async () => {
    await using api = await PlayedApi.start()
    for (const wrong of [Secret.of('no json'), Secret.of('{}'), account(PLANTED)])
      assert.match(
        (await failure(pullGoogle(settings(api.url, wrong), api.ports))).message,
        /service_account/,
      )
  })
})
