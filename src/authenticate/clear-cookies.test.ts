import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import { World } from './world.fixture.ts'

const PATH = '/.pomerium/clear_cookies'

describe('clearing cookies', () => {
  for (const origin of [APP, AUTHENTICATE]) {
    it(`is asked for by a link, and done by a press of the button, on ${origin}`, async () => {
      await using world = await World.open()
      const browser = world.browser()
      const question = await browser.ask(`${origin}${PATH}`)
      assert.deepEqual(
        [question.status, question.headers['clear-site-data'], question.setCookies],
        [200, undefined, []],
      )
      assert.match(question.body, /<form[^>]*action="\/\.pomerium\/clear_cookies"/)
      const done = await browser.ask(`${origin}${PATH}`, { method: 'POST', headers: { origin }, form: {} })
      assert.equal(done.headers['clear-site-data'], '"cookies"')
      assert.match(done.setCookies.join(), /^__Host-_pomerium=; Path=\/; Max-Age=0/)
    })

    it(`is not done for another site, nor ahead of time, on ${origin}`, async () => {
      await using world = await World.open()
      const browser = world.browser()
      for (const headers of [
        {},
        { origin: 'https://evil.test' },
        { origin: 'null' },
        { origin, 'sec-fetch-site': 'cross-site' },
      ]) {
        const reply = await browser.ask(`${origin}${PATH}`, { method: 'POST', headers, form: {} })
        assert.deepEqual(
          [reply.status, reply.headers['clear-site-data'], reply.setCookies],
          [400, undefined, []],
        )
      }
    })
  }
})
