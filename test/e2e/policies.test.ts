/**
 * Policies with a name and rules that are only watched, through a real Envoy: what people see, what the log
 * says, and that an edit counts on the next request without Envoy being told.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const CREW = {
  policy: [{ allow: { and: [{ email: { is: 'nobody@example.com' } }] } }],
  explanation: 'The bridge is for the **crew**.',
  remediation:
    'Sign on at the [harbour office](https://harbour.example.com/?a=1&b=2).\n\n<script>alert(1)</script>',
}

const stack = await startStack({
  settings: { policies: { crew: CREW } },
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, policies: ['crew'] },
    { from: url('other', ''), to: upstream.url, policies: ['crew'] },
    {
      from: url('public', ''),
      to: upstream.url,
      policy: [
        { allow: { and: [{ accept: true }] } },
        { deny: { and: [{ http_path: { starts_with: '/old/' } }] }, mode: 'observe' },
      ],
    },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca, edge } = stack

const metrics = async (): Promise<string> =>
  (await request({ url: `http://127.0.0.1:${edge.metricsPort}/metrics` })).text

/** How much Envoy was sent so far, by type. */
const sent = async (): Promise<readonly string[]> =>
  (await metrics()).split('\n').filter((line) => line.startsWith('sallyport_xds_resources'))

describe('a policy that two routes share', () => {
  it('tells whom it refuses why, and what they can do, and runs nothing', async () => {
    const agent = stack.agent()
    const { status, text: body } = await stack.signIn(agent, url('app'))
    assert.equal(status, 403)
    for (const part of [
      '<p>The bridge is for the <strong>crew</strong>.</p>',
      '<a href="https://harbour.example.com/?a=1&amp;b=2">harbour office</a>',
      '&lt;script&gt;',
    ])
      assert.ok(body.includes(part), part)
    assert.doesNotMatch(body, /<script/)
  })

  it('counts for both on the next request after an edit, and Envoy is sent nothing', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const before = await sent()
    await stack.edit({ settings: { policies: { crew: { ...CREW, allowed_users: ['alice@example.com'] } } } })
    await until(async () => (await agent.visit(url('app'))).status === 200, { what: 'the edit to count' })
    assert.equal((await agent.visit(url('other'))).status, 200)
    assert.deepEqual(await sent(), before)
  })
})

describe('a rule that is only watched', () => {
  it('lets the request pass, and its line in the log says what would have become of it', async () => {
    const line = stack.sallyport.waitForLog('the decision', ({ path }) => path === '/old/page')
    assert.equal((await request({ url: url('public', '/old/page'), ca: ca.cert })).status, 200)
    const { outcome, observed, 'observed-why': why } = await line
    assert.deepEqual([outcome, observed, why], ['allow', 'deny', ['http-path-ok']])
    assert.match(await metrics(), /sallyport_observed_decisions_total\{decided="allow",observed="deny".*\} 1/)
  })
})
