/**
 * A restart in the middle of every story about who may still come in: it makes no token younger and brings
 * nobody back.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { startIssuer } from '../../src/access/credentials/bearer/issuer.fixture.ts'
import { request } from '../harness/http-client.ts'
import { ANYONE_SIGNED_IN, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const SCIM_TOKEN = 'planted-scim-token-of-the-stack'
const PEOPLE = 'users:\n  - { email: mallory@example.com, active: false }\n'
const CLIENT_ID = 'sallyport'

const issuer = await startIssuer()
const person = (name: string) => ({ sub: name, email: `${name}@example.com`, email_verified: true })
// An opaque token is called after whose it is.
issuer.userInfo = (token) => person(token)

const stack = await startStack({
  externalProvider: () =>
    Promise.resolve({ issuer: issuer.url, clientId: CLIENT_ID, clientSecret: 'secret' }),
  settings: {
    directory: [
      { name: 'people', type: 'file', path: 'people.yaml' },
      { name: 'pushed', type: 'scim', token: SCIM_TOKEN },
    ],
  },
  beforeServe: async ({ folder }) => await writeFile(join(folder, 'people.yaml'), PEOPLE),
  routes: ({ upstream, url }) => [
    {
      from: url('app', ''),
      to: upstream.url,
      ...ANYONE_SIGNED_IN,
      bearer_token_format: 'idp_identity_token',
    },
    { from: url('api', ''), to: upstream.url, ...ANYONE_SIGNED_IN, bearer_token_format: 'idp_access_token' },
    {
      from: url('lab', ''),
      to: upstream.url,
      ...ANYONE_SIGNED_IN,
      bearer_token_format: 'idp_identity_token',
      max_age: '10m',
    },
  ],
})
after(async () => {
  await stack[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
})
const { url, ca, folder } = stack

const ask = (host: string, token: string) =>
  request({ url: url(host), ca: ca.cert, headers: { authorization: `Bearer ${token}` } })
const statusOf = async (host: string, token: string) => (await ask(host, token)).status

const secondsAgo = (seconds: number) => Math.floor(Date.now() / 1000) - seconds
const idTokenOf = (name: string, claims: object = {}) =>
  issuer.token({ aud: CLIENT_ID, ...person(name), ...claims })

async function scim(method: string, path: string, body?: object) {
  const answer = await request({
    url: url('authenticate', `/.pomerium/scim/v2${path}`),
    ca: ca.cert,
    method,
    headers: { authorization: `Bearer ${SCIM_TOKEN}`, 'content-type': 'application/scim+json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  assert.ok(answer.status < 300, answer.text)
  return answer.text === '' ? {} : (JSON.parse(answer.text) as { id?: string })
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const push = (name: string) =>
  scim('POST', '/Users', { schemas: [USER], userName: `${name}@example.com`, active: true })

describe('after a restart', () => {
  it('a token is as old as before', async () => {
    const old = await idTokenOf('alice', { iat: secondsAgo(30), auth_time: secondsAgo(3600) })
    const fresh = await idTokenOf('alice', { iat: secondsAgo(30), auth_time: secondsAgo(60) })
    for (const round of ['before', 'after']) {
      assert.equal(await statusOf('app', old), 200, round)
      assert.equal(await statusOf('lab', fresh), 200, round)
      const { status, headers } = await ask('lab', old)
      assert.equal(status, 401, round)
      assert.match(headers['www-authenticate'] ?? '', /insufficient_user_authentication.*max_age="600"/)
      if (round === 'before') await stack.restart()
    }
  })

  it('somebody who was removed stays out with the tokens of before', async () => {
    const { id } = await push('bob')
    const before = await idTokenOf('bob', { iat: secondsAgo(5) })
    assert.deepEqual([await statusOf('app', before), await statusOf('api', 'bob')], [200, 200])
    await scim('DELETE', `/Users/${id}`)
    for (const round of ['before', 'after']) {
      assert.equal(await statusOf('app', before), 403, round)
      assert.equal(await statusOf('api', 'bob'), 403, `opaque, ${round}`)
      if (round === 'before') await stack.restart()
    }
    await until(async () => (await statusOf('app', await idTokenOf('bob'))) === 200, {
      what: 'a token that was issued later to be good',
    })
    assert.equal(await statusOf('api', 'bob'), 403, 'nobody can tell when an opaque token was issued')
    await push('bob')
    assert.equal(await statusOf('api', 'bob'), 200, 'known again')
  })

  it('somebody whom a file switches off stays off: a start without the file is refused', async () => {
    const token = await idTokenOf('mallory')
    assert.equal(await statusOf('app', token), 403)
    const path = join(folder, 'people.yaml')
    for (const [spoil, why] of [
      [() => writeFile(path, PEOPLE.replace('false', 'flase')), /people\.yaml:2:\d+: must be true or false/],
      [() => rm(path), /people\.yaml.*take the source out of/s],
    ] as const) {
      await spoil()
      await assert.rejects(stack.restart(), why)
      await assert.rejects(statusOf('app', token), 'nothing is served')
    }
    await writeFile(path, PEOPLE)
    await stack.restart()
    assert.equal(await statusOf('app', token), 403)
  })
})
