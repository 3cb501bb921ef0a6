/**
 * docs/apps/streamlit.md: an app in Chromium that lives on its WebSocket.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { answering, ROOT, startExample } from '../examples/set-up.ts'
import { freshContext, startChromium } from '../harness/chromium.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { startProcess } from '../harness/process.ts'

const streamlit = await findPart('streamlit')
const chromium = await findPart('chromium')

describe('Streamlit', 'missing' in streamlit ? skipWithout(streamlit) : skipWithout(chromium), () => {
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())

  it('knows who came, and answers clicks over its WebSocket', async () => {
    const example = stop.use(
      await startExample('apps/streamlit', async ({ port, folder }) => {
        const app = startProcess({
          name: 'Streamlit',
          command: need(streamlit),
          args: [
            '-m',
            'streamlit',
            'run',
            join(ROOT, 'examples', 'apps', 'streamlit', 'app.py'),
            '--server.address=127.0.0.1',
            `--server.port=${port}`,
            '--server.headless=true',
            '--browser.gatherUsageStats=false',
          ],
          env: { HOME: folder },
        })
        return await answering(app, `http://127.0.0.1:${port}/_stcore/health`)
      }),
    )
    const bob = await example.signedIn('bob', example.url('charts'))
    assert.equal(bob.page.status, 403)
    const forged = { 'x-pomerium-claim-email': 'alice@example.com' }
    assert.equal((await bob.agent.fetch(example.url('charts'), { headers: forged })).status, 403)

    const trustedCert = await example.certificateOf('charts')
    const browser = await startChromium({ executablePath: need(chromium), trustedCert })
    stop.defer(() => browser.close())
    const page = await (await freshContext(browser)).newPage()
    page.setDefaultTimeout(60_000)
    await page.goto(example.url('charts'))
    await page.fill('input[name=login]', 'alice')
    await page.click('button[type=submit]')
    await page.getByText('Hello, alice@example.com').waitFor()
    await page.getByRole('button', { name: 'Count' }).click()
    await page.getByText('5 points for alice@example.com').waitFor()
  })
})
