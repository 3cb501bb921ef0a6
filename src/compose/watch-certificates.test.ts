import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createClientAuthority } from '../config/client-authority.fixture.ts'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/parse.ts'
import { createLogger } from '../telemetry/log.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { watchCertificates } from './watch-certificates.ts'

const DAY_MS = 86_400_000
const NOW = Date.UTC(2026, 5, 15, 12)
const HOUR_MS = 3_600_000

async function configWith(days: number): Promise<Config> {
  const authority = await createClientAuthority('Test')
  const { cert, key } = await authority.issue({
    names: [{ type: 'dns', value: 'app.example.com' }],
    notBefore: new Date(NOW - 90 * DAY_MS),
    notAfter: new Date(NOW + days * DAY_MS),
  })
  const routes = ['app', 'wiki'].map((name) => ({
    from: `https://${name}.example.com`,
    to: 'http://127.0.0.1:1',
  }))
  const parsed = parseConfig(JSON.stringify({ certificates: [{ cert, key }], routes }), {
    file: 'config.yaml',
  })
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems))
  return parsed.config
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('watchCertificates', () => {
  it('tells each warning once, again when it is another, and nothing more once it is renewed', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const lines: string[] = []
    const { logger } = createLogger({
      level: 'warn',
      destination: { write: (line: string) => void lines.push(line) },
    })
    const metrics = createMetrics()
    let now = NOW
    const listeners: ((config: Config) => void)[] = []
    const config = {
      current: await configWith(20),
      onGeneration(listener: (next: Config) => void) {
        listeners.push(listener)
        return { [Symbol.dispose]: () => undefined }
      },
    }
    using watched = watchCertificates({ config, logger, meter: metrics.meter, now: () => now })
    const reported = () =>
      lines.splice(0).map((line) => String(JSON.parse(line).msg ?? JSON.parse(line).message))
    await settled()
    assert.match(reported().join(), /^certificates: none covers wiki\.example\.com;/)

    now += 7 * DAY_MS
    t.mock.timers.tick(3 * HOUR_MS)
    assert.match(
      reported().join(),
      /^certificates\[0\]: (?:(?!certificates).)*expires in 13 days(?!.*expires)/,
      'once, not every hour',
    )
    assert.match(watched.problem() ?? '', /expires in 13 days[^]*\(and 1 more, see \/status\)/)

    now += 14 * DAY_MS
    t.mock.timers.tick(HOUR_MS)
    assert.match(reported().join(), /expired on 2026-07-05/)
    assert.match(JSON.stringify(watched.status()), /"state":"expired"[^]*"uncovered_hosts":\["wiki/)
    const scraped = await metrics.render()
    const end = Math.floor((NOW + 20 * DAY_MS) / 1000)
    assert.match(
      scraped,
      new RegExp(`sallyport_certificate_not_after_seconds\\{[^}]*name="app\\.example\\.com"[^}]*\\} ${end}`),
    )
    assert.match(scraped, /sallyport_certificate_uncovered_hosts\S* 1/)

    config.current = await configWith(120)
    for (const listener of listeners) listener(config.current)
    await settled()
    assert.deepEqual(reported(), [])
    assert.match(JSON.stringify(watched.status()), /"state":"good"/)
    await metrics[Symbol.asyncDispose]?.()
  })
})
