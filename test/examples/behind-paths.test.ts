import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { sallyportCli } from '../harness/sallyport.ts'
import { ROOT, startExample } from './set-up.ts'

const example = await startExample('behind-paths')
after(() => example[Symbol.asyncDispose]())
const shop = (path: string): string => example.url('shop', path)

describe('examples/behind-paths', () => {
  it('serves assets and robots.txt to strangers', async () => {
    const asset = await example.agent().fetch(shop('/assets/logo.svg'))
    assert.deepEqual([asset.status, asset.json()], [200, { method: 'GET', path: '/assets/logo.svg' }])
    const robots = await example.agent().fetch(shop('/robots.txt'))
    assert.deepEqual([robots.status, robots.text], [200, 'User-agent: *\nDisallow: /\n'])
  })

  it('asks strangers to sign in everywhere else, before a redirect too', async () => {
    for (const path of ['/', '/orders', '/legacy/orders/7', '/assets/../orders']) {
      const { status, headers } = await example.agent().fetch(shop(path))
      assert.equal(status, 302, path)
      assert.match(headers['location'] ?? '', /\/\.pomerium\/sign_in\?/, path)
    }
  })

  it('lets Bob read orders, sends him on from the old address, and keeps him from the rest', async () => {
    const { agent, page } = await example.signedIn('bob', shop('/legacy/orders/7'))
    assert.equal(page.url.href, shop('/orders/7'))
    assert.deepEqual(page.json(), { method: 'GET', path: '/orders/7', email: 'bob@example.com' })
    assert.equal((await agent.fetch(shop('/orders/7'), { method: 'DELETE' })).status, 403)
    assert.equal((await agent.fetch(shop('/'))).status, 403)
  })

  it('lets staff write orders and into the back office', async () => {
    const { agent, page } = await example.signedIn('alice', shop('/'))
    assert.equal(page.status, 200)
    assert.equal((await agent.fetch(shop('/orders/7'), { method: 'DELETE' })).status, 200)
  })

  it('has tests of its own, and does not take an edit that breaks one', async () => {
    const file = join(ROOT, 'examples', 'behind-paths', 'config.yaml')
    const { code, stdout } = await sallyportCli(['test', file], { env: { IDP_CLIENT_SECRET: 'secret' } })
    assert.deepEqual([code, stdout.trim().endsWith(': 9 tests passed')], [0, true], stdout)
    await example.edit((text) => text.replace('prefix: /assets/', 'prefix: /'))
    const { agent } = await example.signedIn('bob', shop('/orders'))
    assert.equal((await agent.fetch(shop('/'))).status, 403)
  })

  it('does not believe the header that it sets when a client sends it', async () => {
    const { agent } = await example.signedIn('bob', shop('/orders'))
    const answer = await agent.fetch(shop('/orders'), { headers: { 'x-shop-identity': 'forged' } })
    assert.equal(answer.json<{ email: string }>().email, 'bob@example.com')
  })
})
