/**
 * docs/apps/jupyterlab.md: JupyterLab in Chromium behind the proxy: code runs in a kernel, over the WebSocket that JupyterLab opens.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { freshContext, startChromium } from '../harness/chromium.ts'
import { startJupyter } from '../harness/jupyter.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { startExample } from './set-up.ts'

const jupyter = await findPart('jupyter')
const chromium = await findPart('chromium')
const skip = 'missing' in jupyter ? skipWithout(jupyter) : skipWithout(chromium)

describe('JupyterLab', skip, () => {
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())

  it('runs code in a kernel behind the proxy', async () => {
    const example = stop.use(
      await startExample('apps/jupyterlab', async ({ port }) => await startJupyter(need(jupyter), port)),
    )
    const { page: refusal } = await example.signedIn('bob', example.url('lab', '/lab'))
    assert.equal(refusal.status, 403)
    const browser = await startChromium({
      executablePath: need(chromium),
      trustedCert: await example.certificateOf('lab'),
    })
    stop.defer(() => browser.close())
    const context = await freshContext(browser)
    context.setDefaultTimeout(40_000)
    const page = await context.newPage()
    await page.goto(example.url('lab', '/lab'))
    await page.fill('input[name=login]', 'alice')
    await page.click('button[type=submit]')
    await page.locator('.jp-LauncherCard[data-category="Console"]').first().click()
    await page.locator('.jp-CodeConsole-banner').waitFor()
    const prompt = page.locator('.jp-CodeConsole-promptCell .cm-content')
    const output = page.locator('.jp-CodeConsole .jp-OutputArea-output', { hasText: 'from the kernel' })
    // The console may put a new prompt in place of the one that is being typed into: then it is typed again.
    for (let tries = 0; tries < 5; tries++) {
      await prompt.click()
      await page.keyboard.type('print(6 * 7, "from the kernel")')
      await page.keyboard.press('Shift+Enter')
      const isThere = await output.waitFor({ timeout: 8_000 }).then(
        () => true,
        () => false,
      )
      if (isThere) break
    }
    assert.match(await output.innerText(), /42 from the kernel/)

    const sockets = await page.evaluate(() => performance.getEntriesByType('resource').length)
    assert.ok(sockets > 0)
  })
})
