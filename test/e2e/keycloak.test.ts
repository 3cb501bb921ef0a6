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
  const settings: Record<string, unknown> = { idp_provider: 'keycloak' }
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
        settings,
        beforeServe: async ({ provider }) => {
          settings['sign_in_providers'] = {
            other: {
              provider: 'oidc',
              provider_url: provider.issuer,
              client_id: provider.clientId,
              client_secret: provider.clientSecret,
              label: 'The other one',
            },
          }
        },
        routes: ({ upstream, url }) => [
          {
            from: url('app', ''),
            to: upstream.url,
            ...STAFF_ONLY,
            sign_in_providers: ['default'],
            set_request_headers: { 'x-access-token': '$pomerium.access_token' },
          },
          { from: url('wiki', ''), to: upstream.url, ...ANYONE_SIGNED_IN, sign_in_providers: ['default'] },
          { from: url('other', ''), to: upstream.url, ...STAFF_ONLY },
          {
            from: url('lab', ''),
            to: upstream.url,
            ...ANYONE_SIGNED_IN,
            max_age: '8s',
            acr_values: ['1'],
            sign_in_providers: ['default'],
          },
        ],
      }),
    )
  })

  it('allows alice of staff, with her groups, and denies bob', async () => {
    const alice = stack.agent()
    const page = await signIn(alice, stack.url('app', '/x'), 'alice')
    assert.deepEqual([page.status, page.url.href], [200, stack.url('app', '/x')])
    const user = (await alice.fetch(stack.url('app', '/.pomerium/user'))).json<Record<string, unknown>>()
    assert.equal(user['email'], 'alice@example.com')
    assert.deepEqual(new Set([user['groups']].flat()), new Set(['staff', 'staff/berlin']))
    const bob = stack.agent()
    assert.equal((await signIn(bob, stack.url('app'), 'bob')).status, 403)
    assert.equal((await bob.visit(stack.url('wiki'))).status, 200)
  })

  it('asks for the password once more where a route wants a recent sign-in, and keeps the session', async () => {
    const alice = stack.agent()
    const sid = async () =>
      (await alice.fetch(stack.url('app', '/.pomerium/user'))).json<{ sid: string }>().sid
    await signIn(alice, stack.url('app'), 'alice')
    const signedInAt = Date.now()
    const before = await sid()
    assert.equal((await alice.visit(stack.url('wiki'))).status, 200)
    // Then Keycloak, which was asked a moment ago, is to ask again.
    await until(() => Date.now() > signedInAt + 9000, { what: 'the sign-in to be old', withinMs: 12_000 })
    const page = await signIn(alice, stack.url('lab', '/again'), 'alice')
    assert.deepEqual([page.status, page.url.href], [200, stack.url('lab', '/again')])
    assert.equal(await sid(), before)
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

  it('stands beside another provider: people choose', async () => {
    const alice = stack.agent()
    const page = await alice.visit(stack.url('other'))
    const hrefOf = (label: string): string =>
      (new RegExp(`href="([^"]+)">${label}`).exec(page.text)?.[1] ?? '').replaceAll('&amp;', '&')
    const form = await alice.visit(hrefOf('Keycloak'))
    assert.equal(form.url.origin, new URL(keycloak.issuer).origin)
    assert.equal((await alice.submit(form, { username: 'alice', password: PASSWORD })).status, 200)
    const other = await alice.visit(hrefOf('The other one'))
    assert.equal(other.url.origin, stack.provider.issuer)
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
