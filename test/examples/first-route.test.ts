import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { until } from '../harness/until.ts'
import { startExample } from './set-up.ts'

const example = await startExample('first-route')
after(() => example[Symbol.asyncDispose]())
const wiki = example.url('wiki')

describe('examples/first-route', () => {
  it('lets the group in and tells the app who came', async () => {
    const { page } = await example.signedIn('alice', wiki)
    assert.equal(page.status, 200)
    assert.equal(page.text, 'Hello, alice@example.com of staff,everyone\n')
  })

  it('denies everybody else, and obeys an edit at once', async () => {
    const { agent, page } = await example.signedIn('bob', wiki)
    assert.equal(page.status, 403)
    assert.match(page.text, /a member of a required group/)
    await example.edit((text) => text.replace('has: staff', 'has: guests'))
    await until(async () => (await agent.visit(wiki)).status === 200, {
      what: 'the new group to be let in',
      withinMs: 2_000,
    })
  })
})
