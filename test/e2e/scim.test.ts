/**
 * SCIM 2.0 through a real Envoy, with a real client: whom the identity provider pushes gains and loses access
 * at once.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { scim as runScim, type ScimCommand } from '../harness/scim-client.ts'
import { ANYONE_SIGNED_IN, groupPolicy, startStack } from '../harness/stack.ts'

const client = await findPart('scim')
const TOKEN = 'planted-scim-token-of-the-stack'

const stack = await startStack({
  settings: {
    directory: [
      { name: 'pushed', type: 'scim', token: TOKEN },
      { name: 'other', type: 'scim', token: 'planted-scim-token-of-another' },
    ],
  },
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, policy: groupPolicy('Directors') },
    { from: url('api', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca, folder } = stack
const BASE = url('authenticate', '/.pomerium/scim/v2')

const scim = async <Answer = unknown>(command: ScimCommand, token = TOKEN): Promise<Answer> =>
  await runScim<Answer>(
    { python: need(client), baseUrl: BASE, token, caFile: join(folder, 'tls', 'ca.pem') },
    command,
  )

interface Resource {
  readonly id: string
}

const ask = async (
  method: string,
  path: string,
  body?: object | string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Record<string, unknown>; json: Record<string, unknown> }> => {
  const answer = await request({
    url: BASE + path,
    ca: ca.cert,
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body !== undefined && { 'content-type': 'application/scim+json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  // What the edge refuses, such as an escaped slash, is told in text.
  const isJson = /json/.test(String(answer.headers['content-type']))
  const json = isJson && answer.text !== '' ? (JSON.parse(answer.text) as Record<string, unknown>) : {}
  return { status: answer.status, headers: answer.headers, json }
}

const OTHER = { authorization: 'Bearer planted-scim-token-of-another' }
// What the other source says is known from the start: that it knows nobody.
assert.equal((await ask('POST', '/Groups', { displayName: 'Nobody' }, OTHER)).status, 201)

describe('somebody whom the identity provider pushes', () => {
  it(
    'gains and loses access with a group, an account and a deletion, each on the next request',
    skipWithout(client),
    async () => {
      const agent = stack.agent()
      // Nothing was pushed yet, so groups are unknown: what needs none is open.
      assert.equal((await stack.signIn(agent, url('api'))).status, 200)
      const status = async (host: string) => (await agent.fetch(url(host))).status
      assert.equal((await stack.signIn(agent, url('app'))).status, 403)

      const { id: alice } = await scim<Resource>({
        do: 'create',
        kind: 'User',
        with: { userName: 'alice', active: true, emails: [{ value: 'Alice@example.com', type: 'work' }] },
      })
      const { id: group } = await scim<Resource>({
        do: 'create',
        kind: 'Group',
        with: { displayName: 'Directors', externalId: 'directors-id', members: [{ value: alice }] },
      })
      assert.equal(await status('app'), 200)
      const user = JSON.parse((await agent.fetch(url('app', '/.pomerium/user'))).text) as { groups: string[] }
      assert.deepEqual(user.groups, ['staff', 'everyone', 'directors-id', 'Directors'])

      const members = { do: 'patch', kind: 'Group', id: group } as const
      await scim({ ...members, operations: [{ op: 'remove', path: `members[value eq "${alice}"]` }] })
      assert.equal(await status('app'), 403)
      await scim({ ...members, operations: [{ op: 'add', path: 'members', value: [{ value: alice }] }] })
      assert.equal(await status('app'), 200)

      const account = { do: 'patch', kind: 'User', id: alice } as const
      // As Entra sends it: a number that is not there comes first.
      const entra = await ask('PATCH', `/Users/${alice}`, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [
          { op: 'Replace', path: 'phoneNumbers[type eq "work"].value', value: '+1 555' },
          { op: 'Replace', path: 'active', value: 'False' },
        ],
      })
      assert.equal(entra.status, 200)
      assert.equal(await status('api'), 403)
      await scim({ ...account, operations: [{ op: 'replace', path: 'active', value: true }] })
      const asked = encodeURIComponent('emails[type eq "work"].value eq "alice@example.com"')
      assert.equal((await ask('GET', `/Users?filter=${asked}`)).json['totalResults'], 1)
      await scim({ ...account, operations: [{ op: 'replace', path: 'active', value: false }] })
      assert.equal(await status('api'), 403)
      await scim({ ...account, operations: [{ op: 'replace', path: 'active', value: true }] })
      assert.equal(await status('api'), 200)

      // What was pushed outlives a restart.
      await stack.restart()
      assert.equal(await status('app'), 200)

      await scim({ do: 'delete', kind: 'User', id: alice })
      assert.equal(await status('api'), 403)
      // The identity provider vouches for them anew: a person whom the source does not know.
      const again = stack.agent()
      assert.equal((await stack.signIn(again, url('api'))).status, 200)
      assert.equal((await stack.signIn(again, url('app'))).status, 403)
      assert.equal(await status('api'), 403)
    },
  )

  it('does so with a group of 10,000 members', async () => {
    const members = Array.from({ length: 10_000 }, (_, index) => ({
      value: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      display: `Somebody with the number ${index}`,
    }))
    const made = await ask('POST', '/Groups', { displayName: 'Everybody', members })
    assert.equal(made.status, 201)
    const path = `/Groups/${String(made.json['id'])}`
    const begun = performance.now()
    const value = [{ value: 'one-more' }]
    assert.equal(
      (await ask('PATCH', path, { Operations: [{ op: 'Add', path: 'members', value }] })).status,
      204,
    )
    assert.ok(performance.now() - begun < 2_000)
    assert.equal((await ask('PUT', path, { displayName: 'Everybody', members })).status, 200)
    const shown = await ask('GET', `${path}?excludedAttributes=members`)
    assert.deepEqual(Object.keys(shown.json).toSorted(), ['displayName', 'id', 'meta', 'schemas'])
    assert.equal((await ask('DELETE', path)).status, 204)
  })
})

describe('whoever shows no token of a source', () => {
  it('is refused in the words of the protocol, and reads nothing', async () => {
    for (const authorization of ['', 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`]) {
      const { status, headers, json } = await ask('GET', '/Users', undefined, { authorization })
      assert.equal(status, 401, authorization)
      assert.match(String(headers['www-authenticate']), /^Bearer/)
      assert.deepEqual(
        [json['status'], json['schemas']],
        ['401', ['urn:ietf:params:scim:api:messages:2.0:Error']],
      )
    }
    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, url('api'))).status, 200)
    assert.equal((await agent.fetch(`${BASE}/Users`)).status, 401)
  })

  it('sees nothing of another source with the token of its own', async () => {
    const made = await ask('POST', '/Users', { userName: 'carol' })
    const path = `/Users/${String(made.json['id'])}`
    for (const method of ['GET', 'DELETE'])
      assert.equal((await ask(method, path, undefined, OTHER)).status, 404)
    assert.equal(
      (await ask('PATCH', path, { Operations: [{ op: 'remove', path: 'title' }] }, OTHER)).status,
      404,
    )
    for (const id of ['..%2Fpushed', '..%2f..%2fpushed%2Fx', '%00', 'pushed%2F'])
      assert.equal((await ask('GET', `/Users/${id}`, undefined, OTHER)).status >= 400, true, id)
    assert.equal((await ask('GET', '/Users', undefined, OTHER)).json['totalResults'], 0)
    // One name may be in both.
    assert.equal((await ask('POST', '/Users', { userName: 'carol' }, OTHER)).status, 201)
    assert.equal((await ask('GET', path)).status, 200)
  })

  it('finds nothing of it on the hosts of apps', async () => {
    const { status } = await request({
      url: url('app', '/.pomerium/scim/v2/Users'),
      ca: ca.cert,
      headers: { authorization: `Bearer ${TOKEN}`, accept: 'application/json' },
    })
    assert.equal(status, 404)
  })

  it('leaves no token in the log', async () => {
    await ask('GET', '/Users')
    assert.doesNotMatch(JSON.stringify(stack.sallyport.log), /planted-scim/)
  })
})

describe('the SCIM address', () => {
  it('passes every check of scim2-tester', skipWithout(client), async () => {
    const { count, bad } = await scim<{ count: number; bad: { reason: string }[] }>({ do: 'check' })
    // It removes an `active` that it has made true or false by chance; whoever may not come in stays out.
    const deliberate = "PATCH modify() did not remove attribute 'active'"
    assert.deepEqual(
      bad.filter(({ reason }) => reason !== deliberate),
      [],
    )
    assert.ok(count > 100, String(count))
  })

  it('answers what it does not do, does not know or can not read', async () => {
    for (const [method, path, body, status, scimType] of [
      ['POST', '/Bulk', {}, 501, undefined],
      ['GET', '/Me', undefined, 501, undefined],
      ['GET', '/Nothing', undefined, 404, undefined],
      ['DELETE', '/Users', undefined, 405, undefined],
      ['POST', '/Users', '{', 400, 'invalidSyntax'],
      ['POST', '/Users', '[]', 400, 'invalidSyntax'],
      ['POST', '/Users', { userName: ' ' }, 400, 'invalidValue'],
      ['POST', '/Users', { userName: true }, 400, 'invalidValue'],
      ['GET', '/Users?filter=nickName%20zz%20%22a%22', undefined, 400, 'invalidFilter'],
      ['GET', '/Users/no-such-id', undefined, 404, undefined],
    ] as const) {
      const answer = await ask(method, path, body)
      assert.deepEqual([answer.status, answer.json['scimType']], [status, scimType], `${method} ${path}`)
    }
    assert.equal((await ask('POST', '/Users', 'x', { 'content-type': 'text/plain' })).status, 415)
    assert.equal((await ask('POST', '/Users', `{"userName":"${'x'.repeat(5_000_000)}"}`)).status, 413)
  })
})
