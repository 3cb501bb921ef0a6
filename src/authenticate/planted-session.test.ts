import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { APP } from './addresses.fixture.ts'
import { testConfig, World } from './world.fixture.ts'

describe('a session that a neighbour of the cookie domain has planted beside the visitor’s', () => {
  it('costs one answer on our own pages, which takes it away', async () => {
    await using world = await World.open({ config: testConfig('cookie_domain: example.com\n') })
    const sessionOf = async (user: string) => {
      const browser = world.browser(user)
      await browser.open(`${APP}/`)
      return browser.session('app.example.com')
    }
    const cookie = `_pomerium=${await sessionOf('mallory')}; _pomerium=${await sessionOf('alice')}`
    const reply = await world.browser().ask(`${APP}/.pomerium/user`, { headers: { cookie } })
    assert.equal(reply.status, 400)
    assert.ok(
      reply.setCookies.includes(
        '_pomerium=; Path=/.pomerium/user; Max-Age=0; Domain=example.com; Secure; HttpOnly',
      ),
    )
    assert.ok(!reply.setCookies.some((line) => /Path=\/;.*Domain=example\.com/.test(line)))
  })
})
