import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { APP, AUTHENTICATE } from './addresses.fixture.ts'
import { World } from './world.fixture.ts'

const FETCH = { 'sec-fetch-mode': 'cors', accept: 'application/json' }

async function cookieOf(world: World, user: string, host = 'app.example.com'): Promise<string> {
  const browser = world.browser(user)
  await browser.open(`${APP}/`)
  return `__Host-_pomerium=${browser.session(host)}`
}

async function askAs(world: World, cookie: string, url = `${APP}/.pomerium/user`) {
  return await world.browser().ask(url, { headers: { ...FETCH, cookie } })
}

describe('who is here', () => {
  it('is found behind other cookies of the name and dead sessions', async () => {
    await using world = await World.open()
    const ended = await cookieOf(world, 'bob')
    await askAs(world, ended, `${APP}/.pomerium/sign_out`)
    const alice = await cookieOf(world, 'alice')
    const junk = Array.from({ length: 40 }, (_, number) => `__Host-_pomerium=${number}`).join('; ')
    for (const cookie of [`${junk}; ${alice}`, `${ended}; ${alice}`, `${alice}; ${ended}`]) {
      const reply = await askAs(world, cookie)
      assert.equal(reply.status, 200, cookie)
      assert.match(reply.body, /alice/)
    }
  })

  it('is not found where a neighbour on the domain can put a cookie: behind a comma, or in a name beside the guarded one', async () => {
    await using world = await World.open()
    const planted = await cookieOf(world, 'mallory')
    const handle = planted.slice(planted.indexOf('=') + 1)
    for (const cookie of [
      `a=1,${planted}`,
      `\u00a0${planted}`,
      `_pomerium=${handle}`,
      `=${planted}`,
      `$Version=1,${planted}`,
    ])
      assert.equal((await askAs(world, cookie)).status, 401, cookie)
    const alice = await cookieOf(world, 'alice')
    for (const cookie of [`_pomerium=${handle}; ${alice}`, `a=1,${planted}; ${alice}`])
      assert.match((await askAs(world, cookie)).body, /alice/, cookie)
  })

  it('is nobody when two live sessions are named, and the page says the way out', async () => {
    await using world = await World.open()
    const cookie = `${await cookieOf(world, 'alice')}; ${await cookieOf(world, 'mallory')}`
    for (const path of ['', 'user', 'routes', 'api/v1/routes'])
      assert.equal((await askAs(world, cookie, `${APP}/.pomerium/${path}`)).status, 400, path)
    const page = await world.browser().ask(`${APP}/.pomerium/`, { headers: { cookie } })
    assert.match(page.body, /two different sign-ins[^]*href="\/\.pomerium\/sign_out"/)
    assert.doesNotMatch(page.body, /alice|mallory/)
  })

  it('goes by signing out, with all sessions that are named', async () => {
    for (const host of ['app.example.com', 'authenticate.example.com']) {
      await using world = await World.open()
      const cookie = `${await cookieOf(world, 'alice', host)}; ${await cookieOf(world, 'mallory', host)}`
      const url = `https://${host}/.pomerium/sign_out`
      const isService = url.startsWith(AUTHENTICATE)
      const headers = { cookie, ...(isService && { origin: AUTHENTICATE }) }
      await world.browser().ask(url, { headers, ...(isService && { method: 'POST', form: {} }) })
      assert.equal(world.sessions.count, 0)
    }
  })

  it('is asked before the order of one person signs out another as well', async () => {
    await using world = await World.open()
    const alice = await cookieOf(world, 'alice', 'authenticate.example.com')
    const mallory = world.browser('mallory')
    await mallory.open(`${APP}/`)
    const order = await mallory.openUntil(`${APP}/.pomerium/sign_out`, /sign_out\?/)
    const again = await cookieOf(world, 'mallory', 'authenticate.example.com')
    const reply = await world.browser().ask(order, { headers: { cookie: `${again}; ${alice}` } })
    assert.match(reply.body, /Sign out\?/)
    assert.equal(world.sessions.count, 2)
  })
})
