/**
 * Our own pages in a real Chromium: on a phone and on a desk, light and dark, without scripts, and without
 * anything that axe finds.
 *
 * With `SCREENSHOTS=DIR` each page is also written there as it looks.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { axeFindings } from '../harness/accessibility.ts'
import { startChromium } from '../harness/chromium.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { ANYONE_SIGNED_IN, STAFF_ONLY, type Stack, startStack } from '../harness/stack.ts'

const found = await findPart('chromium')

const SCREENS = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } } as const
const LONG = 'extraordinarily-long-name-without-any-blank-in-it-'.repeat(4)
const LOGO = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4.5" cy="4.5" r="4" fill="#e6522c"/></svg>')}`
const MARKUP = '<img src=x onerror=alert(1)>"\'`</main>'

const MANY_RULES = {
  policy: [
    {
      allow: {
        or: [{ groups: 'crew' }, { domain: 'corp.example.com' }, { email: 'ceo@example.com' }],
      },
    },
    { allow: { and: [{ groups: 'board' }, { source_ip: '203.0.113.0/24' }, { http_method: 'POST' }] } },
    ...Array.from({ length: 40 }, (_, index) => ({
      allow: { and: [{ [`claim/${MARKUP}/${index}`]: 'x' }] },
    })),
  ],
  show_error_details: true,
}

const signIn = async (page: Page, login: string): Promise<void> => {
  await page.fill('input[name=login]', login)
  await page.click('button[type=submit]')
}

const looks = async (page: Page, name: string): Promise<void> => {
  for (const [screen, size] of Object.entries(SCREENS))
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize(size)
      const { SCREENSHOTS: folder } = process.env
      if (folder !== undefined)
        await page.screenshot({
          path: join(folder, `${name}-${screen}-${colorScheme}.png`),
          fullPage: true,
        })
    }
  const browser = page.context().browser()
  assert.ok(browser !== null)
  // Colours differ by scheme and places by screen: each is seen once.
  for (const [screen, colorScheme] of [['phone', 'dark'] as const, ['desk', 'light'] as const])
    assert.deepEqual(
      await axeFindings(browser, page, { colorScheme, size: SCREENS[screen] }),
      [],
      `${name}, ${screen}, ${colorScheme}`,
    )
  await page.setViewportSize({ width: 320, height: 640 })
  const wide = await page.locator('html').boundingBox()
  assert.ok((wide?.width ?? 0) <= 320, `${name} is ${wide?.width} wide on a small phone`)
}

describe('our own pages', skipWithout(found), () => {
  let stack: Stack
  let browser: Browser
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())

  it('starts', async () => {
    const accounts = {
      alice: { email: 'alice@example.com', name: 'Alice Archer', groups: ['staff', 'everyone'] },
      bob: {
        email: `${'b'.repeat(60)}@example.com`,
        name: MARKUP,
        groups: [LONG, MARKUP, ...Array.from({ length: 300 }, (_, index) => `group-${index}`)],
      },
    }
    stack = stop.use(
      await startStack({
        provider: { accounts },
        routes: ({ upstream, url }) => [
          { from: url('app', ''), to: upstream.url, ...STAFF_ONLY },
          { from: url('wiki', ''), to: upstream.url, ...MANY_RULES },
          { from: url('other', ''), to: 'http://127.0.0.1:9', ...ANYONE_SIGNED_IN },
          ...Array.from({ length: 30 }, (_, index) => ({
            from: url(`app${index}`, ''),
            to: upstream.url,
            name: ['Grafana', 'Wiki of the house', LONG, MARKUP, 'كتاب'][index % 5] ?? '',
            description: index % 3 === 0 ? 'Charts of what the machines do' : '',
            ...(index % 4 < 2 && { portal_section: ['Monitoring', 'Writing'][index % 2] }),
            ...(index % 5 === 0 && { logo_url: LOGO }),
            ...ANYONE_SIGNED_IN,
          })),
        ],
      }),
    )
    browser = await startChromium({ executablePath: need(found), trustedCert: stack.certificate.cert })
    stop.defer(() => browser.close())
  })

  /** Without scripts, so that nothing depends on them. */
  const visitor = async (login?: string): Promise<Page> => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    context.setDefaultTimeout(20_000)
    const page = await context.newPage()
    if (login === undefined) return page
    await page.goto(stack.url('app', '/.pomerium/routes'))
    await signIn(page, login)
    await page.waitForURL(stack.url('app', '/.pomerium/routes'))
    return page
  }

  it('leads from a denial over another account back to the page, by one click', async () => {
    const page = await visitor('bob')
    await page.goto(stack.url('app', '/deep/page?x=1'))
    await looks(page, 'denial')
    await page.click('text=Use another account')
    // the provider asks whether it is to sign out as well
    await page.click('button[type=submit]')
    await signIn(page, 'alice')
    await page.waitForURL(stack.url('app', '/deep/page?x=1'))
    await page.context().close()
  })

  it('fit on a small phone, whatever stands in them', async () => {
    const page = await visitor('bob')
    await looks(page, 'portal')
    await page.fill('input[name=q]', 'grafana')
    await page.click('text=Search >> nth=-1')
    assert.equal(await page.locator('ul.apps li').count(), 6)
    assert.match(await page.innerText('main'), /6 of \d+ apps match/)
    await looks(page, 'search')
    await page.goto(stack.url('wiki'))
    assert.match(await page.innerText('main'), /You can’t open this page[^]*one of these[^]*Rules/)
    await looks(page, 'rules')
    assert.equal(await page.locator('img').count(), 0)
    await page.goto(stack.url('app', '/.pomerium/'))
    await looks(page, 'account')
    await page.goto(stack.url('authenticate', '/.pomerium/sign_out'))
    await looks(page, 'sign-out')
    await page.goto(stack.url('app', '/.pomerium/nothing'))
    await looks(page, 'nothing')
    await page.goto(stack.url('other'))
    assert.match(await page.innerText('main'), /does not answer[^]*Try again/)
    await looks(page, 'unreachable')
    await page.click('text=Your apps')
    assert.match(await page.innerText('main'), /Your apps/)
    await page.context().close()
    const stranger = await visitor()
    await stranger.goto(stack.url('app', '/.pomerium/'))
    await looks(stranger, 'stranger')
    await stranger.goto(stack.url('authenticate', '/.pomerium/signed_out'))
    await looks(stranger, 'signed-out')
    await stranger.context().close()
  })
})
