/**
 * Keycloak as the identity provider: one that was not written by the people who wrote our other one.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { type Keycloak, PASSWORD, startKeycloak } from '../harness/keycloak.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { ANYONE_SIGNED_IN, STAFF_ONLY, type Stack, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { EchoedRequest } from '../harness/upstream.ts'
import type { UserAgent } from '../harness/user-agent.ts'

const found = await findPart('keycloak')
/** So short that a test can wait for the refresh. */
const ACCESS_TOKEN_SECONDS = 65

const signIn = async (agent: UserAgent, url: string, username: string) =>
  await agent.submit(await agent.visit(url), { username, password: PASSWORD })

describe('with Keycloak', skipWithout(found), () => {
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())
  let keycloak: Keycloak
  let stack: Stack

  it('starts', async () => {
    stack = stop.use(
      await startStack({
        externalProvider: async (redirectUri, postLogoutRedirectUri) => {
          keycloak = await startKeycloak({
            home: need(found),
            redirectUris: [redirectUri],
            postLogoutRedirectUris: [postLogoutRedirectUri],
            accessTokenSeconds: ACCESS_TOKEN_SECONDS,
          })
          stop.use(keycloak)
          return keycloak
        },
        routes: ({ upstream, url }) => [
          {
            from: url('app', ''),
            to: upstream.url,
            ...STAFF_ONLY,
            set_request_headers: { 'x-access-token': '$pomerium.access_token' },
          },
          { from: url('wiki', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
        ],
      }),
    )
  })

  it('allows alice of staff, with her groups, and denies bob', async () => {
    const alice = stack.agent()
    const page = await signIn(alice, stack.url('app', '/x'), 'alice')
    assert.deepEqual([page.status, page.url.href], [200, stack.url('app', '/x')])
    const user = (await alice.fetch(stack.url('app', '/.pomerium/user'))).json<Record<string, unknown>>()
    assert.deepEqual([user['email'], user['groups']], ['alice@example.com', ['staff']])
    const bob = stack.agent()
    assert.equal((await signIn(bob, stack.url('app'), 'bob')).status, 403)
    assert.equal((await bob.visit(stack.url('wiki'))).status, 200)
  })

  it('refreshes tokens before they expire', async () => {
    const alice = stack.agent()
    const tokenOf = async (): Promise<string | undefined> => {
      const page = await alice.fetch(stack.url('app', '/t'))
      assert.equal(page.status, 200)
      return page.json<EchoedRequest>().headers['x-access-token']
    }
    await signIn(alice, stack.url('app'), 'alice')
    const first = await tokenOf()
    await until(async () => (await tokenOf()) !== first, {
      what: 'another access token',
      withinMs: (ACCESS_TOKEN_SECONDS + 2) * 1000,
      everyMs: 250,
    })
  })

  it('signs out of Keycloak too', async () => {
    const alice = stack.agent()
    await signIn(alice, stack.url('app'), 'alice')
    let page = await alice.visit(stack.url('app', '/.pomerium/sign_out'))
    for (let step = 0; step < 3 && page.text.includes('<form'); step += 1) page = await alice.submit(page)
    assert.equal(page.url.hostname, 'authenticate.localhost')
    const again = await alice.visit(stack.url('app'))
    assert.equal(again.url.origin, new URL(keycloak.issuer).origin)
    assert.match(again.text, /name="password"/, 'Keycloak asks for the password again')
  })

  it('a wrong password stays at Keycloak', async () => {
    const mallory = stack.agent()
    const page = await mallory.submit(await mallory.visit(stack.url('app')), {
      username: 'alice',
      password: 'wrong',
    })
    assert.equal(page.url.origin, new URL(keycloak.issuer).origin)
  })
})
