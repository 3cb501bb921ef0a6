/**
 * Addresses and ids that somebody may choose, against rules that deny: through a real Envoy and a real OpenID
 * provider.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Account } from '../harness/real-provider.ts'
import { startStack } from '../harness/stack.ts'

const someone = (email: string, claims: Account['claims'] = {}): Account => ({
  email,
  name: 'Somebody',
  groups: [],
  claims,
})

/** All but the first are the same person, in forms that rules must not miss. */
const FORMS: Readonly<Record<string, Account>> = {
  plain: someone('eve@example.com'),
  unverified: someone('eve@example.com', { email_verified: false }),
  'unverified-text': someone('eve@example.com', { email_verified: 'no' }),
  capitals: someone('Eve@Example.COM'),
  dotted: someone('eve@example.com.'),
  twofold: someone('evil.test@eve@example.com'),
  'without-address': someone('', { email: undefined }),
}
const OTHERS: Readonly<Record<string, Account>> = { carol: someone('carol@example.org') }

const DENIALS: Readonly<Record<string, object>> = {
  app: { email: { is: 'eve@example.com' } },
  api: { domain: 'example.com' },
  wiki: { email: { ends_with: '@example.com' } },
  other: { 'claim/email': { has: 'eve@example.com' } },
  lab: { domain: { not: 'example.org' } },
}

const stack = await startStack({
  provider: { accounts: { ...FORMS, ...OTHERS, 'service-account/deploy': someone('deploy@example.org') } },
  routes: ({ upstream, url }) =>
    Object.entries(DENIALS).map(([name, denied]) => ({
      from: url(name, ''),
      to: upstream.url,
      allow_any_authenticated_user: true,
      policy: [{ deny: { or: [denied] } }],
    })),
})
after(() => stack[Symbol.asyncDispose]())

describe('a rule that denies somebody by their address', () => {
  for (const name of Object.keys(FORMS))
    it(`is not escaped by an address that is ${name}`, async () => {
      const agent = stack.agent()
      await stack.signIn(agent, stack.url('app'), name)
      for (const host of Object.keys(DENIALS))
        assert.equal((await agent.visit(stack.url(host))).status, 403, host)
    })

  it('leaves others alone', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, stack.url('app'), 'carol')
    for (const host of Object.keys(DENIALS))
      assert.equal((await agent.visit(stack.url(host))).status, 200, host)
  })
})

describe('a person whose id is that of a machine', () => {
  it('can’t sign in', async () => {
    const agent = stack.agent()
    const page = await stack.signIn(agent, stack.url('app'), 'service-account/deploy')
    assert.equal(page.status, 502)
    assert.match(page.text, /begins like that of a machine/)
  })
})
