import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { APP } from './addresses.fixture.ts'
import { testConfig, World } from './world.fixture.ts'

const HAND_OFF = /\/\.pomerium\/callback\//

describe('the hand-off', () => {
  it('is useless to a second browser and on a second host, and works once', async () => {
    await using world = await World.open()
    const browser = world.browser('alice')
    const handOff = await browser.openUntil(`${APP}/`, HAND_OFF)
    const thief = world.browser('thief')
    assert.equal((await thief.ask(handOff)).headers['location'], `${APP}/`)
    assert.equal(thief.session('app.example.com'), undefined)
    assert.equal((await browser.open(handOff)).body, 'app sees alice')
    // The back button.
    assert.equal((await browser.open(handOff)).body, 'app sees alice')
  })

  it('never replaces somebody’s live session on an additional host', async () => {
    await using world = await World.open()
    const victim = world.browser('victim')
    await victim.open('https://api.other.test/')
    // Even where the same browser asks: on the additional host nobody wanted to be somebody else.
    victim.jar.restore('authenticate.example.com', '')
    victim.user = 'another'
    assert.equal((await victim.open(`${APP}/`)).body, 'app sees another')
    assert.equal(await world.userAt('api.other.test', victim.session('api.other.test')), 'victim')
  })

  it('refuses a cookie of one host on another, cut, altered, or after the sign-out (attacks 40, 41)', async () => {
    await using world = await World.open()
    const browser = world.browser()
    await browser.open(`${APP}/`)
    const cookie = browser.session('app.example.com') ?? ''
    const tryAt = async (host: string, value: string) => {
      const thief = world.browser()
      thief.jar.set(host, '__Host-_pomerium', value)
      const reply = await thief.ask(`https://${host}/.pomerium/user`, {
        headers: { 'sec-fetch-mode': 'cors' },
      })
      return reply.status
    }
    assert.equal(await tryAt('app.example.com', cookie), 200)
    assert.equal(await tryAt('api.other.test', cookie), 401)
    assert.equal(await tryAt('app.example.com', cookie.slice(0, -1)), 401)
    assert.equal(
      await tryAt(
        'app.example.com',
        cookie.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
      ),
      401,
    )
    await browser.open(`${APP}/.pomerium/sign_out`)
    assert.equal(await tryAt('app.example.com', cookie), 401)
  })

  it('holds no session longer than cookie_expire', async () => {
    await using world = await World.open({ config: testConfig('cookie_expire: 1h\n') })
    const browser = world.browser()
    await browser.open(`${APP}/`)
    world.now += 3_600_001
    assert.equal(await world.userAt('app.example.com', browser.session('app.example.com')), undefined)
  })
})
