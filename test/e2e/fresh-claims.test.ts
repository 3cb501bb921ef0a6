/**
 * What the provider says of a person counts within the interval, however long tokens live.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

describe('a group that is taken away at the provider', { concurrency: true }, () => {
  for (const refreshTokens of [true, false]) {
    it(`counts within the interval, ${refreshTokens ? 'by a refresh' : 'by the access token'}`, async () => {
      await using stack = await startStack({
        provider: { accessTokenSeconds: 3600, refreshTokens },
        settings: { claims_refresh_interval: '10s' },
        routes: ({ upstream, url }) => [{ from: url('app', ''), to: upstream.url, ...STAFF_ONLY }],
      })
      const agent = stack.agent()
      assert.equal((await stack.signIn(agent, stack.url('app'))).status, 200)
      const alice = stack.provider.accounts.get('alice')
      assert.ok(alice)
      stack.provider.accounts.set('alice', { ...alice, groups: ['guests'] })
      await until(async () => (await agent.fetch(stack.url('app'))).status === 403, {
        what: 'the lost group to count',
        // the interval, twenty seconds over which sessions are spread, and a look every two
        withinMs: 40_000,
        everyMs: 500,
      })
    })
  }
})
