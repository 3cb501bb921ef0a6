/**
 * docs/apps/prometheus.md: queries by people in Chromium, and by a script with a token.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { freshContext, startChromium } from '../harness/chromium.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { startProcess } from '../harness/process.ts'
import { until } from '../harness/until.ts'
import { answering, ROOT, startExample } from './set-up.ts'

const prometheus = await findPart('prometheus')
const chromium = await findPart('chromium')

describe('Prometheus', 'missing' in prometheus ? skipWithout(prometheus) : skipWithout(chromium), () => {
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())

  it('answers PromQL to people in its own pages and to scripts, and to nobody else', async () => {
    const example = stop.use(
      await startExample('apps/prometheus', async ({ port, folder, url }) => {
        const file = join(ROOT, 'examples', 'apps', 'prometheus', 'prometheus.yml')
        const own = join(folder, 'prometheus.yml')
        const config = (await readFile(file, 'utf8')).replace('3000', String(port))
        await writeFile(own, config.replace('interval: 15s', 'interval: 100ms'))
        const app = startProcess({
          name: 'Prometheus',
          command: need(prometheus),
          args: [
            `--config.file=${own}`,
            `--storage.tsdb.path=${join(folder, 'data')}`,
            `--web.listen-address=127.0.0.1:${port}`,
            `--web.external-url=${url('prometheus')}`,
          ],
        })
        return await answering(app, `http://127.0.0.1:${port}/-/ready`)
      }),
    )
    const token = await example.serviceAccount('dashboards', '--groups', 'readers')
    const headers = { authorization: `Bearer Pomerium-${token}` }
    const query = example.url('prometheus', '/api/v1/query?query=up')
    interface Answer {
      readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] }
    }
    const answer = await until(
      async () => {
        const { status, text } = await example.agent().fetch(query, { headers })
        assert.equal(status, 200, text)
        return (JSON.parse(text) as Answer).data.result[0]
      },
      { what: 'the first scrape' },
    )
    assert.equal(answer.value[1], '1')
    assert.equal((await example.agent().fetch(example.url('prometheus', '/config'), { headers })).status, 403)
    assert.equal(
      (await example.agent().fetch(query, { headers: { accept: 'application/json' } })).status,
      401,
    )
    assert.equal((await example.signedIn('bob', query)).page.status, 403)

    const trustedCert = await example.certificateOf('prometheus')
    const browser = await startChromium({ executablePath: need(chromium), trustedCert })
    stop.defer(() => browser.close())
    const page = await (await freshContext(browser)).newPage()
    await page.goto(example.url('prometheus'))
    await page.fill('input[name=login]', 'alice')
    await page.click('button[type=submit]')
    await page.waitForURL(/\/graph/)
    await page.goto(example.url('prometheus', '/graph?g0.expr=up&g0.tab=1'))
    const row = page.locator('table tr', { hasText: 'up{' })
    await row.first().waitFor()
    assert.match(await row.first().innerText(), /up\{instance="127\.0\.0\.1:\d+", ?job="prometheus"\}\s+1/)
  })
})
