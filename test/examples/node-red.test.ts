/**
 * docs/apps/node-red.md: the editor in Chromium, which hears of messages over its WebSocket.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { freshContext, startChromium } from '../harness/chromium.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { startProcess } from '../harness/process.ts'
import { answering, ROOT, startExample } from './set-up.ts'

const nodeRed = await findPart('node-red')
const chromium = await findPart('chromium')

describe('Node-RED', 'missing' in nodeRed ? skipWithout(nodeRed) : skipWithout(chromium), () => {
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())

  it('shows staff the editor, tells flows who asks, and shows messages over its WebSocket', async () => {
    const example = stop.use(
      await startExample('apps/node-red', async ({ port, folder }) => {
        const own = join(ROOT, 'examples', 'apps', 'node-red')
        await copyFile(join(own, 'flows.json'), join(folder, 'flows.json'))
        const app = startProcess({
          name: 'Node-RED',
          command: process.execPath,
          args: [need(nodeRed), '--settings', join(own, 'settings.cjs'), '--userDir', folder],
          env: { PORT: String(port) },
        })
        return await answering(app, `http://127.0.0.1:${port}/settings`)
      }),
    )
    const hello = example.url('flows', '/api/hello')
    const bob = await example.signedIn('bob', hello)
    assert.equal(bob.page.text, 'Hello, bob@example.com\n')
    const forged = { 'x-pomerium-claim-email': 'alice@example.com' }
    assert.equal((await bob.agent.fetch(hello, { headers: forged })).text, 'Hello, bob@example.com\n')
    for (const path of ['/', '/flows', '/api/../flows'])
      assert.equal((await bob.agent.fetch(example.url('flows', path))).status, 403, path)

    const trustedCert = await example.certificateOf('flows')
    const browser = await startChromium({ executablePath: need(chromium), trustedCert })
    stop.defer(() => browser.close())
    const page = await (await freshContext(browser)).newPage()
    page.setDefaultTimeout(40_000)
    await page.goto(example.url('flows'))
    await page.fill('input[name=login]', 'alice')
    const socket = page.waitForEvent('websocket')
    await page.click('button[type=submit]')
    await page.locator('.red-ui-flow-node').first().waitFor()
    assert.match((await socket).url(), /^wss:.*\/comms$/)
    await (await socket).waitForEvent('framereceived')
    const shown = (await socket).waitForEvent('framereceived', {
      predicate: ({ payload }) => payload.toString().includes('alice@example.com'),
    })
    assert.equal(
      await page.evaluate(async () => await (await fetch('/api/hello')).text()),
      'Hello, alice@example.com\n',
    )
    await shown
  })
})
