/**
 * Additional hosts (`depends_on`): five of them in a real Chromium, and every address of a chain in a foreign
 * browser.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { freshContext, startChromium } from '../harness/chromium.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { ANYONE_SIGNED_IN, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { UserAgent } from '../harness/user-agent.ts'

const HOSTS = ['api', 'wiki', 'other', 'lab', 'public']

const stack = await startStack({
  routes: ({ upstream, url }) => {
    const depends = (hosts: readonly string[]) => hosts.map((host) => new URL(url(host)).host)
    return [
      { from: url('app', ''), to: upstream.url, ...ANYONE_SIGNED_IN, depends_on: depends(HOSTS) },
      { from: url('ws', ''), to: upstream.url, ...ANYONE_SIGNED_IN, depends_on: depends(['api', 'wiki']) },
      ...HOSTS.map((host) => ({ from: url(host, ''), to: upstream.url, ...ANYONE_SIGNED_IN })),
    ]
  },
})
after(() => stack[Symbol.asyncDispose]())
const { url } = stack

/** Settings that are in force when it returns. */
async function editTo(settings: Readonly<Record<string, unknown>>): Promise<void> {
  const generation = async () => JSON.stringify((await stack.sallyport.status())['config'])
  const before = await generation()
  await stack.edit({ settings })
  await until(async () => (await generation()) !== before, { what: 'the new settings', withinMs: 5_000 })
}

async function login(page: Page, target: string): Promise<void> {
  await page.goto(target)
  await page.fill('input[name=login]', 'alice')
  await page.click('button[type=submit]')
  await page.waitForURL(target)
}

async function assertSignedIn(page: Page): Promise<void> {
  for (const host of ['app', ...HOSTS]) {
    const answer = await page.goto(url(host, '/.pomerium/user'))
    assert.match((await answer?.text()) ?? '', /alice@example\.com/, host)
  }
}

const found = await findPart('chromium')

describe('five additional hosts in Chromium', skipWithout(found), () => {
  let browser: Browser
  after(() => browser.close())

  it('starts', async () => {
    browser = await startChromium({ executablePath: need(found), trustedCert: stack.certificate.cert })
  })

  it('are signed in to with one sign-in, within the redirects that a browser follows', async () => {
    const context = await freshContext(browser)
    const page = await context.newPage()
    await login(page, url('app', '/first'))
    await assertSignedIn(page)
    // Once more with the provider's session alone: all in one navigation.
    await context.clearCookies({ domain: /\.localhost$/ })
    const answer = await page.goto(url('app', '/again'))
    assert.equal(answer?.url(), url('app', '/again'))
    const redirects: string[] = []
    for (let from = answer.request().redirectedFrom(); from !== null; from = from.redirectedFrom())
      redirects.unshift(from.url())
    // Sixteen of our own with a provider that answers at once; Chromium follows twenty.
    const { issuer } = stack.provider
    const ours = redirects.filter((address) => new URL(address).origin !== issuer)
    assert.equal(ours.length, 15, redirects.map((address) => address.slice(0, 70)).join('\n'))
    assert.ok(redirects.length <= 20)
    await assertSignedIn(page)
    const left = (await context.cookies()).filter(({ name }) => name.includes('flow'))
    assert.deepEqual(left, [])
    await context.close()
  })

  it('are signed in to in two tabs that begin at once', async () => {
    const context = await freshContext(browser)
    const [first, second] = [await context.newPage(), await context.newPage()]
    await Promise.all([first.goto(url('app', '/one')), second.goto(url('app', '/two'))])
    for (const [page, path] of [
      [first, '/one'],
      [second, '/two'],
    ] as const) {
      await page.fill('input[name=login]', 'alice')
      await page.click('button[type=submit]')
      await page.waitForURL(url('app', path))
    }
    await assertSignedIn(first)
    await context.close()
  })

  it('are signed in to with SameSite=Strict, and the target at the end', async () => {
    await editTo({ cookie_same_site: 'strict' })
    const context = await freshContext(browser)
    const page = await context.newPage()
    await login(page, url('app', '/strict'))
    assert.match(await page.innerText('body'), /"url":\s*"\/strict"/)
    await assertSignedIn(page)
    await context.close()
  })
})

const CHAIN = ['ws', 'api', 'wiki']

/** Bob signs in, and stops before the redirect of that number after the provider's form. */
async function linkOf(bob: UserAgent, number: number): Promise<string | undefined> {
  let count = 0
  const form = await bob.visit(url('ws', '/page'))
  const last = await bob.submit(
    form,
    { login: 'bob' },
    {
      stopAt: ({ hostname, pathname }) =>
        hostname.endsWith('.localhost') && pathname.startsWith('/.pomerium/') && (count += 1) > number,
    },
  )
  return last.headers['location']
}

describe('an address of a chain over two hosts', () => {
  for (const sameSite of ['lax', 'strict']) {
    it(`makes nobody bob who follows bob’s link, and nobody bob who steals it: ${sameSite}`, async () => {
      await editTo({ cookie_same_site: sameSite, cookie_expire: sameSite === 'lax' ? '10h' : '11h' })
      const paths: string[] = []
      for (let number = 0; ; number += 1) {
        const bob = stack.agent()
        const link = await linkOf(bob, number)
        if (link === undefined) break
        paths.push(new URL(link).hostname + new URL(link).pathname)
        const other = stack.agent()
        for (const host of CHAIN) await other.fetch(url(host))
        await other.visit(link)
        for (const host of CHAIN) {
          const user = await other.fetch(url(host, '/.pomerium/user'), {
            headers: { accept: 'application/json' },
          })
          assert.equal(user.status, 401, `${link} made somebody bob at ${host}`)
        }
        const page = await bob.visit(link)
        assert.equal(page.status, 200)
        const mine = await bob.fetch(url('ws', '/.pomerium/user'), {
          headers: { accept: 'application/json' },
        })
        assert.match(mine.text, /bob@example\.com/)
      }
      assert.deepEqual(paths, [
        'ws.localhost/.pomerium/callback/',
        'api.localhost/.pomerium/callback/flow',
        'wiki.localhost/.pomerium/callback/flow',
        'ws.localhost/.pomerium/callback/chain',
        'api.localhost/.pomerium/callback/',
        'wiki.localhost/.pomerium/callback/',
        ...(sameSite === 'strict' ? ['ws.localhost/.pomerium/callback/arrival'] : []),
      ])
    })
  }
})
