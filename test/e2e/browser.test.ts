/**
 * The same in a real Chromium: cookies, redirects and content security policy as a browser takes them.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { freshContext, startChromium } from '../harness/chromium.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { startProcess } from '../harness/process.ts'
import { clientUnderTest } from '../harness/program.ts'
import { STAFF_ONLY, type Stack, startStack } from '../harness/stack.ts'

const found = await findPart('chromium')

const login = async (page: Page, name: string): Promise<void> => {
  await page.fill('input[name=login]', name)
  await page.click('button[type=submit]')
}
const bodyOf = async (page: Page): Promise<string> => await page.innerText('body')

describe('in Chromium', skipWithout(found), () => {
  let stack: Stack
  let browser: Browser
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())

  it('starts', async () => {
    stack = stop.use(
      await startStack({
        routes: ({ upstream, url }) => [
          { from: url('app', ''), to: upstream.url, ...STAFF_ONLY },
          { from: url('ws', ''), to: upstream.url, ...STAFF_ONLY, allow_websockets: true },
        ],
      }),
    )
    browser = await startChromium({ executablePath: need(found), trustedCert: stack.certificate.cert })
    stop.defer(() => browser.close())
  })

  /** A context whose pages report what the browser refused, such as a script against the policy. */
  const visitor = async (): Promise<{ context: BrowserContext; page: Page; complaints: string[] }> => {
    const context = await freshContext(browser)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    return { context, page, complaints }
  }

  it('a first visit leads to the login and back to the page that was asked for', async () => {
    const { context, page } = await visitor()
    await page.goto(stack.url('app', '/deep/page?x=1'))
    assert.equal(new URL(page.url()).origin, stack.provider.issuer)
    await login(page, 'alice')
    await page.waitForURL(stack.url('app', '/deep/page?x=1'))
    assert.match(await bodyOf(page), /"url":\s*"\/deep\/page\?x=1"/)
    await context.close()
  })

  it('a sign-in brings its token to the program that waits on this computer', async () => {
    const env = {
      SALLYPORT_CACHE_DIR: join(stack.folder, 'client'),
      DISPLAY: undefined,
      WAYLAND_DISPLAY: undefined,
    }
    const args = [
      'auth',
      'login',
      stack.url('app', ''),
      '--alternate-ca-path',
      join(stack.folder, 'tls', 'ca.pem'),
    ]
    await using program = startProcess({ ...clientUnderTest(args), env })
    const [address = ''] = await program.waitForLine(/^https:\/\/\S+$/)
    const { context, page, complaints } = await visitor()
    await page.goto(address)
    await login(page, 'alice')
    await page.waitForURL(/^http:\/\/127\.0\.0\.1:\d+\/signed-in$/)
    assert.match(await bodyOf(page), /You may close this page/)
    assert.equal((await program.exited).code, 0)
    assert.deepEqual(complaints, [])
    await page.goBack().catch(() => undefined)
    assert.doesNotMatch(page.url(), /pomerium_jwt/, 'the history does not have the token')
    await context.close()
  })

  it('a denial helps: it says who one is, what is missing, and offers another account', async () => {
    const { context, page, complaints } = await visitor()
    await page.goto(stack.url('app'))
    await login(page, 'bob')
    await page.waitForURL(stack.url('app'))
    const text = await bodyOf(page)
    assert.match(text, /bob@example\.com/)
    assert.match(text, /group/i)
    assert.deepEqual(
      complaints.filter((complaint) => !complaint.includes('403')),
      [],
    )
    assert.ok(await page.locator('a:has-text("Use another account")').count())
    await context.close()
  })

  it('signing out ends it, and the back button shows no old page of ours', async () => {
    const { context, page, complaints } = await visitor()
    await page.goto(stack.url('app'))
    await login(page, 'alice')
    await page.waitForURL(stack.url('app'))
    await page.goto(stack.url('app', '/.pomerium/'))
    assert.match(await bodyOf(page), /alice@example\.com/)
    await page.locator('a[href*="sign_out"], form[action*="sign_out"] button').first().click()
    for (let step = 0; step < 3; step += 1) {
      const button = page.locator('form button, form input[type=submit]').first()
      if ((await button.count()) === 0) break
      await Promise.all([page.waitForLoadState('load'), button.click()])
    }
    await page.goto(stack.url('app'))
    assert.equal(new URL(page.url()).origin, stack.provider.issuer)
    assert.deepEqual(complaints, [])
    await context.close()
  })

  it('a WebSocket of a page works', async () => {
    const { context, page } = await visitor()
    await page.goto(stack.url('ws'))
    await login(page, 'alice')
    await page.waitForURL(stack.url('ws'))
    const address = stack.url('ws', '/ws').replace('https:', 'wss:')
    const reply = await page.evaluate(
      async (target) =>
        await new Promise((resolve, reject) => {
          const socket = new WebSocket(target)
          socket.addEventListener('open', () => socket.send('from the browser'))
          socket.addEventListener('message', ({ data }) => resolve(data))
          socket.addEventListener('error', () => reject(new Error('WebSocket failed')))
        }),
      address,
    )
    assert.equal(reply, 'echo:from the browser')
    await context.close()
  })

  it('two tabs that begin at once both end signed in', async () => {
    const { context, page: first } = await visitor()
    const second = await context.newPage()
    await Promise.all([first.goto(stack.url('app', '/one')), second.goto(stack.url('app', '/two'))])
    await login(first, 'alice')
    await first.waitForURL(stack.url('app', '/one'))
    await login(second, 'alice')
    await second.waitForURL(stack.url('app', '/two'))
    await context.close()
  })

  it('a script of a page gets 401 instead of a redirect into another origin', async () => {
    const { context, page } = await visitor()
    await page.goto(stack.url('app'))
    await login(page, 'alice')
    await page.waitForURL(stack.url('app'))
    await context.clearCookies()
    const status = await page.evaluate(
      async () => (await fetch('/api', { headers: { accept: 'application/json' } })).status,
    )
    assert.equal(status, 401)
    await context.close()
  })

  it('a pasted callback of someone else signs nobody in', async () => {
    const attacker = stack.agent()
    const form = await attacker.visit(stack.url('app'))
    const sent = await attacker.submit(
      form,
      { login: 'alice' },
      { stopAt: (next) => next.pathname === '/oauth2/callback' },
    )
    const callback = sent.headers['location'] ?? ''
    assert.match(callback, /code=/)
    const { context, page } = await visitor()
    await page.goto(callback)
    await page.goto(stack.url('app'))
    assert.equal(new URL(page.url()).origin, stack.provider.issuer)
    await context.close()
  })
})
